//! A log that is trimmed while somebody reads it.

use super::{Filter, HistoryError, Ledger};
use crate::machine::{Machine, Request};
use crate::requests::receive;
use crate::table::ReadTable;
use onhand_core::{LevelNo, Seq, State, Timestamp};
use onhand_log::{Batch, Log, LogReader, MemoryLog, ReadError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A log that still begins with its first entry at the first look, and then with its third.
struct Trimmed {
    log: Arc<dyn LogReader>,
    looks: AtomicU64,
}

const BEGINS: u64 = 3;

impl LogReader for Trimmed {
    fn batch_at(&self, position: u64) -> Result<Option<Batch>, ReadError> {
        let is_there = self.looks.load(Ordering::Relaxed) < 2 || position >= BEGINS;
        match is_there {
            true => self.log.batch_at(position),
            false => Err(ReadError::Trimmed {
                wanted: position,
                first: BEGINS,
            }),
        }
    }

    fn first(&self) -> u64 {
        match self.looks.fetch_add(1, Ordering::Relaxed) {
            0 => 1,
            _ => BEGINS,
        }
    }

    fn next(&self) -> u64 {
        self.log.next()
    }

    fn first_since(&self, at_millis: u64) -> Result<u64, ReadError> {
        Ok(self.log.first_since(at_millis)?.max(BEGINS))
    }

    fn bytes(&self) -> u64 {
        self.log.bytes()
    }
}

fn second(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

/// Five receipts of one apple, a second and a batch each, in a log that is trimmed after so many looks.
fn trimmed_after(looks: u64) -> (Trimmed, ReadTable) {
    let mut log = MemoryLog::new();
    let mut machine = Machine::new(State::new(0), log.tail(), 0, 1 << 20);
    for at in 1..=5 {
        let request = Request::Command {
            key: None,
            command: receive("s", "apple", 1),
            at: None,
        };
        machine.submit(second(at), request, ());
        log.append(&machine.close().append.unwrap()).unwrap();
    }
    let reader = Trimmed {
        log: log.reader(),
        looks: AtomicU64::new(1 - looks),
    };
    (reader, ReadTable::of(machine.state(), second(5)))
}

fn page_from(
    first: u64,
    reader: &dyn LogReader,
    table: &ReadTable,
) -> Result<Vec<u64>, HistoryError> {
    let filter = Filter {
        first: Seq(first),
        from: Timestamp::default(),
        to: Timestamp::MAX,
        limit: 9,
    };
    let page = Ledger { reader, table }.page(&filter, |_| true)?;
    Ok(page.entries.iter().map(|entry| entry.stamp.seq.0).collect())
}

#[test]
fn a_past_level_that_is_trimmed_meanwhile_is_not_told_wrongly() {
    let (reader, table) = trimmed_after(1);
    let ledger = Ledger {
        reader: &reader,
        table: &table,
    };
    let told = ledger.level_at(LevelNo(0), second(1));
    assert!(
        matches!(told, Err(HistoryError::Trimmed(oldest)) if oldest == second(BEGINS)),
        "{told:?}"
    );
    let there = ledger.level_at(LevelNo(0), second(3)).unwrap().unwrap();
    assert_eq!(there.on_hand(), 3);
}

#[test]
fn who_reads_on_from_a_position_is_told_that_it_is_trimmed() {
    let (reader, table) = trimmed_after(0);
    let told = page_from(2, &reader, &table);
    assert!(matches!(told, Err(HistoryError::Trimmed(_))), "{told:?}");
    assert_eq!(page_from(4, &reader, &table).unwrap(), [4, 5]);
    assert_eq!(page_from(0, &reader, &table).unwrap(), [3, 4, 5]);
}
