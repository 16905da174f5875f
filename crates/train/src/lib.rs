//! # onhand-train: from a ledger to a model, and to the truth about it
//!
//! The availability model answers: *will the shelf be empty in the hour that is asked about?* This crate asks that of
//! a ledger's past, at the end of every hour of a grid, in two passes over the entries.
//!
//! 1. [`outcome`]: what became of each question, as it was known later: the labels, and what there is at all.
//! 2. [`known`]: the features of each question, as they were known then.
//!
//! - [`grid`], [`cells`]: the questions; all of them or a sample by hash.
//! - [`split`]: which days and stores are trained on, stopped on, calibrated on, and held out.
//! - [`frame`]: the rows as columns. [`availability`]: the fit. [`card`]: what is to be said of the model.
//! - [`recalibrate`]: what a model's latest answers missed.
//! - [`evaluate`]: how good it is, for whom, and beside what. [`warning`]: what makes figures too good.
//!
//! Floor 4. It never imports the engine: whoever calls gives it entries ([`Source`]). It reads no clock, and draws by
//! hash alone: the same ledger and seed give the same model, to the byte.

pub mod availability;
pub mod card;
pub mod cells;
mod columns;
pub mod evaluate;
pub mod frame;
pub mod grid;
pub mod known;
pub mod outcome;
pub mod recalibrate;
pub mod split;
mod tellers;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod told;
pub mod warning;

use onhand_core::Entry;
use std::ops::ControlFlow;

/// A ledger that can be read from its first entry, as often as is asked.
pub trait Source {
    /// Why it cannot be read.
    type Error;

    /// Gives every entry in order, until it is enough. `what` says what for, to whoever waits.
    ///
    /// # Errors
    /// It cannot be read.
    fn each(
        &self,
        what: &'static str,
        each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>;
}
