//! A model at work on a small shop.

#![allow(clippy::unwrap_used, reason = "a test")]

mod ledger;

use ledger::{Shop, minute};
use onhand_features::{FeatureSet, Moment, catalog};
use onhand_modelops::predictor::Asked;
use onhand_modelops::prior::NEW_FOR;
use onhand_modelops::refresh::Progress;
use onhand_modelops::{Decision, Fallback, Policy, Prediction, Predictor, Scorer, Unfit};
use onhand_models::boost::Booster;
use onhand_models::recalibrate::{Line, Recalibration};
use onhand_models::{Artefact, Calibration, Dataset, artefact};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

const FEATURES: [&str; 2] = ["sold_3h", "on_hand"];
const YES: &dyn Fn() -> bool = &|| true;
const NO: &dyn Fn() -> bool = &|| false;

/// A model that says: the fewer on hand, the emptier; and a little of what was sold.
fn model(set: &FeatureSet) -> Artefact {
    model_of(set, FEATURES)
}

/// The same, said of other features.
fn model_of(set: &FeatureSet, features: [&str; 2]) -> Artefact {
    let columns: [Vec<f32>; 2] = [
        (0..4_000).map(|row| (row % 7) as f32).collect(),
        (0..4_000).map(|row| (row % 31) as f32).collect(),
    ];
    let labels = (0..4_000).map(|row| f32::from(u8::from(row % 31 + row % 7 < 12)));
    let mut builder = Dataset::builder(4_000, 255);
    for (name, values) in features.iter().zip(&columns) {
        builder.column(name, values).unwrap();
    }
    let data = builder.labels(labels.collect()).unwrap();
    let booster = Booster {
        rounds: 20,
        max_leaves: 8,
        ..Booster::default()
    };
    let forest = booster.fit(&data, None, |_| {}).unwrap().forest;
    let features = features.iter().zip(data.maps()).map(|(name, bins)| {
        let feature = &set.features()[set.position(name).unwrap()];
        artefact::Feature {
            definition: feature.definition(),
            bins: bins.clone(),
        }
    });
    Artefact {
        version: artefact::VERSION,
        name: "availability".into(),
        features: features.collect(),
        forest,
        calibration: Calibration::Platt {
            slope: 0.9,
            intercept: -0.1,
        },
        facts: BTreeMap::new(),
        recalibration: None,
    }
}

/// A shop open for two days, in which `few` has 2 left and `many` 30; the model serves it.
fn open() -> (Shop, Predictor<Shop>) {
    let shop = Shop::new();
    shop.receive(minute(0), "here", "few", 2);
    shop.receive(minute(0), "here", "many", 30);
    let set = Arc::new(catalog::availability());
    let bytes = model(&set).to_bytes().unwrap();
    let scorer = Scorer::read(&bytes, "availability", set).unwrap();
    let predictor = Predictor::new(scorer, Policy::default(), shop.clone(), NEW_FOR, 100);
    (shop, predictor)
}

fn asked<'a>(skus: &[&'a str]) -> Vec<Asked<'a>> {
    let asked = |sku: &&'a str| Asked {
        location: "here",
        sku,
    };
    skus.iter().map(asked).collect()
}

/// So many minutes after the second midnight.
fn later(minutes: u64) -> Moment {
    Moment::of(minute(48 * 60 + minutes))
}

fn one(
    predictor: &Predictor<Shop>,
    sku: &str,
    moment: Moment,
    go_on: &dyn Fn() -> bool,
) -> Prediction {
    predictor
        .predict(0, &asked(&[sku]), moment, go_on)
        .remove(0)
}

#[test]
fn what_there_is_much_of_is_found() {
    let (_shop, predictor) = open();
    let told = predictor.predict(0, &asked(&["few", "many"]), later(5), YES);
    assert!(told[0].found < 0.3 && told[1].found > 0.7, "{told:?}");
    assert_eq!(told[1].decision, Decision::Show);
    assert!(told.iter().all(|one| one.fallback.is_none()));
}

#[test]
fn the_rows_that_a_prediction_is_made_of_are_served_before_a_witness() {
    let (shop, predictor) = open();
    one(&predictor, "many", later(5), YES);
    assert_eq!(shop.served(), ["here many"]);
    one(&predictor, "many", later(6), YES);
    assert!(shop.served().is_empty(), "it was remembered");
    predictor.explain(0, &asked(&["many"]), later(6), YES);
    assert_eq!(shop.served(), ["here many"], "it was read to be explained");
}

