//! Limits of age: what stands on a fact that is too old is worth no more than what stands on none.

use crate::ledger::{Ledger, hour, number};
use crate::{bits, row, store_of};
use onhand_core::{LocationId, Sku, Span};
use onhand_features::Entity::{Location, SkuAtLocation};
use onhand_features::Measure::UnitsSold;
use onhand_features::formula::{Balance, balance, found};
use onhand_features::window::days;
use onhand_features::{
    Asked, BadSet, Feature, FeatureSet, FellBack, FrameBuilder, Kind, Limits, Moment, Standing,
    Store, Subject,
};
use std::sync::Arc;

fn features() -> Vec<Feature> {
    let number = |name, formula| Feature::new(name, SkuAtLocation, Kind::Number, formula);
    vec![
        number("found", found()).fresh_for_hours(36),
        number("holiday", Location.pushed("holiday"))
            .fresh_for_hours(48)
            .or_else(0.5),
        number("sold", SkuAtLocation.sum(UnitsSold, days(0..=6))),
    ]
}

/// Milk is looked at and sold, bread only later; the holiday is told once.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.look(hour(2), "north", "milk", &[(hour(1), true)]);
    ledger.sell(hour(3), hour(3), "north", "milk", 4);
    ledger.push(
        hour(5),
        "north",
        None,
        "holiday",
        hour(0),
        number(1_000_000),
    );
    ledger.look(hour(30), "north", "bread", &[(hour(30), true)]);
    ledger
}

#[test]
fn what_stands_on_a_fact_that_is_too_old_falls_back() {
    let store = store_of(features(), &ledger().entries);
    let at = |hours| row(&store, "north", "milk", Moment::of(hour(hours)));
    assert_eq!(at(37), [1.0, 1.0, 4.0], "36 hours are not too old");
    assert!(at(38)[0].is_nan() && at(38)[1..] == [1.0, 4.0]);
    assert!(at(49)[0].is_nan() && at(49)[1..] == [0.5, 4.0]);
    // What has no limit, or nothing behind it, is not too old.
    assert_eq!(row(&store, "north", "bread", Moment::of(hour(49)))[0], 1.0);
}

#[test]
fn each_of_some_that_are_read_together_says_how_old_it_is_and_why_it_fell_back() {
    let store = store_of(features(), &ledger().entries);
    let (mut subject, mut rows) = (Subject::default(), vec![0.0; 9]);
    let names = [("north", "milk"), ("north", "bread"), ("north", "jam")];
    store.find_all(names.into_iter(), &mut subject);
    let moment = Moment::of(hour(40));
    store.read(&mut subject, moment, &mut rows);
    assert!(rows[0].is_nan() && rows[3] == 1.0 && rows[6].is_nan());
    let standing = |place, feature| store.standing(&subject, place, feature, moment);
    let told = |hours, fell_back| Standing {
        age: Some(hour(40).since(hour(hours))),
        fell_back,
    };
    let nothing = Standing {
        age: None,
        fell_back: Some(FellBack::Missing),
    };
    assert_eq!(standing(0, 0), told(1, Some(FellBack::Stale)));
    assert_eq!(standing(1, 0), told(30, None));
    assert_eq!(standing(2, 0), nothing);
    assert_eq!([standing(0, 1), standing(2, 1)], [told(0, None); 2]);
    assert_eq!(standing(0, 2), told(3, None));
}

/// In a frame of the past as in the store that has come so far, also where a look is told late.
#[test]
fn a_frame_obeys_limits_as_a_live_row_does() {
    let mut ledger = ledger();
    ledger.look(hour(60), "north", "milk", &[(hour(20), false)]);
    let moments: Vec<Moment> = (0..100).map(|at| Moment::of(hour(at))).collect();
    let mut asked = Asked::default();
    for moment in &moments {
        let location = LocationId::new("north").unwrap();
        asked.ask(location, Sku::new("milk").unwrap(), *moment);
    }
    let set = Arc::new(FeatureSet::new(features()).unwrap());
    let store = Store::new(Arc::clone(&set), Limits::default());
    let mut frame = vec![Vec::new(); moments.len()];
    let mut builder = FrameBuilder::new(store, asked.into_questions());
    let mut keep = |row: onhand_features::FrameRow<'_>| frame[row.number] = bits(row.values);
    for entry in &ledger.entries {
        builder.take(entry, &mut keep).unwrap();
    }
    builder.finish(&mut keep);
    for (moment, made) in moments.iter().zip(&frame) {
        let mut known = ledger.entries.clone();
        known.retain(|entry| entry.stamp.at <= moment.now);
        let live = row(&store_of(features(), &known), "north", "milk", *moment);
        assert_eq!(*made, bits(&live), "{moment:?}");
    }
    let found = |at: usize| f32::from_bits(frame[at][0]);
    assert!(found(37) == 1.0 && found(38).is_nan());
    assert!(found(60).is_nan(), "told at 60, and of 20");
}

