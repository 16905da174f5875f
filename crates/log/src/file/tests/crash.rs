//! A crash at every change of the disk, with many choices of what survives it.

use super::{MemoryFileLog, contents, create, inspect, open, scripted};
use crate::batch::Batch;
use crate::disk::{MemoryDisk, seeded};
use crate::log::Log;

/// What a run was told.
#[derive(Default)]
struct Told {
    acknowledged: Vec<Batch>,
    in_flight: Option<Batch>,
    /// The furthest trim that was asked for.
    trimmed: u64,
    created: bool,
}

const APPENDS: u64 = 32;

/// Runs until the machine stops.
fn run(disk: &MemoryDisk) -> Told {
    let mut told = Told::default();
    let Ok(mut log) = create(disk) else {
        return told;
    };
    told.created = true;
    for n in 0..APPENDS {
        let batch = scripted(&log, n);
        told.in_flight = Some(batch.clone());
        if log.append(&batch).is_err() {
            return told;
        }
        told.in_flight = None;
        told.acknowledged.push(batch);
        if n % 8 == 7 {
            told.trimmed = told.acknowledged[n as usize - 4].first;
            if log.trim(told.trimmed).is_err() {
                return told;
            }
        }
    }
    told
}

/// Starts as the server does: it creates the log until that worked once, and then only opens it.
fn start(disk: &MemoryDisk, told: &Told) -> Option<MemoryFileLog> {
    let started = if told.created {
        open(disk).map(|(log, _)| log)
    } else {
        create(disk)
    };
    match started {
        Ok(log) => Some(log),
        Err(_) if disk.has_crashed() => None,
        Err(error) => panic!("a crash must not keep the log from starting: {error}"),
    }
}

/// Everything acknowledged is there, byte for byte, and nothing else but perhaps the one in flight.
fn assert_kept(log: &MemoryFileLog, told: &Told) {
    let first = log.reader().first();
    assert!(
        first <= told.trimmed.max(1),
        "only what was to be trimmed is"
    );
    let mut expected = told.acknowledged.clone();
    expected.retain(|batch| batch.first >= first);
    let found = contents(log);
    if found.len() > expected.len() {
        expected.extend(told.in_flight.clone());
    }
    assert_eq!(found, expected);
    let tail = expected.last().map(Batch::tail);
    assert_eq!(log.tail(), tail.unwrap_or(log.tail()));
}

fn goes_on(log: &mut MemoryFileLog) {
    for n in 0..4 {
        let batch = scripted(log, n);
        log.append(&batch).unwrap();
    }
}

/// One crash at `change`, one more during the start, and then a start that must succeed.
fn crash(change: u64, seed: u64) -> bool {
    let disk = MemoryDisk::new();
    disk.crash_at(change);
    let told = run(&disk);
    let crashed = disk.has_crashed();
    let mut choose = seeded(seed);
    disk.restart(&mut choose);
    disk.crash_at(1 + (seed + change) % 9);
    if let Some(log) = start(&disk, &told) {
        assert_kept(&log, &told);
    }
    disk.restart(&mut choose);
    let mut log = start(&disk, &told).unwrap();
    assert_kept(&log, &told);
    let promised = contents(&log);
    goes_on(&mut log);
    let all = contents(&log);
    assert!(all.starts_with(&promised));
    drop(log);
    disk.restart(&mut |_| 0);
    assert_eq!(contents(&open(&disk).unwrap().0), all);
    assert_eq!(inspect(&disk).unwrap().batches, all.len() as u64);
    crashed
}

#[test]
fn nothing_acknowledged_is_lost_in_any_crash() {
    let mut change = 1;
    while (0..24).all(|seed| crash(change, seed)) {
        change += 1;
    }
    assert!(change > 100, "the script is as long as it was meant to be");
}

/// The crash comes in the write of the last batch, and each way to tear it is tried: each set of its sectors, and each
/// number of its first bytes.
#[test]
fn a_torn_batch_is_cut_however_it_is_torn() {
    let (sectors, bytes) = (6_usize, 2_433_usize);
    let by_sector = (0..1_usize << sectors).map(|set| (2, set));
    let by_length = (0..bytes).map(|count| (3, count));
    for (way, choice) in by_sector.chain(by_length) {
        let disk = MemoryDisk::new();
        let mut log = create(&disk).unwrap();
        let kept = super::scripted(&log, 1);
        log.append(&kept).unwrap();
        disk.crash_at(disk.changes() + 1);
        let torn = crate::conformance::batch_after(log.tail(), 1, 2_300);
        assert!(log.append(&torn).is_err());
        drop(log);
        let mut asked = 0;
        disk.restart(&mut |alternatives| {
            asked += 1;
            match (way, asked) {
                (way, 1) => way,
                // The length was synced when the segment was made; the one change is chosen.
                (2, 2) | (3, 2) => 0,
                (2, at) => (choice >> (at - 3)) & 1,
                _ => choice.min(alternatives - 1),
            }
        });
        let (mut log, recovery) = open(&disk).unwrap();
        let found = contents(&log);
        let whole = found == [kept.clone(), torn.clone()];
        assert!(whole || found == [kept.clone()], "{way} {choice}");
        if let Some(cut) = recovery.cut {
            assert_eq!((cut.offset, cut.first_lost), (4096 + 192, 3), "{cut:?}");
        }
        // The last of the sectors, or the last 68 bytes, hold no payload.
        let has_payload = if way == 2 {
            choice & 31 == 31
        } else {
            choice >= 2_364
        };
        assert_eq!(whole, has_payload, "{way} {choice}");
        goes_on(&mut log);
    }
}
