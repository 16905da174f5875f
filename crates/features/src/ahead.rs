//! What rows share, made before anybody asks.
//!
//! A mean over a thousand shelves is remembered for the hour, and whoever asks first makes it. So somebody may read a row
//! of each group ahead of them: a walk over all levels stops at those that are the first of a group. It begins again when
//! nothing of what it made holds any more: the hour is another, levels changed their groups, or the newest entry is of
//! another day ([`crate::versions`]). What is told meanwhile voids some means, and those are left to who asks.

use crate::calendar::{day_of, hour_of};
use crate::choice::Choice;
use crate::store::Store;
use crate::window::Moment;
use onhand_core::LevelNo;

/// Levels that are looked at in a step.
const LOOKED_AT: u32 = 4_096;
/// Levels that a step finds at most.
const FOUND: usize = 32;
/// A step ends with the group that makes them so many shelves.
const SHELVES: usize = 1_024;

/// How far a walk over the groups of a store has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ahead {
    /// What is made holds as long as this stays.
    holds: Option<Holds>,
    /// The level to be looked at next.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holds {
    hour: u32,
    /// Of the store with its groups.
    life: u64,
    /// Of the newest entry.
    day: u32,
}

impl Ahead {
    /// A step: levels whose rows of a choice are to be read at a moment, so that the means that it reads are remembered of
    /// all groups that they are the first of. Few, and perhaps none; `None` once the walk is at its end.
    pub fn step(&mut self, store: &Store, choice: &Choice, moment: Moment) -> Option<Vec<LevelNo>> {
        let holds = Some(Holds {
            hour: hour_of(moment.now),
            life: store.versions.life.number(),
            day: day_of(store.last().at),
        });
        if self.holds != holds {
            *self = Self { holds, next: 0 };
        }
        let end = store.kept.members.levels() as u32;
        if self.next >= end || choice.shared().is_empty() {
            return None;
        }
        let last = end.min(self.next.saturating_add(LOOKED_AT));
        let (mut found, mut shelves) = (Vec::new(), 0);
        while self.next < last && found.len() < FOUND && shelves < SHELVES {
            let level = LevelNo(self.next);
            let of_its_groups = store.shelves_behind(level, choice);
            if of_its_groups > 0 {
                found.push(level);
                shelves += of_its_groups;
            }
            self.next += 1;
        }
        Some(found)
    }
}

impl Store {
    /// How many levels there are in the groups that a level is the first of and a choice reads means over.
    fn shelves_behind(&self, level: LevelNo, choice: &Choice) -> usize {
        let members = &self.kept.members;
        let rows = members.rows(level);
        let groups = choice.shared().iter();
        groups
            .map(|kind| members.list(*kind, rows[*kind] as usize))
            .filter(|list| list.first() == Some(&level))
            .map(<[LevelNo]>::len)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::store::Limits;
    use crate::subject::Subject;
    use onhand_core::stock::receive::{Receive, ReceiveLine};
    use onhand_core::{Command, Decision, Few, Lines, LocationId, Quantity, Sku, State, Timestamp};
    use std::sync::Arc;

    fn at() -> Timestamp {
        Timestamp::from_millis(19_723 * 24 * 3_600_000)
    }

    /// A store of two SKUs at each of three locations.
    fn store() -> Store {
        let mut state = State::default();
        let mut store = Store::new(Arc::new(catalog::availability()), Limits::default());
        for (place, sku) in ["a", "b", "c"].iter().flat_map(|a| [(a, "x"), (a, "y")]) {
            let line = ReceiveLine {
                sku: Sku::new(sku).unwrap(),
                quantity: Quantity::new(1).unwrap(),
                lot: None,
                expires_on: None,
            };
            let receive = Receive {
                location: LocationId::new(place).unwrap(),
                lines: Lines::new(Few::from_vec(vec![line])).unwrap(),
                reference: None,
                occurred_at: None,
            };
            let Decision::Record(entry) = state.decide(at(), None, &Command::Receive(receive))
            else {
                panic!("not recorded");
            };
            state.apply(&entry).unwrap();
            store.apply(&entry).unwrap();
        }
        store
    }

    /// How many means are remembered once the rows of a choice of these levels were read.
    fn remembered(store: &Store, choice: &Choice, levels: &[LevelNo]) -> usize {
        let mut subject = Subject::default();
        store.find_levels(levels, &mut subject);
        let mut rows = vec![0.0; levels.len() * store.set().len()];
        store.read_some(&mut subject, choice, Moment::of(at()), &mut rows);
        subject.memo.means()
    }

    #[test]
    fn the_rows_of_a_walk_make_every_mean_that_others_read() {
        let store = store();
        let all: Vec<LevelNo> = (0..6).map(LevelNo).collect();
        for (features, walked, means) in [
            (&["on_hand"][..], vec![], 0),
            (&["sku_empty_ahead"], vec![0, 1], 2),
            (&["location_empty_ahead", "on_hand"], vec![0, 2, 4], 3),
            (
                &["sku_empty_ahead", "location_empty_ahead"],
                vec![0, 1, 2, 4],
                5,
            ),
        ] {
            let places = features
                .iter()
                .map(|name| store.set().position(name).unwrap());
            let choice = store.set().choice(places);
            let mut ahead = Ahead::default();
            let mut found = Vec::new();
            while let Some(some) = ahead.step(&store, &choice, Moment::of(at())) {
                found.extend(some);
            }
            assert_eq!(found, walked.into_iter().map(LevelNo).collect::<Vec<_>>());
            assert_eq!(remembered(&store, &choice, &found), means, "{features:?}");
            assert_eq!(remembered(&store, &choice, &all), means, "{features:?}");
        }
    }
}
