//! Stopping, losing power, and starting again.

use crate::requests::{confirm, hold, key, receive, release};
use crate::running::{
    MINUTE, ManualClock, START, ask, ask_once, copy_of, days, files, hash, open, options, record,
    reopen, seen, wait_until,
};
use onhand_core::{Entry, Event, Seq, Settings, Timestamp};
use onhand_engine::history::Filter;
use onhand_engine::recover::RecoverError;
use onhand_engine::{Answer, Engine, OpenError, Options, Query, ReplyTo, Request, What};
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn trade(engine: &Engine) {
    record(engine, 0, receive("s", "apple", 50));
    record(engine, 0, receive("t", "pear", 50));
    for units in 1..=5 {
        record(engine, 0, hold("s", "apple", units, MINUTE));
    }
    record(engine, 0, confirm(0));
    record(engine, 0, release(1));
}

#[test]
fn a_stop_and_a_start_keep_the_state_and_the_answers() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    trade(&engine);
    let command = hold("s", "apple", 3, MINUTE);
    let Answer::Recorded(first) = ask_once(&engine, "k", command.clone()) else {
        panic!("not recorded");
    };
    let before = hash(&engine);
    engine.stop();
    assert!(seen(&engine, "s", "apple").is_some(), "reads go on");

    let (engine, reports) = reopen(folder.path(), options(&clock)).unwrap();
    assert_eq!(hash(&engine), before);
    assert_eq!((reports[0].snapshot, reports[0].replayed), (before.0, 0));
    let Answer::Repeated(seq) = ask_once(&engine, "k", command) else {
        panic!("not repeated");
    };
    assert_eq!(engine.entry(0, seq).unwrap().unwrap(), *first);
    engine.stop();
}

#[test]
fn a_dropped_engine_lets_go_of_its_folder_and_is_replayed() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    trade(&engine);
    let before = hash(&engine);
    drop(engine);
    let (engine, reports) = reopen(folder.path(), options(&clock)).unwrap();
    assert_eq!(hash(&engine), before);
    assert_eq!(
        (reports[0].snapshot.0, reports[0].replayed),
        (0, before.0.0)
    );
}

#[test]
fn a_folder_copied_from_under_a_running_engine_holds_every_answered_write_once() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    let stocked = record(&engine, 0, receive("s", "apple", 1_000_000))
        .stamp
        .seq
        .0;
    // Stands for the client: the highest position that it has an answer for.
    let answered = Arc::new(AtomicU64::new(0));
    let note = Arc::clone(&answered);
    let sink: Arc<dyn Fn(u64, Answer) + Send + Sync> = Arc::new(move |_, answer| {
        if let Answer::Recorded(entry) = answer {
            note.fetch_max(entry.stamp.seq.0, Ordering::SeqCst);
        }
    });
    let mut copies = Vec::new();
    for number in 0..400 {
        let command = hold("s", "apple", 1, MINUTE);
        let key = key(&number.to_string(), &command);
        let request = Request::Command {
            key,
            command,
            at: None,
        };
        engine
            .submit(0, request, ReplyTo::Sink(Arc::clone(&sink), number))
            .unwrap();
        if number % 80 == 79 {
            // A copy takes time, and no crash leaves the bytes of two moments: nothing may be on its way meanwhile.
            let newest = stocked + number + 1;
            wait_until("all are answered", || {
                answered.load(Ordering::SeqCst) == newest
            });
            copies.push((newest, copy_of(folder.path())));
        }
    }
    engine.stop();
    assert_eq!(
        answered.load(Ordering::SeqCst),
        hash(&open(folder.path(), options(&clock))).0.0
    );
    for (acknowledged, copy) in copies {
        let engine = open(copy.path(), options(&clock));
        assert_eq!(hash(&engine).0.0, acknowledged, "an answered write is lost");
        for number in 0..400 {
            let answer = ask_once(&engine, &number.to_string(), hold("s", "apple", 1, MINUTE));
            assert!(
                matches!(answer, Answer::Recorded(_) | Answer::Repeated(_)),
                "{answer:?}"
            );
        }
        assert_eq!(seen(&engine, "s", "apple").unwrap().reserved, 400);
    }
}

/// Leaves what a crash in the middle of a write leaves: the beginning of a frame after the last one.
fn tear(path: &std::path::Path) {
    let segment = files(path, "log", "log").pop().unwrap();
    let bytes = std::fs::read(&segment).unwrap();
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap()
        .next_multiple_of(64);
    let first_frame = bytes[4096..4096 + 40].to_vec();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(segment)
        .unwrap();
    file.seek(SeekFrom::Start(end as u64)).unwrap();
    file.write_all(&first_frame).unwrap();
}

#[test]
fn a_torn_tail_is_cut_back_and_said() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let roomy = Options {
        segment_bytes: 1 << 20,
        ..options(&clock)
    };
    let engine = open(folder.path(), roomy.clone());
    trade(&engine);
    let before = hash(&engine);
    drop(engine);
    tear(folder.path());
    let (engine, reports) = reopen(folder.path(), roomy).unwrap();
    assert!(reports[0].log.cut.is_some(), "{:?}", reports[0]);
    assert_eq!(hash(&engine), before);
}

