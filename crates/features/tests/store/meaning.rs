//! What features mean, case by case.

use crate::ledger::{HOUR, Ledger, START, hour, minutes, number, text};
use crate::{row, store_of};
use onhand_core::{Span, Timestamp};
use onhand_features::Entity::{Group, Location, Region, Sku, SkuAtLocation};
use onhand_features::Measure::{
    Deliveries, Found, Sales, SecondsIn, SecondsOut, SellingHours, UnitsSold, WentOut,
};
use onhand_features::formula::{Balance, balance, found};
use onhand_features::window::{days, hours, so_far, target_hour};
use onhand_features::{Entity, Feature, FeatureSet, Formula, Kind, Limits, Moment, Store};
use std::sync::Arc;

fn feature(name: &'static str, formula: Formula) -> Feature {
    Feature::new(name, SkuAtLocation, Kind::Number, formula)
}

/// The values of formulas for milk at the north store.
fn values(ledger: &Ledger, moment: Moment, formulas: Vec<Formula>) -> Vec<f32> {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let features = NAMES.into_iter().zip(formulas);
    let features = features
        .map(|(name, formula)| feature(name, formula))
        .collect();
    row(
        &store_of(features, &ledger.entries),
        "north",
        "milk",
        moment,
    )
}

fn sales(of: Entity) -> Formula {
    of.sum(UnitsSold, days(0..=0))
}

#[test]
fn a_sale_counts_for_everything_that_the_item_is_part_of() {
    let mut ledger = Ledger::default();
    for (place, sku) in [
        ("north", "milk"),
        ("north", "bread"),
        ("south", "milk"),
        ("south", "jam"),
    ] {
        ledger.receive(hour(0), place, sku, 50);
    }
    ledger.push(
        hour(1),
        "north",
        Some("milk"),
        "category",
        hour(0),
        text("dairy"),
    );
    ledger.push(
        hour(1),
        "south",
        Some("jam"),
        "category",
        hour(0),
        text("dairy"),
    );
    ledger.push(hour(1), "north", None, "city", hour(0), text("Oslo"));
    for (place, sku, units) in [
        ("north", "milk", 1),
        ("north", "bread", 10),
        ("south", "milk", 100),
        ("south", "jam", 1000),
    ] {
        ledger.sell(hour(2), hour(2), place, sku, units);
    }
    let of = [
        SkuAtLocation,
        Location,
        Sku,
        Group("category"),
        Region("city"),
        Entity::Everything,
    ];
    let found = values(&ledger, Moment::of(hour(3)), of.map(sales).to_vec());
    assert_eq!(found, [1.0, 11.0, 101.0, 1001.0, 11.0, 1111.0]);
}

#[test]
fn a_feed_that_tells_changes_alone_tells_every_hour() {
    let mut ledger = Ledger::default();
    // Told in the night: there at midnight, empty from 10 to 14, and at the end of the day.
    let told = [
        (hour(0), true),
        (hour(10), false),
        (hour(14), true),
        (hour(20), false),
        (minutes(23, 59), false),
    ];
    ledger.look(minutes(24, 30), "north", "milk", &told);
    let moment = Moment {
        now: hour(34),
        target: hour(35),
    };
    let yesterday = target_hour().on_days(1..=1);
    let formulas = vec![
        SkuAtLocation.sum(SecondsOut, days(1..=1)) / 60.0,
        SkuAtLocation.sum(SecondsIn, days(1..=1)) / 60.0,
        SkuAtLocation.sum(SecondsOut, yesterday),
        SkuAtLocation.sum(SecondsOut, hours(0..=0).on_days(1..=1)),
        SkuAtLocation.sum(WentOut, days(1..=1)),
        SkuAtLocation.since(WentOut),
        found(),
    ];
    let minutes_out = (4 * 60 + 3 * 60 + 59) as f32;
    assert_eq!(
        values(&ledger, moment, formulas),
        [minutes_out, 16.0 * 60.0, 3600.0, 3600.0, 2.0, 14.0, 0.0]
    );
}

