//! The filter, against a twin that has all hours in a table; means, against a loop; and what readers remember, against
//! readers that remember nothing.

use crate::ledger::{HOUR, Ledger, hour, minutes, number, text};
use crate::{bits, row, store_of};
use onhand_core::Timestamp;
use onhand_features::Entity::{Group, Location, Sku, SkuAtLocation, SkuInRegion};
use onhand_features::Measure::{SecondsOut, SellingHours, UnitsSold, WentOut};
use onhand_features::formula::{Balance, Filtered, balance, filter, found};
use onhand_features::window::{clock, days};
use onhand_features::{
    BadSet, Feature, FeatureSet, Filter, Formula, Kind, Limits, Moment, Store, Subject,
};
use proptest::prelude::*;
use std::sync::Arc;

const PLACES: [&str; 2] = ["north", "south"];
const QUICK: Filter = Filter {
    half_life: 10,
    silence_percent: 100,
};
const SLOW: Filter = Filter {
    half_life: 30,
    silence_percent: 70,
};

fn feature(name: &'static str, formula: Formula) -> Feature {
    Feature::new(name, SkuAtLocation, Kind::Number, formula)
}

/// A day of a shelf: hour by hour, whether it was empty, and what was sold.
type Day = Vec<(bool, u32)>;

/// Tells the days of milk as a nightly feed and a till do, and a last day up to an hour.
fn told(shelves: &[Vec<Day>; 2], last_hours: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for place in PLACES {
        ledger.receive(hour(0), place, "milk", 1);
    }
    let last = shelves[0].len() as u64 - 1;
    for day in 0..=last {
        let hours = if day == last { last_hours } else { 24 };
        for at in day * 24..day * 24 + hours {
            for (place, shelf) in PLACES.iter().zip(shelves) {
                let units = shelf[day as usize][(at % 24) as usize].1;
                if units > 0 {
                    ledger.sell(hour(at + 1), minutes(at, 30), place, "milk", units);
                }
            }
        }
        if day < last {
            for (place, shelf) in PLACES.iter().zip(shelves) {
                night(&mut ledger, day, place, &shelf[day as usize]);
            }
        }
    }
    ledger
}

fn night(ledger: &mut Ledger, day: u64, place: &str, shelf: &Day) {
    let look = |at: usize| (hour(day * 24 + at as u64), !shelf[at.min(23)].0);
    let looks: Vec<_> = (0..=24).map(look).collect();
    ledger.look(minutes(day * 24 + 24, 30), place, "milk", &looks);
}