#[test]
fn a_log_that_ends_before_its_snapshot_is_refused() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    trade(&engine);
    let early = copy_of(folder.path());
    record(&engine, 0, receive("s", "apple", 1));
    engine.stop();
    // The newest snapshot beside an older log.
    let snapshot = files(folder.path(), "snapshots", "snap").pop().unwrap();
    let target = early
        .path()
        .join("partition-0/snapshots")
        .join(snapshot.file_name().unwrap());
    std::fs::copy(snapshot, target).unwrap();
    let error = reopen(early.path(), options(&clock))
        .err()
        .expect("refused");
    assert!(
        matches!(
            &error,
            OpenError::Partition {
                source: RecoverError::Gap { .. },
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("newest part of the log is missing"),
        "{error}"
    );
}

#[test]
fn a_hold_expires_by_itself_while_nobody_asks() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    record(&engine, 0, receive("s", "apple", 5));
    record(&engine, 0, hold("s", "apple", 5, MINUTE));
    clock.pass(MINUTE - 1);
    std::thread::sleep(std::time::Duration::from_millis(250));
    assert_eq!(
        seen(&engine, "s", "apple").unwrap().reserved,
        5,
        "not before its time"
    );
    clock.pass(1);
    wait_until("it expired", || {
        seen(&engine, "s", "apple").unwrap().reserved == 0
    });
    let last = engine.entry(0, hash(&engine).0).unwrap().unwrap();
    let Event::Expired(expired) = last.event else {
        panic!("{last:?}");
    };
    assert_eq!(expired.expired_at.millis(), START + MINUTE);
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_ledger_with_it() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    clock.pass(10 * MINUTE);
    let late = record(&engine, 0, receive("s", "apple", 5));
    clock.set(START);
    let after: Vec<Box<Entry>> = (0..3)
        .map(|_| record(&engine, 0, hold("s", "apple", 1, MINUTE)))
        .collect();
    assert!(after.iter().all(|entry| entry.stamp.at == late.stamp.at));
    let before = hash(&engine);
    drop(engine);
    let engine = open(folder.path(), options(&clock));
    assert_eq!(hash(&engine), before);
    clock.set(START + 11 * MINUTE);
    wait_until("they expired", || {
        seen(&engine, "s", "apple").unwrap().reserved == 0
    });
}

#[test]
fn other_settings_are_an_entry_and_the_same_are_none() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let first = hash(&open(folder.path(), options(&clock))).0;
    assert_eq!(hash(&open(folder.path(), options(&clock))).0, first);
    let settings = Settings {
        key_retention: days(3),
        ..Settings::default()
    };
    let changed = Options {
        settings,
        ..options(&clock)
    };
    let engine = open(folder.path(), changed);
    assert_eq!(hash(&engine).0, first.next());
    let Some(Entry {
        event: Event::Configured(now),
        ..
    }) = engine.entry(0, first.next()).unwrap()
    else {
        panic!("no such entry");
    };
    assert_eq!(now, settings);
}

#[test]
fn a_strong_read_includes_every_answered_write() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    record(&engine, 0, receive("s", "apple", 100));
    for expected in 1..=50 {
        let entry = record(&engine, 0, hold("s", "apple", 1, MINUTE));
        let names = vec![(
            crate::requests::location("s"),
            crate::requests::sku("apple"),
        )];
        let Answer::Found(found) = engine.call_blocking(0, Request::Query(Query::Levels(names)))
        else {
            panic!("not found");
        };
        let What::Levels(levels) = found.what else {
            panic!("other")
        };
        assert_eq!(
            (found.seq, levels[0].unwrap().reserved()),
            (entry.stamp.seq, expected)
        );
        let seen = seen(&engine, "s", "apple").unwrap();
        assert_eq!(
            (seen.reserved, seen.seq),
            (expected, entry.stamp.seq),
            "a client sees its own write"
        );
    }
}

#[test]
fn a_request_with_a_time_of_its_own_is_recorded_at_that_time() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    let later = Timestamp::from_millis(START + 5 * MINUTE);
    let command = receive("s", "apple", 1);
    let request = Request::Command {
        key: None,
        command,
        at: Some(later),
    };
    let Answer::Recorded(entry) = engine.call_blocking(0, request) else {
        panic!("not recorded");
    };
    assert_eq!(entry.stamp.at, later);
    let filter = Filter {
        first: Seq(0),
        from: later,
        to: Timestamp::MAX,
        limit: 9,
    };
    assert_eq!(
        engine.ledger(0).page(&filter, |_| true).unwrap().entries,
        [*entry]
    );
    assert!(
        matches!(ask(&engine, 0, receive("s", "apple", 1)), Answer::Recorded(entry) if entry.stamp.at == later)
    );
}
