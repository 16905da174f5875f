//! Snapshots, the trim behind them, and what a start does when they are damaged.

use crate::requests::receive;
use crate::running::{
    MINUTE, ManualClock, ask, ask_once, damage, days, files, hash, open, options, record, reopen,
    seen, wait_until,
};
use crate::stepped::Bench;
use onhand_core::body::Head;
use onhand_core::{Command, Item, Settings, Span, Thaw, Totals};
use onhand_engine::folder::snapshot_dir;
use onhand_engine::{Answer, Engine, Options, Unavailable};
use onhand_log::disk::{Call, MemoryDisk, OsDisk};
use onhand_log::snapshots::SnapshotStore;
use onhand_wire::snapshot;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

const HOUR: u64 = 60 * MINUTE;

/// Keeps as little of the ledger as a day of idempotency keys allows.
fn trimming(clock: &Arc<ManualClock>) -> Options {
    Options {
        keep_ledger: Some(Span::from_millis(1)),
        ..options(clock)
    }
}

/// Twelve hours of trade, a batch an entry; one segment holds some forty of them.
fn half_a_day(engine: &Engine, clock: &ManualClock, day: u32) {
    for number in 0..60 {
        clock.pass(HOUR / 5);
        let answer = ask_once(engine, &format!("{day}/{number}"), receive("s", "apple", 1));
        assert!(matches!(answer, Answer::Recorded(_)));
    }
}

fn first_in_log(path: &Path) -> u64 {
    let name = files(path, "log", "log")[0].file_stem().unwrap().to_owned();
    name.to_str().unwrap().parse().unwrap()
}

fn positions(path: &Path) -> Vec<u64> {
    let stem =
        |path: &std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    files(path, "snapshots", "snap").iter().map(stem).collect()
}

#[test]
fn the_log_is_trimmed_behind_the_older_snapshot_and_every_key_still_has_its_answer() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), trimming(&clock));
    for day in 0..6 {
        half_a_day(&engine, &clock, day);
        engine.snapshot(0).unwrap();
    }
    wait_until("it is trimmed", || first_in_log(folder.path()) > 1);
    let kept = positions(folder.path());
    assert_eq!(kept.len(), 2);
    assert!(
        first_in_log(folder.path()) <= kept[0] + 1,
        "the older snapshot is of no use"
    );
    // The last day of keys: two halves of sixty each.
    for day in 4..6 {
        for number in 0..60 {
            let answer = ask_once(
                &engine,
                &format!("{day}/{number}"),
                receive("s", "apple", 1),
            );
            let Answer::Repeated(seq) = answer else {
                panic!("{day}/{number}: {answer:?}")
            };
            assert!(
                engine.entry(0, seq).unwrap().is_some(),
                "the answer to {day}/{number} is gone"
            );
        }
    }
    let before = hash(&engine);
    drop(engine);
    let (engine, reports) = reopen(folder.path(), trimming(&clock)).unwrap();
    assert_eq!(hash(&engine), before);
    assert_eq!(reports[0].snapshot.0, kept[1]);
}

#[test]
fn a_trim_goes_by_the_ledgers_time_where_the_clock_is_ahead_of_it() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), trimming(&clock));
    for day in 0..2 {
        half_a_day(&engine, &clock, day);
    }
    // Nothing was asked for a month; then two snapshots in a row.
    engine.snapshot(0).unwrap();
    clock.pass(days(30).millis());
    let ledger_time = engine.table(0).position().at;
    let late = |number: u32| {
        let command = receive("s", "apple", 1);
        let request = onhand_engine::Request::Command {
            key: crate::requests::key(&format!("late {number}"), &command),
            command,
            at: Some(ledger_time),
        };
        engine.call_blocking(0, request)
    };
    assert!(matches!(late(0), Answer::Recorded(_)));
    engine.snapshot(0).unwrap();
    // The appender comes to a trim before it comes to another batch.
    record(&engine, 0, receive("s", "apple", 1));
    assert_eq!(
        first_in_log(folder.path()),
        1,
        "keys of the ledger's last day were trimmed"
    );
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_said_and_is_nothing_to_fall_back_on() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), trimming(&clock));
    for day in 0..6 {
        half_a_day(&engine, &clock, day);
        engine.snapshot(0).unwrap();
    }
    wait_until("it is trimmed", || first_in_log(folder.path()) > 1);
    half_a_day(&engine, &clock, 6);
    let before = hash(&engine);
    drop(engine);
    let [older, newest] = positions(folder.path())[..] else {
        panic!("not two")
    };
    damage(&files(folder.path(), "snapshots", "snap")[1]);

    let (engine, reports) = reopen(folder.path(), trimming(&clock)).unwrap();
    assert_eq!(reports[0].snapshot.0, older);
    let [said] = &reports[0].damaged_snapshots[..] else {
        panic!("{reports:?}")
    };
    assert!(said.contains(&format!("snapshot {newest}:")), "{said}");
    assert_eq!(hash(&engine), before);

    // The next one leaves a sound one behind it, and the log that this needs.
    for day in 7..10 {
        half_a_day(&engine, &clock, day);
    }
    engine.snapshot(0).unwrap();
    assert!(positions(folder.path()).contains(&older));
    half_a_day(&engine, &clock, 10);
    let before = hash(&engine);
    drop(engine);
    damage(files(folder.path(), "snapshots", "snap").last().unwrap());
    let (engine, reports) = reopen(folder.path(), trimming(&clock)).unwrap();
    assert_eq!(reports[0].damaged_snapshots.len(), 2);
    assert_eq!(hash(&engine), before);
}