/// Decayed counts over the full days before the last, by scanning them.
struct Twin<'a> {
    days: &'a [Day],
    half_life: f64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the twin is compared with a tolerance"
)]
impl Twin<'_> {
    fn count(&self, is_so: impl Fn(usize) -> bool) -> f64 {
        let past = self.days.len() - 1;
        let weight = |day: usize| 0.5f64.powf((past - 1 - day) as f64 / self.half_life);
        (0..past).filter(|day| is_so(*day)).map(weight).sum()
    }

    fn is_out(&self, day: usize, hour: usize) -> bool {
        self.days[day][hour].0
    }

    /// Of how often, in how many hours.
    fn counts(&self, what: What, hour: usize) -> (f64, f64) {
        let out = |hour| self.count(|day| self.is_out(day, hour));
        let there = |hour| self.count(|day| !self.is_out(day, hour));
        // The first look of a day is of its midnight, as was the last of the day before.
        let changed =
            |to| self.count(|day| self.is_out(day, hour - 1) != to && self.is_out(day, hour) == to);
        match what {
            What::Out => (out(hour), out(hour) + there(hour)),
            What::GoesOut => (changed(true), there(hour - 1)),
            What::ComesBack => (changed(false), out(hour - 1)),
            What::Sells => (self.count(|day| self.days[day][hour].1 > 0), there(hour)),
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Out,
    GoesOut,
    ComesBack,
    Sells,
}

fn rate(own: &Twin<'_>, other: &Twin<'_>, what: What, hour: usize) -> f64 {
    let (weight, base, low, high) = match what {
        What::Out => (2.0, 0.2, 0.0, 1.0),
        What::GoesOut => (4.0, 0.03, 0.002, 0.6),
        What::ComesBack => (4.0, 0.1, 0.002, 0.6),
        What::Sells => (3.0, 0.3, 0.005, 0.98),
    };
    let (mine, theirs) = (own.counts(what, hour), other.counts(what, hour));
    let prior = (mine.0 + theirs.0 + base) / (mine.1 + theirs.1 + 1.0);
    ((mine.0 + weight * prior) / (mine.1 + weight)).clamp(low, high)
}

/// The chance of an empty shelf before an hour, in a later one, and the silence.
#[expect(
    clippy::disallowed_methods,
    reason = "the twin is compared with a tolerance"
)]
fn twin(own: &[Day], other: &[Day], filter: Filter, begun: usize, target: usize) -> [f64; 3] {
    let half_life = f64::from(filter.half_life);
    let own = Twin {
        days: own,
        half_life,
    };
    let other = Twin {
        days: other,
        half_life,
    };
    let rate = |what, hour| rate(&own, &other, what, hour);
    let pass = |empty: f64, hour| {
        empty * (1.0 - rate(What::ComesBack, hour)) + (1.0 - empty) * rate(What::GoesOut, hour)
    };
    let (mut empty, mut silence) = (rate(What::Out, 6), 0.0);
    for hour in 6..begun {
        if hour > 6 {
            empty = pass(empty, hour);
        }
        let sells = rate(What::Sells, hour);
        let sold = own.days[own.days.len() - 1][hour].1 > 0;
        silence = if sold {
            0.0
        } else {
            silence - (1.0 - sells).ln()
        };
        let power = f64::from(filter.silence_percent) / 100.0;
        let (out, there) = match sold {
            true => (empty * 0.03, (1.0 - empty) * sells),
            false => (
                empty * 0.97f64.powf(power),
                (1.0 - empty) * (1.0 - sells).powf(power),
            ),
        };
        empty = out / (out + there);
    }
    let ahead = (begun..=target).fold(empty, pass);
    [empty, ahead, silence]
}

fn day() -> impl Strategy<Value = Day> {
    proptest::collection::vec((any::<bool>(), prop_oneof![Just(0), 0..4u32]), 24)
}

