//! What today's silence tells of a shelf that nobody looks at until the night: the filter, its mean over the SKU's
//! shelves nearby, and how far today is from usual.

use super::{HERE, SKU_IN_CITY, USUALLY};
use crate::entity::Entity::{self, Location, Sku};
use crate::feature::{Feature, Kind};
use crate::formula::{Filter, Filtered, Formula, filter};
use crate::measure::Measure::{SecondsOut, UnitsSold, WentOut};
use crate::window::{Window, clock, days, hours, rest_of_day, so_far};

/// Follows the last weeks, and takes each silent hour for what it is.
const QUICK: Filter = Filter {
    half_life: 10,
    silence_percent: 100,
};
/// Follows the last months, and trusts a row of silent hours less.
const SLOW: Filter = Filter {
    half_life: 30,
    silence_percent: 70,
};
/// Days of which the sold-out ones tell how much the shelf is given.
const CAPACITY_DAYS: std::ops::RangeInclusive<u16> = 1..=28;

pub(super) fn features() -> Vec<Feature> {
    [filtered(), means(), today(), capacity(), yesterday()].concat()
}

fn filtered() -> Vec<Feature> {
    let share = |name, formula| Feature::new(name, HERE, Kind::Share, formula);
    vec![
        share("empty_now", filter(QUICK, Filtered::Now))
            .means("Chance that the shelf is empty now, by today's sales and silences."),
        share("empty_ahead", filter(QUICK, Filtered::Ahead))
            .means("Chance that it is empty in the hour asked about."),
        share("empty_ahead_slow", filter(SLOW, Filtered::Ahead))
            .means("The same by longer habits, with less trust in silence."),
        Feature::new("silence", HERE, Kind::Number, filter(QUICK, Filtered::Silence))
            .means("Minus the logarithm of the chance of no sale since the last one today, with goods on the shelf."),
    ]
}

fn means() -> Vec<Feature> {
    let mean = |of: Entity| of.mean(filter(QUICK, Filtered::Ahead));
    vec![
        Feature::new(
            "sku_in_city_empty_ahead",
            SKU_IN_CITY,
            Kind::Share,
            mean(SKU_IN_CITY),
        )
        .means("Mean chance of an empty shelf in the hour asked about: of the SKU in the city."),
        Feature::new("sku_empty_ahead", Sku, Kind::Share, mean(Sku))
            .means("The same of the SKU at all locations."),
        Feature::new(
            "location_empty_ahead",
            Location,
            Kind::Share,
            mean(Location),
        )
        .means("The same of all SKUs at the location."),
    ]
}

fn pace(of: Entity, window: Window) -> Formula {
    of.sum(UnitsSold, window) / of.usual_in(UnitsSold, USUALLY, window)
}

fn today() -> Vec<Feature> {
    let missed = HERE.usual_in(UnitsSold, USUALLY, so_far()) - HERE.sum(UnitsSold, so_far());
    let ratio =
        |name, window| Feature::new(name, SKU_IN_CITY, Kind::Ratio, pace(SKU_IN_CITY, window));
    vec![
        Feature::new("units_missed_today", HERE, Kind::Units, missed)
            .means("Units usually sold up to this hour, less those sold today."),
        ratio("sku_in_city_pace_today", so_far())
            .means("Units of the SKU sold in the city today, by what is usual up to this hour."),
        ratio("sku_in_city_pace_2h", hours(1..=2)).means("The same of the last two full hours."),
        Feature::new(
            "sku_in_city_shelves",
            SKU_IN_CITY,
            Kind::Count,
            SKU_IN_CITY.members(),
        )
        .means("Locations of the city that have the SKU."),
    ]
}

/// How much is there to sell, judged by the days on which it was sold out.
fn capacity() -> Vec<Feature> {
    let capacity = || HERE.mean_on_days_with(WentOut, UnitsSold, 10, days(CAPACITY_DAYS));
    let sold = || HERE.sum(UnitsSold, so_far());
    vec![
        Feature::new("capacity_left", HERE, Kind::Units, capacity() - sold())
            .means("Mean units sold on days on which the shelf ran empty, less those sold today."),
        Feature::new("capacity_used", HERE, Kind::Share, sold() / capacity())
            .means("Units sold today, by the mean of those days."),
    ]
}

fn yesterday() -> Vec<Feature> {
    let yesterday = |window: Window| window.on_days(1..=1);
    let units = |name, window| {
        Feature::new(
            name,
            HERE,
            Kind::Units,
            HERE.sum(UnitsSold, yesterday(window)),
        )
    };
    vec![
        units("sold_after_target_1d", rest_of_day())
            .means("Units sold yesterday after the hour asked about."),
        units("sold_early_1d", clock(0..=8)).means("Units sold yesterday before nine."),
        units("sold_late_1d", clock(20..=23))
            .means("Units sold yesterday from eight in the evening on."),
        Feature::new(
            "first_out_1d",
            HERE,
            Kind::Hours,
            HERE.earliest(SecondsOut, yesterday(clock(0..=23))),
        )
        .means("First hour of yesterday in which the shelf was empty."),
        Feature::new(
            "first_out_in_trade_1d",
            HERE,
            Kind::Hours,
            HERE.earliest(SecondsOut, yesterday(clock(6..=21))),
        )
        .means("The same from six in the morning to ten in the evening."),
    ]
}