#[test]
fn thresholds_go_by_the_category_of_the_item_unless_its_location_has_its_own() {
    let (shop, _) = open();
    shop.push(minute(5), "here", "many", "category", "dairy");
    let decided = |policy: &str| {
        let set = Arc::new(catalog::availability());
        let scorer = Scorer::new(model(&set), "1".into(), set).unwrap();
        let policy = Policy::read(policy).unwrap();
        let predictor = Predictor::new(scorer, policy, shop.clone(), NEW_FOR, 100);
        let told = predictor.predict(0, &asked(&["few", "many", "unknown"]), later(5), YES);
        told.iter().map(|one| one.decision).collect::<Vec<_>>()
    };
    use Decision::{Hide, Show, Warn};
    let usual = "[usual]\nshow_from = 0.0\nhide_below = 0.0\n";
    // What nobody has heard of has a prior, and that is not shown like what the model says.
    assert_eq!(decided(usual), [Show, Show, Warn]);
    let shown = format!("{usual}[prior]\nat_least = \"show\"\n");
    assert_eq!(decided(&shown), [Show; 3]);
    let dairy = format!("{usual}[categories.dairy]\nshow_from = 1.0\nhide_below = 1.0\n");
    assert_eq!(decided(&dairy), [Show, Hide, Warn]);
    let here = format!("{dairy}[locations.here]\nshow_from = 0.0\nhide_below = 0.0\n");
    assert_eq!(decided(&here), [Show, Show, Warn]);
    let wrong = "[categories.dairy]\nshow_from = 0.1\nhide_below = 0.2\n";
    assert!(
        Policy::read(wrong)
            .unwrap_err()
            .to_string()
            .starts_with("dairy: ")
    );
}

#[test]
fn a_score_is_made_anew_once_something_was_told() {
    let (shop, predictor) = open();
    let (before, scored) = (one(&predictor, "many", later(5), YES), later(5).now);
    // Served as it is, without the model, and as of now, since nothing was told; and only as long as it is current.
    let same = one(&predictor, "many", later(6), NO);
    assert_eq!((same.fallback, same.found), (None, before.found));
    assert_eq!(same.as_of, later(6).now);
    let old = one(&predictor, "many", later(15), NO);
    assert_eq!((old.fallback, old.as_of), (Some(Fallback::Cached), scored));
    shop.sell(later(7).now, "here", "many", 28);
    let old = one(&predictor, "many", later(7), NO);
    assert_eq!(
        (old.fallback, old.found),
        (Some(Fallback::Cached), before.found)
    );
    let new = one(&predictor, "many", later(7), YES);
    assert!(new.fallback.is_none() && new.found < before.found);
    // The hour is another.
    let next = one(&predictor, "many", later(60), NO);
    assert_eq!(next.fallback, Some(Fallback::Cached));
}

#[test]
fn an_answer_says_when_the_newest_fact_about_its_item_was() {
    let (shop, predictor) = open();
    let newest = |sku, moment, go_on| one(&predictor, sku, moment, go_on).newest_fact;
    assert_eq!(newest("many", later(5), YES), Some(minute(0)));
    shop.push(later(6).now, "here", "many", "category", "dairy");
    assert_eq!(
        newest("many", later(6), YES),
        Some(minute(0)),
        "it was pushed"
    );
    shop.sell(later(7).now, "here", "many", 1);
    assert_eq!(
        newest("many", later(7), NO),
        Some(minute(0)),
        "as told before"
    );
    assert_eq!(newest("many", later(7), YES), Some(later(7).now));
    assert_eq!(newest("never-heard-of", later(7), YES), None);
}

#[test]
fn a_refresh_makes_those_scores_anew_that_were_asked_for_and_have_changed() {
    let (shop, predictor) = open();
    one(&predictor, "many", later(5), YES);
    one(&predictor, "few", later(5), YES);
    let mut progress = Progress::default();
    let mut refresh =
        |minutes| predictor.refresh(&mut progress, &|| later(minutes).now, &mut || true);
    assert_eq!((refresh(6).changed, refresh(6).aged), (0, 0));
    shop.sell(later(7).now, "here", "many", 28);
    shop.receive(later(7).now, "here", "unasked", 1);
    assert_eq!((refresh(8).changed, refresh(8).changed), (1, 0));
    let new = one(&predictor, "many", later(8), NO);
    assert_eq!((new.fallback, new.as_of), (None, later(8).now));
    assert_eq!((refresh(14).aged, refresh(40).looked_at), (2, 0));
}

