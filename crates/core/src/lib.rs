//! # onhand-core: the rules
//!
//! Stock levels, reservations, transfers, and the two functions everything rests on: [`State::decide`] turns a command
//! into an entry or a refusal, [`State::apply`] adds up an entry.
//!
//! Floor 0. It imports nothing of Onhand and only small, pure crates. It never touches a file, a socket, a clock, a
//! random number, a float or a thread; `clippy.toml` beside this crate holds it to that.
//!
//! Where to look: one file per command in [`stock`], [`reservation`], [`transfer`] and [`facts`], each with its command, its
//! event, how it is decided, what it moves and what else it settles; [`state`] holds the dispatchers and nothing more.

#![deny(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::float_arithmetic
)]

mod admit;
mod ahead;
pub mod body;
pub mod catalogue;
pub mod command;
mod directory;
mod draft;
pub mod entry;
pub mod facts;
pub mod invariant;
mod journal;
mod keys;
pub mod level;
pub mod lines;
pub mod name;
pub mod numbers;
mod pages;
mod probe;
pub mod quantity;
pub mod refusal;
pub mod reservation;
pub mod settings;
mod sorted;
pub mod state;
pub mod stock;
pub mod time;
mod totals;
pub mod transfer;

pub use ahead::Ahead;
pub use body::{Body, Item, Thaw};
pub use catalogue::{Catalogue, Extent};
pub use command::Command;
pub use directory::Directory;
pub use draft::Opening;
pub use entry::{Entry, Event, Stamp};
pub use facts::value::{Millionths, Value};
pub use invariant::{Invariant, Violation};
pub use journal::Change;
pub use keys::{Key, Remembered};
pub use level::{Bucket, Level, Movement, OnNotFound, Policy};
pub use lines::{Few, Lines};
pub use name::{FactName, Label, LocationId, Sku};
pub use numbers::{LevelNo, LocationNo, ReservationNo, Seq, SkuNo, TransferNo};
pub use quantity::Quantity;
pub use refusal::{Refusal, Shortage};
pub use settings::Settings;
pub use state::{Decision, State};
pub use time::{Span, Timestamp};
pub use totals::Totals;
pub use transfer::TransferId;