#[test]
fn with_all_snapshots_damaged_a_full_log_is_replayed_and_a_trimmed_one_is_refused() {
    for keep_ledger in [None, Some(Span::from_millis(1))] {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
        let options = Options {
            keep_ledger,
            ..options(&clock)
        };
        let engine = open(folder.path(), options.clone());
        for day in 0..6 {
            half_a_day(&engine, &clock, day);
            engine.snapshot(0).unwrap();
        }
        let before = hash(&engine);
        drop(engine);
        files(folder.path(), "snapshots", "snap")
            .iter()
            .for_each(|file| damage(file));
        match (reopen(folder.path(), options), keep_ledger) {
            (Ok((engine, reports)), None) => {
                assert_eq!(hash(&engine), before);
                assert_eq!(
                    (reports[0].snapshot.0, reports[0].damaged_snapshots.len()),
                    (0, 2)
                );
            }
            (Err(error), Some(_)) => {
                let said = error.to_string();
                let names_both = positions(folder.path())
                    .iter()
                    .all(|it| said.contains(&format!("snapshot {it}:")));
                assert!(names_both && said.contains("restore"), "{said}");
            }
            (outcome, _) => panic!("{keep_ledger:?}: {:?}", outcome.map(|(_, reports)| reports)),
        }
    }
}

#[test]
fn a_snapshot_of_another_partition_is_not_taken() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let two = Options {
        partitions: Some(2),
        ..options(&clock)
    };
    let engine = open(folder.path(), two.clone());
    record(&engine, 0, receive("s", "apple", 1));
    record(&engine, 1, receive("t", "pear", 2));
    let before = hash(&engine);
    engine.stop();
    let mine = files(folder.path(), "snapshots", "snap").pop().unwrap();
    let other = folder
        .path()
        .join("partition-1/snapshots")
        .join(mine.file_name().unwrap());
    std::fs::copy(other, &mine).unwrap();
    let (engine, reports) = reopen(folder.path(), two).unwrap();
    assert!(
        reports[0].damaged_snapshots[0].contains("of partition 1"),
        "{reports:?}"
    );
    assert_eq!(hash(&engine), before);
}

#[test]
fn snapshots_are_taken_by_themselves_as_the_log_grows() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let options = Options {
        snapshot_bytes: 16 << 10,
        ..trimming(&clock)
    };
    let engine = open(folder.path(), options);
    for day in 0..4 {
        half_a_day(&engine, &clock, day);
    }
    wait_until("one was taken", || !positions(folder.path()).is_empty());
}

#[test]
fn two_snapshots_at_once_leave_sound_files() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    for round in 0..10 {
        half_a_day(&engine, &clock, round);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| engine.snapshot(0).unwrap());
            }
        });
    }
    let before = hash(&engine);
    drop(engine);
    let (engine, reports) = reopen(folder.path(), options(&clock)).unwrap();
    assert!(reports[0].damaged_snapshots.is_empty(), "{reports:?}");
    assert_eq!((reports[0].snapshot, hash(&engine)), (before.0, before));
}

#[test]
fn a_shorter_key_retention_lets_more_of_the_ledger_go() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let settings = Settings {
        key_retention: Span::from_millis(HOUR),
        ..Settings::default()
    };
    let engine = open(
        folder.path(),
        Options {
            settings,
            ..trimming(&clock)
        },
    );
    half_a_day(&engine, &clock, 0);
    half_a_day(&engine, &clock, 1);
    engine.snapshot(0).unwrap();
    half_a_day(&engine, &clock, 2);
    engine.snapshot(0).unwrap();
    wait_until("it is trimmed", || first_in_log(folder.path()) > 1);
    assert_eq!(seen(&engine, "s", "apple").unwrap().on_hand, 180);
}