#[test]
fn a_refresh_looks_at_all_scores_once_the_store_has_forgotten_what_it_was_told() {
    let (shop, predictor) = open();
    one(&predictor, "many", later(5), YES);
    one(&predictor, "few", later(5), YES);
    let mut progress = Progress::default();
    let mut refresh = || predictor.refresh(&mut progress, &|| later(8).now, &mut || true);
    refresh();
    // Of both some are looked at for their age alone.
    assert_eq!((refresh().looked_at, refresh().changed), (2, 0));
    shop.sell(later(7).now, "here", "many", 28);
    shop.flood(later(7).now, "here", "unasked");
    let done = refresh();
    assert_eq!((done.looked_at, done.changed), (4, 1));
    let new = one(&predictor, "many", later(8), NO);
    assert_eq!((new.fallback, new.as_of), (None, later(8).now));
    assert_eq!(refresh().changed, 0);
}

#[test]
fn a_refresh_ends_when_it_is_told_to() {
    let (shop, predictor) = open();
    one(&predictor, "many", later(5), YES);
    shop.sell(later(6).now, "here", "many", 1);
    let rests = Cell::new(0);
    let mut stop = || {
        rests.set(rests.get() + 1);
        false
    };
    predictor.refresh(&mut Progress::default(), &|| later(7).now, &mut stop);
    assert_eq!(rests.get(), 1);
}

#[test]
fn what_is_new_here_has_a_prior_and_so_has_what_there_was_no_time_for() {
    let (shop, predictor) = open();
    shop.receive(later(0).now, "here", "new", 50);
    for sku in ["new", "never-heard-of"] {
        let told = one(&predictor, sku, later(5), YES);
        assert_eq!(told.fallback, Some(Fallback::New), "{sku}");
    }
    let stale = one(&predictor, "new", later(30), NO);
    assert_eq!(stale.fallback, Some(Fallback::New), "old, and a prior");
    let none = one(&predictor, "many", later(5), NO);
    assert_eq!(none.fallback, Some(Fallback::Unasked));
    // What it was trained on was found so often.
    let found = (0..4_000).filter(|row| row % 31 + row % 7 >= 12).count();
    assert!((none.found - found as f64 / 4_000.0).abs() < 1e-6);
    // A day later it has a past.
    let told = one(&predictor, "new", later(24 * 60), YES);
    assert_eq!(told.fallback, None);
}

/// A shop of two locations of the same kind of items, looked at each night for a week: `here` four of ten shelves are
/// empty, `there` so few of thirty that of all it is a fifth.
fn looked_after() -> (Shop, Predictor<Shop>) {
    let (shop, predictor) = open();
    for (place, shelves) in [("here", 10), ("there", 30)] {
        for number in 0..shelves {
            let sku = format!("{place}-{number}");
            shop.push(minute(0), place, &sku, "category", "dairy");
            for night in 0..8 {
                shop.look(minute(night * 24 * 60), place, &sku, number >= 4);
            }
        }
    }
    (shop, predictor)
}

/// So many minutes after a week.
fn next_week(minutes: u64) -> Moment {
    Moment::of(minute(8 * 24 * 60 + minutes))
}

/// What is said of an item that is heard of then for the first time.
fn of_a_new_one(shop: &Shop, predictor: &Predictor<Shop>, place: &str, sku: &str) -> f64 {
    shop.push(next_week(0).now, place, sku, "category", "dairy");
    let asked = [Asked {
        location: place,
        sku,
    }];
    let told = predictor.predict(0, &asked, next_week(5), YES).remove(0);
    assert_eq!(told.fallback, Some(Fallback::New));
    told.found
}

fn is_near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() < 0.02
}

#[test]
fn a_prior_counts_the_level_of_the_location_once() {
    let (shop, predictor) = looked_after();
    let found = of_a_new_one(&shop, &predictor, "here", "new");
    assert!(is_near(found, 0.6), "{found}");
    // Of a location that is new as well nothing is known: it is the kind alone.
    let found = of_a_new_one(&shop, &predictor, "nowhere", "new");
    assert!(is_near(found, 0.8), "{found}");
}

#[test]
fn one_hour_looked_after_moves_a_prior_a_little() {
    let (shop, predictor) = looked_after();
    shop.look(minute(7 * 24 * 60), "there", "rare", false);
    shop.look(minute(7 * 24 * 60 + 60), "there", "rare", true);
    let found = of_a_new_one(&shop, &predictor, "nowhere", "rare");
    // One empty hour beside five of which a fifth was.
    assert!(is_near(found, 1.0 - 2.0 / 6.0), "{found}");
    let found = of_a_new_one(&shop, &predictor, "here", "rare");
    assert!(0.3 < found && found < 0.6, "{found}");
}

