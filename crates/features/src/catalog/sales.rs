//! Sales of the SKU at the location. A silence that is too long is the best sign of an empty shelf.

use super::{HERE, USUALLY};
use crate::feature::{Feature, Kind};
use crate::measure::Measure::{Sales, UnitsSold};
use crate::window::{days, hours, so_far, target_hour};

pub(super) fn features() -> Vec<Feature> {
    [recent(), usual(), against_usual()].concat()
}

fn recent() -> Vec<Feature> {
    let units = |name, window| Feature::new(name, HERE, Kind::Units, HERE.sum(UnitsSold, window));
    vec![
        units("sold_1h", hours(1..=1)).means("Units sold in the last full hour."),
        units("sold_2h_ago", hours(2..=2)).means("Units sold in the full hour before that."),
        units("sold_3h", hours(1..=3)).means("Units sold in the last three full hours."),
        units("sold_6h", hours(1..=6)).means("Units sold in the last six full hours."),
        units("sold_today", so_far()).means("Units sold in the full hours of today."),
        units("sold_yesterday", days(1..=1)).means("Units sold yesterday."),
        units("sold_7d", days(1..=7)).means("Units sold on the last seven full days."),
        units("sold_28d", days(1..=28)).means("Units sold on the last 28 full days."),
        Feature::new(
            "selling_hours_today",
            HERE,
            Kind::Count,
            HERE.busy(UnitsSold, so_far()),
        )
        .means("Full hours of today in which anything was sold."),
        Feature::new(
            "selling_days_28d",
            HERE,
            Kind::Count,
            HERE.busy(UnitsSold, days(1..=28)),
        )
        .means("Days of the last 28 on which anything was sold."),
        Feature::new(
            "best_day_28d",
            HERE,
            Kind::Units,
            HERE.most(UnitsSold, days(1..=28)),
        )
        .means("Units sold on the best of the last 28 days."),
        Feature::new("hours_since_sold", HERE, Kind::Hours, HERE.since(Sales))
            .means("Hours since the last sale."),
    ]
}

fn usual() -> Vec<Feature> {
    let in_hours = |name, window| {
        let usual = HERE.usual_in(UnitsSold, USUALLY, window);
        Feature::new(name, HERE, Kind::Units, usual)
    };
    let same_weekday = target_hour().on_days(7..=28).every(7);
    vec![
        in_hours("usual_sold_at_target", target_hour())
            .means("Units usually sold in the hour that is asked about."),
        in_hours("usual_sold_3h", hours(1..=3))
            .means("Units usually sold in the last three hours of the day."),
        in_hours("usual_sold_today", so_far())
            .means("Units usually sold from midnight to this hour."),
        Feature::new(
            "usual_sold_a_day",
            HERE,
            Kind::Units,
            HERE.usual(UnitsSold, USUALLY),
        )
        .means("Units usually sold in a day."),
        Feature::new(
            "sold_same_weekday_4w",
            HERE,
            Kind::Units,
            HERE.sum(UnitsSold, same_weekday),
        )
        .means("Units sold in the hour asked about on the same weekday of the last four weeks."),
    ]
}

fn against_usual() -> Vec<Feature> {
    let against = |window| {
        let usual = HERE.usual_in(UnitsSold, USUALLY, window);
        HERE.sum(UnitsSold, window) / usual
    };
    vec![
        Feature::new("sold_1h_against_usual", HERE, Kind::Ratio, against(hours(1..=1)))
            .means("Units sold in the last full hour, by what is usual for it."),
        Feature::new("sold_3h_against_usual", HERE, Kind::Ratio, against(hours(1..=3)))
            .means("Units sold in the last three full hours, by what is usual for them."),
        Feature::new("sold_6h_against_usual", HERE, Kind::Ratio, against(hours(1..=6)))
            .means("Units sold in the last six full hours, by what is usual for them."),
        Feature::new("sold_today_against_usual", HERE, Kind::Ratio, against(so_far()))
            .means("Units sold today, by what is usual up to this hour."),
        Feature::new("sales_missed", HERE, Kind::Count, HERE.silence(Sales, USUALLY))
            .means("Sales that would have been usual since the last one: minus the logarithm of the chance that so long a silence is one."),
    ]
}
