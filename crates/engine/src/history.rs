//! Reading the ledger: entries by place and time, the newest of one level, and a level as it was at a time.

use crate::table::ReadTable;
use onhand_core::{Bucket, Entry, Event, LevelNo, Opening, Policy, Seq, Timestamp};
use onhand_log::{LogReader, ReadError};
use onhand_planted::Defect;
use onhand_wire::{BatchReader, Malformed};
use std::collections::VecDeque;

#[cfg(test)]
mod tests;

/// A page ends when its entries have so many lines, whatever its limit: one entry may have 10,000.
const PAGE_LINES: usize = 50_000;
/// Entries are read backwards in strides of this many positions.
const STRIDE: u64 = 16_384;

/// Why the ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// What it holds could not be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The ledger does not reach back so far any more.
    #[error("the ledger begins at {}: what was before is trimmed", .0.millis())]
    Trimmed(Timestamp),
}

/// Which entries to give, oldest first.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only entries at or after this position.
    pub first: Seq,
    /// Only entries recorded at or after this time.
    pub from: Timestamp,
    /// Only entries recorded before this time.
    pub to: Timestamp,
    /// Give at most so many.
    pub limit: usize,
}

/// Entries that a filter lets through.
#[derive(Debug)]
pub struct Page {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// Where to go on, if there may be more.
    pub next: Option<Seq>,
}

/// The ledger of one partition.
pub struct Ledger<'a> {
    pub(crate) reader: &'a dyn LogReader,
    pub(crate) table: &'a ReadTable,
}

/// What a level had at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelThen {
    /// Units in each bucket, in the order of [`Bucket::ALL`]; `Outside` means nothing here.
    pub units: [i64; 6],
    /// The rules then.
    pub policy: Policy,
}

