//! For whom it is good: the ways in which questions are told apart.

use crate::outcome::{Outcomes, Pair};
use onhand_core::Timestamp;
use serde::Serialize;

const DAY_MILLIS: u64 = 86_400_000;
/// Days after which an item is no longer new.
const NEW_DAYS: u64 = 14;

/// A way to tell questions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The category of the item.
    Category,
    /// How many SKUs the store has.
    StoreSize,
    /// For how long the ledger has known the SKU at the location.
    DataAge,
    /// Whether the ledger has known the SKU for long, anywhere.
    Item,
    /// The hour asked about.
    Hour,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Category,
        Self::StoreSize,
        Self::DataAge,
        Self::Item,
        Self::Hour,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::StoreSize => "store size",
            Self::DataAge => "data age",
            Self::Item => "item",
            Self::Hour => "hour",
        }
    }

    /// The number of a question's segment: small, and in the order in which segments are told.
    pub(super) fn of(self, outcomes: &Outcomes, pair: &Pair, slot: u32) -> u32 {
        let moment = outcomes.grid.moment(slot as usize);
        match self {
            Self::Category => pair.category(moment.now).unwrap_or(u32::MAX),
            Self::StoreSize => store_size(outcomes.sizes[pair.location_no as usize]),
            Self::DataAge => age(days(pair.since, moment.now)),
            Self::Item => u32::from(days(pair.sku_since, moment.now) >= NEW_DAYS),
            Self::Hour => moment.hour_asked_about() as u32,
        }
    }

    /// The name of a segment.
    pub(super) fn label(self, outcomes: &Outcomes, segment: u32) -> String {
        match self {
            Self::Category => {
                let name = outcomes.categories.get(segment as usize);
                name.cloned().unwrap_or_else(|| "no category".to_owned())
            }
            Self::StoreSize => SIZES[segment as usize].1.to_owned(),
            Self::DataAge => AGES[segment as usize].1.to_owned(),
            Self::Item => {
                ["new (under 14 days)", "known (14 days or more)"][segment as usize].to_owned()
            }
            Self::Hour => format!("{segment:02}:00"),
        }
    }
}

/// Up to so many SKUs.
const SIZES: [(u32, &str); 4] = [
    (25, "up to 25 SKUs"),
    (50, "26 to 50 SKUs"),
    (100, "51 to 100 SKUs"),
    (u32::MAX, "over 100 SKUs"),
];

/// Up to so many full days.
const AGES: [(u64, &str); 9] = [
    (0, "first day"),
    (1, "1 day"),
    (2, "2 days"),
    (3, "3 days"),
    (6, "4 to 6 days"),
    (13, "7 to 13 days"),
    (27, "14 to 27 days"),
    (55, "28 to 55 days"),
    (u64::MAX, "56 days or more"),
];

fn store_size(skus: u32) -> u32 {
    SIZES.iter().take_while(|(most, _)| skus > *most).count() as u32
}

fn age(days: u64) -> u32 {
    AGES.iter().take_while(|(most, _)| days > *most).count() as u32
}

fn days(since: Timestamp, now: Timestamp) -> u64 {
    now.since(since).millis() / DAY_MILLIS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_lower_segment() {
        let name = |days| AGES[age(days) as usize].1;
        assert_eq!(
            [0, 3, 4, 6, 7, 55, 56].map(name),
            [
                "first day",
                "3 days",
                "4 to 6 days",
                "4 to 6 days",
                "7 to 13 days",
                "28 to 55 days",
                "56 days or more"
            ]
        );
        assert_eq!((store_size(25), store_size(26), store_size(900)), (0, 1, 3));
    }
}
