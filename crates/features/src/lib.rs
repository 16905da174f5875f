//! # onhand-features: the feature store
//!
//! Features are folds over ledger entries, each defined once and computed alike in three places: online, following
//! the log; offline, replayed to any time; and at a request, with what the request brings.
//!
//! Floor 1. It imports the core and nothing else of Onhand. It never reads a clock and does not know where entries come
//! from: who follows a log and who replays one give it the same entries.
//!
//! - [`fact`]: what an entry tells. [`measure`]: what of it is added up. [`window`]: over which hours or days.
//! - [`filter`]: what today's sales and silences tell of a shelf that nobody looked at.
//! - [`formula`], [`feature`]: a feature's definition; [`catalog`]: those that Onhand comes with.
//! - [`store`]: the state of all features, entry by entry; [`row`]: their values at a moment for a [`subject`], read by a
//!   [`reader`].
//! - [`ahead`]: which rows to read before anybody asks, to make what others share.
//! - [`frame`]: many rows in one pass over the ledger; [`snapshot`]: the store as bytes.
//!
//! **Exact.** Sums are whole numbers and decays are fixed-point, each day's step always the same; floats come in when a
//! row is read, in a fixed order of exactly defined operations. So a row is the same bit by bit wherever it is made.
//!
//! **Bitemporal.** A fact has the time that it happened and the time that it was known. Windows are laid by the first;
//! the second is the order of the ledger: a row as of a time is made when exactly the entries up to it were taken.

mod calendar;
mod changes;
mod column;
mod decay;
mod fading;
mod fold;
mod leaf;
mod looks;
mod members;
mod memo;
mod packed;
mod plan;
mod pushed;
mod ring;
mod saved;
mod series;
mod versions;

pub mod ahead;
pub mod catalog;
pub mod choice;
pub mod entity;
pub mod fact;
pub mod feature;
pub mod filter;
pub mod footprint;
pub mod formula;
pub mod frame;
pub mod measure;
pub mod reader;
pub mod row;
pub mod snapshot;
pub mod store;
pub mod subject;
pub mod window;

pub use ahead::Ahead;
pub use choice::Choice;
pub use entity::Entity;
pub use fact::Fact;
pub use feature::{BadSet, Feature, FeatureSet, Kind};
pub use filter::Filter;
pub use footprint::Footprint;
pub use formula::Formula;
pub use frame::{Asked, FrameBuilder, FrameRow, Known, Question, Questions};
pub use measure::Measure;
pub use reader::{Reader, Witness};
pub use row::{FellBack, Standing};
pub use store::{Dropped, Limits, NotNext, Store};
pub use subject::Subject;
pub use window::{Anchor, Moment, Window};
