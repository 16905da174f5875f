//! A slow, obvious twin: every value is made from the list of all sales, by scanning it.

use crate::ledger::{HOUR, Ledger, START, hour};
use crate::{row, store_of};
use onhand_core::Timestamp;
use onhand_features::Measure::UnitsSold;
use onhand_features::window::{days, hours, so_far, target_hour};
use onhand_features::{Entity, Feature, Kind, Moment};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Sale {
    /// Hours after the sale before.
    after: u64,
    /// Minutes between the sale and its being known.
    late: u64,
    place: usize,
    sku: usize,
    units: u32,
}

const PLACES: [&str; 2] = ["north", "south"];
const SKUS: [&str; 3] = ["milk", "bread", "jam"];

fn sale() -> impl Strategy<Value = Sale> {
    (0..30u64, 0..2800u64, 0..2usize, 0..3usize, 1..9u32).prop_map(
        |(after, late, place, sku, units)| Sale {
            after,
            late,
            place,
            sku,
            units,
        },
    )
}

/// Hours since the epoch.
fn hour_number(at: Timestamp) -> i64 {
    (at.millis() / HOUR) as i64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_hold_what_a_scan_of_all_sales_finds(
        sales in proptest::collection::vec(sale(), 1..120),
        lead in 0..30u64,
    ) {
        let mut ledger = Ledger::default();
        let mut told: Vec<(Timestamp, usize, usize, u32)> = Vec::new();
        let mut known = hour(60);
        for sale in &sales {
            known = Timestamp::from_millis(known.millis() + sale.after * HOUR / 2);
            let at = Timestamp::from_millis(known.millis() - sale.late * 60_000);
            ledger.sell(known, at, PLACES[sale.place], SKUS[sale.sku], sale.units);
            told.push((at, sale.place, sale.sku, sale.units));
        }
        let now = Timestamp::from_millis(known.millis() + 90 * 60_000);
        let moment = Moment { now, target: Timestamp::from_millis(now.millis() + lead * HOUR) };
        let of = Entity::Location;
        let features = [
            of.sum(UnitsSold, hours(1..=5)),
            of.sum(UnitsSold, hours(0..=30)),
            of.sum(UnitsSold, days(0..=0)),
            of.sum(UnitsSold, days(1..=28)),
            of.sum(UnitsSold, days(7..=28).every(7)),
            of.sum(UnitsSold, so_far()),
            of.sum(UnitsSold, target_hour().on_days(2..=9)),
            of.busy(UnitsSold, hours(1..=3).on_days(0..=9)),
            of.most(UnitsSold, days(0..=9)),
        ];
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let features = names.into_iter().zip(features);
        let features = features.map(|(name, formula)| Feature::new(name, of, Kind::Units, formula));
        let store = store_of(features.collect(), &ledger.entries);
        let found = row(&store, "north", "milk", moment);

        let scan = |wanted: &dyn Fn(i64) -> bool| -> u32 {
            let here = told.iter().filter(|sale| sale.1 == 0 && wanted(hour_number(sale.0)));
            here.map(|sale| sale.3).sum()
        };
        let (at, target) = (hour_number(now), hour_number(moment.target));
        let day = |hour: i64| hour / 24;
        let back = |hour: i64| day(at) - day(hour);
        let busy = (0..=9).flat_map(|days| (1..=3).map(move |hours| at - days * 24 - hours));
        if told.iter().all(|sale| sale.1 != 0) {
            prop_assert!(found.iter().all(|value| value.is_nan()));
            return Ok(());
        }
        let expected = [
            scan(&|hour| (at - 5..at).contains(&hour)),
            scan(&|hour| hour >= at - 30),
            scan(&|hour| back(hour) == 0),
            scan(&|hour| (1..=28).contains(&back(hour))),
            scan(&|hour| [7, 14, 21, 28].contains(&back(hour))),
            scan(&|hour| back(hour) == 0 && hour < at),
            scan(&|hour| (2..=9).any(|days| hour == target - days * 24)),
            busy.filter(|bucket| scan(&|hour| hour == *bucket) > 0).count() as u32,
            (0..=9).map(|days| scan(&|hour| back(hour) == days)).max().unwrap_or(0),
        ];
        let expected = expected.map(|value| value as f32);
        prop_assert_eq!(&found[..], &expected[..]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the twin is compared with a tolerance")]
    fn usual_is_the_mean_of_full_days_weighted_by_age(
        sales in proptest::collection::vec(sale(), 1..120),
    ) {
        let mut ledger = Ledger::default();
        let mut known = hour(60);
        let mut told = Vec::new();
        for sale in &sales {
            known = Timestamp::from_millis(known.millis() + sale.after * HOUR / 2);
            let at = Timestamp::from_millis(known.millis() - sale.late * 60_000);
            ledger.sell(known, at, "north", "milk", sale.units);
            told.push((at, sale.units));
        }
        let half_life = 5;
        let usual = Entity::SkuAtLocation.usual(UnitsSold, half_life);
        let feature = Feature::new("usual", Entity::SkuAtLocation, Kind::Units, usual);
        let found = row(&store_of(vec![feature], &ledger.entries), "north", "milk", Moment::of(known))[0];

        let day = |at: Timestamp| (at.millis() - START) / (24 * HOUR);
        let weight = |days: u64| 0.5f64.powf((day(known) - 1 - days) as f64 / f64::from(half_life));
        // What is told late may be of days before the item was first heard of.
        let first = told.iter().map(|sale| day(sale.0)).min().unwrap();
        let today = day(known);
        let past = told.iter().filter(|sale| day(sale.0) < today);
        let sum: f64 = past.map(|sale| f64::from(sale.1) * weight(day(sale.0))).sum();
        let days: f64 = (first..today).map(weight).sum();
        match today > first {
            true => prop_assert!((f64::from(found) - sum / days).abs() < 1e-2 * (1.0 + sum / days)),
            false => prop_assert!(found.is_nan()),
        }
    }
}
