//! # onhand-sim: the product against a model of itself
//!
//! What a partition should have answered, told by a model that is too slow and too plain to be wrong in the same way.
//! The simulator runs the production code on a simulated disk and clock, asks both, and compares.
//!
//! Floor 5. It imports the core, the wire, the engine and the log. It never shares code with what it checks: [`ask`]
//! and [`twin`] import nothing of Onhand, and [`translate`] is the one place where their words meet those of the core.
//! It never reads a clock, a random number or a thread's turn that is not the seed's; `clippy.toml` beside this crate
//! holds it to that.
//!
//! Where to look: [`ask`] is what can be asked, in plain numbers; [`twin`] is the model, one partition a value;
//! [`world`] is one run, and [`scenario`] what a seed makes of it; [`audit`] compares; [`campaign`] runs many seeds, and
//! [`planted`] looks whether they find what was planted.

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod ask;
pub mod audit;
pub mod campaign;
pub mod clock;
pub mod counts;
pub mod dice;
pub mod finding;
mod life;
mod panics;
pub mod planted;
pub mod scenario;
pub mod trace;
pub mod translate;
pub mod twin;
mod workload;
pub mod world;

pub use ask::{Ask, Line, Millis, Parcel, Pick, Rule, Rules, TransferName};
pub use twin::{Outcome, Record, Told, Twin};
