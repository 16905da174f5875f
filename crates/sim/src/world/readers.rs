//! Readers: what is on a shelf now, what was there some time ago, why, and how old all that is.

use super::{READERS, World};
use crate::ask::Millis;
use crate::finding::{Check, Finding, Verdict, must};
use crate::translate::{location, moment, sku};
use onhand_core::{LevelNo, Seq};
use onhand_engine::Answer;
use onhand_engine::history::{Filter, HistoryError};
use onhand_log::ReadError;

type Place = (usize, usize);

/// What of the past was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// A time.
    Then(Millis),
    /// The entry at a position.
    Entry(u64),
    /// Entries from a position on, or from wherever the ledger begins if that is 0.
    From(u64),
    /// Whatever is still there.
    WhatThereIs,
}

impl World {
    /// A reader looks at a shelf.
    pub(super) fn reader(&mut self) -> Verdict {
        let which = self.any_partition();
        let partition = which as u16;
        let Some(place) = self.workload.place(&mut self.dice, partition) else {
            return Ok(());
        };
        let table = self.life.engine.table(partition);
        let position = table.position();
        let shop = table.location(&location(place.0));
        let seen = shop.and_then(|shop| table.find(shop, &sku(place.1)));
        if let Some((no, _)) = seen {
            self.read_the_past(which, place, no)?;
        }
        let what = seen.map(|(_, seen)| seen);
        self.trace.untold(format_args!("{position:?} {what:?}"));
        self.check_age(which)?;
        let reader = self.dice.below(READERS);
        let reader = self.readers[reader].entry(partition).or_default();
        self.counts.reads += 1;
        self.books[which].read_shelf(reader, position, place, what)
    }

    /// Now and then a reader asks the ledger.
    fn read_the_past(&mut self, which: usize, place: Place, no: LevelNo) -> Verdict {
        // What could not be read when it became durable is read first: answers are held to it.
        let position = self.life.engine.table(which as u16).position().seq.0;
        self.read_ledger(which)?;
        if self.books[which].next_entry() <= position {
            return Ok(());
        }
        match self.dice.below(12) {
            0 | 1 => self.read_then(which, place, no),
            2 => self.read_page(which, place, no),
            3 => self.read_newest(which, place, no),
            _ => Ok(()),
        }
    }

    /// What a shelf had some time ago.
    fn read_then(&mut self, which: usize, place: Place, no: LevelNo) -> Verdict {
        let at = self.now() - self.dice.one_of(&[0, 1, 1_000, 60_000]);
        let partition = which as u16;
        let position = self.life.engine.table(partition).position();
        let failed = self.failed_reads();
        match self.life.engine.ledger(partition).level_at(no, moment(at)) {
            Ok(found) => {
                self.counts.past_reads += 1;
                self.trace.untold(format_args!("{found:?}"));
                self.books[which].read_then(position, place, at, found)
            }
            Err(error) => self.must_be_excused(which, failed, Asked::Then(at), &error),
        }
    }

    /// The entries about a shelf, page by page.
    fn read_page(&mut self, which: usize, place: Place, no: LevelNo) -> Verdict {
        let end = self.life.engine.table(which as u16).position().seq.0 + 1;
        let from = self.now() - self.dice.one_of(&[0, 1_000, 60_000, 3_600_000]);
        let to = from + self.dice.one_of(&[1, 1_000, 3_600_000]);
        let filter = Filter {
            first: Seq(self.dice.below(end as usize + 1) as u64),
            from: moment(from),
            to: moment(to),
            limit: self.dice.one_of(&[1, 3, 50]),
        };
        let failed = self.failed_reads();
        let ledger = self.life.engine.ledger(which as u16);
        let there = ledger.positions().start..end;
        match ledger.page(&filter, |entry| ledger.concerns(entry, no)) {
            Ok(page) => {
                self.counts.past_reads += 1;
                self.trace.untold(format_args!("{page:?}"));
                self.books[which].read_page(place, there, &filter, &page)
            }
            Err(error) => self.must_be_excused(which, failed, Asked::From(filter.first.0), &error),
        }
    }