#[test]
fn what_is_told_of_the_time_asked_about_is_not_too_old_because_of_what_held_before() {
    let mut ledger = ledger();
    ledger.push(
        hour(6),
        "north",
        None,
        "holiday",
        hour(72),
        number(2_000_000),
    );
    let store = store_of(features(), &ledger.entries);
    let (now, target) = (hour(60), hour(73));
    let row = row(&store, "north", "milk", Moment { now, target });
    assert_eq!(row[1], 2.0);
}

#[test]
fn a_pushed_value_is_as_old_as_it_will_be_at_the_time_asked_about_and_all_else_as_it_is_now() {
    let store = store_of(features(), &ledger().entries);
    let moment = |target| Moment {
        now: hour(10),
        target: hour(target),
    };
    let at = |target| row(&store, "north", "milk", moment(target));
    assert_eq!(at(48)[..2], [1.0, 1.0], "two days are not too old");
    assert_eq!(at(49)[..2], [1.0, 0.5]);
    let (mut subject, mut values) = (Subject::default(), [0.0; 3]);
    store.find("north", "milk", &mut subject);
    store.read(&mut subject, moment(49), &mut values);
    let standing = |feature| store.standing(&subject, 0, feature, moment(49));
    let told = |age: u64, fell_back| Standing {
        age: Some(Span::from_secs(age * 3600)),
        fell_back,
    };
    assert_eq!(standing(0), told(9, None));
    assert_eq!(standing(1), told(49, Some(FellBack::Stale)));
}

#[test]
fn holds_and_their_end_make_the_newest_fact_no_younger_and_what_is_told_of_the_shelf_does() {
    let mut ledger = Ledger::default();
    let newest = |ledger: &Ledger| {
        let (store, mut subject) = (store_of(features(), &ledger.entries), Subject::default());
        store.find("north", "milk", &mut subject);
        store.newest_fact(subject.level().unwrap())
    };
    ledger.receive(hour(1), "north", "milk", 9);
    ledger.hold(hour(2), "north", "milk", 2);
    assert_eq!(newest(&ledger), Some(hour(1)), "a hold");
    ledger.expire(hour(3));
    assert_eq!(newest(&ledger), Some(hour(1)), "its end");
    ledger.look(hour(4), "north", "milk", &[(hour(4), true)]);
    assert_eq!(newest(&ledger), Some(hour(4)), "a look");
    ledger.sell(hour(5), hour(5), "north", "milk", 1);
    assert_eq!(newest(&ledger), Some(hour(5)), "a sale");
    ledger.receive(hour(6), "north", "milk", 9);
    assert_eq!(newest(&ledger), Some(hour(6)), "a delivery");
    ledger.pick(hour(7), "north", "milk", (2, 1), None);
    assert_eq!(newest(&ledger), Some(hour(7)), "a pick");
}

#[test]
fn the_newest_fact_is_the_one_that_happened_last_and_nothing_that_was_pushed() {
    let mut ledger = ledger();
    ledger.sell(hour(40), hour(2), "north", "milk", 1);
    ledger.push(
        hour(41),
        "north",
        Some("milk"),
        "discount",
        hour(41),
        number(1),
    );
    ledger.push(
        hour(41),
        "north",
        Some("jam"),
        "discount",
        hour(41),
        number(1),
    );
    let store = store_of(features(), &ledger.entries);
    let newest = |sku| {
        let mut subject = Subject::default();
        store.find("north", sku, &mut subject);
        store.newest_fact(subject.level().unwrap())
    };
    assert_eq!(newest("milk"), Some(hour(3)));
    assert_eq!((newest("bread"), newest("jam")), (Some(hour(30)), None));
}

#[test]
fn a_limit_is_part_of_a_definition_and_needs_something_that_has_an_age() {
    let on_hand = || {
        let of = balance(Balance::OnHand);
        Feature::new("on_hand", SkuAtLocation, Kind::Units, of)
    };
    let limited = Feature::new("found", SkuAtLocation, Kind::Flag, found()).fresh_for_hours(1);
    let mut other = limited.clone();
    other.fresh_for = None;
    assert_ne!(limited.hash(), other.hash());
    assert_ne!(limited.hash(), limited.clone().fresh_for_hours(2).hash());
    let refused = FeatureSet::new(vec![limited, on_hand().fresh_for_hours(1)]).unwrap_err();
    assert_eq!(refused, BadSet::NothingToAge("on_hand"));
}