#[test]
fn usual_is_what_full_days_had_and_a_silence_is_measured_in_it() {
    let mut ledger = Ledger::default();
    ledger.receive(hour(0), "north", "milk", 1000);
    for day in 0..10 {
        for at in [9, 10, 11] {
            ledger.sell(
                hour(day * 24 + at + 1),
                minutes(day * 24 + at, 30),
                "north",
                "milk",
                2,
            );
        }
    }
    // Day 10, 13:00: nothing was sold since 11:30 of the day before.
    let moment = Moment::of(hour(10 * 24 + 13));
    let formulas = vec![
        SkuAtLocation.usual(UnitsSold, 7),
        SkuAtLocation.usual_in(UnitsSold, 7, hours(2..=3)),
        SkuAtLocation.silence(Sales, 7),
        SkuAtLocation.sum(UnitsSold, so_far()),
        SkuAtLocation.sum(UnitsSold, hours(2..=3))
            / SkuAtLocation.usual_in(UnitsSold, 7, hours(2..=3)),
    ];
    let found = values(&ledger, moment, formulas);
    let expected = [6.0, 4.0, 3.0, 0.0, 0.0];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
    }
}

#[test]
fn days_told_before_the_first_are_days_of_the_usual() {
    let mut ledger = Ledger::default();
    // A look on each of 28 days, all told on the day after the last.
    let looks: Vec<_> = (0..28).map(|day| (hour(day * 24 + 9), true)).collect();
    ledger.look(minutes(28 * 24, 5), "north", "milk", &looks);
    for day in [28, 29, 35] {
        let formulas = vec![
            SkuAtLocation.usual(Found, 14),
            Location.usual(Found, 14),
            SkuAtLocation.days_known(Found, 30_000),
            Group("category").usual(Found, 14).or(-1.0),
        ];
        let found = values(&ledger, Moment::of(hour(day * 24 + 12)), formulas);
        assert_eq!((found[0], found[3]), (found[1], -1.0));
        assert!((found[2] - day as f32).abs() < 0.1, "{}", found[2]);
        let weight = |from: u64| {
            (from..day)
                .map(|back| libm::exp2f(-(back as f32) / 14.0))
                .sum::<f32>()
        };
        let expected = weight(day - 28) / weight(0);
        assert!(
            (found[0] - expected).abs() < 1e-3,
            "{} for {expected} on day {day}",
            found[0]
        );
    }
}

#[test]
fn what_a_clock_that_is_years_wrong_tells_is_no_first_day() {
    let mut ledger = Ledger::default();
    let long_ago = Timestamp::from_millis(HOUR);
    ledger.look(
        hour(9),
        "north",
        "milk",
        &[(long_ago, true), (hour(9), true)],
    );
    let usual = || vec![SkuAtLocation.usual(Found, 14)];
    assert!(values(&ledger, Moment::of(hour(12)), usual())[0].is_nan());
    assert_eq!(values(&ledger, Moment::of(hour(36)), usual()), [1.0]);
}

#[test]
fn what_was_replaced_and_not_looked_for_was_not_found_there() {
    let mut ledger = Ledger::default();
    for sku in ["milk", "cream"] {
        ledger.receive(hour(0), "north", sku, 20);
    }
    let formulas = || vec![found().or(-1.0), SkuAtLocation.sum(SecondsIn, days(0..=0))];
    ledger.look(hour(1), "north", "milk", &[(hour(1), false)]);
    ledger.pick(hour(2), "north", "milk", (0, 0), Some("cream"));
    assert_eq!(values(&ledger, Moment::of(hour(3)), formulas()), [0.0, 0.0]);
    ledger.pick(hour(4), "north", "milk", (1, 0), Some("cream"));
    ledger.pick(hour(5), "north", "milk", (1, 1), None);
    assert_eq!(
        values(&ledger, Moment::of(hour(6)), formulas()),
        [0.0, 3600.0]
    );
}

#[test]
fn a_pushed_value_holds_from_its_time_on_even_if_it_is_told_before() {
    let mut ledger = Ledger::default();
    ledger.receive(hour(0), "north", "milk", 5);
    ledger.push(
        hour(1),
        "north",
        Some("milk"),
        "discount",
        hour(0),
        number(1_000_000),
    );
    ledger.push(
        hour(2),
        "north",
        Some("milk"),
        "discount",
        hour(24),
        number(700_000),
    );
    ledger.push(hour(2), "north", None, "rain", hour(0), number(12_500_000));
    let asked = |target| Moment {
        now: hour(3),
        target,
    };
    let formulas = || {
        vec![
            SkuAtLocation.pushed("discount"),
            SkuAtLocation.pushed_for("discount"),
            Location.pushed("rain"),
            Location.pushed("discount").is_missing(),
        ]
    };
    assert_eq!(
        values(&ledger, asked(hour(23)), formulas()),
        [1.0, 23.0, 12.5, 1.0]
    );
    assert_eq!(
        values(&ledger, asked(hour(30)), formulas()),
        [0.7, 6.0, 12.5, 1.0]
    );
}

