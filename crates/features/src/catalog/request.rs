//! What the request brings.

use super::HERE;
use crate::feature::{Feature, Kind};
use crate::formula::{Context, now, target};

pub(super) fn features() -> Vec<Feature> {
    vec![
        Feature::new("target_hour", HERE, Kind::Hours, target(Context::Hour))
            .means("Hour of the day that is asked about, 0 to 23."),
        Feature::new(
            "target_weekday",
            HERE,
            Kind::Number,
            target(Context::Weekday),
        )
        .means("Day of the week that is asked about; Monday is 0."),
        Feature::new("lead_hours", HERE, Kind::Hours, now(Context::Lead))
            .means("Hours from now to the time that is asked about."),
    ]
}