#[test]
fn the_parts_add_up_and_say_what_was_missing() {
    let (_shop, predictor) = open();
    let told = predictor.explain(0, &asked(&["few", "new"]), later(5), YES);
    assert!(told[1].explanation.is_none());
    let why = told[0].explanation.as_ref().unwrap();
    let sum: f64 = why.parts.iter().map(|part| part.part).sum();
    assert!((why.expected + sum - why.score).abs() < 1e-6);
    assert_eq!(
        predictor.scorer().found_at(why.score, Line::default()),
        told[0].found
    );
    let on_hand = why.parts.iter().find(|part| part.feature == "on_hand");
    assert_eq!(on_hand.unwrap().value, Some(2.0));
    assert_eq!(on_hand.unwrap().fell_back, None);
    assert!(why.calibration.contains("0.900000 * score + -0.100000"));
}

#[test]
fn a_recalibration_moves_all_and_a_category_more_and_is_told_of() {
    let (shop, before) = open();
    shop.push(minute(1), "here", "many", "category", "bread");
    let set = Arc::clone(before.scorer().set());
    let bread = Line {
        shift: 1.0,
        slope: 0.0,
    };
    let mut moved = model(&set);
    moved.recalibration = Some(Recalibration {
        all: Line {
            shift: 0.5,
            slope: 0.25,
        },
        groups: BTreeMap::from([("bread".to_owned(), bread)]),
        ..Recalibration::default()
    });
    let scorer = Scorer::new(moved, "2".into(), set).unwrap();
    let after = Predictor::new(scorer, Policy::default(), shop.clone(), NEW_FOR, 100);
    for (sku, shift) in [("few", 0.5), ("many", 1.5)] {
        let plain = one(&before, sku, later(5), YES).found;
        let line = Line { shift, slope: 0.25 };
        let found = one(&after, sku, later(5), YES).found;
        assert!(
            (found - (1.0 - line.moved(1.0 - plain))).abs() < 1e-12,
            "{sku}"
        );
        let told = after.explain(0, &asked(&[sku]), later(5), YES).remove(0);
        let why = told.explanation.unwrap();
        let sum: f64 = why.parts.iter().map(|part| part.part).sum();
        assert!((why.expected + sum - why.score).abs() < 1e-6);
        assert_eq!(after.scorer().found_at(why.score, line), told.found);
        assert!(
            why.calibration.contains(&format!("o + {shift:.6}")),
            "{}",
            why.calibration
        );
    }
}

#[test]
fn a_model_of_other_definitions_is_refused_by_name() {
    let set = Arc::new(catalog::availability());
    let mut other = model(&set);
    other.features[1].definition = "0123456789abcdef".into();
    let bytes = other.to_bytes().unwrap();
    let refused = Scorer::read(&bytes, "availability", Arc::clone(&set)).unwrap_err();
    assert!(matches!(&refused, Unfit::Definitions { features } if features == &["on_hand"]));
    assert!(
        refused
            .to_string()
            .contains("other definitions of on_hand than")
    );
    let bytes = model(&set).to_bytes().unwrap();
    let refused = Scorer::read(&bytes, "demand", set).unwrap_err();
    assert!(matches!(refused, Unfit::AnotherModel { .. }));
}

#[test]
fn a_model_without_features_is_refused() {
    let set = Arc::new(catalog::availability());
    let mut bare = model(&set);
    bare.features.clear();
    let refused = Scorer::new(bare, "1".into(), set).unwrap_err();
    assert!(refused.to_string().contains("no features"), "{refused}");
}

#[test]
fn another_hour_than_this_one_is_never_remembered() {
    let (_shop, predictor) = open();
    let moment = Moment {
        now: later(5).now,
        target: later(70).now,
    };
    assert_eq!(one(&predictor, "many", moment, YES).fallback, None);
    // Nor is another moment of this one.
    let soon = Moment {
        target: later(50).now,
        ..moment
    };
    assert_eq!(one(&predictor, "many", soon, YES).fallback, None);
    assert_eq!(predictor.remembered(), 0);
    // And what is remembered is not what is said of another moment.
    one(&predictor, "many", later(5), YES);
    assert_eq!(
        one(&predictor, "many", soon, NO).fallback,
        Some(Fallback::Unasked)
    );
}