fn shelf() -> impl Strategy<Value = Vec<Day>> {
    proptest::collection::vec(day(), 12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_filter_is_the_forward_pass_over_a_table_of_hours(
        shelves in (shelf(), shelf()),
        days in 2..12usize,
        begun in 7..22usize,
        lead in 0..2usize,
    ) {
        let cut = |shelf: &Vec<Day>| shelf[..days].to_vec();
        let shelves = [cut(&shelves.0), cut(&shelves.1)];
        let ledger = told(&shelves, begun as u64);
        let midnight = (days as u64 - 1) * 24;
        let moment = Moment {
            now: minutes(midnight + begun as u64, 20),
            target: hour(midnight + (begun + lead) as u64),
        };
        let all = [Filtered::Now, Filtered::Ahead, Filtered::Silence];
        for of in [QUICK, SLOW] {
            let features = ["a", "b", "c"].into_iter().zip(all);
            let mut features: Vec<_> = features.map(|(name, what)| feature(name, filter(of, what))).collect();
            features.push(feature("mean", Sku.mean(filter(of, Filtered::Ahead))));
            let store = store_of(features, &ledger.entries);
            let expected = [(0, 1), (1, 0)].map(|(own, other)| {
                twin(&shelves[own], &shelves[other], of, begun, begun + lead)
            });
            let mean = (expected[0][1] + expected[1][1]) / 2.0;
            for (place, expected) in PLACES.iter().zip(expected) {
                let found = row(&store, place, "milk", moment);
                for (found, expected) in found.iter().zip(expected.into_iter().chain([mean])) {
                    let difference = (f64::from(*found) - expected).abs();
                    prop_assert!(difference < 2e-3, "{found}, not {expected}, at {place}");
                }
            }
        }
    }

    /// Readers that remember, one of them asked about tomorrow in between, and one that is new for each row: they read the
    /// same bits, whatever comes in between.
    #[test]
    fn what_is_remembered_is_what_would_be_made_anew(
        steps in proptest::collection::vec((0..6u64, 0..6usize, 0..14u32, 0..1800u64), 1..80),
        later in 0..4u64,
    ) {
        let set = Arc::new(remembered());
        let mut store = Store::new(Arc::clone(&set), Limits { most_rows: 5, cold_after_days: 2, ..Limits::default() });
        let (mut ledger, mut taken) = (Ledger::default(), 0);
        let mut known = hour(60);
        let mut readers = [Subject::default(), Subject::default()];
        for (after, pair, what, late) in steps {
            known = Timestamp::from_millis(known.millis() + after * HOUR / 3);
            happen(&mut ledger, known, (PLACES[pair % 2], SKUS[pair / 2]), what, late);
            for entry in &ledger.entries[taken..] {
                store.apply(entry).unwrap();
            }
            taken = ledger.entries.len();
            let soon = known.millis() + later * HOUR;
            let tomorrow = (known.millis() / (24 * HOUR) + 1) * 24 * HOUR + 10 * HOUR;
            for (now, reader) in [(soon, 0), (soon, 1), (tomorrow, 1)] {
                let remembering = &mut readers[reader];
                let [now, target] = [now, now + HOUR].map(Timestamp::from_millis);
                for (place, sku) in PLACES.iter().flat_map(|place| SKUS.map(|sku| (*place, sku))) {
                    let mut values = vec![0.0; set.len()];
                    store.find(place, sku, remembering);
                    store.read(remembering, Moment { now, target }, &mut values);
                    let anew = row(&store, place, sku, Moment { now, target });
                    let same = bits(&values) == bits(&anew);
                    prop_assert!(same, "{values:?}, not {anew:?}, of {sku} at {place}");
                }
            }
        }
    }

    /// A reader goes on from the hour before, and takes the day in again when an hour turns out to have sold.
    #[test]
    fn a_day_is_gone_on_with_until_an_hour_of_it_changes(
        sold in proptest::collection::vec((6..22u64, 0..14u64), 0..12),
    ) {
        let mut ledger = Ledger::default();
        for place in PLACES {
            ledger.look(hour(30), place, "milk", &[(hour(0), true), (hour(7), true), (hour(15), false)]);
        }
        let all = [Filtered::Now, Filtered::Ahead, Filtered::Silence];
        let features = ["a", "b", "c"].into_iter().zip(all);
        let features = features.map(|(name, what)| feature(name, filter(QUICK, what)));
        let mut store = store_of(features.collect(), &ledger.entries);
        let mut subject = Subject::default();
        for now in 7..24 {
            for (happened, _) in sold.iter().filter(|(at, late)| (at + late).min(23) == now) {
                let taken = ledger.entries.len();
                ledger.sell(hour(48 + now), minutes(48 + happened - 1, 30), "north", "milk", 1);
                ledger.entries[taken..].iter().for_each(|entry| store.apply(entry).unwrap());
            }
            let moment = Moment::of(hour(48 + now));
            let mut values = [0.0; 3];
            store.find("north", "milk", &mut subject);
            store.read(&mut subject, moment, &mut values);
            prop_assert_eq!(bits(&values), bits(&row(&store, "north", "milk", moment)), "at {}", now);
        }
    }
}

const SKUS: [&str; 3] = ["milk", "bread", "jam"];

/// Means of everything that a member may have, over every kind of group.
fn remembered() -> FeatureSet {
    let groups = [Sku, Location, Group("category"), SkuInRegion("city")];
    let mut features = Vec::new();
    for (group, names) in groups.into_iter().zip([
        ["a", "b", "c"],
        ["d", "e", "f"],
        ["g", "h", "i"],
        ["j", "k", "l"],
    ]) {
        let looks = found() + SkuAtLocation.pushed("discount").or(0.0);
        let means = [
            filter(QUICK, Filtered::Ahead),
            balance(Balance::OnHand),
            looks,
        ];
        features.extend(
            names
                .into_iter()
                .zip(means)
                .map(|(name, of)| feature(name, group.mean(of))),
        );
    }
    features.push(feature("own", filter(QUICK, Filtered::Silence)));
    FeatureSet::new(features).unwrap()
}

fn happen(ledger: &mut Ledger, known: Timestamp, (place, sku): (&str, &str), what: u32, late: u64) {
    let before = Timestamp::from_millis(known.millis() - late * 60_000);
    let either = |names: [&str; 2]| text(names[late as usize % 2]);
    match what {
        0..=4 => ledger.sell(known, before, place, sku, what + 1),
        5..=7 => ledger.look(known, place, sku, &[(before, what == 5)]),
        8 => ledger.look(known, place, sku, &[(known, late.is_multiple_of(2))]),
        9 => ledger.push(
            known,
            place,
            Some(sku),
            "category",
            before,
            either(["a", "b"]),
        ),
        10 => ledger.push(
            known,
            place,
            Some(sku),
            "discount",
            before,
            number(late as i64),
        ),
        11 | 12 if ledger.knows(place) => {
            ledger.push(known, place, None, "city", known, either(["x", "y"]));
        }
        _ => ledger.receive(known, place, sku, 3),
    }
}

/// Asked about tomorrow, today is past, and what is told of it changes what others usually do.
#[test]
fn what_is_asked_about_tomorrow_is_remembered_until_the_next_entry() {
    let mut ledger = Ledger::default();
    for place in PLACES {
        ledger.look(hour(9), place, "milk", &[(hour(0), true), (hour(9), true)]);
    }
    let empty = feature("empty", filter(QUICK, Filtered::Ahead));
    let mut store = store_of(vec![empty], &ledger.entries);
    let (taken, moment, mut subject) = (
        ledger.entries.len(),
        Moment::of(hour(34)),
        Subject::default(),
    );
    let mut read = |store: &Store| {
        let mut values = [0.0];
        store.find("north", "milk", &mut subject);
        store.read(&mut subject, moment, &mut values);
        values[0]
    };
    let before = read(&store);
    ledger.sell(hour(10), minutes(8, 30), "south", "milk", 1);
    store.apply(&ledger.entries[taken]).unwrap();
    let after = read(&store);
    assert!(
        after > before,
        "the other shelf sells at eight, so silence says more: {after} after {before}"
    );
    assert_eq!(after, row(&store, "north", "milk", moment)[0]);
}

/// Units that leave for another store tell nothing to learn from, and are gone from the mean all the same.
#[test]
fn units_that_move_change_what_is_remembered_of_the_stock() {
    let mut ledger = Ledger::default();
    for place in PLACES {
        ledger.receive(hour(0), place, "milk", 6);
    }
    let mean = feature("mean", Sku.mean(balance(Balance::OnHand)));
    let mut store = store_of(vec![mean], &ledger.entries);
    let (taken, mut subject) = (ledger.entries.len(), Subject::default());
    let mut read = |store: &Store| {
        let mut values = [0.0];
        store.find("north", "milk", &mut subject);
        store.read(&mut subject, Moment::of(hour(1)), &mut values);
        values[0]
    };
    assert_eq!(read(&store), 6.0);
    ledger.send(hour(0), "north", "south", "milk", 4);
    store.apply(&ledger.entries[taken]).unwrap();
    assert_eq!(read(&store), 4.0);
}

#[test]
fn an_hour_with_a_sale_counts_once_however_often_it_sold() {
    let mut ledger = Ledger::default();
    ledger.sell(hour(10), minutes(9, 10), "north", "milk", 2);
    ledger.sell(hour(10), minutes(9, 50), "north", "milk", 1);
    ledger.sell(hour(10), minutes(9, 50), "south", "milk", 1);
    ledger.sell(hour(30), minutes(8, 50), "north", "milk", 1);
    let features = [SkuAtLocation, Sku].map(|of| of.sum(SellingHours, days(0..=1)));
    let features = ["here", "sku"].into_iter().zip(features);
    let features = features.map(|(name, formula)| feature(name, formula));
    let store = store_of(features.collect(), &ledger.entries);
    assert_eq!(
        row(&store, "north", "milk", Moment::of(hour(30))),
        [2.0, 3.0]
    );
}

#[test]
fn a_mean_is_over_those_that_are_members_now() {
    let mut ledger = Ledger::default();
    for (place, sku, units) in [
        ("north", "milk", 2),
        ("south", "milk", 6),
        ("north", "jam", 40),
    ] {
        ledger.receive(hour(0), place, sku, units);
    }
    let on_hand = || balance(Balance::OnHand);
    let city = SkuInRegion("city");
    let features = || {
        vec![
            feature("sku", Sku.mean(on_hand())),
            feature("location", Location.mean(on_hand())),
            feature("city", city.mean(on_hand())),
            feature("category", Group("category").mean(on_hand())),
            feature("shelves", city.members()),
        ]
    };
    let read = |ledger: &Ledger, place| {
        let store = store_of(features(), &ledger.entries);
        row(&store, place, "milk", Moment::of(hour(9)))
    };
    let found = read(&ledger, "north");
    assert_eq!(found[..2], [4.0, 21.0]);
    assert!(
        found[2..].iter().all(|value| value.is_nan()),
        "no city yet: {found:?}"
    );
    for (place, city) in [("north", "Oslo"), ("south", "Oslo"), ("north", "Bergen")] {
        ledger.push(hour(1), place, None, "city", hour(0), text(city));
        ledger.push(
            hour(1),
            "north",
            Some("milk"),
            "category",
            hour(0),
            text(city),
        );
    }
    ledger.push(
        hour(1),
        "north",
        Some("jam"),
        "category",
        hour(0),
        text("Bergen"),
    );
    assert_eq!(read(&ledger, "north"), [4.0, 21.0, 2.0, 21.0, 1.0]);
    assert_eq!(read(&ledger, "south")[2], 6.0);
    // A new shelf belongs to its location's city, and a new SKU there has what the city has of it.
    ledger.push(hour(2), "north", None, "city", hour(0), text("Oslo"));
    ledger.receive(hour(2), "south", "jam", 10);
    let found = read(&ledger, "south");
    assert_eq!((found[2], found[4]), (4.0, 2.0));
}

#[test]
fn sold_out_days_tell_how_much_there_is() {
    let mut ledger = Ledger::default();
    for (day, units, is_out) in [(0u64, 8, true), (1, 99, false), (2, 5, true)] {
        let at = |hours| hour(day * 24 + hours);
        ledger.sell(at(12), at(11), "north", "milk", units);
        ledger.look(at(23), "north", "milk", &[(at(1), true), (at(13), !is_out)]);
    }
    let capacity = SkuAtLocation.mean_on_days_with(WentOut, UnitsSold, 1, days(1..=28));
    let first = SkuAtLocation.earliest(SecondsOut, clock(0..=23).on_days(1..=1));
    let store = store_of(
        vec![feature("a", capacity), feature("b", first)],
        &ledger.entries,
    );
    let found = row(&store, "north", "milk", Moment::of(hour(3 * 24 + 5)));
    // The day before weighs half, and that of three days ago an eighth.
    assert_eq!(found[0], ((5.0 * 0.5 + 8.0 * 0.125) / 0.625) as f32);
    assert!(
        found[1].is_nan(),
        "its emptiness was not yet over: {found:?}"
    );
}

#[test]
fn a_mean_of_what_others_have_is_refused() {
    let refused = |formula| FeatureSet::new(vec![feature("mean", formula)]).unwrap_err();
    let sold = |of: onhand_features::Entity| of.sum(UnitsSold, days(0..=0));
    for formula in [
        Location.mean(sold(Location)),
        Location.mean(Sku.mean(sold(SkuAtLocation))),
        SkuAtLocation.mean(sold(SkuAtLocation)),
        Location.mean(Sku.members()),
    ] {
        assert_eq!(refused(formula), BadSet::MeanOfOthers("mean"));
    }
}
