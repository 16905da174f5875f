//! Frames: the same rows whoever makes them, and nothing in them that was not known.

use crate::ledger::{HOUR, Ledger, hour, minutes, number, text};
use crate::{bits, row};
use onhand_core::{Entry, LocationId, Sku, Timestamp};
use onhand_features::snapshot::BadSnapshot;
use onhand_features::{
    FeatureSet, FrameBuilder, Known, Limits, Moment, Question, Questions, Store, Subject, catalog,
};
use proptest::prelude::*;
use std::sync::Arc;

const PLACES: [&str; 2] = ["north", "south"];
const SKUS: [&str; 3] = ["milk", "bread", "jam"];

fn set() -> Arc<FeatureSet> {
    Arc::new(catalog::availability())
}

/// All pairs, and no questions yet.
fn pairs() -> Questions {
    let pair = |place: &str, sku: &str| (LocationId::new(place).unwrap(), Sku::new(sku).unwrap());
    let pairs = PLACES
        .iter()
        .flat_map(|place| SKUS.iter().map(|sku| pair(place, sku)));
    Questions {
        pairs: pairs.collect(),
        rows: Vec::new(),
    }
}

fn name(pair: u32) -> (&'static str, &'static str) {
    (
        PLACES[pair as usize / SKUS.len()],
        SKUS[pair as usize % SKUS.len()],
    )
}

/// The rows of a frame over a whole ledger, in the order of the questions.
fn frame(entries: &[Entry], questions: Questions) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); questions.rows.len()];
    let mut builder = FrameBuilder::new(Store::new(set(), Limits::default()), questions);
    let mut each = |row: onhand_features::FrameRow<'_>| rows[row.number] = bits(row.values);
    for entry in entries {
        builder.take(entry, &mut each).unwrap();
    }
    builder.finish(&mut each);
    rows
}

#[derive(Clone, Debug)]
enum Step {
    Sell { late: u64, units: u32 },
    Look { late: u64, found: bool },
    Receive { units: u32 },
    Push { ahead: u64, value: i64 },
    Join { category: usize },
    Settle { city: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2800u64, 1..9u32).prop_map(|(late, units)| Step::Sell { late, units }),
        4 => (0..2800u64, any::<bool>()).prop_map(|(late, found)| Step::Look { late, found }),
        1 => (1..50u32).prop_map(|units| Step::Receive { units }),
        1 => (0..50u64, 0..2_000_000i64).prop_map(|(ahead, value)| Step::Push { ahead, value }),
        1 => (0..3usize).prop_map(|category| Step::Join { category }),
        1 => (0..2usize).prop_map(|city| Step::Settle { city }),
    ]
}

fn take(ledger: &mut Ledger, known: Timestamp, pair: u32, step: &Step) {
    let (place, sku) = name(pair);
    let before = |minutes: u64| Timestamp::from_millis(known.millis() - minutes * 60_000);
    match step {
        Step::Sell { late, units } => ledger.sell(known, before(*late), place, sku, *units),
        Step::Look { late, found } => ledger.look(known, place, sku, &[(before(*late), *found)]),
        Step::Receive { units } => ledger.receive(known, place, sku, *units),
        Step::Push { ahead, value } => {
            let at = Timestamp::from_millis(known.millis() + ahead * HOUR);
            ledger.push(known, place, Some(sku), "discount", at, number(*value));
        }
        Step::Join { category } => {
            ledger.push(
                known,
                place,
                Some(sku),
                "category",
                known,
                text(["a", "b", "c"][*category]),
            );
        }
        Step::Settle { city } if !ledger.entries.is_empty() => {
            let first = &ledger.entries[0].openings[0].location.clone();
            ledger.push(
                known,
                first.as_str(),
                None,
                "city",
                known,
                text(["x", "y"][*city]),
            );
        }
        Step::Settle { .. } => ledger.receive(known, place, sku, 1),
    }
}

