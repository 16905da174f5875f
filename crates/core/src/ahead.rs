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
use crate::keys::Key;
use crate::level::Level;
use crate::lines::Few;
use crate::numbers::{LevelNo, LocationNo};
use crate::reservation::hold::Hold;
use crate::state::State;
use std::hint::black_box;
use std::iter::repeat_n;

/// What was found of the names in a request; nothing, if nobody looked.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    place: Option<LocationNo>,
    /// Of every line, or of none.
    levels: Few<LevelNo>,
}

impl Ahead {
    /// Location and levels of a request with so many lines, if all of them were found.
    pub(crate) fn all(&self, lines: usize) -> Option<(LocationNo, &[LevelNo])> {
        let levels = &self.levels[..];
        self.place
            .filter(|_| levels.len() == lines)
            .map(|place| (place, levels))
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

        let places = catalogue.locations(holds().map(|hold| &hold.location));
        let places: Vec<_> = places.collect();
        let skus = catalogue.skus(holds().flat_map(Hold::skus));
        let of_lines = holds()
            .zip(&places)
            .flat_map(|(hold, place)| repeat_n(*place, hold.lines.len()));
        let names: Vec<_> = of_lines.zip(skus).map(|(at, sku)| at.zip(sku)).collect();
        let levels = catalogue.levels(&names);
        self.bring_near(&levels, asked.iter().flatten().filter_map(|(key, _)| *key));

        let (mut places, mut levels) = (places.into_iter(), levels.into_iter());
        let mut found = |hold: &Hold| Ahead {
            place: places.next().flatten(),
            levels: levels.by_ref().take(hold.lines.len()).flatten().collect(),
        };
        let each = asked.iter().map(|one| hold(one).map(&mut found));
        each.map(Option::unwrap_or_default).collect()
    }

    /// Reads where the levels lie, and where the keys would.
    fn bring_near(&self, levels: &[Option<LevelNo>], keys: impl Iterator<Item = Key>) {
        let levels = levels.iter().flatten();
        let levels = levels.filter_map(|no| self.directory.level(*no));
        black_box(levels.map(Level::free).sum::<i64>());
        black_box(keys.filter(|key| self.keys.may_know(key)).count());
    }
}

fn as_hold(command: &Command) -> Option<&Hold> {
    match command {
        Command::Hold(hold) => Some(hold),
        _ => None,
    }
}
