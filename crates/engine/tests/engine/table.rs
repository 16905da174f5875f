//! The read table under one publisher and several readers.

use crate::requests::{location, sku};
use onhand_core::{Command, Decision, Level, LevelNo, Opening, Seq, Stamp, State, Timestamp};
use onhand_engine::ReadTable;
use onhand_engine::machine::Publish;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const UNITS: u32 = 1_000;
const HOT: u64 = 4;

fn opening(number: u64) -> Opening {
    Opening {
        location: location(&format!("store-{}", number % 7)),
        sku: sku(&format!("sku-{number}")),
    }
}

fn level(of: &State, reserved: u32) -> Level {
    *of.directory().level(LevelNo(reserved)).unwrap()
}

fn submit(state: &mut State, command: Command) {
    match state.decide(Timestamp::default(), None, &command) {
        Decision::Record(entry) => state.apply(&entry).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A state whose level `n` has `n` units reserved, as many kept back, and the rest of [`UNITS`] free.
fn levels() -> State {
    let mut state = State::new(0);
    let mut submit = |command| submit(&mut state, command);
    for number in 0..UNITS {
        let name = format!("sku-{number}");
        submit(crate::requests::receive("s", &name, UNITS));
        if number > 0 {
            submit(crate::requests::hold("s", &name, number, 1_000));
        }
        submit(crate::requests::keep_back("s", &name, number));
    }
    state
}

#[test]
fn what_a_reader_sees_of_a_level_is_of_one_moment_and_never_goes_back() {
    let (states, mut state) = (levels(), State::new(0));
    let table = ReadTable::of(&state, Timestamp::default());
    let is_over = AtomicBool::new(false);
    let rounds = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| read(&table, &is_over));
        }
        let rounds = write(&table, &mut state, &states);
        is_over.store(true, Ordering::SeqCst);
        rounds
    });
    assert!(
        rounds > 1_000,
        "{rounds} rounds are too few to see anything"
    );
}

/// Changes the hot levels over and over, and opens another one each time, so that pages and indexes grow as well.
fn write(table: &ReadTable, state: &mut State, states: &State) -> u64 {
    let (start, mut seq) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(1) {
        seq += 1;
        let opened = LevelNo(seq as u32 - 1);
        let Opening { location, sku } = opening(seq - 1);
        submit(
            state,
            crate::requests::receive(location.as_str(), sku.as_str(), 1),
        );
        let mut levels = vec![(
            opened,
            level(states, (seq % u64::from(UNITS)) as u32),
            Seq(seq),
        )];
        // Not the one just opened: no level has two records of one entry, and the table counts on that.
        for hot in 0..HOT.min(seq - 1) {
            let reserved = ((seq * 7 + hot * 13) % u64::from(UNITS)) as u32;
            levels.push((LevelNo(hot as u32), level(states, reserved), Seq(seq)));
        }
        table.publish(&Publish {
            extent: state.directory().catalogue().extent(),
            levels,
            last: Stamp {
                seq: Seq(seq),
                at: Timestamp::from_millis(seq),
            },
        });
    }
    seq
}

fn read(table: &ReadTable, is_over: &AtomicBool) {
    let mut newest = [Seq::ZERO; HOT as usize];
    let mut looked_up = 0;
    while !is_over.load(Ordering::SeqCst) {
        for hot in 0..HOT {
            let position = table.position().seq;
            let seen = table.level(LevelNo(hot as u32));
            if seen.seq == Seq::ZERO {
                continue;
            }
            assert_eq!(seen.on_hand, i64::from(UNITS), "{seen:?}");
            assert_eq!(seen.reserved, seen.safety_stock, "{seen:?}");
            assert_eq!(
                seen.available,
                i64::from(UNITS) - 2 * i64::from(seen.reserved),
                "{seen:?}"
            );
            let expected = (seen.seq.0 * 7 + hot * 13) % u64::from(UNITS);
            let is_first = seen.seq.0 == hot + 1;
            assert!(is_first || u64::from(seen.reserved) == expected, "{seen:?}");
            assert!(
                seen.seq >= newest[hot as usize],
                "it went back to {}",
                seen.seq
            );
            assert!(
                seen.seq >= position,
                "it is older than the position read before it"
            );
            newest[hot as usize] = seen.seq;
        }
        // Whatever the position says is there can be found, by name, as itself, filled.
        let position = table.position().seq.0;
        if position > 0 {
            looked_up = (looked_up * 31 + 17) % position;
            for number in [looked_up, position - 1] {
                let Opening { location, sku } = opening(number);
                let at = table.location(&location).expect("published");
                let (no, seen) = table.find(at, &sku).expect("published");
                assert_eq!(no, LevelNo(number as u32));
                assert_eq!(table.names(no), (location.as_str(), sku.as_str()));
                assert!(seen.seq.0 > number, "{seen:?}");
            }
        }
        // And what is not there has no names.
        let beyond = LevelNo(table.len() as u32 + 100_000);
        assert_eq!(table.names(beyond), ("", ""));
    }
}

#[test]
fn a_level_of_a_page_that_is_there_but_not_open_yet_has_no_names() {
    let table = ReadTable::of(&levels(), Timestamp::default());
    assert_eq!(table.names(LevelNo(UNITS - 1)), ("s", "sku-999"));
    assert_eq!(table.names(LevelNo(UNITS)), ("", ""));
}

#[test]
fn what_the_writer_knows_is_not_there_before_it_is_published() {
    let mut state = State::new(0);
    submit(&mut state, crate::requests::receive("old", "apple", 1));
    let table = ReadTable::of(&state, Timestamp::default());
    submit(&mut state, crate::requests::receive("new", "apple", 1));
    submit(&mut state, crate::requests::receive("old", "pear", 1));
    let (old, new) = (location("old"), location("new"));
    let at = table.location(&old).expect("it was there");
    assert_eq!(table.location(&new), None);
    assert_eq!(table.find(at, &sku("pear")), None);
    assert_eq!((table.len(), table.locations()), (1, 1));
    assert_eq!(table.names(LevelNo(1)), ("", ""));
    let directory = state.directory();
    let levels = directory.iter();
    let levels = levels.map(|(no, level)| (no, *level, state.last().seq));
    table.publish(&Publish {
        levels: levels.collect(),
        ..Publish::after(&state)
    });
    assert!(table.location(&new).is_some());
    assert!(table.find(at, &sku("pear")).is_some());
    assert_eq!((table.len(), table.locations()), (3, 2));
    assert_eq!(table.names(LevelNo(1)), ("new", "apple"));
}
