//! Which features a forest may look at.
//!
//! Some hardly tell one shelf from another, but they tell which day it is: the weather of a city, the share of all empty
//! shelves, how long the ledger has known an item. The days trained on are few, so a tree learns them by heart: that on
//! the day with 7.3 mm of rain more shelves were empty. On later days this is noise, and the level of all probabilities
//! moves with it (`docs/decisions/0020`). Others are made for the prior of new items alone, and tell of the rest nothing
//! that is not in a feature already.
//!
//! Of the rest, a short trial tells which are worth their price, if somebody asks: each costs every row that is ever scored,
//! and a third of them together gain little (`docs/decisions/0026`).

use onhand_features::FeatureSet;

/// What tells the day rather than the shelf.
const TELLS_THE_DAY: [&str; 8] = [
    "everything_out_at_target_7d",
    "holiday",
    "rain",
    "temperature",
    "humidity",
    "wind",
    "age_days",
    "looked_after_28d",
];

/// What the prior of a new item is made of.
const OF_NEW_ITEMS: [&str; 2] = ["out_of_kind", "location_out_drawn"];

/// Of a fit's rounds, the share that its trial has.
const TRIAL: usize = 4;

/// Rounds of the trial that comes before so many.
pub(crate) fn trial(rounds: usize) -> usize {
    rounds.div_ceil(TRIAL)
}

/// The places, ascending, of the fewest columns that together have a share of all gains; all of them if there are no gains.
pub(crate) fn worth(gains: &[f64], share: f64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..gains.len()).collect();
    places.sort_by(|one, other| gains[*other].total_cmp(&gains[*one]));
    let wanted = gains.iter().sum::<f64>() * share;
    let mut gained = 0.0;
    let is_wanted = |place: &usize| {
        let is_wanted = wanted <= 0.0 || gained < wanted;
        gained += gains[*place];
        is_wanted
    };
    let mut kept: Vec<usize> = places.into_iter().take_while(is_wanted).collect();
    kept.sort_unstable();
    kept
}

/// Of the features at these places, those to learn from.
pub(crate) fn learned(set: &FeatureSet, places: Vec<usize>) -> Vec<usize> {
    let is_learned = |place: &usize| {
        let name = set.features()[*place].name;
        !TELLS_THE_DAY.contains(&name) && !OF_NEW_ITEMS.contains(&name)
    };
    places.into_iter().filter(is_learned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onhand_features::catalog;

    #[test]
    fn columns_that_hardly_gain_are_not_kept() {
        assert_eq!(worth(&[0.5, 90.0, 0.0, 9.0, 0.5], 0.99), [1, 3]);
        assert_eq!(worth(&[0.5, 90.0, 0.6, 8.4, 0.5], 0.99), [1, 2, 3]);
        assert_eq!(
            worth(&[0.0, 0.0], 0.99),
            [0, 1],
            "nothing gained: nothing told"
        );
        assert_eq!((trial(160), trial(3), trial(1)), (40, 1, 1));
    }

    #[test]
    fn what_tells_the_day_and_what_is_of_new_items_is_there_and_is_left_out() {
        let set = catalog::availability();
        let learned = learned(&set, (0..set.len()).collect());
        let left_out = TELLS_THE_DAY.len() + OF_NEW_ITEMS.len();
        assert_eq!(learned.len() + left_out, set.len());
        for name in ["rain", "out_of_kind"] {
            assert!(!learned.contains(&set.position(name).unwrap()));
        }
    }
}
