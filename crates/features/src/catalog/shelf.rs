//! What looks at the shelf tell: by pickers, cameras and feeds.

use super::{HERE, USUALLY};
use crate::entity::Entity;
use crate::feature::{Feature, Kind};
use crate::formula::{Formula, found};
use crate::measure::Measure::{
    CameBack, Found, NotFound, SecondsIn, SecondsOut, UnitsNotFound, WentOut,
};
use crate::window::{Window, days, hours, target_hour};

/// Hours for which the newest look stands for the shelf. Where only pickers look, weeks lie between two looks at an item,
/// and how old the newest is stands beside it; a quarter of a year later it tells nothing.
const A_QUARTER: u64 = 90 * 24;

/// Share of the time looked after in which the shelf was empty.
pub(super) fn out_share(of: Entity, window: Window) -> Formula {
    let (out, there) = (of.sum(SecondsOut, window), of.sum(SecondsIn, window));
    out.clone() / (out + there)
}

/// Hours looked after in a window.
pub(super) fn hours_looked_after(of: Entity, window: Window) -> Formula {
    (of.sum(SecondsOut, window) + of.sum(SecondsIn, window)) / 3600.0
}

pub(super) fn features() -> Vec<Feature> {
    [shares(), changes(), looks()].concat()
}

fn shares() -> Vec<Feature> {
    let share = |name, window| Feature::new(name, HERE, Kind::Share, out_share(HERE, window));
    let same_weekday = target_hour().on_days(7..=28).every(7);
    vec![
        share("out_1d", days(1..=1)).means("Share of yesterday that the shelf was empty."),
        share("out_2d_ago", days(2..=2)).means("The same of the day before."),
        share("out_7d", days(1..=7)).means("Share of the last seven days."),
        share("out_28d", days(1..=28)).means("Share of the last 28 days."),
        share("out_at_target_1d", target_hour().on_days(1..=1))
            .means("Share of the hour asked about, yesterday."),
        share("out_at_target_3d", target_hour().on_days(1..=3))
            .means("Share of the hour asked about, on the last three days."),
        share("out_at_target_7d", target_hour().on_days(1..=7))
            .means("Share of the hour asked about, on the last seven days."),
        share("out_at_target_28d", target_hour().on_days(1..=28))
            .means("Share of the hour asked about, on the last 28 days."),
        share("out_at_target_weekday_4w", same_weekday)
            .means("Share of the hour asked about, on the same weekday of four weeks."),
        share("out_at_now_7d", hours(0..=0).on_days(1..=7))
            .means("Share of the begun hour, on the last seven days."),
    ]
}

fn changes() -> Vec<Feature> {
    let usual = |name, measure, window| {
        let usual = HERE.usual_in(measure, USUALLY, window);
        Feature::new(name, HERE, Kind::Count, usual)
    };
    vec![
        usual("went_out_at_target", WentOut, target_hour())
            .means("How often the shelf usually runs empty in the hour asked about."),
        usual("came_back_at_target", CameBack, target_hour())
            .means("How often the shelf is usually filled in the hour asked about."),
        Feature::new(
            "went_out_7d",
            HERE,
            Kind::Count,
            HERE.sum(WentOut, days(1..=7)),
        )
        .means("How often the shelf ran empty on the last seven days."),
        Feature::new(
            "hours_since_went_out",
            HERE,
            Kind::Hours,
            HERE.since(WentOut),
        )
        .means("Hours since the shelf was last seen to have run empty."),
        Feature::new(
            "hours_since_came_back",
            HERE,
            Kind::Hours,
            HERE.since(CameBack),
        )
        .means("Hours since the shelf was last seen to be filled."),
    ]
}

fn looks() -> Vec<Feature> {
    let looked = hours_looked_after(HERE, days(1..=28));
    vec![
        Feature::new("found_last", HERE, Kind::Flag, found())
            .means("Whether the newest look found the item.")
            .fresh_for_hours(A_QUARTER),
        Feature::new("hours_since_found", HERE, Kind::Hours, HERE.since(Found))
            .means("Hours since a look found the item."),
        Feature::new(
            "hours_since_not_found",
            HERE,
            Kind::Hours,
            HERE.since(NotFound),
        )
        .means("Hours since a look did not."),
        Feature::new("found_7d", HERE, Kind::Count, HERE.sum(Found, days(0..=7)))
            .means("Looks that found the item, today and on the last seven days."),
        Feature::new(
            "not_found_7d",
            HERE,
            Kind::Count,
            HERE.sum(NotFound, days(0..=7)),
        )
        .means("Looks that did not."),
        Feature::new(
            "units_not_found_7d",
            HERE,
            Kind::Units,
            HERE.sum(UnitsNotFound, days(0..=7)),
        )
        .means("Units that pickers did not find, today and on the last seven days.")
        .or_else(0.0),
        Feature::new("looked_after_28d", HERE, Kind::Hours, looked)
            .means("Hours of the last 28 days of which looks tell."),
    ]
}