impl Ledger<'_> {
    /// The positions that can be read, the last excluded.
    pub fn positions(&self) -> std::ops::Range<u64> {
        self.reader.first()..self.reader.next()
    }

    /// The entry at a position; `None` if there is none yet.
    ///
    /// # Errors
    /// The position was trimmed, or the log cannot be read.
    pub fn entry(&self, seq: Seq) -> Result<Option<Entry>, HistoryError> {
        let Some(batch) = self.reader.batch_at(seq.0)? else {
            return Ok(None);
        };
        for entry in BatchReader::new(&batch.payload)? {
            let entry = entry?;
            if entry.stamp.seq == seq {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Entries for which `wanted` holds, within a filter.
    ///
    /// # Errors
    /// The filter goes on from a position that was trimmed, or the log cannot be read.
    pub fn page(
        &self,
        filter: &Filter,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Result<Page, HistoryError> {
        let since = self.reader.first_since(filter.from.millis())?;
        let (mut entries, mut lines) = (Vec::new(), 0);
        // Asked after the search: what was trimmed by then is not passed over in silence.
        let begins = self.reader.first();
        if filter.first != Seq::ZERO && filter.first.0 < begins {
            let oldest = self.recorded_at(begins)?;
            return Err(HistoryError::Trimmed(oldest.unwrap_or_default()));
        }
        let first = filter.first.0.max(since).max(begins);
        let done = self.visit(first, self.end(), &mut |entry| {
            if entry.stamp.at >= filter.to {
                return Some(None);
            }
            if entry.stamp.at >= filter.from && wanted(&entry) {
                if entries.len() == filter.limit || lines >= PAGE_LINES {
                    let missed = u64::from(Defect::PageSkipsAnEntry.is_on());
                    return Some(Some(Seq(entry.stamp.seq.0 + missed)));
                }
                lines += entry.event.lines();
                entries.push(entry);
            }
            None
        })?;
        let next = done.flatten();
        Ok(Page { entries, next })
    }

    /// The newest entries that changed a level or tell of it, newest first, at most `limit`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn newest(&self, level: LevelNo, limit: usize) -> Result<Vec<Entry>, HistoryError> {
        let (mut found, mut end) = (Vec::new(), self.end());
        let first = self.reader.first();
        if Defect::ExplainMissesTheNewest.is_on() {
            end = end.saturating_sub(1);
        }
        while end > first && found.len() < limit {
            let start = end.saturating_sub(STRIDE).max(first);
            let (mut stride, room) = (VecDeque::new(), limit - found.len());
            self.visit(start, end, &mut |entry| {
                if self.concerns(&entry, level) {
                    stride.push_back(entry);
                    if stride.len() > room {
                        stride.pop_front();
                    }
                }
                None::<()>
            })?;
            found.extend(stride.into_iter().rev());
            end = start;
        }
        Ok(found)
    }

    /// A level as it was after the last entry recorded at or before `at`; `None` if it was not open then.
    ///
    /// It starts from what readers see now and takes back what was recorded since.
    ///
    /// # Errors
    /// The ledger does not reach back to `at`, or cannot be read.
    pub fn level_at(&self, no: LevelNo, at: Timestamp) -> Result<Option<LevelThen>, HistoryError> {
        self.check_reach(at)?;
        let (location, sku) = self.table.names(no);
        let start = self
            .reader
            .first_since(at.millis())?
            .max(self.reader.first());
        let seen = self.table.level(no);
        let (mut since, mut policy, mut is_open) = ([0i64; 6], None, seen.seq != Seq::ZERO);
        self.visit(start, seen.seq.0 + 1, &mut |entry| {
            if entry.stamp.at > at {
                is_open &= !opens(&entry.openings, location, sku);
                add_movements(&entry.event, no, &mut since);
                policy = policy.or_else(|| policy_before(&entry.event, no));
            }
            None::<()>
        })?;
        // A trim since the first look may have taken away what had to be taken back.
        self.check_reach(at)?;
        let mut units = seen.units();
        units
            .iter_mut()
            .zip(since)
            .for_each(|(now, since)| *now -= since);
        Ok(is_open.then_some(LevelThen {
            units,
            policy: policy.unwrap_or(seen.policy()),
        }))
    }

    fn check_reach(&self, at: Timestamp) -> Result<(), HistoryError> {
        if Defect::PastNeverTold.is_on() {
            return Err(HistoryError::Trimmed(at));
        }
        if self.reader.first() <= 1 {
            return Ok(());
        }
        match self.recorded_at(self.reader.first())? {
            Some(oldest) if at < oldest => Err(HistoryError::Trimmed(oldest)),
            _ => Ok(()),
        }
    }

    fn recorded_at(&self, position: u64) -> Result<Option<Timestamp>, HistoryError> {
        let entry = self.entry(Seq(position))?;
        Ok(entry.map(|entry| entry.stamp.at))
    }

    /// Whether an entry changed, opened or ruled a level, or tells of it.
    pub fn concerns(&self, entry: &Entry, level: LevelNo) -> bool {
        let mut concerns = false;
        entry.event.levels(&mut |no| concerns |= no == level);
        concerns
    }

    /// Whether an entry changed a level at a location, or tells of the location.
    pub fn is_at(&self, entry: &Entry, location: &str) -> bool {
        let mut is_at = match &entry.event {
            Event::Pushed(pushed) => self.table.location_name(pushed.location) == location,
            _ => false,
        };
        entry
            .event
            .levels(&mut |no| is_at |= self.table.names(no).0 == location);
        is_at
    }

    /// Whether an entry changed a level of a SKU, or tells of it.
    pub fn is_of(&self, entry: &Entry, sku: &str) -> bool {
        let mut is_of = false;
        entry
            .event
            .levels(&mut |no| is_of |= self.table.names(no).1 == sku);
        is_of
    }

    /// Where reading ends: what is durable but not published yet has no names in the table, and is nobody's to see.
    fn end(&self) -> u64 {
        self.table.position().seq.next().0
    }

    /// Gives every entry of `start..end` to `each` until it says stop.
    fn visit<R>(
        &self,
        start: u64,
        end: u64,
        each: &mut dyn FnMut(Entry) -> Option<R>,
    ) -> Result<Option<R>, HistoryError> {
        for batch in self.reader.read_from(start) {
            let batch = batch?;
            if batch.first >= end {
                break;
            }
            for entry in BatchReader::new(&batch.payload)? {
                let entry = entry?;
                if !(start..end).contains(&entry.stamp.seq.0) {
                    continue;
                }
                if let Some(stop) = each(entry) {
                    return Ok(Some(stop));
                }
            }
        }
        Ok(None)
    }
}

fn opens(openings: &[Opening], location: &str, sku: &str) -> bool {
    let is_it = |one: &Opening| one.location.as_str() == location && one.sku.as_str() == sku;
    openings.iter().any(is_it)
}

fn add_movements(event: &Event, level: LevelNo, units: &mut [i64; 6]) {
    event.movements(&mut |movement| {
        if movement.level == level {
            units[movement.from as usize] -= i64::from(movement.units);
            units[movement.to as usize] += i64::from(movement.units);
        }
    });
}

fn policy_before(event: &Event, level: LevelNo) -> Option<Policy> {
    match event {
        Event::PolicySet(set) => set
            .lines
            .iter()
            .find(|line| line.level == level)
            .map(|line| line.before),
        _ => None,
    }
}

impl LevelThen {
    /// Units in a bucket.
    pub fn units_in(&self, bucket: Bucket) -> i64 {
        self.units[bucket as usize]
    }

    /// Units on hand.
    pub fn on_hand(&self) -> i64 {
        let on_hand = Bucket::ALL.into_iter().filter(|bucket| bucket.is_on_hand());
        on_hand.map(|bucket| self.units_in(bucket)).sum()
    }

    /// On hand − reserved − allocated − unavailable − safety stock.
    pub fn available(&self) -> i64 {
        self.units_in(Bucket::Free) - i64::from(self.policy.safety_stock)
    }
}
