//! Listens to a data set without an engine: the entries that its commands become, decided and added up in memory.
//!
//! They are the entries that a replay into a folder would write, one by one; only nothing is written.

use super::feeder::{FeedError, Takes};
use onhand_core::{Command, Decision, Entry, State, Timestamp};
use std::ops::ControlFlow;

/// Turns commands into entries and hands them on.
pub(crate) struct Listener<'a> {
    state: State,
    each: &'a mut dyn FnMut(&Entry) -> ControlFlow<()>,
}

impl<'a> Listener<'a> {
    pub(crate) fn new(each: &'a mut dyn FnMut(&Entry) -> ControlFlow<()>) -> Self {
        Self {
            state: State::new(0),
            each,
        }
    }
}

impl Takes for Listener<'_> {
    fn give(&mut self, at: Timestamp, command: Command) -> Result<(), FeedError> {
        let not_recorded = |answer: String| FeedError::NotRecorded {
            at: at.millis(),
            answer,
        };
        let entry = match self.state.decide(at, None, &command) {
            Decision::Record(entry) => entry,
            other => return Err(not_recorded(format!("{other:?}"))),
        };
        if (self.each)(&entry).is_break() {
            return Err(FeedError::Enough);
        }
        let added = self.state.apply(&entry);
        added.map_err(|violation| not_recorded(violation.to_string()))
    }

    fn settle(&self) -> Result<(), FeedError> {
        Ok(())
    }
}
