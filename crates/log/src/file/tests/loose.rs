//! Batches that are written and synced later: what a crash may take, and what is damage all the same.

use super::{MemoryFileLog, contents, create, dir, inspect, open, scripted, segment_paths};
use crate::batch::Batch;
use crate::conformance::batch_after;
use crate::disk::{MemoryDisk, seeded};
use crate::log::{AppendError, Log, ReadError};
use std::io::ErrorKind;

const WRITES: u64 = 28;

/// What a run was told.
#[derive(Default)]
struct Told {
    written: Vec<Batch>,
    in_flight: Option<Batch>,
    /// How many of those written are durable.
    durable: usize,
    created: bool,
}

impl Told {
    fn all(&self) -> Vec<Batch> {
        let all = self.written.iter().chain(&self.in_flight);
        all.cloned().collect()
    }
}

/// Writes, syncs after every fifth and appends every ninth, until the machine stops. The segments are small, so they
/// rotate in between.
fn run(disk: &MemoryDisk) -> Told {
    let mut told = Told::default();
    let Ok(mut log) = create(disk) else {
        return told;
    };
    told.created = true;
    for n in 0..WRITES {
        let batch = scripted(&log, n);
        told.in_flight = Some(batch.clone());
        let is_append = n % 9 == 8;
        let done = match is_append {
            true => log.append(&batch),
            false => log.write(&batch),
        };
        if done.is_err() {
            return told;
        }
        told.in_flight = None;
        told.written.push(batch);
        if n % 5 == 4 && log.sync().is_err() {
            return told;
        }
        if is_append || n % 5 == 4 {
            told.durable = told.written.len();
        }
    }
    told
}

fn start(disk: &MemoryDisk, told: &Told) -> Option<MemoryFileLog> {
    let started = match told.created {
        true => open(disk).map(|(log, _)| log),
        false => create(disk),
    };
    match started {
        Ok(log) => Some(log),
        Err(_) if disk.has_crashed() => None,
        Err(error) => panic!("a crash must not keep the log from starting: {error}"),
    }
}

/// What is there is a beginning of what was written, and holds all that was synced.
fn assert_beginning(log: &MemoryFileLog, told: &Told) {
    let found = contents(log);
    assert!(told.all().starts_with(&found), "a beginning, unchanged");
    let (there, durable) = (found.len(), told.durable);
    assert!(there >= durable, "{there} are there, {durable} were synced");
}

/// One crash at `change`, one more in the start, then a start that must succeed, and one more crash after it went on.
/// Gives whether the machine stopped, and how many batches were lost.
fn crash(change: u64, seed: u64) -> (bool, usize) {
    let disk = MemoryDisk::new();
    disk.crash_at(change);
    let told = run(&disk);
    let crashed = disk.has_crashed();
    let mut choose = seeded(seed);
    disk.restart(&mut choose);
    disk.crash_at(1 + (seed + change) % 11);
    if let Some(log) = start(&disk, &told) {
        assert_beginning(&log, &told);
    }
    disk.restart(&mut choose);
    let mut log = start(&disk, &told).unwrap();
    assert_beginning(&log, &told);
    let mut kept = contents(&log);
    let lost = told.written.len().saturating_sub(kept.len());
    for n in 0..3 {
        let batch = scripted(&log, n);
        log.write(&batch).unwrap();
        kept.push(batch);
    }
    drop(log);
    disk.restart(&mut choose);
    inspect(&disk).unwrap();
    let (log, _) = open(&disk).unwrap();
    let found = contents(&log);
    assert!(kept.starts_with(&found), "a beginning once more");
    assert!(found.len() + 3 >= kept.len(), "the start was durable");
    (crashed, lost)
}

#[test]
fn a_crash_takes_an_end_of_what_was_not_synced_and_leaves_no_hole() {
    let (mut change, mut lost) = (1, 0);
    loop {
        let runs: Vec<_> = (0..32).map(|seed| crash(change, seed)).collect();
        lost += runs.iter().map(|(_, lost)| lost).sum::<usize>();
        if runs.iter().any(|(crashed, _)| !crashed) {
            break;
        }
        change += 1;
    }
    assert!(change > 40, "the script is as long as it was meant to be");
    assert!(lost > 500, "something is lost now and then: {lost}");
}

/// Batches that lie beside each other in one segment, none synced after the first.
fn unsynced(sizes: &[usize]) -> (MemoryDisk, Vec<Batch>) {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    let write = |bytes: &usize| {
        let batch = batch_after(log.tail(), 1, *bytes);
        log.write(&batch).unwrap();
        if log.durable() == 1 {
            log.sync().unwrap();
        }
        batch
    };
    let batches = sizes.iter().map(write).collect();
    (disk, batches)
}

