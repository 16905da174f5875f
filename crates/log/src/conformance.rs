//! What every log does, whatever keeps it: one suite that each provider passes.
//!
//! Nothing here knows of files: a provider may keep its log in memory, on a disk, or in a replicated stream. Name the
//! provider once and each case becomes a test:
//!
//! ```ignore
//! onhand_log::conformance_tests!(in_memory, MyProvider::new());
//! ```

use crate::batch::{Batch, Checksum, Tail};
use crate::log::{AppendError, Log, LogReader, ReadError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Makes logs to be tested.
pub trait Provider {
    /// What it makes.
    type Log: Log;

    /// A new, empty log.
    fn fresh(&self) -> Self::Log;

    /// Lets go of a log and opens it again, as after an orderly stop.
    fn reopen(&self, log: Self::Log) -> Self::Log;

    /// Another leader's end of the same log; `None` where two cannot have it open.
    fn rival(&self, log: &Self::Log) -> Option<Self::Log> {
        let _ = log;
        None
    }
}

/// Makes a module of tests, one for each case, for a provider.
#[macro_export]
macro_rules! conformance_tests {
    ($name:ident, $provider:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::conformance_tests!(@cases $provider,
                an_empty_log, what_is_appended_is_read, what_is_written_is_read,
                reopening_keeps_everything,
                a_batch_that_does_not_follow_is_fenced, a_rival_fences_the_overtaken,
                what_is_not_a_batch_is_refused, a_large_batch_and_all_bytes_come_back,
                trimming_keeps_what_is_asked_for, trimming_survives_reopening,
                times_are_found, readers_see_every_batch_once_and_in_order,
                readers_survive_trimming, an_old_reader_sees_what_comes_later);
        }
    };
    (@cases $provider:expr, $($case:ident),*) => {
        $(#[test] fn $case() { $crate::conformance::$case(&$provider); })*
    };
}

/// The batch that follows a tail: `records` records, times that grow with positions, and bytes that only depend on
/// where it is, so that what comes back can be recognized.
pub fn batch_after(tail: Tail, records: u32, bytes: usize) -> Batch {
    let mut state = tail.next.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let payload = (0..bytes).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    Batch {
        first: tail.next,
        records,
        epoch: 1,
        at_millis: 1_000 + tail.next * 10,
        before: tail.checksum,
        payload: payload.collect(),
    }
}

/// Appends `count` batches of one to three records and 10 to 310 bytes, and gives them.
pub fn fill(log: &mut impl Log, count: u64) -> Vec<Batch> {
    (0..count)
        .map(|n| {
            let (records, bytes) = (1 + (n % 3) as u32, 10 + (n % 7) as usize * 50);
            append(log, batch_after(log.tail(), records, bytes))
        })
        .collect()
}

fn append(log: &mut impl Log, batch: Batch) -> Batch {
    let tail = log.append(&batch).expect("the batch follows the tail");
    assert_eq!(tail, batch.tail(), "append gives the tail after the batch");
    assert_eq!(log.tail(), tail, "and the log ends there");
    batch
}

/// Everything from a position on.
pub fn read_all(log: &impl Log, from: u64) -> Vec<Batch> {
    let reader = log.reader();
    let batches: Result<Vec<_>, _> = reader.read_from(from).collect();
    batches.expect("all that was appended can be read")
}

fn assert_holds(log: &impl Log, batches: &[Batch]) {
    let reader = log.reader();
    let first = batches.first().map_or(log.tail().next, |batch| batch.first);
    assert_eq!(read_all(log, first), batches);
    assert_eq!((reader.first(), reader.next()), (first, log.tail().next));
    for batch in batches {
        for position in batch.first..batch.next() {
            assert_eq!(at(reader.as_ref(), position).as_ref(), Some(batch));
        }
    }
    assert_eq!(at(reader.as_ref(), log.tail().next), None);
    assert_eq!(at(reader.as_ref(), u64::MAX), None);
}

fn at(reader: &dyn LogReader, position: u64) -> Option<Batch> {
    reader
        .batch_at(position)
        .expect("nothing was trimmed or damaged")
}

/// A log begins with position 1 and holds nothing.
pub fn an_empty_log(provider: &impl Provider) {
    let log = provider.fresh();
    assert_eq!(log.tail(), Tail::EMPTY);
    assert_holds(&log, &[]);
    assert_eq!(log.reader().first_since(0).expect("nothing to fail"), 1);
    let log = provider.reopen(log);
    assert_eq!(log.tail(), Tail::EMPTY);
}

/// Batches come back as they were, by any position in them and in order, and chain.
pub fn what_is_appended_is_read(provider: &impl Provider) {
    let mut log = provider.fresh();
    let batches = fill(&mut log, 100);
    assert_holds(&log, &batches);
    let mut tail = Tail::EMPTY;
    for batch in &batches {
        assert!(batch.follows(&tail));
        tail = batch.tail();
    }
    let middle = &batches[50..];
    assert_eq!(read_all(&log, middle[0].next() - 1), middle);
}

/// A batch that was only written is read, survives a reopening and is followed by others, as one that was appended; a
/// sync makes all of them durable, and so does an append.
pub fn what_is_written_is_read(provider: &impl Provider) {
    let mut log = provider.fresh();
    let mut batches = fill(&mut log, 3);
    assert_eq!(log.durable(), log.tail().next);
    for round in 0..6 {
        for bytes in [10, 700, 3_000] {
            let batch = batch_after(log.tail(), 2, bytes);
            let durable = log.durable();
            let tail = log.write(&batch).expect("the batch follows the tail");
            assert_eq!((tail, log.tail()), (batch.tail(), batch.tail()));
            assert!(log.durable() >= durable && log.durable() <= tail.next);
            batches.push(batch);
        }
        assert_holds(&log, &batches);
        match round % 3 {
            0 => log.sync().expect("nothing to fail"),
            1 => batches.extend(fill(&mut log, 1)),
            _ => log = provider.reopen(log),
        }
        assert_eq!(log.durable(), log.tail().next);
        assert_holds(&log, &batches);
    }
    let gap = Tail {
        next: log.tail().next + 1,
        ..log.tail()
    };
    let refused = log.write(&batch_after(gap, 1, 20));
    assert!(matches!(refused, Err(AppendError::Fenced(_))));
    assert_holds(&log, &batches);
}

/// What was appended is there after the log was closed and opened, and goes on from there.
pub fn reopening_keeps_everything(provider: &impl Provider) {
    let mut log = provider.fresh();
    let mut batches = Vec::new();
    for _ in 0..5 {
        batches.extend(fill(&mut log, 17));
        let tail = log.tail();
        log = provider.reopen(log);
        assert_eq!(log.tail(), tail);
        assert_holds(&log, &batches);
    }
}

/// An append that expects another tail changes nothing and is told the true one.
pub fn a_batch_that_does_not_follow_is_fenced(provider: &impl Provider) {
    let mut log = provider.fresh();
    let batches = fill(&mut log, 5);
    let tail = log.tail();
    let other_checksum = Tail {
        checksum: Checksum(tail.checksum.0 ^ 1),
        ..tail
    };
    let gap = Tail {
        next: tail.next + 1,
        ..tail
    };
    for wrong in [batches[3].tail(), Tail::EMPTY, other_checksum, gap] {
        match log.append(&batch_after(wrong, 1, 20)) {
            Err(AppendError::Fenced(told)) => assert_eq!(told, tail),
            other => panic!("expected to be fenced off, got {other:?}"),
        }
    }
    assert_holds(&log, &batches);
    fill(&mut log, 1);
}

/// A leader that was overtaken learns it from its next append and appends nothing.
pub fn a_rival_fences_the_overtaken(provider: &impl Provider) {
    let mut log = provider.fresh();
    let mut batches = fill(&mut log, 3);
    let overtaken = batch_after(log.tail(), 1, 30);
    let Some(mut rival) = provider.rival(&log) else {
        return;
    };
    batches.extend(fill(&mut rival, 1));
    match log.append(&overtaken) {
        Err(AppendError::Fenced(told)) => assert_eq!(told, rival.tail()),
        other => panic!("expected to be fenced off, got {other:?}"),
    }
    assert_holds(&rival, &batches);
}

/// A batch that breaks the contract is refused and changes nothing.
pub fn what_is_not_a_batch_is_refused(provider: &impl Provider) {
    let mut log = provider.fresh();
    let batches = fill(&mut log, 3);
    let good = batch_after(log.tail(), 1, 20);
    let no_records = Batch {
        records: 0,
        ..good.clone()
    };
    let no_bytes = Batch {
        payload: Vec::new(),
        ..good.clone()
    };
    let too_many_bytes = Batch {
        payload: vec![7; Batch::MOST_BYTES + 1],
        ..good.clone()
    };
    let back_in_time = Batch {
        at_millis: batches[2].at_millis - 1,
        ..good.clone()
    };
    for bad in [no_records, no_bytes, too_many_bytes, back_in_time] {
        let refused = log.append(&bad);
        assert!(
            matches!(refused, Err(AppendError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_holds(&log, &batches);
    append(&mut log, good);
}

/// Large batches, batches of zeros and of one repeated byte come back, also after reopening.
pub fn a_large_batch_and_all_bytes_come_back(provider: &impl Provider) {
    let mut log = provider.fresh();
    let mut batches = Vec::new();
    for bytes in [1, 447, 448, 449, 4_096, 70_000, 1_500_000] {
        let varied = batch_after(log.tail(), 2, bytes);
        batches.push(append(&mut log, varied));
        for fill in [0, 1, 255] {
            let payload = vec![fill; bytes];
            let batch = Batch {
                payload,
                ..batch_after(log.tail(), 1, 1)
            };
            batches.push(append(&mut log, batch));
        }
    }
    assert_holds(&log, &batches);
    assert_holds(&provider.reopen(log), &batches);
}

/// Trimming takes nothing at or after the position, and what it took is told from what never was.
pub fn trimming_keeps_what_is_asked_for(provider: &impl Provider) {
    let mut log = provider.fresh();
    let batches = fill(&mut log, 200);
    for before in [
        1,
        batches[20].first,
        batches[150].next() - 1,
        log.tail().next,
    ] {
        log.trim(before).expect("trimming works");
        assert!(log.reader().first() <= before);
        assert_suffix(&log, &batches);
    }
    log.trim(u64::MAX).expect("all there is may be asked for");
    assert_suffix(&log, &batches);
    let more = fill(&mut log, 10);
    assert_suffix(&log, &[batches, more].concat());
}

fn assert_suffix(log: &impl Log, batches: &[Batch]) {
    let reader = log.reader();
    let first = reader.first();
    let kept: Vec<_> = batches
        .iter()
        .filter(|batch| batch.first >= first)
        .cloned()
        .collect();
    assert_holds(log, &kept);
    for position in 1..first {
        match reader.batch_at(position) {
            Err(ReadError::Trimmed {
                wanted,
                first: told,
            }) => assert_eq!((wanted, told), (position, first)),
            other => panic!("position {position} is trimmed, got {other:?}"),
        }
    }
}

/// What was trimmed stays away and the rest stays.
pub fn trimming_survives_reopening(provider: &impl Provider) {
    let mut log = provider.fresh();
    let mut batches = fill(&mut log, 100);
    log.trim(batches[60].first).expect("trimming works");
    let first = log.reader().first();
    let mut log = provider.reopen(log);
    assert_eq!(log.reader().first(), first);
    assert_suffix(&log, &batches);
    batches.extend(fill(&mut log, 100));
    log.trim(log.tail().next).expect("trimming works");
    let log = provider.reopen(log);
    assert_suffix(&log, &batches);
}

/// The first batch at or after any time is found, before and after trimming and reopening.
pub fn times_are_found(provider: &impl Provider) {
    let mut log = provider.fresh();
    let mut batches = fill(&mut log, 60);
    let same_time = batches[59].at_millis;
    for _ in 0..3 {
        let batch = Batch {
            at_millis: same_time,
            ..batch_after(log.tail(), 1, 300)
        };
        batches.push(append(&mut log, batch));
    }
    assert_times(&log, &batches);
    log.trim(batches[30].first).expect("trimming works");
    batches.retain(|batch| batch.first >= log.reader().first());
    assert_times(&log, &batches);
    assert_times(&provider.reopen(log), &batches);
}

fn assert_times(log: &impl Log, batches: &[Batch]) {
    let reader = log.reader();
    let times = batches.iter().map(|batch| batch.at_millis);
    let asked = times
        .flat_map(|at| [at - 1, at, at + 1])
        .chain([0, u64::MAX]);
    for at_millis in asked {
        let expected = batches
            .iter()
            .find(|batch| batch.at_millis >= at_millis)
            .map_or(log.tail().next, |batch| batch.first);
        let found = reader.first_since(at_millis);
        assert_eq!(found.expect("nothing to fail"), expected, "at {at_millis}");
    }
}

/// Readers in other threads, each with its own reader or a shared one, see what the appender appends and nothing else.
pub fn readers_see_every_batch_once_and_in_order(provider: &impl Provider) {
    let mut log = provider.fresh();
    let shared = log.reader();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in [shared.clone(), shared, log.reader(), log.reader()] {
            scope.spawn(|| follow(reader, &done));
        }
        fill(&mut log, 500);
        done.store(true, Ordering::Release);
    });
}

fn follow(reader: Arc<dyn LogReader>, done: &AtomicBool) {
    let mut tail = Tail::EMPTY;
    loop {
        let is_done = done.load(Ordering::Acquire);
        for batch in reader.read_from(tail.next) {
            let batch = batch.expect("what is durable can be read");
            assert!(batch.follows(&tail), "in order and without a gap");
            assert_eq!(batch.payload, expected_payload(&batch, tail));
            tail = batch.tail();
        }
        if is_done {
            assert_eq!(tail.next, reader.next(), "nothing is left out");
            return;
        }
    }
}

fn expected_payload(batch: &Batch, tail: Tail) -> Vec<u8> {
    batch_after(tail, batch.records, batch.payload.len()).payload
}

/// A reader whose place is trimmed away under it is told so, and never anything else.
pub fn readers_survive_trimming(provider: &impl Provider) {
    let mut log = provider.fresh();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in [log.reader(), log.reader()] {
            scope.spawn(|| read_while_trimmed(reader, &done));
        }
        for _ in 0..50 {
            let batches = fill(&mut log, 20);
            log.trim(batches[5].first).expect("trimming works");
        }
        done.store(true, Ordering::Release);
    });
}

fn read_while_trimmed(reader: Arc<dyn LogReader>, done: &AtomicBool) {
    while !done.load(Ordering::Acquire) {
        let first = reader.first();
        for position in [first, first + (reader.next() - first) / 2] {
            match reader.batch_at(position) {
                Ok(Some(batch)) => {
                    assert!((batch.first..batch.next()).contains(&position));
                }
                Ok(None) => assert!(position >= first, "only the end gives nothing"),
                Err(ReadError::Trimmed { wanted, first }) => {
                    assert!(wanted == position && wanted < first);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// A reader made before an append sees it afterwards.
pub fn an_old_reader_sees_what_comes_later(provider: &impl Provider) {
    let mut log = provider.fresh();
    let reader = log.reader();
    assert_eq!(at(reader.as_ref(), 1), None);
    let batches = fill(&mut log, 40);
    assert_eq!(reader.next(), log.tail().next);
    assert_eq!(at(reader.as_ref(), 1).as_ref(), batches.first());
    assert!(reader.bytes() > 0);
}