#[test]
fn a_longer_retention_than_was_asked_for_keeps_the_answers_too() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), trimming(&clock));
    // As after a start that found no room to record its own.
    let two_days = Settings {
        key_retention: days(2),
        ..Settings::default()
    };
    record(&engine, 0, Command::Configure(two_days));
    for day in 0..8 {
        half_a_day(&engine, &clock, day);
        engine.snapshot(0).unwrap();
    }
    wait_until("it is trimmed", || first_in_log(folder.path()) > 1);
    for (day, number) in (4..8).flat_map(|day| (0..60).map(move |number| (day, number))) {
        answered_again(&engine, day, number);
    }
}

fn answered_again(engine: &Engine, day: u32, number: u32) {
    let text = format!("{day}/{number}");
    let Answer::Repeated(seq) = ask_once(engine, &text, receive("s", "apple", 1)) else {
        panic!("{text} is not known")
    };
    assert!(engine.entry(0, seq).unwrap().is_some(), "{text} is gone");
}

#[test]
fn settings_that_found_no_room_are_recorded_when_there_is_some() {
    let disk = MemoryDisk::new();
    let two_days = Settings {
        key_retention: days(2),
        ..Settings::default()
    };
    let options = |clock: &Arc<ManualClock>| Options {
        settings: two_days,
        partitions: Some(1),
        ..options(clock)
    };
    let mut bench = Bench::start_with(disk.clone(), options).unwrap();
    let engine = Arc::clone(&bench.engine);
    disk.fail_next(Call::Write, ErrorKind::StorageFull);
    bench.submit(receive("s", "apple", 1));
    bench.settle();
    assert_eq!(engine.outage(0), Some(Unavailable::StorageFull));
    bench.drive(engine.configure()).unwrap();
    assert_eq!(*bench.workers.state().settings(), Settings::default());
    bench.settle();
    bench.drive(engine.take_due_snapshots());
    assert_eq!(*bench.workers.state().settings(), two_days);
}

fn store(folder: &Path) -> SnapshotStore<OsDisk> {
    SnapshotStore::read_only(OsDisk, &snapshot_dir(folder, 0))
}

/// A folder with two entries and a snapshot of them, whose bytes `change` changes; every block is sound again.
fn with_changed_snapshot(folder: &Path, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Arc<ManualClock> {
    let clock = ManualClock::new();
    let engine = open(folder, options(&clock));
    record(&engine, 0, receive("s", "apple", 5));
    let position = engine.snapshot(0).unwrap().0;
    engine.stop();
    let mut bytes = Vec::new();
    let mut reader = store(folder).open(position).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    let mut writer = store(folder).writer(position).unwrap();
    writer.write_all(&change(bytes)).unwrap();
    writer.finish().unwrap();
    clock
}

#[test]
fn a_snapshot_that_goes_on_after_its_end_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let clock = with_changed_snapshot(folder.path(), |bytes| [&bytes[..], &[0]].concat());
    let (_, reports) = reopen(folder.path(), options(&clock)).unwrap();
    let [said] = &reports[0].damaged_snapshots[..] else {
        panic!("{reports:?}")
    };
    assert!(said.contains("goes on"), "{said}");
}

/// The same state, but its sums are those of an empty one.
fn without_sums(bytes: Vec<u8>) -> Vec<u8> {
    let state = snapshot::read(&mut &bytes[..]).unwrap();
    let mut thaw = Thaw::default();
    for item in state.freeze().items() {
        let item = match item {
            Item::Head(head) => Item::Head(Head {
                totals: Totals::default(),
                ..head
            }),
            other => other,
        };
        if let Some(state) = thaw.take(item) {
            let mut changed = Vec::new();
            snapshot::write(&state.freeze(), &mut changed, |_| {}).unwrap();
            return changed;
        }
    }
    panic!("it has no end")
}

#[test]
fn a_partition_whose_levels_do_not_add_up_stops() {
    let folder = tempfile::tempdir().unwrap();
    let clock = with_changed_snapshot(folder.path(), without_sums);
    let (engine, _) = reopen(folder.path(), options(&clock)).unwrap();
    record(&engine, 0, receive("s", "apple", 5));
    let failure = engine.snapshot(0).unwrap_err();
    assert!(failure.to_string().contains("INV-02"), "{failure}");
    assert!(matches!(engine.outage(0), Some(Unavailable::Stopped(_))));
    let refused = ask(&engine, 0, receive("s", "apple", 1));
    assert!(matches!(
        refused,
        Answer::Unavailable(Unavailable::Stopped(_))
    ));
}
