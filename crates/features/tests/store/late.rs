//! Looks in any order: a slow, obvious twin goes through all minutes.

use crate::ledger::{HOUR, Ledger, START, hour};
use crate::store_of;
use onhand_core::Timestamp;
use onhand_features::Entity::SkuAtLocation;
use onhand_features::Measure::{CameBack, SecondsIn, SecondsOut, WentOut};
use onhand_features::formula::found;
use onhand_features::window::{days, target_hour};
use onhand_features::{Feature, Formula, Kind, Moment, Store, Subject};
use proptest::prelude::*;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60;
/// The first look is not earlier than this, and the last not later than the end.
const BEGIN: u64 = 3 * DAY;

/// What is told at once: minutes since the telling before, and looks by how many minutes ago they were.
type Telling = (u64, Vec<(u64, bool)>);

fn telling() -> impl Strategy<Value = Telling> {
    let look = (0..2800u64, any::<bool>());
    let feed = proptest::collection::vec(look.clone(), 1..6);
    prop_oneof![
        // A picker, and a night's feed of the day before.
        (0..600u64, (0..30u64, any::<bool>())).prop_map(|(after, look)| (after, vec![look])),
        (0..900u64, feed),
    ]
}

/// Minutes since the start, in the order in which they were told.
type Looks = Vec<(u64, bool)>;

fn told(tellings: &[Telling]) -> (Ledger, Looks, u64) {
    let (mut ledger, mut looks, mut known) = (Ledger::default(), Vec::new(), BEGIN);
    for (after, telling) in tellings {
        known += after;
        let at: Looks = telling
            .iter()
            .map(|(ago, found)| (known - ago, *found))
            .collect();
        let lines: Vec<_> = at.iter().map(|(at, found)| (time(*at), *found)).collect();
        ledger.look(time(known), "north", "milk", &lines);
        looks.extend(at);
    }
    (ledger, looks, known)
}

fn time(minute: u64) -> Timestamp {
    Timestamp::from_millis(START + minute * MINUTE)
}

/// The twin: by minute, whether the shelf was empty.
fn minutes(looks: &Looks) -> Vec<Option<bool>> {
    let newest = looks.last().map_or(0, |look| look.0);
    let mut state = None;
    let mut next = looks.iter().peekable();
    let state_of = |minute| {
        while let Some(look) = next.next_if(|look| look.0 <= minute) {
            state = Some(*look);
        }
        let holds = state.filter(|look| look.0 + DAY > minute);
        holds.map(|look| !look.1)
    };
    (0..newest).map(state_of).collect()
}

/// The twin: when the shelf ran empty, or was filled.
fn changes(looks: &Looks, found: bool) -> Vec<u64> {
    let pairs = looks
        .windows(2)
        .filter(|pair| pair[0].1 != found && pair[1].1 == found);
    pairs.map(|pair| pair[1].0).collect()
}

fn definitions() -> Vec<Feature> {
    let of = SkuAtLocation;
    let at_target = target_hour();
    let formulas: [(&'static str, Formula); 8] = [
        ("out", of.sum(SecondsOut, at_target)),
        ("in", of.sum(SecondsIn, at_target)),
        ("out today", of.sum(SecondsOut, days(0..=0))),
        ("ran empty", of.sum(WentOut, days(0..=9))),
        ("was filled", of.sum(CameBack, days(0..=9))),
        ("hours since", of.since(WentOut)),
        ("usual", of.usual(SecondsOut, 7)),
        ("found", found()),
    ];
    let feature = |(name, formula)| Feature::new(name, of, Kind::Number, formula);
    formulas.into_iter().map(feature).collect()
}

fn read(store: &Store, moment: Moment) -> Vec<f32> {
    let (mut subject, mut row) = (Subject::default(), vec![0.0; store.set().len()]);
    store.find("north", "milk", &mut subject);
    store.read(&mut subject, moment, &mut row);
    row
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn looks_told_in_any_order_tell_what_a_walk_through_all_minutes_finds(
        tellings in proptest::collection::vec(telling(), 1..16),
    ) {
        let (ledger, mut looks, known) = told(&tellings);
        looks.sort_by_key(|look| look.0);
        let store = store_of(definitions(), &ledger.entries);
        let now = time(known);
        let (minutes, out) = (minutes(&looks), |minute: &&Option<bool>| **minute == Some(true));
        // The ring of hours reaches three days back.
        for back in 0..72 {
            let target = Timestamp::from_millis(now.millis() / HOUR * HOUR - back * HOUR);
            let first = (target.millis() - START) / MINUTE;
            let hour: Vec<_> = (first..first + 60).filter_map(|minute| minutes.get(minute as usize)).collect();
            let empty = hour.iter().filter(|minute| out(minute)).count() * 60;
            let there = hour.iter().filter(|minute| ***minute == Some(false)).count() * 60;
            let row = read(&store, Moment { now, target });
            prop_assert_eq!((row[0], row[1]), (empty as f32, there as f32), "{} hours back", back);
        }
        let row = read(&store, Moment::of(now));
        let today = known / DAY * DAY;
        let empty = minutes.iter().skip(today as usize).filter(out).count() * 60;
        prop_assert_eq!(row[2], empty as f32);
        let (empty, filled) = (changes(&looks, false), changes(&looks, true));
        prop_assert_eq!((row[3], row[4]), (empty.len() as f32, filled.len() as f32));
        match empty.last() {
            Some(last) => prop_assert!((row[5] - (known - last) as f32 / 60.0).abs() < 1e-3),
            None => prop_assert!(row[5].is_nan()),
        }
        let first = looks[0].0 / DAY;
        let weight = |day: u64| libm::exp2f(-((known / DAY - 1 - day) as f32) / 7.0);
        let of_day = |day: u64| minutes.iter().skip((day * DAY) as usize).take(DAY as usize).filter(out).count() as f32 * 60.0;
        let usual: f32 = (first..known / DAY).map(|day| of_day(day) * weight(day)).sum();
        let weights: f32 = (first..known / DAY).map(weight).sum();
        match weights > 0.0 {
            true => prop_assert!((row[6] - usual / weights).abs() < 1.0, "{} for {}", row[6], usual / weights),
            false => prop_assert!(row[6].is_nan()),
        }
        prop_assert_eq!(row[7], f32::from(u8::from(looks[looks.len() - 1].1)));
    }
}

/// The same, in one case that can be read: a pick at two in the afternoon, and in the night the feed.
#[test]
fn a_pick_takes_nothing_from_what_the_night_tells_of_the_day() {
    let mut ledger = Ledger::default();
    ledger.look(hour(0), "north", "milk", &[(hour(0), true)]);
    ledger.look(hour(14), "north", "milk", &[(hour(14), true)]);
    let feed = [(hour(8), false), (hour(13), true), (hour(24), true)];
    ledger.look(
        Timestamp::from_millis(hour(24).millis() + HOUR / 2),
        "north",
        "milk",
        &feed,
    );
    let store = store_of(definitions(), &ledger.entries);
    let out = |at| {
        let moment = Moment {
            now: hour(25),
            target: hour(at),
        };
        let row = read(&store, moment);
        (row[0], row[1])
    };
    assert_eq!(out(7), (0.0, 3600.0));
    assert_eq!((out(8), out(12)), ((3600.0, 0.0), (3600.0, 0.0)));
    assert_eq!((out(13), out(23)), ((0.0, 3600.0), (0.0, 3600.0)));
    let row = read(&store, Moment::of(hour(25)));
    assert_eq!((row[3], row[4], row[5]), (1.0, 1.0, 17.0));
}
