//! What the stock record tells: balances, deliveries, counts, and what shoppers asked for.

use super::HERE;
use crate::feature::{Feature, Kind};
use crate::formula::{Balance, balance};
use crate::measure::Measure::{
    Counts, Deliveries, UnitsAsked, UnitsDelivered, UnitsLost, UnitsOff, UnitsShort, UnitsSold,
};
use crate::window::{days, hours, target_hour};

pub(super) fn features() -> Vec<Feature> {
    [record(), deliveries(), orders()].concat()
}

fn record() -> Vec<Feature> {
    let on_hand = || balance(Balance::OnHand);
    vec![
        Feature::new("on_hand", HERE, Kind::Units, on_hand())
            .means("Units on hand by the ledger."),
        Feature::new("promised", HERE, Kind::Units, balance(Balance::Promised))
            .means("Units reserved and allocated."),
        Feature::new("days_on_hand", HERE, Kind::Days, on_hand() / HERE.usual(UnitsSold, 14))
            .means("Days that the units on hand usually last."),
        Feature::new("hours_since_counted", HERE, Kind::Hours, HERE.since(Counts))
            .means("Hours since a count spoke of it: the age of the feed."),
        Feature::new("units_off_28d", HERE, Kind::Units, HERE.sum(UnitsOff, days(0..=28)))
            .means("Units by which counts found the record wrong in 28 days: the disagreement of the feed."),
        Feature::new("units_lost_28d", HERE, Kind::Units, HERE.sum(UnitsLost, days(0..=28)))
            .means("Units written off in 28 days."),
        Feature::new("age_days", HERE, Kind::Days, HERE.age())
            .means("Days since the ledger first heard of the item here, or heard of it again after 60 days of silence."),
    ]
}

fn deliveries() -> Vec<Feature> {
    let at_target = HERE.busy(Deliveries, target_hour().on_days(1..=28));
    vec![
        Feature::new(
            "hours_since_delivered",
            HERE,
            Kind::Hours,
            HERE.since(Deliveries),
        )
        .means("Hours since the last delivery."),
        Feature::new(
            "deliveries_7d",
            HERE,
            Kind::Count,
            HERE.sum(Deliveries, days(0..=7)),
        )
        .means("Deliveries today and on the last seven days."),
        Feature::new(
            "delivered_7d",
            HERE,
            Kind::Units,
            HERE.sum(UnitsDelivered, days(0..=7)),
        )
        .means("Units delivered today and on the last seven days."),
        Feature::new("delivered_at_target_28d", HERE, Kind::Count, at_target)
            .means("Days of the last 28 on which a delivery came in the hour asked about."),
    ]
}

fn orders() -> Vec<Feature> {
    vec![
        Feature::new(
            "asked_24h",
            HERE,
            Kind::Units,
            HERE.sum(UnitsAsked, hours(0..=24)),
        )
        .means("Units that shoppers asked for in the last 24 hours."),
        Feature::new(
            "short_24h",
            HERE,
            Kind::Units,
            HERE.sum(UnitsShort, hours(0..=24)),
        )
        .means("Units asked for in the last 24 hours and not held."),
    ]
}