#[test]
fn forecasts_for_a_week_leave_what_holds_today() {
    let mut ledger = Ledger::default();
    ledger.receive(hour(0), "north", "milk", 5);
    for day in 0..7 {
        let told = number(1_000_000 * (1 + day as i64));
        ledger.push(hour(5), "north", None, "rain", hour(day * 24), told);
    }
    let rain = vec![feature("rain", Location.pushed("rain"))];
    let store = store_of(rain, &ledger.entries);
    let of = |day: u64| {
        row(
            &store,
            "north",
            "milk",
            Moment {
                now: hour(6),
                target: hour(day * 24 + 6),
            },
        )[0]
    };
    assert_eq!([0, 1, 2, 3].map(of), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(store.dropped().values_ahead, 3);
}

#[test]
fn a_value_does_not_depend_on_what_else_is_kept() {
    let mut ledger = Ledger::default();
    ledger.remember(hour(0), Span::from_secs(7 * 24 * 3600));
    ledger.sell(hour(150), hour(150), "north", "milk", 1);
    ledger.sell(hour(150), hour(150 - 74), "north", "milk", 1);
    ledger.sell(hour(150), hour(150 - 71), "north", "milk", 1);
    let alone = || vec![feature("hours", SkuAtLocation.usual(SellingHours, 7))];
    let with = [
        alone(),
        vec![feature(
            "long",
            SkuAtLocation.sum(UnitsSold, hours(0..=200)),
        )],
    ]
    .concat();
    let of = |features| {
        row(
            &store_of(features, &ledger.entries),
            "north",
            "milk",
            Moment::of(hour(170)),
        )[0]
    };
    assert_eq!(of(alone()).to_bits(), of(with).to_bits());
    let same_name = [Group("x"), Region("x")].map(|of| feature("sold", sales(of)).hash());
    assert_ne!(same_name[0], same_name[1]);
}

#[test]
fn balances_add_up_the_ledger() {
    let mut ledger = Ledger::default();
    ledger.receive(hour(0), "north", "milk", 5);
    ledger.sell(hour(1), hour(1), "north", "milk", 2);
    let formulas = vec![
        balance(Balance::OnHand),
        balance(Balance::Promised),
        SkuAtLocation.sum(Deliveries, days(0..=0)),
    ];
    assert_eq!(
        values(&ledger, Moment::of(hour(2)), formulas),
        [3.0, 0.0, 1.0]
    );
}

#[test]
fn a_new_item_has_what_its_location_and_its_kind_have() {
    let mut ledger = Ledger::default();
    ledger.sell(hour(1), hour(1), "north", "bread", 3);
    ledger.sell(hour(1), hour(1), "south", "milk", 4);
    let formulas = vec![
        sales(SkuAtLocation),
        sales(Location),
        sales(Sku),
        SkuAtLocation.age().or(-1.0),
    ];
    let found = values(&ledger, Moment::of(hour(2)), formulas);
    assert!(found[0].is_nan());
    assert_eq!(found[1..], [3.0, 4.0, -1.0]);
}

#[test]
fn what_is_little_known_is_drawn_to_its_family() {
    let rate = Formula::Number(1.0).drawn_to(0.2.into(), 3.0.into(), 5.0);
    let unknown = Formula::Number(f64::NAN).drawn_to(0.2.into(), 0.0.into(), 5.0);
    let found = values(&Ledger::default(), Moment::of(hour(0)), vec![rate, unknown]);
    assert_eq!(found, [0.5, 0.2]);
}

#[test]
fn cold_rows_are_given_back_and_counted() {
    let mut ledger = Ledger::default();
    for sku in ["milk", "bread", "jam"] {
        ledger.sell(hour(1), hour(1), "north", sku, 1);
    }
    for day in 1..20 {
        ledger.sell(hour(day * 24), hour(day * 24), "north", "bread", 1);
    }
    let set = FeatureSet::new(vec![feature(
        "sold",
        SkuAtLocation.sum(UnitsSold, days(0..=28)),
    )])
    .unwrap();
    let limits = Limits {
        most_rows: 2,
        cold_after_days: 10,
        ..Limits::default()
    };
    let mut store = Store::new(Arc::new(set), limits);
    ledger
        .entries
        .iter()
        .for_each(|entry| store.apply(entry).unwrap());
    assert_eq!(store.dropped().facts_without_row, 1, "jam came third");
    assert_eq!(
        (store.dropped().cold_rows, store.rows()),
        (1, 1),
        "milk went cold"
    );
    let sold = |store: &Store, sku| row(store, "north", sku, Moment::of(hour(20 * 24)))[0];
    assert_eq!(sold(&store, "bread"), 20.0);
    assert!(sold(&store, "milk").is_nan());
    // Milk comes back, in the row it had, and begins again.
    ledger.sell(hour(20 * 24), hour(20 * 24), "north", "milk", 5);
    store.apply(ledger.entries.last().unwrap()).unwrap();
    assert_eq!(sold(&store, "milk"), 5.0);
}

#[test]
fn a_new_text_every_day_takes_no_more_rows_than_one() {
    let mut ledger = Ledger::default();
    for sku in ["milk", "bread", "jam"] {
        ledger.receive(hour(0), "north", sku, 50);
        ledger.receive(hour(0), "south", sku, 50);
    }
    let features = || {
        vec![
            feature("of category", sales(Group("category"))),
            feature("here", sales(Entity::GroupAtLocation("category"))),
            feature("in city", sales(Entity::SkuInRegion("city"))),
            feature("of city", sales(Region("city"))),
            feature("city", Region("city").code()),
            feature("size", Entity::SkuInRegion("city").members()),
        ]
    };
    let mut sizes = Vec::new();
    for day in 0..30 {
        let name = format!("day {day}");
        for sku in ["milk", "bread", "jam"] {
            ledger.push(
                hour(day),
                "north",
                Some(sku),
                "category",
                hour(day),
                text(&name),
            );
        }
        ledger.push(hour(day), "north", None, "city", hour(day), text(&name));
        ledger.sell(hour(day), hour(day), "north", "milk", 1);
        let store = store_of(features(), &ledger.entries);
        sizes.push(store.bytes());
        let found = row(&store, "north", "milk", Moment::of(hour(day)));
        // What was before is the old groups'. Their numbers are not given again.
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0, day as f32, 1.0]);
        assert_eq!(
            row(&store, "south", "milk", Moment::of(hour(day)))[3].to_bits(),
            f32::NAN.to_bits()
        );
    }
    assert_eq!(sizes[29], sizes[2]);
    // A bound, and what comes with it.
    let set = Arc::new(FeatureSet::new(features()).unwrap());
    let limits = Limits {
        most_groups: 1,
        ..Limits::default()
    };
    ledger.push(hour(30), "south", None, "city", hour(30), text("another"));
    let mut store = Store::new(set, limits);
    ledger
        .entries
        .iter()
        .for_each(|entry| store.apply(entry).unwrap());
    assert!(
        store.dropped().levels_without_group >= 3,
        "{:?}",
        store.dropped()
    );
    let found = row(&store, "south", "milk", Moment::of(hour(31)));
    assert!(found[3].is_nan());
}

