//! What was written once can be opened for ever: the fixtures are never edited, and a new format gets new ones.
//!
//! A data folder that is missing is written, and the test fails, so that a new one is looked at before it is kept.

use crate::requests::{arrive, confirm, dispatch, hold, keep_back, location, receive, release};
use crate::running::{
    ManualClock, START, ask, ask_once, copy_into, copy_of, open, options, record, seen, wait_until,
};
use onhand_core::{Entry, Event, Seq, TransferId};
use onhand_engine::verify::{PartitionReport, Reading};
use onhand_engine::{Answer, Engine, Options};
use std::path::{Path, PathBuf};

const IDENTITY: &str = include_str!("fixtures/identity.v1.json");
const IDENTITY_CHECKED: &str = include_str!("fixtures/identity.v1-checked.json");

#[test]
fn every_identity_ever_written_is_read() {
    for identity in [IDENTITY, IDENTITY_CHECKED] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("identity.json"), identity).unwrap();
        let reading = Reading::open(folder.path()).unwrap();
        assert_eq!(reading.partitions(), 3);
    }
}

#[test]
fn the_identity_is_written_as_it_was() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let three = Options {
        partitions: Some(3),
        ..options(&clock)
    };
    open(folder.path(), three).stop();
    let written = std::fs::read_to_string(folder.path().join("identity.json")).unwrap();
    assert_eq!(written, IDENTITY_CHECKED);
}

/// A location in partition 0, and one in partition 1.
const HERE: &str = "cork-1";
const THERE: &str = "dublin-1";
/// How long the story of the folder lasts.
const STORY: u64 = 61_000;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/fixtures/folder.v1")
}

fn two(clock: &std::sync::Arc<ManualClock>) -> Options {
    Options {
        partitions: Some(2),
        ..options(clock)
    }
}

fn are_in_two_partitions(engine: &Engine) {
    let partition = |name| engine.partition_of(&location(name));
    assert_eq!([HERE, THERE].map(partition), [0, 1]);
}

/// Goods, holds that end in each way, transfers, more than one segment, two snapshots, and entries after them.
fn tell_the_story(engine: &Engine, clock: &ManualClock) {
    ask_once(engine, "delivery-1", receive(HERE, "apple", 100));
    for (units, millis) in [(10, 3_600_000), (7, 3_600_000), (5, 3_600_000), (4, 60_000)] {
        record(engine, 0, hold(HERE, "apple", units, millis));
    }
    record(engine, 0, confirm(1));
    record(engine, 0, release(2));
    record(engine, 0, keep_back(HERE, "apple", 3));
    let arrived = send(engine, 20);
    engine.snapshot(0).unwrap();
    engine.snapshot(1).unwrap();
    clock.set(START + STORY);
    record(engine, 1, arrive(arrived));
    send(engine, 6);
    for _ in 0..30 {
        record(engine, 0, receive(HERE, "pear", 1));
    }
    engine.snapshot(0).unwrap();
    engine.snapshot(1).unwrap();
    record(engine, 0, receive(HERE, "apple", 2));
}

/// Sends apples, and waits until the other location knows.
fn send(engine: &Engine, units: u32) -> TransferId {
    let sent = record(engine, 0, dispatch(HERE, THERE, "apple", units));
    let Entry {
        event: Event::Dispatched(dispatched),
        ..
    } = *sent
    else {
        panic!("another event");
    };
    wait_until("the transfer is announced", || {
        seen(engine, THERE, "apple").is_some_and(|level| level.in_transit >= units)
    });
    dispatched.transfer
}

/// Writes the folder as a loss of power would leave it, without its locks.
fn write_fixture() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), two(&clock));
    are_in_two_partitions(&engine);
    tell_the_story(&engine, &clock);
    copy_into(folder.path(), &fixture());
    for lock in ["lock", "partition-0/log/lock", "partition-1/log/lock"] {
        std::fs::remove_file(fixture().join(lock)).unwrap();
    }
}

fn verify(path: &Path) -> Vec<PartitionReport> {
    let reading = Reading::open(path).unwrap();
    let verify = |partition| reading.verify(partition, &mut |_, _, _| {}).unwrap();
    (0..reading.partitions()).map(verify).collect()
}

/// What is there after the story: on hand, reserved, allocated, in transit, available.
fn is_as_told(engine: &Engine) {
    let numbers = |at, what| {
        let level = seen(engine, at, what).unwrap();
        let (reserved, allocated) = (level.reserved, level.allocated);
        let in_transit = level.in_transit;
        (
            level.on_hand,
            reserved,
            allocated,
            in_transit,
            level.available,
        )
    };
    // 100 came and 2 more, 20 and 6 were sent; 3 are kept back.
    assert_eq!(numbers(HERE, "apple"), (76, 10, 7, 0, 56));
    assert_eq!(numbers(HERE, "pear"), (30, 0, 0, 0, 30));
    assert_eq!(numbers(THERE, "apple"), (20, 0, 0, 6, 20));
}

#[test]
fn a_data_folder_of_version_1() {
    if !fixture().exists() {
        write_fixture();
        panic!("the data folder was missing and is written now: look at it before you keep it");
    }
    let (folder, clock) = (copy_of(&fixture()), ManualClock::new());
    clock.set(START + STORY);
    for report in verify(folder.path()) {
        assert!(report.violations.is_empty(), "{:?}", report.violations);
        assert_eq!(report.replayed_from, Seq::ZERO);
        assert!(!report.snapshots.is_empty());
    }
    let engine = open(folder.path(), options(&clock));
    are_in_two_partitions(&engine);
    is_as_told(&engine);
    let again = ask_once(&engine, "delivery-1", receive(HERE, "apple", 100));
    assert!(matches!(again, Answer::Repeated(Seq(1))), "{again:?}");
    is_as_told(&engine);
    let held = ask(&engine, 0, hold(HERE, "apple", 56, 1_000));
    assert!(matches!(held, Answer::Recorded(_)), "{held:?}");
    engine.stop();
    let broken = |report: &PartitionReport| !report.violations.is_empty();
    assert!(!verify(folder.path()).iter().any(broken));
}
