//! What others know and push: promotions, holidays, weather.
//!
//! A price and a promotion hold until others are told. What is told of a day is true of that day.

use super::HERE;
use crate::entity::Entity::Location;
use crate::feature::{Feature, Kind};

/// Hours after a day's beginning about which what was told of it is used: that day's, and the next's if nobody tells of it.
const A_DAY_TOLD: u64 = 48;

pub(super) fn features() -> Vec<Feature> {
    let code = |name| Feature::new(name, HERE, Kind::Code, HERE.pushed(name));
    vec![
        code("management_group").means("Number of the item's management group."),
        code("category_1").means("Number of its category, the widest."),
        code("category_2").means("Number of its category within that."),
        code("category_3").means("Number of its category within that."),
        Feature::new("discount", HERE, Kind::Number, HERE.pushed("discount"))
            .means("Price factor at the time asked about; 1 is the full price.")
            .or_else(1.0),
        Feature::new(
            "discount_for",
            HERE,
            Kind::Hours,
            HERE.pushed_for("discount"),
        )
        .means("For how many hours it will have held then."),
        Feature::new("activity", HERE, Kind::Flag, HERE.pushed("activity"))
            .means("Whether the item is part of a promotion.")
            .or_else(0.0),
        Feature::new("holiday", Location, Kind::Flag, Location.pushed("holiday"))
            .means("Whether the day asked about is a holiday.")
            .fresh_for_hours(A_DAY_TOLD)
            .or_else(0.0),
        Feature::new("rain", Location, Kind::Number, Location.pushed("rain"))
            .means("Rain of the day asked about, in millimetres.")
            .fresh_for_hours(A_DAY_TOLD),
        Feature::new(
            "temperature",
            Location,
            Kind::Number,
            Location.pushed("temperature"),
        )
        .means("Mean temperature of the day asked about, in degrees Celsius.")
        .fresh_for_hours(A_DAY_TOLD),
        Feature::new(
            "humidity",
            Location,
            Kind::Number,
            Location.pushed("humidity"),
        )
        .means("Mean humidity of the day asked about, in percent.")
        .fresh_for_hours(A_DAY_TOLD),
        Feature::new("wind", Location, Kind::Number, Location.pushed("wind"))
            .means("Mean wind of the day asked about, as a level.")
            .fresh_for_hours(A_DAY_TOLD),
    ]
}
