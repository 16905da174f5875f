//! What the ledger tells of the past, and how old a read says that it is.

use super::Book;
use crate::ask::Millis;
use crate::finding::{Check, Finding, Verdict, must};
use onhand_core::Entry;
use onhand_engine::history::{Filter, Page};
use std::ops::Range;

impl Book {
    /// A page of the entries about a shelf was read; those at `there` could be read.
    ///
    /// # Errors
    /// It is not what the filter lets through.
    pub fn read_page(
        &self,
        place: (usize, usize),
        there: Range<u64>,
        filter: &Filter,
        page: &Page,
    ) -> Verdict {
        let first = filter.first.0.max(there.start);
        let all = self.about(place, first..there.end)?;
        let times = filter.from..filter.to;
        let mut wanted = all
            .into_iter()
            .filter(|entry| times.contains(&entry.stamp.at));
        let foretold: Vec<&Entry> = wanted.by_ref().take(filter.limit).collect();
        let next = wanted.next().map(|entry| entry.stamp.seq);
        let is_it = page.entries.iter().eq(foretold.iter().copied()) && page.next == next;
        must(is_it, Check::PastRead, || {
            format!(
                "{filter:?} of {place:?} gives {page:?}; foretold: {foretold:?}, to go on at {next:?}"
            )
        })
    }

    /// The newest entries about a shelf were read, at most `limit`; those at `there` could be read.
    ///
    /// # Errors
    /// They are others.
    pub fn read_newest(
        &self,
        place: (usize, usize),
        there: Range<u64>,
        limit: usize,
        found: &[Entry],
    ) -> Verdict {
        let all = self.about(place, there)?;
        let foretold: Vec<&Entry> = all.into_iter().rev().take(limit).collect();
        let is_it = found.iter().eq(foretold.iter().copied());
        must(is_it, Check::PastRead, || {
            format!("{place:?} is explained by {found:?}; foretold: {foretold:?}")
        })
    }

    /// The entries about a shelf at some positions, as they were read when they became durable. The twin says of some
    /// that they changed it: these must be among them.
    fn about(&self, place: (usize, usize), positions: Range<u64>) -> Verdict<Vec<&Entry>> {
        let mut about = Vec::new();
        for position in positions {
            let Some(entry) = self.entry(position) else {
                continue;
            };
            let mut is_about = false;
            entry
                .event
                .levels(&mut |no| is_about |= self.interpreter.place(no) == Some(place));
            if is_about {
                about.push(entry);
            } else if self.changes(place, position) {
                let what = format!("entry {position} changes {place:?}, and does not speak of it");
                return Err(Finding::new(Check::Entry, what));
            }
        }
        Ok(about)
    }

    fn changes(&self, place: (usize, usize), position: u64) -> bool {
        let record = self.record(position);
        let mut changes = record.into_iter().flat_map(|record| &record.changes);
        changes.any(|change| (change.shop, change.item) == place)
    }

    /// When the entry at a position was recorded, by the ledger.
    pub fn recorded_at(&self, position: u64) -> Option<Millis> {
        self.record(position).map(|record| record.at)
    }

    /// A reader is told how old a table is that shows all up to a position: at least as old as the decision that it does
    /// not show yet.
    ///
    /// # Errors
    /// It is older.
    pub fn read_age(&self, now: Millis, shown: u64, age: Millis) -> Verdict {
        let waits = self.decided_at.get(shown as usize).map(|then| now - then);
        must(waits.is_none_or(|waits| age >= waits), Check::Age, || {
            let next = shown + 1;
            format!("a table is {age} ms old, and entry {next} was decided {waits:?} ms ago")
        })
    }
}
