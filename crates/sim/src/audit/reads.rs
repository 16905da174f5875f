//! Bounded reads: what the read table shows, for one reader after another.
//!
//! A reader may be behind, and says how far it is. What it sees of a shelf must be what the shelf was at the position
//! that it names; it must be as new as the position that the whole table names; nothing it sees may be lost later; and
//! what it has seen once it does not see older.

use super::Book;
use super::answers::is_seen;
use crate::ask::Millis;
use crate::finding::{Check, Verdict, must};
use crate::twin::Shelf;
use onhand_core::{Bucket, OnNotFound, Policy, Stamp};
use onhand_engine::Seen;
use onhand_engine::history::LevelThen;
use std::collections::BTreeMap;

/// What one reader remembers of one partition.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    position: u64,
    shelves: BTreeMap<(usize, usize), u64>,
}

impl Reader {
    /// What it has seen after a position was lost, and may be seen to become something else.
    pub fn forget(&mut self, position: u64) {
        self.position = self.position.min(position);
        self.shelves
            .values_mut()
            .for_each(|seen| *seen = (*seen).min(position));
    }
}

impl Book {
    /// A reader looks at the position of the table, then at a shelf.
    ///
    /// # Errors
    /// It sees what it may not.
    pub fn read_shelf(
        &mut self,
        reader: &mut Reader,
        table: Stamp,
        place: (usize, usize),
        seen: Option<Seen>,
    ) -> Verdict {
        let position = table.seq.0;
        must(position >= reader.position, Check::ReadGoesBack, || {
            format!("the table is at {position}, and was at {}", reader.position)
        })?;
        reader.position = position;
        self.shows_own_writes(table)?;
        self.show(position);
        match seen {
            Some(seen) => self.read_level(reader, position, place, &seen),
            None => self.read_nothing(position, place),
        }
    }

    /// Who got an answer sees in the table what it told of.
    ///
    /// # Errors
    /// The table is older.
    pub fn shows_own_writes(&self, table: Stamp) -> Verdict {
        let (position, answered) = (table.seq.0, self.answered);
        must(position >= answered, Check::BoundedRead, || {
            format!("the table is at {position}, and {answered} was answered")
        })
    }

    fn read_nothing(&self, position: u64, place: (usize, usize)) -> Verdict {
        let first = self.shelves.get(&place).and_then(|then| then.first());
        let is_later = first.is_none_or(|(opened, _)| *opened > position);
        must(is_later, Check::BoundedRead, || {
            format!("{place:?} is not there at {position}, and was opened at {first:?}")
        })
    }

    fn read_level(
        &mut self,
        reader: &mut Reader,
        table: u64,
        place: (usize, usize),
        seen: &Seen,
    ) -> Verdict {
        let position = seen.seq.0;
        let before = reader.shelves.insert(place, position).unwrap_or(0);
        must(position >= before, Check::ReadGoesBack, || {
            format!("{place:?} is seen at {position}, and was at {before}")
        })?;
        self.show(position);
        let newest = self.shelf_at(place, table).map_or(0, |(then, _)| then);
        must(position >= newest, Check::BoundedRead, || {
            format!(
                "{place:?} is seen at {position}, the table is at {table} and it changed at {newest}"
            )
        })?;
        let foretold = self.shelf_at(place, position).map(|(_, shelf)| shelf);
        let is_it = foretold.is_some_and(|shelf| is_seen(seen, shelf));
        must(is_it, Check::BoundedRead, || {
            format!("{place:?} is seen as {seen:?}; foretold: {foretold:?}")
        })
    }

    /// A reader asks what a shelf had at a time, while the table is at a position.
    ///
    /// # Errors
    /// It is told something else.
    pub fn read_then(
        &self,
        table: Stamp,
        place: (usize, usize),
        at: Millis,
        found: Option<LevelThen>,
    ) -> Verdict {
        let known = &self.records[..self.records.len().min(table.seq.0 as usize)];
        // The ledger's time never goes back.
        let position = known.partition_point(|record| record.at <= at) as u64;
        let foretold = self.shelf_at(place, position).map(|(_, shelf)| shelf);
        let is_it = match (&found, foretold) {
            (Some(then), Some(shelf)) => is_then(then, shelf),
            (None, None) => true,
            _ => false,
        };
        must(is_it, Check::PastRead, || {
            format!("{place:?} was {found:?} at {at}; foretold at {position}: {foretold:?}")
        })
    }

    /// Every place of which a shelf is known.
    pub(super) fn known_places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.shelves.keys().copied()
    }

    /// A shelf as it was after a position, and the entry that made it so.
    pub(super) fn shelf_at(&self, place: (usize, usize), position: u64) -> Option<(u64, &Shelf)> {
        let all = self.shelves.get(&place)?;
        let after = all.partition_point(|(then, _)| *then <= position);
        let (then, shelf) = all.get(after.checked_sub(1)?)?;
        Some((*then, shelf))
    }
}

/// Whether a level as it was has the numbers and rules of a shelf.
fn is_then(then: &LevelThen, shelf: &Shelf) -> bool {
    let units = [
        Bucket::Reserved,
        Bucket::Allocated,
        Bucket::Unavailable,
        Bucket::InTransit,
    ];
    let foretold = [
        shelf.reserved,
        shelf.allocated,
        shelf.unavailable,
        shelf.in_transit,
    ];
    let Policy {
        safety_stock,
        oversell_limit,
        on_not_found,
    } = then.policy;
    let rules = (
        i64::from(safety_stock),
        i64::from(oversell_limit),
        on_not_found == OnNotFound::Correct,
    );
    units.map(|bucket| then.units_in(bucket)) == foretold
        && rules == (shelf.safety, shelf.oversell, shelf.corrects)
        && (then.on_hand(), then.available()) == (shelf.on_hand, shelf.available())
}
