//! Every durable entry of the ledger against what was foretold.

use super::Book;
use crate::finding::{Check, Finding, Verdict, must};
use crate::twin::Record;
use onhand_core::Entry;

impl Book {
    /// The position of the next durable entry to be compared.
    pub fn next_entry(&self) -> u64 {
        self.entries.len() as u64 + 1
    }

    /// The entry that was compared at a position, counted from 1.
    pub fn entry(&self, position: u64) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(position.checked_sub(1)?).ok()?)
    }

    /// The entry that was foretold at a position, counted from 1.
    pub(super) fn record(&self, position: u64) -> Option<&Record> {
        self.records
            .get(usize::try_from(position.checked_sub(1)?).ok()?)
    }

    /// A reader of the ledger sees the next entry: it must be durable, and the one that was foretold.
    ///
    /// # Errors
    /// It is another one.
    pub fn read_entry(&mut self, entry: Entry) -> Verdict {
        let position = self.next_entry();
        let Some(found) = self.interpreter.record(&entry) else {
            let what = format!("entry {position} names what there is not: {entry:?}");
            return Err(Finding::new(Check::Entry, what));
        };
        must(self.record(position) == Some(&found), Check::Entry, || {
            let foretold = self.record(position);
            format!("entry {position} is {found:?}; foretold: {foretold:?}")
        })?;
        if let Some(told) = self.told.remove(&position) {
            must(told == entry, Check::Answer, || {
                format!("entry {position} is {entry:?}; it was answered as {told:?}")
            })?;
        }
        self.show(position);
        self.entries.push(entry);
        Ok(())
    }
}
