//! Small ledgers for tests.

use crate::Source;
use onhand_core::{Command, Decision, Entry, State, Timestamp};
use std::ops::ControlFlow;

const HOUR: u64 = 3_600_000;
/// A midnight.
const START: u64 = 19_723 * 24 * HOUR;

/// A time, so many hours after a midnight.
pub(crate) fn hour(hours: u64) -> Timestamp {
    Timestamp::from_millis(START + hours * HOUR)
}

/// What was told.
pub(crate) struct Told(Vec<Entry>);

impl Source for Told {
    type Error = std::convert::Infallible;

    fn each(
        &self,
        _: &'static str,
        each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), Self::Error> {
        let _ = self.0.iter().try_for_each(each);
        Ok(())
    }
}

/// A ledger of commands, each at its hour.
pub(crate) fn ledger(mut commands: Vec<(u64, Command)>) -> Told {
    let mut state = State::default();
    commands.sort_by_key(|(at, _)| *at);
    let give = |(at, command): &(u64, Command)| {
        let Decision::Record(entry) = state.decide(hour(*at), None, command) else {
            panic!("not recorded: {command:?}");
        };
        state.apply(&entry).unwrap();
        *entry
    };
    Told(commands.iter().map(give).collect())
}
