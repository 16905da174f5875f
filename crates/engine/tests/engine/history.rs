//! The ledger's history against a model that adds up every entry from the first.

use crate::requests::{confirm, hold, keep_back, location, receive, release, sku};
use crate::running::{ManualClock, START, ask, days, open, options};
use onhand_core::{Bucket, Entry, LevelNo, Seq, State, Timestamp};
use onhand_engine::history::{Filter, HistoryError};
use onhand_engine::{Engine, Options};
use std::sync::Arc;

/// A generator for tests (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

const SKUS: [&str; 3] = ["apple", "pear", "kiwi"];

/// Some hours of trade, in which several entries share a millisecond.
fn traded(engine: &Engine, clock: &ManualClock, seeded: &mut Seeded, steps: usize) {
    for _ in 0..steps {
        clock.pass(seeded.below(3) * seeded.below(60_000));
        let at = ["s", "t"][seeded.below(2) as usize];
        let what = SKUS[seeded.below(3) as usize];
        let (units, no) = (seeded.below(9) as u32 + 1, seeded.below(40));
        let command = match seeded.below(8) {
            0..=2 => receive(at, what, units),
            3 | 4 => hold(at, what, units, seeded.below(600_000) + 1),
            5 => confirm(no),
            6 => release(no),
            _ => keep_back(at, what, units),
        };
        drop(ask(engine, 0, command));
    }
}

fn everything() -> Filter {
    Filter {
        first: Seq(0),
        from: Timestamp::default(),
        to: Timestamp::MAX,
        limit: usize::MAX,
    }
}

fn entries(engine: &Engine) -> Vec<Entry> {
    engine
        .ledger(0)
        .page(&everything(), |_| true)
        .unwrap()
        .entries
}

/// The slow way: the state after the last entry at or before a time.
fn state_at(entries: &[Entry], at: Timestamp) -> State {
    let mut state = State::new(0);
    let until = entries.iter().take_while(|entry| entry.stamp.at <= at);
    until.for_each(|entry| state.apply(entry).unwrap());
    state
}

fn levels(engine: &Engine) -> Vec<(&'static str, &'static str, LevelNo)> {
    let table = engine.table(0);
    let mut levels = Vec::new();
    for at in ["s", "t"] {
        for what in SKUS {
            let no = table
                .location(&location(at))
                .and_then(|at| table.find(at, &sku(what)));
            levels.extend(no.map(|(no, _)| (at, what, no)));
        }
    }
    levels
}

fn agrees_at(engine: &Engine, entries: &[Entry], at: Timestamp) {
    let state = state_at(entries, at);
    for (location_name, sku_name, no) in levels(engine) {
        let then = engine.ledger(0).level_at(no, at).unwrap();
        let model = state
            .directory()
            .find(&location(location_name), &sku(sku_name))
            .map(|(_, level)| *level);
        let name = format!("{location_name}/{sku_name} at {}", at.millis());
        let (Some(then), Some(model)) = (then, model) else {
            assert_eq!(then.is_some(), model.is_some(), "{name}");
            continue;
        };
        for bucket in Bucket::ALL
            .into_iter()
            .filter(|bucket| *bucket != Bucket::Outside)
        {
            assert_eq!(
                then.units_in(bucket),
                model.units_in(bucket),
                "{name}: {bucket:?}"
            );
        }
        assert_eq!(
            (then.policy, then.available(), then.on_hand()),
            (model.policy(), model.available(), model.on_hand()),
            "{name}"
        );
    }
}

#[test]
fn a_level_at_any_time_is_what_the_entries_up_to_then_add_up_to() {
    for seed in 0..4 {
        let (folder, clock, mut seeded) = (
            tempfile::tempdir().unwrap(),
            ManualClock::new(),
            Seeded(seed),
        );
        let engine = open(folder.path(), options(&clock));
        traded(&engine, &clock, &mut seeded, 200);
        // The rest after a restart, where the table begins from the state.
        drop(engine);
        let engine = open(folder.path(), options(&clock));
        traded(&engine, &clock, &mut seeded, 50);
        let entries = entries(&engine);
        let last = entries.last().unwrap().stamp.at.millis();
        let times = (0..40).map(|_| START + seeded.below(last + 2 - START));
        let exact = entries
            .iter()
            .step_by(13)
            .map(|entry| entry.stamp.at.millis());
        for at in times.chain(exact).chain([0, START - 1, last, last + 1]) {
            agrees_at(&engine, &entries, Timestamp::from_millis(at));
        }
    }
}