#[test]
fn without_time_to_explain_an_item_is_said_what_it_is_said_without_why() {
    let (_shop, predictor) = open();
    let names = asked(&["few", "many", "never-heard-of"]);
    let plain = predictor.predict(0, &names, later(5), YES);
    let calls = Cell::new(0);
    // Time for the score that is not there yet, and to explain the first.
    let some = || calls.replace(calls.get() + 1) < 2;
    let told = predictor.explain(0, &names, later(5), &some);
    assert!(told[0].explanation.is_some() && told[1].explanation.is_none());
    let of = |all: &[Prediction]| -> Vec<_> {
        let each = all.iter();
        each.map(|one| (one.found, one.decision, one.fallback))
            .collect()
    };
    assert_eq!(of(&told), of(&plain));
}

/// A shop of two SKUs at four locations, and a model that looks at means over the shelves of a SKU and of a location.
fn open_with_means() -> (Shop, Predictor<Shop>) {
    let (shop, plain) = open();
    for place in ["there", "far", "further"] {
        shop.receive(minute(0), place, "few", 5);
        shop.receive(minute(0), place, "many", 5);
    }
    let set = Arc::clone(plain.scorer().set());
    let model = model_of(&set, ["sku_empty_ahead", "location_empty_ahead"]);
    let scorer = Scorer::new(model, "1".into(), set).unwrap();
    let predictor = Predictor::new(scorer, Policy::default(), shop.clone(), NEW_FOR, 1_000);
    (shop, predictor)
}

#[test]
fn what_rows_share_is_made_by_a_shelf_of_each_group_and_again_once_it_does_not_hold() {
    let (shop, predictor) = open_with_means();
    let mut progress = Progress::default();
    let mut ahead = |minutes| {
        let clock = || later(minutes).now;
        predictor.refresh(&mut progress, &clock, &mut || true).ahead
    };
    // The first shelf of a location may be that of a SKU, too.
    assert_eq!((ahead(5), ahead(6)), (4 + 1, 0));
    assert_eq!((ahead(60), ahead(61)), (5, 0), "the hour is another");
    shop.sell(later(62).now, "far", "many", 1);
    assert_eq!(
        (ahead(62), ahead(63)),
        (5, 0),
        "it was the first entry of its day"
    );
    shop.push_city(later(64).now, "far", "leeds");
    // The model does not look at means over cities, so no row is read for those.
    assert_eq!(
        (ahead(64), ahead(65)),
        (5, 0),
        "a location came into another group"
    );
    shop.sell(later(66).now, "far", "many", 1);
    assert_eq!(ahead(66), 0, "who asks makes the few that this changes");
}

#[test]
fn for_a_model_without_means_nothing_is_made_ahead() {
    let (_shop, predictor) = open();
    let mut progress = Progress::default();
    let clock = || later(5).now;
    assert_eq!(predictor.prepare(&mut progress, &clock, &mut || true), 0);
    assert_eq!(
        predictor.refresh(&mut progress, &clock, &mut || true).ahead,
        0
    );
}

#[test]
fn a_start_makes_what_rows_share_and_rounds_go_on_where_it_was_told_to_end() {
    let (_shop, predictor) = open_with_skus(100);
    let (mut progress, clock) = (Progress::default(), || later(5).now);
    let begun = predictor.prepare(&mut progress, &clock, &mut || false);
    assert!((1..100).contains(&begun));
    let left = predictor.refresh(&mut progress, &clock, &mut || true).ahead;
    assert_eq!(begun + left, 5 + 100);
    assert_eq!(predictor.prepare(&mut progress, &clock, &mut || true), 0);
}

/// Scores do not wait for what rows share: a round makes a bounded part of it, after what it was told.
#[test]
fn a_round_makes_a_few_of_what_rows_share_after_what_has_changed() {
    let (shop, predictor) = open_with_skus(1_000);
    one(&predictor, "many", later(5), YES);
    let mut progress = Progress::default();
    predictor.refresh(&mut progress, &|| later(6).now, &mut || false);
    shop.sell(later(7).now, "here", "many", 28);
    let mut is_current = Vec::new();
    let mut look = || {
        is_current.push(one(&predictor, "many", later(8), NO).fallback.is_none());
        true
    };
    let done = predictor.refresh(&mut progress, &|| later(8).now, &mut look);
    assert_eq!((done.changed, is_current.first()), (1, Some(&true)));
    assert!((1..500).contains(&done.ahead), "{done:?}");
}

/// The same with so many more SKUs at one location.
fn open_with_skus(many: usize) -> (Shop, Predictor<Shop>) {
    let (shop, predictor) = open_with_means();
    for sku in 0..many {
        shop.receive(minute(2), "here", &format!("sku-{sku}"), 1);
    }
    (shop, predictor)
}