    /// Why a shelf has what it has.
    fn read_newest(&mut self, which: usize, place: Place, no: LevelNo) -> Verdict {
        let end = self.life.engine.table(which as u16).position().seq.0 + 1;
        let limit = self.dice.one_of(&[1, 3, 50]);
        let failed = self.failed_reads();
        let ledger = self.life.engine.ledger(which as u16);
        let there = ledger.positions().start..end;
        match ledger.newest(no, limit) {
            Ok(found) => {
                self.counts.past_reads += 1;
                self.trace.untold(format_args!("{found:?}"));
                self.books[which].read_newest(place, there, limit, &found)
            }
            Err(error) => self.must_be_excused(which, failed, Asked::WhatThereIs, &error),
        }
    }

    /// Reads of the disk that failed until now.
    pub(super) fn failed_reads(&self) -> u64 {
        self.disk.happened().failed_reads
    }

    /// A question about the past is not answered: what was asked for was trimmed, a read of the disk failed since `failed`
    /// had, or the machine has stopped.
    pub(super) fn must_be_excused(
        &self,
        which: usize,
        failed: u64,
        asked: Asked,
        error: &HistoryError,
    ) -> Verdict {
        let first = self.life.engine.ledger(which as u16).positions().start;
        let begins = self.books[which].recorded_at(first);
        let is_excused = match (error, asked) {
            (HistoryError::Trimmed(_), Asked::Then(at)) => {
                first > 1 && begins.is_none_or(|begins| at < begins)
            }
            (HistoryError::Trimmed(_), Asked::From(position)) => position > 0 && position < first,
            (HistoryError::Log(ReadError::Trimmed { .. }), Asked::Entry(position)) => {
                position < first
            }
            (HistoryError::Log(ReadError::Io { .. }), _) => {
                self.disk.has_crashed() || self.failed_reads() > failed
            }
            _ => false,
        };
        must(is_excused, Check::PastRead, || {
            format!(
                "the past of partition {which} is not told ({error}), which begins at {first}: {asked:?}"
            )
        })
    }

    /// A repeated answer is the entry that it names, read at once, as a server does. It is there as long as its key is.
    pub(super) fn read_repeated(&self, which: usize, answer: &Answer) -> Verdict {
        let Answer::Repeated(seq) = answer else {
            return Ok(());
        };
        let failed = self.failed_reads();
        match self.life.engine.entry(which as u16, *seq) {
            Ok(Some(entry)) => self.books[which].read_again(seq.0, &entry),
            Ok(None) => {
                let what = format!("an answer repeats entry {seq}, and there is none");
                Err(Finding::new(Check::Answer, what))
            }
            // It is never trimmed.
            Err(error) => self.must_be_excused(which, failed, Asked::WhatThereIs, &error),
        }
    }

    /// A log was trimmed up to a position: the last entry that is gone was kept for its time, which is no less than that
    /// of the idempotency keys, since their answers are read from the ledger.
    pub(super) fn check_trimmed(&self, which: usize, first: u64) -> Verdict {
        let book = &self.books[which];
        // A trim goes by the settings in force when it was asked for; a key that is kept for longer is read back.
        let rules = [book.twin().rules(), &self.rules_before];
        let keys = rules.map(|rules| rules.key_retention);
        let keys = keys[0].min(keys[1]);
        let keep = self.scenario.keep_ledger.map(|keep| keep.max(keys));
        let (gone, now) = (book.recorded_at(first - 1), book.twin().now());
        let is_old = keep.is_some_and(|keep| gone.is_some_and(|gone| gone + keep < now));
        must(is_old, Check::Trim, || {
            let gone = first - 1;
            format!("entry {gone} of partition {which} is trimmed at {now}; to be kept: {keep:?}")
        })
    }

    /// A table is as old as it says, as long as the clock goes forward.
    fn check_age(&self, which: usize) -> Verdict {
        if self.weather.clock_went_back {
            return Ok(());
        }
        let engine = &self.life.engine;
        let age = engine.age(which as u16).millis() as Millis;
        let shown = engine.table(which as u16).position().seq.0;
        self.books[which].read_age(self.now(), shown, age)
    }

    /// A table that shows all there is says so.
    pub(super) fn all_tables_are_fresh(&self) -> Verdict {
        let mut partitions = 0..self.books.len() as u16;
        let old = partitions.find(|one| self.life.engine.age(*one).millis() > 0);
        must(old.is_none(), Check::Age, || {
            format!("nothing is under way, and the table of partition {old:?} says that it is old")
        })
    }
}