#[test]
fn pages_one_after_the_other_are_the_whole() {
    let (folder, clock, mut seeded) = (tempfile::tempdir().unwrap(), ManualClock::new(), Seeded(7));
    let engine = open(folder.path(), options(&clock));
    traded(&engine, &clock, &mut seeded, 300);
    let all = entries(&engine);
    let positions: Vec<u64> = all.iter().map(|entry| entry.stamp.seq.0).collect();
    assert_eq!(positions, (1..=all.len() as u64).collect::<Vec<_>>());

    let ledger = engine.ledger(0);
    let (from, to) = (all[40].stamp.at, all[200].stamp.at);
    for limit in [1, 7, 1000] {
        let mut filter = Filter {
            first: Seq(0),
            from,
            to,
            limit,
        };
        let mut paged = Vec::new();
        loop {
            let page = ledger
                .page(&filter, |entry| ledger.is_at(entry, "s"))
                .unwrap();
            assert!(page.entries.len() <= limit);
            paged.extend(page.entries);
            match page.next {
                Some(next) => filter.first = next,
                None => break,
            }
        }
        let within = |entry: &&Entry| {
            entry.stamp.at >= from && entry.stamp.at < to && ledger.is_at(entry, "s")
        };
        assert_eq!(
            paged,
            all.iter().filter(within).cloned().collect::<Vec<_>>()
        );
    }
}

#[test]
fn the_newest_of_a_level_come_newest_first() {
    let (folder, clock, mut seeded) = (tempfile::tempdir().unwrap(), ManualClock::new(), Seeded(9));
    let engine = open(folder.path(), options(&clock));
    traded(&engine, &clock, &mut seeded, 300);
    let (all, ledger) = (entries(&engine), engine.ledger(0));
    for (_, _, no) in levels(&engine) {
        let mut expected: Vec<Entry> = all
            .iter()
            .filter(|entry| ledger.concerns(entry, no))
            .cloned()
            .collect();
        expected.reverse();
        assert!(expected.len() > 10);
        assert_eq!(ledger.newest(no, 1000).unwrap(), expected);
        assert_eq!(ledger.newest(no, 5).unwrap(), expected[..5]);
    }
}

#[test]
fn history_while_the_ledger_grows_names_every_entry_it_gives() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    std::thread::scope(|scope| {
        let writer = Arc::clone(&engine);
        let writing = scope.spawn(move || {
            for number in 0..300 {
                drop(ask(&writer, 0, receive("s", &format!("sku-{number}"), 1)));
            }
        });
        let ledger = engine.ledger(0);
        while !writing.is_finished() {
            let page = ledger.page(&everything(), |_| true).unwrap();
            for entry in page.entries.iter().rev().take(3) {
                let mut levels = Vec::new();
                entry.event.levels(&mut |no| levels.push(no));
                for no in levels {
                    assert_eq!(
                        engine.table(0).names(no).1,
                        format!("sku-{no}"),
                        "at {}",
                        entry.stamp.seq
                    );
                }
            }
        }
    });
}

#[test]
fn what_was_trimmed_is_said_to_be_trimmed() {
    let (folder, clock, mut seeded) = (tempfile::tempdir().unwrap(), ManualClock::new(), Seeded(3));
    let keep_ledger = Some(days(0));
    let engine = open(
        folder.path(),
        Options {
            keep_ledger,
            ..options(&clock)
        },
    );
    for _ in 0..4 {
        traded(&engine, &clock, &mut seeded, 60);
        clock.pass(days(1).millis());
        engine.snapshot(0).unwrap();
    }
    let early = Timestamp::from_millis(START + 1);
    crate::running::wait_until("it is trimmed", || {
        matches!(
            engine.ledger(0).level_at(LevelNo(0), early),
            Err(HistoryError::Trimmed(_))
        )
    });
    let now = engine.table(0).position().at;
    assert!(
        engine
            .ledger(0)
            .level_at(LevelNo(0), now)
            .unwrap()
            .is_some()
    );
}