/// Each set of the sectors is tried: whatever is missing, what is before it stays, and the rest is cut, later frames that
/// reached the disk with it.
#[test]
fn any_sectors_may_be_missing() {
    let (disk, batches) = unsynced(&[300, 450, 20, 900, 60, 500, 130]);
    // The first frame has 384 bytes, the others have 2,560 more.
    let sectors = (384 + 2_560_usize).div_ceil(512);
    let mut lengths = std::collections::BTreeSet::new();
    for set in 0..1_usize << sectors {
        let disk = disk.fork();
        let mut asked = 0;
        disk.restart(&mut |versions| {
            asked += 1;
            match asked {
                1 => 2,
                2 => 0,
                // The newest version of a sector of the set, and none of the others.
                at if set >> (at - 3) & 1 == 1 => versions - 1,
                _ => 0,
            }
        });
        let (mut log, _) = open(&disk).unwrap_or_else(|error| panic!("{set:b}: {error}"));
        let found = contents(&log);
        assert!(batches.starts_with(&found) && !found.is_empty(), "{set:b}");
        lengths.insert(found.len());
        let next = scripted(&log, 3);
        log.append(&next).unwrap();
        disk.restart(&mut |_| 0);
        let all = [found, vec![next]].concat();
        assert_eq!(contents(&open(&disk).unwrap().0), all, "{set:b}");
    }
    assert!(lengths.len() >= 5, "cut in many places: {lengths:?}");
}

/// A later frame that was written when they were durable speaks for all before the doubt: losing one of those is damage.
#[test]
fn what_a_later_frame_says_was_durable_is_never_cut() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    // Two of the last, so that one sector that is lost does not take every witness with it.
    for bytes in [700, 700, 700, 20, 20] {
        log.write(&batch_after(log.tail(), 1, bytes)).unwrap();
        log.sync().unwrap();
    }
    let path = segment_paths(&log)[0].clone();
    drop(log);
    let kept = contents(&open(&disk).unwrap().0);
    for sector in (4096..4096 + 3 * 832_u64).step_by(512) {
        let copy = disk.fork();
        copy.damage(&path, |bytes| {
            bytes[sector as usize..sector as usize + 512].fill(0);
        });
        match open(&copy) {
            Err(ReadError::Damaged { .. }) => {}
            Ok((log, _)) if contents(&log) == kept => {}
            other => panic!("sector at {sector}: {other:?}"),
        }
    }
}

/// Bits that change in frames for which no later one speaks: they lack nothing, so they are damaged and not torn.
#[test]
fn a_changed_byte_is_damage_though_nothing_was_synced() {
    let (disk, batches) = unsynced(&[300, 450, 20, 900, 60]);
    let path = segment_paths(&open(&disk.fork()).unwrap().0)[0].clone();
    let (mut refused, end) = (0, 4096 + 384 + 576 + 128 + 1_024 + 192);
    for at in 4096..end {
        let copy = disk.fork();
        copy.damage(&path, |bytes| bytes[at] ^= 0x55);
        match open(&copy) {
            Err(ReadError::Damaged { .. }) => refused += 1,
            Ok((log, _)) => assert_eq!(contents(&log), batches, "byte {at}"),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(refused > (end - 4096) * 8 / 10, "{refused}");
}

/// After a failed sync all since the last one is in doubt; what a start shows is durable.
#[test]
fn a_failed_sync_puts_all_since_the_last_in_doubt() {
    for seed in 0..60 {
        let (disk, batches) = unsynced(&[300, 450, 20, 900, 60]);
        let mut log = open(&disk).unwrap().0;
        let more: Vec<_> = [500, 100, 30]
            .map(|bytes| batch_after(log.tail(), 1, bytes))
            .into();
        for batch in &more[..1] {
            log.write(batch).unwrap();
        }
        disk.fail_next_sync();
        assert!(matches!(log.sync(), Err(AppendError::Broken(_))));
        assert!(matches!(log.sync(), Err(AppendError::Broken(_))));
        let all = contents(&log);
        drop(log);
        disk.crash_at(disk.changes() + 1 + seed % 14);
        drop(open(&disk));
        disk.restart(&mut seeded(seed));
        let found = contents(&open(&disk).unwrap().0);
        assert!(all.starts_with(&found) && found.len() >= batches.len());
        disk.restart(&mut |_| 0);
        assert_eq!(contents(&open(&disk).unwrap().0), found);
    }
}

/// A write that finds no room is taken back with syncs, which make durable what was written before it.
#[test]
fn a_write_that_is_taken_back_leaves_what_was_written() {
    let (disk, mut batches) = unsynced(&[300, 450, 20]);
    let mut log = open(&disk).unwrap().0;
    let first = batch_after(log.tail(), 1, 700);
    log.write(&first).unwrap();
    batches.push(first);
    let next = batch_after(log.tail(), 1, 200);
    disk.fail_at(disk.changes() + 1, ErrorKind::StorageFull);
    assert!(matches!(log.write(&next), Err(AppendError::Full { .. })));
    assert_eq!(log.durable(), log.tail().next);
    log.write(&next).unwrap();
    drop(log);
    disk.restart(&mut |_| 0);
    assert_eq!(contents(&open(&disk).unwrap().0), batches);
    assert!(disk.files().iter().all(|(path, _)| path.starts_with(dir())));
}
