//! Looking ahead: what many requests name is found at once, before any of them is decided.
//!
//! The problem: of the time that a reservation takes of the writer, half goes by waiting for memory. A million levels do
//! not fit into a processor's caches, and where a level lies is told only by what the look before it brought: the index,
//! then its names, then the level, and the same for the idempotency key. The rule: who has many requests to decide
//! first lets [`State::look_ahead`] find the names of all, each step for all before the next one, so that the processor
//! waits for many at once. Names and numbers never change nor go away, so what was found still holds when the request
//! is decided, whatever was decided in between. Stock does change: the level and the key are only brought near, and
//! read again.
//!
//! What was not found (it may be opened by a request in between) is looked for again when the request is decided, so
//! looking ahead changes no outcome, only its cost.

use crate::command::Command;
use crate::entry::Entry;
use crate::invariant::Violation;
use crate::keys::Key;
use crate::lines::Few;
use crate::name::Sku;
use crate::numbers::{LevelNo, LocationNo};
use crate::reservation::hold::Hold;
use crate::state::State;
use onhand_planted::Defect;
use std::hint::black_box;
use std::iter::repeat_n;

/// So many at once.
pub(crate) const NEAR: usize = 32;

/// What was found of the names in a request; nothing, if nobody looked.
#[derive(Clone, Debug, Default)]
pub struct Ahead(Option<(LocationNo, Few<LevelNo>)>);

impl Ahead {
    /// The location and the level of every line, if all of them were found.
    pub(crate) fn all(&self) -> Option<&(LocationNo, Few<LevelNo>)> {
        self.0.as_ref()
    }
}

impl State {
    /// What each of the requests names, in their order, as far as it is looked for: holds, of which most come.
    pub fn look_ahead<'a>(
        &self,
        asked: impl Iterator<Item = Option<(Option<Key>, &'a Command)>>,
    ) -> Vec<Ahead> {
        let asked: Vec<_> = asked.collect();
        let hold = |one: &Option<(Option<Key>, &'a Command)>| as_hold((*one)?.1);
        let holds = || asked.iter().filter_map(hold);
        let catalogue = self.directory.catalogue();

        let places = catalogue.locations(holds().map(|hold| hold.location.as_str()));
        let places: Vec<_> = places.collect();
        let skus = catalogue.skus(holds().flat_map(Hold::skus).map(Sku::as_str));
        let of_lines = holds()
            .zip(&places)
            .flat_map(|(hold, place)| repeat_n(*place, hold.lines.len()));
        let names: Vec<_> = of_lines.zip(skus).map(|(at, sku)| at.zip(sku)).collect();
        let levels = catalogue.levels(&names);
        let found = levels.iter().flatten();
        found.for_each(|level| self.directory.bring_near(*level));
        self.bring_keys_near(asked.iter().flatten().filter_map(|(key, _)| *key));

        let (mut places, mut levels) = (places.into_iter(), levels.into_iter());
        let mut found = |hold: &Hold| {
            let levels: Vec<_> = levels.by_ref().take(hold.lines.len()).collect();
            let place = places.next().flatten();
            place.zip(levels.into_iter().collect::<Option<Few<_>>>())
        };
        let each = asked
            .iter()
            .map(|one| Ahead(hold(one).and_then(&mut found)));
        let mut all: Vec<_> = each.collect();
        if Defect::FoundForItsNeighbour.is_on() {
            all.rotate_left(1);
        }
        all
    }

    /// Adds up entries, one after the other. What they name is found already; where it lies is brought near, for some
    /// of them at once.
    ///
    /// # Errors
    /// As of [`State::apply`], and that of the first.
    pub fn apply_all(&mut self, entries: &[Entry]) -> Result<(), Violation> {
        for some in entries.chunks(NEAR) {
            self.bring_keys_near(some.iter().filter_map(|entry| entry.key));
            for entry in some {
                let mut each = |level| self.directory.bring_near(level);
                entry.event.levels(&mut each);
            }
            some.iter().try_for_each(|entry| self.apply(entry))?;
        }
        Ok(())
    }

    /// Reads where keys lie, or would.
    fn bring_keys_near(&self, keys: impl Iterator<Item = Key>) {
        black_box(keys.filter(|key| self.keys.may_know(key)).count());
    }
}

fn as_hold(command: &Command) -> Option<&Hold> {
    match command {
        Command::Hold(hold) => Some(hold),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Lines;
    use crate::name::{LocationId, Sku};
    use crate::quantity::Quantity;
    use crate::reservation::hold::HoldLine;
    use crate::state::Decision;
    use crate::stock::receive::{Receive, ReceiveLine};
    use crate::time::{Span, Timestamp};

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000)
    }

    fn receive(location: &str, sku: &str) -> Command {
        let line = ReceiveLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(5).unwrap(),
            lot: None,
            expires_on: None,
        };
        Command::Receive(Receive {
            location: LocationId::new(location).unwrap(),
            lines: Lines::new(vec![line]).unwrap(),
            reference: None,
            occurred_at: None,
        })
    }

    fn hold(location: &str, skus: &[&str]) -> Command {
        let line = |sku: &&str| HoldLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(1).unwrap(),
        };
        Command::Hold(Hold {
            location: LocationId::new(location).unwrap(),
            lines: Lines::new(skus.iter().map(line).collect::<Vec<_>>()).unwrap(),
            ttl: Span::from_millis(1_000_000),
            allow_partial: false,
            reference: None,
        })
    }

    fn do_it(state: &mut State, decision: Decision) {
        if let Decision::Record(entry) = decision {
            state.apply(&entry).unwrap();
        }
    }

    /// Holds of one line and of several, of what is there, what is nowhere and what is opened in between; other
    /// commands and questions among them.
    #[test]
    fn what_was_found_ahead_changes_no_outcome() {
        let mut state = State::new(0);
        for (location, sku) in [("a", "x"), ("b", "x"), ("b", "y"), ("c", "z")] {
            let decision = state.decide(now(), None, &receive(location, sku));
            do_it(&mut state, decision);
        }
        let commands = [
            Some(hold("a", &["x"])),
            None,
            Some(hold("a", &["x", "y"])),
            Some(receive("a", "y")),
            Some(hold("b", &["y", "x", "y"])),
            Some(hold("a", &["y", "x"])),
            Some(hold("nowhere", &["x"])),
            Some(receive("d", "z")),
            None,
            Some(hold("c", &["z"])),
            Some(hold("d", &["z", "z", "z", "z", "z", "z"])),
            Some(hold("b", &["x", "x"])),
        ];
        let asked = commands.iter().map(|one| Some((None, one.as_ref()?)));
        let found = state.look_ahead(asked);
        assert_eq!(found.len(), commands.len());
        let was_found = found.iter().map(|one| one.all().is_some());
        let expected = [0, 4, 9, 11];
        assert!(
            was_found
                .enumerate()
                .all(|(at, is)| is == expected.contains(&at))
        );
        for (command, ahead) in commands.iter().zip(&found) {
            let Some(command) = command else { continue };
            let decision = state.decide_ahead(now(), None, command, ahead);
            assert_eq!(decision, state.decide(now(), None, command));
            do_it(&mut state, decision);
        }
    }
}