/// Names of which the ledger may know all, the location, the SKU, or nothing.
fn asked(number: u32) -> (&'static str, &'static str) {
    match number {
        0..6 => name(number),
        6 => ("north", "tea"),
        7 => ("nowhere", "milk"),
        _ => ("nowhere", "tea"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However many are read at once, whoever is among them, whatever is remembered from before, and whether all features
    /// are asked for or some.
    #[test]
    fn rows_read_together_are_those_read_alone(
        steps in proptest::collection::vec((0..12u64, 0..6u32, step()), 1..60),
        together in proptest::collection::vec(proptest::collection::vec(0..9u32, 0..80), 1..4),
        lead in 0..5u64,
        chosen in proptest::collection::vec(proptest::bool::weighted(0.2), set().len()),
    ) {
        let choice = set().choice((0..chosen.len()).filter(|place| chosen[*place]));
        let (mut ledger, mut known) = (Ledger::default(), hour(60));
        let (mut store, first, mut taken) = (Store::new(set(), Limits::default()), Subject::default(), 0);
        let mut readers = [first.clone(), first];
        for (after, pair, step) in &steps {
            known = Timestamp::from_millis(known.millis() + after * HOUR / 2);
            take(&mut ledger, known, *pair, step);
            ledger.entries[taken..].iter().for_each(|entry| store.apply(entry).unwrap());
            taken = ledger.entries.len();
            let moment = Moment { now: known, target: Timestamp::from_millis(known.millis() + lead * HOUR) };
            let numbers = &together[taken % together.len()];
            let reader = &mut readers[taken % 2];
            let untouched = f32::MIN_POSITIVE;
            let mut some = vec![untouched; numbers.len() * set().len()];
            let mut rows = some.clone();
            store.find_all(numbers.iter().map(|number| asked(*number)), reader);
            if lead % 2 == 0 {
                store.read_some(reader, &choice, moment, &mut some);
                store.read(reader, moment, &mut rows);
            } else {
                store.read(reader, moment, &mut rows);
                store.read_some(reader, &choice, moment, &mut some);
            }
            for (place, (some, whole)) in some.iter().zip(&rows).enumerate() {
                let told = if chosen[place % chosen.len()] { *whole } else { untouched };
                prop_assert_eq!(some.to_bits(), told.to_bits(), "feature {}", place % chosen.len());
            }
            for (number, found) in numbers.iter().zip(rows.chunks(set().len())) {
                let (place, sku) = asked(*number);
                prop_assert_eq!(bits(found), bits(&row(&store, place, sku, moment)), "{} at {}", sku, place);
            }
        }
    }

    /// Online: entries one by one, rows read at any time, restored from a snapshot now and then. Offline: one frame as
    /// of the same positions.
    #[test]
    fn online_and_offline_agree_to_the_last_bit(
        steps in proptest::collection::vec((0..12u64, 0..6u32, step()), 1..150),
        asked in proptest::collection::vec((0..150usize, 0..6u32, 0..48u64, 0..5u64), 1..40),
        restarts in proptest::collection::vec(0..150usize, 0..4),
    ) {
        let mut ledger = Ledger::default();
        let mut known = hour(60);
        for (after, pair, step) in &steps {
            known = Timestamp::from_millis(known.millis() + after * HOUR / 2);
            take(&mut ledger, known, *pair, step);
        }
        let mut online = Store::new(set(), Limits::default());
        let (mut questions, mut served) = (pairs(), Vec::new());
        for (position, entry) in ledger.entries.iter().enumerate() {
            online.apply(entry).unwrap();
            if restarts.contains(&position) {
                online = Store::restore(set(), &online.snapshot()).unwrap();
            }
            for (_, pair, later, lead) in asked.iter().filter(|one| one.0 == position) {
                let now = Timestamp::from_millis(entry.stamp.at.millis() + later * HOUR / 3);
                let moment = Moment { now, target: Timestamp::from_millis(now.millis() + lead * HOUR) };
                let (place, sku) = name(*pair);
                served.push(bits(&row(&online, place, sku, moment)));
                questions.rows.push(Question { pair: *pair, known: Known::To(entry.stamp.seq), moment });
            }
        }
        prop_assert_eq!(frame(&ledger.entries, questions), served);
    }

    /// Whatever comes in later, a row as of a time stays what it was.
    #[test]
    fn a_backfill_never_changes_an_old_row(
        steps in proptest::collection::vec((0..12u64, 0..6u32, step()), 2..100),
        at in 0..100usize,
    ) {
        let mut ledger = Ledger::default();
        let mut known = hour(60);
        for (after, pair, step) in &steps {
            known = Timestamp::from_millis(known.millis() + after * HOUR / 2);
            take(&mut ledger, known, *pair, step);
        }
        let at = at % ledger.entries.len();
        let now = ledger.entries[at].stamp.at;
        let moment = Moment { now, target: Timestamp::from_millis(now.millis() + HOUR) };
        let mut questions = pairs();
        questions.rows = (0..6).map(|pair| Question { pair, known: Known::At(now), moment }).collect();
        let then: Vec<Entry> = ledger.entries.iter().filter(|entry| entry.stamp.at <= now).cloned().collect();
        prop_assert_eq!(frame(&then, questions.clone()), frame(&ledger.entries, questions));
    }
}

/// The same, in one case that can be read: a sale of 09:30 that is told at 20:00.
#[test]
fn late_data_counts_only_after_it_came_in() {
    let mut ledger = Ledger::default();
    ledger.sell(hour(10), minutes(9, 30), "north", "milk", 2);
    ledger.sell(hour(20), minutes(9, 40), "north", "milk", 5);
    let sold_today = set().position("sold_today").unwrap();
    let sold = |now| {
        let mut questions = pairs();
        let (known, moment) = (Known::At(now), Moment::of(now));
        questions.rows.push(Question {
            pair: 0,
            known,
            moment,
        });
        f32::from_bits(frame(&ledger.entries, questions)[0][sold_today])
    };
    assert_eq!(
        (sold(hour(12)), sold(minutes(19, 59)), sold(hour(20))),
        (2.0, 2.0, 7.0)
    );
}

#[test]
fn rows_come_in_the_order_of_what_they_know_and_carry_their_numbers() {
    let mut ledger = Ledger::default();
    (1..9).for_each(|at| ledger.sell(hour(at), hour(at), "north", "milk", 1));
    let mut questions = pairs();
    questions.rows = [5, 2, 7]
        .map(|at| Question {
            pair: 0,
            known: Known::At(hour(at)),
            moment: Moment::of(hour(at)),
        })
        .to_vec();
    let mut builder = FrameBuilder::new(Store::new(set(), Limits::default()), questions);
    let mut order = Vec::new();
    for entry in &ledger.entries {
        builder
            .take(entry, &mut |row| order.push(row.number))
            .unwrap();
    }
    assert!(builder.is_done());
    assert_eq!(order, [1, 0, 2]);
}

#[test]
fn a_snapshot_that_is_damaged_or_of_another_set_is_refused() {
    let mut ledger = Ledger::default();
    ledger.sell(hour(1), hour(1), "north", "milk", 1);
    let mut store = Store::new(set(), Limits::default());
    store.apply(&ledger.entries[0]).unwrap();
    let bytes = store.snapshot();
    assert_eq!(Store::restore(set(), &bytes).unwrap().snapshot(), bytes);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Store::restore(set(), &damaged).is_err(), "byte {at}");
    }
    for length in 0..bytes.len() {
        assert!(
            Store::restore(set(), &bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let other = FeatureSet::new(set().features()[1..].to_vec()).unwrap();
    assert!(matches!(
        Store::restore(Arc::new(other), &bytes),
        Err(BadSnapshot::OtherSet)
    ));
}
