//! Answers that leave before the sync: what is lost with the power, when the sync comes, and what never runs ahead of it.

use crate::requests::{location, receive};
use crate::running::{ManualClock, open};
use crate::stepped::Bench;
use onhand_engine::{Answer, Durability, Engine, Options, Request, Unavailable};
use onhand_log::disk::MemoryDisk;
use onhand_log::snapshots::SnapshotStore;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Half of it is for the sync.
const WITHIN: Durability = Durability::Within(50);

fn start(disk: MemoryDisk) -> Bench {
    Bench::start(disk, WITHIN).unwrap()
}

fn is_recorded(answer: &Answer) -> bool {
    matches!(answer, Answer::Recorded(_))
}

#[test]
fn an_answer_leaves_before_the_sync_which_comes_after_half_of_the_time() {
    let mut bench = start(MemoryDisk::new());
    assert!(is_recorded(&bench.ask(receive("s", "apple", 5))));
    assert!(is_recorded(&bench.ask(receive("s", "apple", 6))));
    assert_eq!(
        bench.engine.table(0).position().seq.0,
        2,
        "readers see what was answered"
    );
    assert_eq!(bench.durable(), 0, "and power may still take it");
    bench.clock.pass(24);
    bench.settle();
    assert_eq!(bench.durable(), 0);
    bench.clock.pass(1);
    bench.settle();
    assert_eq!(bench.durable(), 2);
}

#[test]
fn what_was_answered_outlives_the_process_and_of_the_rest_an_end_is_lost_with_the_power() {
    let mut bench = start(MemoryDisk::new());
    for units in 1..=4 {
        bench.ask(receive("s", "apple", units));
        if units == 2 {
            bench.clock.pass(25);
            bench.settle();
        }
    }
    let disk = bench.end();
    let without_power = disk.fork();
    assert_eq!(start(disk).workers.state().last().seq.0, 4);
    without_power.restart(&mut |_| 0);
    assert_eq!(start(without_power).workers.state().last().seq.0, 2);
}

#[test]
fn no_answer_leaves_while_an_older_one_has_waited_too_long() {
    let mut bench = start(MemoryDisk::new());
    bench.ask(receive("s", "apple", 1));
    bench.submit(receive("s", "apple", 2));
    bench.workers.write(&mut |_| {});
    bench.clock.pass(10_000);
    bench.workers.append();
    assert_eq!(bench.durable(), 1, "first the sync");
    assert!(bench.answers.lock().unwrap().is_empty());
    bench.settle();
    assert!(is_recorded(&bench.answers.lock().unwrap()[0]));
}

#[test]
fn the_engines_own_requests_wait_for_the_sync() {
    let mut bench = start(MemoryDisk::new());
    let engine = Arc::clone(&bench.engine);
    bench.drive(engine.configure()).unwrap();
    assert!(bench.durable() == bench.engine.table(0).position().seq.0);
    bench.ask(receive("s", "apple", 1));
    let before = bench.durable();
    let snapshot = bench.drive(engine.take_snapshot(0)).unwrap();
    assert!(
        snapshot.0 > before,
        "it holds what was not durable when it was asked for"
    );
    assert_eq!(bench.durable(), snapshot.0);
    let copy = bench.disk.fork();
    copy.restart(&mut |_| 0);
    let dir = onhand_engine::folder::snapshot_dir(Path::new("/data"), 0);
    assert_eq!(
        SnapshotStore::read_only(copy, &dir).list().unwrap(),
        [snapshot.0]
    );
}

#[test]
fn a_late_sync_that_fails_stops_the_partition() {
    let mut bench = start(MemoryDisk::new());
    bench.ask(receive("s", "apple", 1));
    bench.disk.fail_next_sync();
    bench.clock.pass(25);
    bench.settle();
    let outage = bench.engine.outage(0);
    assert!(
        matches!(outage, Some(Unavailable::Stopped(_))),
        "{outage:?}"
    );
}

/// With threads: between two requests nobody asks anything, and the sync comes all the same.
#[test]
fn an_idle_engine_syncs_what_it_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = Registry::default();
    let options = Options {
        durability: Durability::Within(40),
        partitions: Some(1),
        ..Options::default()
    };
    let (engine, _) = Engine::open(dir.path(), options, &mut registry, &mut |_, _, _| {}).unwrap();
    let has_synced = || {
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let late = text
            .lines()
            .find(|line| line.starts_with("onhand_in_doubt_seconds_count"));
        !late.unwrap().ends_with(" 0")
    };
    let begin = Instant::now();
    while !has_synced() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "the sync never comes"
        );
        // The courier asks once a second: a batch with its question in it is synced at once, the others are not.
        let request = Request::Command {
            key: None,
            command: receive("s", "apple", 5),
            at: None,
        };
        assert!(is_recorded(&engine.call_blocking(0, request)));
        std::thread::sleep(Duration::from_millis(100));
    }
    engine.stop();
    drop(engine);
    let again = open(dir.path(), crate::running::options(&ManualClock::new()));
    assert!(again.table(0).location(&location("s")).is_some());
}

#[test]
fn after_a_late_sync_that_failed_the_table_grows_old() {
    let mut bench = start(MemoryDisk::new());
    bench.ask(receive("s", "apple", 5));
    assert_eq!(bench.engine.age(0).millis(), 0);
    bench.disk.fail_next_sync();
    bench.clock.pass(25);
    bench.settle();
    assert!(matches!(
        bench.engine.outage(0),
        Some(Unavailable::Stopped(_))
    ));
    bench.clock.pass(1000);
    bench.settle();
    assert!(
        bench.engine.age(0).millis() >= 1000,
        "{:?}",
        bench.engine.age(0)
    );
}