#[test]
fn what_comes_too_late_for_a_window_is_counted() {
    let mut ledger = Ledger::default();
    ledger.look(hour(24 * 9), "north", "milk", &[(hour(24 * 9), true)]);
    ledger.look(hour(24 * 9), "north", "milk", &[(hour(24), true)]);
    let found = Entity::Location.sum(onhand_features::Measure::Found, days(0..=3));
    let store = store_of(vec![feature("found", found)], &ledger.entries);
    assert_eq!(store.dropped().late_amounts, 1);
}

#[test]
fn an_age_is_that_of_the_newest_fact() {
    let mut ledger = Ledger::default();
    ledger.sell(hour(1), hour(1), "north", "milk", 1);
    ledger.sell(hour(9), hour(6), "north", "milk", 1);
    let store = store_of(
        vec![
            feature("sold", sales(SkuAtLocation)),
            feature("age", SkuAtLocation.age()),
        ],
        &ledger.entries,
    );
    let mut subject = onhand_features::Subject::default();
    store.find("north", "milk", &mut subject);
    let now = Timestamp::from_millis(START + 10 * HOUR);
    let age = |feature| store.standing(&subject, 0, feature, Moment::of(now)).age;
    assert_eq!(age(0).unwrap().millis(), 4 * HOUR);
    assert_eq!(age(1), None);
}

#[test]
fn an_entry_is_taken_once_and_in_order() {
    let mut ledger = Ledger::default();
    ledger.sell(hour(1), hour(1), "north", "milk", 1);
    ledger.sell(hour(2), hour(2), "north", "milk", 1);
    let mut store = store_of(
        vec![feature("sold", sales(SkuAtLocation))],
        &ledger.entries[..1],
    );
    assert!(store.apply(&ledger.entries[0]).is_err());
    store.apply(&ledger.entries[1]).unwrap();
}
