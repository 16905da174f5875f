//! A disk that fails while an engine starts.

use crate::requests::receive;
use crate::stepped::Bench;
use onhand_engine::{Answer, Durability};
use onhand_log::disk::MemoryDisk;
use std::io::ErrorKind;

fn start(disk: &MemoryDisk) -> Result<Bench, onhand_engine::OpenError> {
    Bench::start(disk.clone(), Durability::BeforeAnswer)
}

/// Found by the simulator: the folder's sync fails as the identity gets its name. The system shows the name, and it is
/// not on the disk; so the next start writes it anew, or all that it answers would go with the power.
#[test]
fn a_start_makes_the_identity_durable_that_it_shows() {
    let mut starts = 0;
    for seed in 0..8 {
        let mut change = 1;
        loop {
            let disk = MemoryDisk::seeded(seed);
            disk.fail_at(change, ErrorKind::Other);
            let made = start(&disk);
            if made.is_ok() && disk.changes() < change {
                break;
            }
            drop(made);
            disk.calm();
            let mut bench = start(&disk).unwrap();
            let answer = bench.ask(receive("s", "apple", 5));
            assert!(matches!(answer, Answer::Recorded(_)));
            let disk = bench.end();
            disk.restart(&mut |_| 0);
            let again = start(&disk).unwrap_or_else(|error| panic!("{seed} {change}: {error}"));
            assert_eq!(again.workers.state().last().seq.0, 1, "{seed} {change}");
            (change, starts) = (change + 1, starts + 1);
        }
    }
    assert!(starts > 100, "the test tests something: {starts}");
}

/// Found by the simulator: a snapshot that the disk does not give now may be sound. It is not passed over like a damaged
/// one, and nothing is changed, so that the next start finds it.
#[test]
fn a_snapshot_that_cannot_be_read_is_not_taken_for_damaged() {
    let mut bench = start(&MemoryDisk::new()).unwrap();
    bench.ask(receive("s", "apple", 5));
    let engine = bench.engine.clone();
    let position = bench.drive(engine.take_snapshot(0)).unwrap();
    drop(engine);
    let disk = bench.end();
    let (mut read, mut refused) = (1, 0);
    loop {
        let disk = disk.fork();
        disk.fail_read_at(disk.reads() + read, ErrorKind::TimedOut);
        match start(&disk) {
            Ok(_) if disk.happened().failed_reads == 0 => break,
            Ok(_) => panic!("read {read} failed, and the start goes on"),
            Err(error) => refused += usize::from(error.to_string().contains(".snap")),
        }
        disk.calm();
        let bench = start(&disk).unwrap();
        assert_eq!(bench.report.snapshot, position);
        assert_eq!(bench.report.damaged_snapshots, Vec::<String>::new());
        read += 1;
    }
    assert!(refused > 2, "the snapshot is read in several parts");
}

/// A new folder whose identity may not be on the disk, and a disk without room to write it anew: what such a start answers
/// would go with the power, so there is none. Where something is recorded already, a full disk is no reason not to start.
#[test]
fn a_folder_that_was_never_used_is_not_used_on_a_full_disk() {
    let mut refused = 0;
    for seed in 0..8 {
        for change in 1..80 {
            let disk = MemoryDisk::seeded(seed);
            disk.fail_at(change, ErrorKind::Other);
            drop(start(&disk));
            disk.calm();
            disk.set_capacity(0);
            match start(&disk) {
                Err(error) => refused += usize::from(error.to_string().contains("identity.json")),
                Ok(_) => panic!("{seed} {change}: it starts, and nothing is recorded"),
            }
            disk.set_capacity(u64::MAX);
            let mut bench = start(&disk).unwrap();
            bench.ask(receive("s", "apple", 5));
            let disk = bench.end();
            disk.set_capacity(0);
            let bench = start(&disk).unwrap();
            assert_eq!(bench.workers.state().last().seq.0, 1, "{seed} {change}");
        }
    }
    assert!(refused > 100, "the test tests something: {refused}");
}
