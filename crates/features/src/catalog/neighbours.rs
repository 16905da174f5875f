//! What an item's location, SKU, category and city tell about it: all there is where it is new, and more where it is
//! not. An own rate is drawn to the family's as long as little is known.

use super::shelf::{hours_looked_after, out_share};
use super::{CATEGORY, CATEGORY_HERE, CITY, HERE, SKU_IN_CITY, USUALLY};
use crate::entity::Entity::{self, Everything, Location, Sku};
use crate::feature::{Feature, Kind};
use crate::formula::Formula;
use crate::measure::Measure::{CameBack, UnitsSold, WentOut};
use crate::window::{days, hours, so_far, target_hour};

/// Hours of the family's rate that an own rate begins with.
const PRIOR_HOURS: f64 = 5.0;

pub(super) fn features() -> Vec<Feature> {
    [pace(), emptiness(), drawn(), of_new_items()].concat()
}

/// Whether the neighbours sell more or less than usual.
fn pace() -> Vec<Feature> {
    let pace =
        |of: Entity, window| of.sum(UnitsSold, window) / of.usual_in(UnitsSold, USUALLY, window);
    vec![
        Feature::new(
            "location_pace_3h",
            Location,
            Kind::Ratio,
            pace(Location, hours(1..=3)),
        )
        .means("Units sold at the location in the last three full hours, by what is usual."),
        Feature::new(
            "location_pace_today",
            Location,
            Kind::Ratio,
            pace(Location, so_far()),
        )
        .means("Units sold at the location today, by what is usual up to this hour."),
        Feature::new(
            "category_here_pace_3h",
            CATEGORY_HERE,
            Kind::Ratio,
            pace(CATEGORY_HERE, hours(1..=3)),
        )
        .means("The same of the category at the location, last three hours."),
        Feature::new("sku_pace_3h", Sku, Kind::Ratio, pace(Sku, hours(1..=3)))
            .means("The same of the SKU at all locations, last three hours."),
        Feature::new("city_pace_today", CITY, Kind::Ratio, pace(CITY, so_far()))
            .means("The same of all locations of the city, today."),
        Feature::new(
            "location_usual_a_day",
            Location,
            Kind::Units,
            Location.usual(UnitsSold, USUALLY),
        )
        .means("Units usually sold at the location in a day: its size."),
        Feature::new(
            "sku_usual_at_target",
            Sku,
            Kind::Units,
            Sku.usual_in(UnitsSold, USUALLY, target_hour()),
        )
        .means("Units of the SKU usually sold at all locations in the hour asked about."),
    ]
}

/// Whether the neighbours' shelves are empty.
fn emptiness() -> Vec<Feature> {
    let out = |name, of, window| Feature::new(name, of, Kind::Share, out_share(of, window));
    let hazard = |of: Entity, measure| {
        of.sum(measure, target_hour().on_days(1..=7))
            / hours_looked_after(of, target_hour().on_days(1..=7))
    };
    vec![
        out("location_out_1d", Location, days(1..=1))
            .means("Share of empty shelves at the location yesterday."),
        out(
            "location_out_at_target_7d",
            Location,
            target_hour().on_days(1..=7),
        )
        .means("The same in the hour asked about, seven days."),
        out("sku_out_1d", Sku, days(1..=1))
            .means("Share of the SKU's shelves that were empty yesterday."),
        out(
            "sku_in_city_out_at_target_1d",
            SKU_IN_CITY,
            target_hour().on_days(1..=1),
        )
        .means("Share of the SKU's shelves in the city that were empty yesterday in the hour asked about."),
        out("sku_out_at_target_7d", Sku, target_hour().on_days(1..=7))
            .means("The same in the hour asked about, seven days."),
        out(
            "category_out_at_target_7d",
            CATEGORY,
            target_hour().on_days(1..=7),
        )
        .means("Share of the category's empty shelves in the hour asked about, seven days."),
        out(
            "category_here_out_at_target_7d",
            CATEGORY_HERE,
            target_hour().on_days(1..=7),
        )
        .means("The same at the location."),
        out(
            "everything_out_at_target_7d",
            Everything,
            target_hour().on_days(1..=7),
        )
        .means("Share of all empty shelves in the hour asked about, seven days."),
        Feature::new(
            "sku_goes_out_at_target",
            Sku,
            Kind::Share,
            hazard(Sku, WentOut),
        )
        .means("How often a shelf of the SKU runs empty in the hour asked about."),
        Feature::new(
            "location_comes_back_at_target",
            Location,
            Kind::Share,
            hazard(Location, CameBack),
        )
        .means("How often a shelf of the location is filled in the hour asked about."),
    ]
}

/// Own rates, drawn to the family's.
fn drawn() -> Vec<Feature> {
    let at_target = target_hour().on_days(1..=28);
    let prior = || -> Formula {
        let family = [CATEGORY_HERE, CATEGORY, Everything];
        let shares = family.map(|of| out_share(of, target_hour().on_days(1..=7)));
        shares
            .into_iter()
            .fold(out_share(Sku, target_hour().on_days(1..=7)), Formula::or)
    };
    let trials = hours_looked_after(HERE, at_target);
    let drawn = out_share(HERE, at_target).drawn_to(prior(), trials, PRIOR_HOURS);
    vec![
        Feature::new("out_prior", HERE, Kind::Share, prior())
            .means("Share of empty shelves in the hour asked about: of the SKU, else of the category here, of the category, of everything."),
        Feature::new("out_at_target_drawn", HERE, Kind::Share, drawn)
            .means("Own share of the hour asked about in 28 days, drawn to the prior by five hours."),
    ]
}

/// What the prior of a new item is made of, each level drawn to the next wider one by how little is known of it. Of the
/// item's kind everywhere and of the location apart, so that the location's own level is in one of them alone.
fn of_new_items() -> Vec<Feature> {
    let at_target = target_hour().on_days(1..=7);
    let drawn = |of: Entity, wider| {
        let trials = hours_looked_after(of, at_target).or(0.0);
        out_share(of, at_target).drawn_to(wider, trials, PRIOR_HOURS)
    };
    let all = || out_share(Everything, at_target);
    vec![
        Feature::new(
            "out_of_kind",
            HERE,
            Kind::Share,
            drawn(Sku, drawn(CATEGORY, all())),
        )
        .means("Share of the SKU's shelves that were empty in the hour asked about, seven days, drawn to its category's, and that to all, by five hours each."),
        Feature::new(
            "location_out_drawn",
            Location,
            Kind::Share,
            drawn(Location, all()),
        )
        .means("Share of empty shelves at the location in the hour asked about, seven days, drawn to all by five hours."),
    ]
}
