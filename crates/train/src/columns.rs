//! Which features a forest may look at.
//!
//! Some hardly tell one shelf from another, but they tell which day it is: the weather of a city, the share of all empty
//! shelves, how long the ledger has known an item. The days trained on are few, so a tree learns them by heart: that on
//! the day with 7.3 mm of rain more shelves were empty. On later days this is noise, and the level of all probabilities
//! moves with it (`docs/decisions/0020`).

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

/// Of the features at these places, those to learn from.
pub(crate) fn learned(set: &FeatureSet, places: Vec<usize>) -> Vec<usize> {
    let is_learned = |place: &usize| !TELLS_THE_DAY.contains(&set.features()[*place].name);
    places.into_iter().filter(is_learned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onhand_features::catalog;

    #[test]
    fn what_tells_the_day_is_there_and_is_left_out() {
        let set = catalog::availability();
        let learned = learned(&set, (0..set.len()).collect());
        assert_eq!(learned.len() + TELLS_THE_DAY.len(), set.len());
        let rain = set.position("rain").unwrap();
        assert!(!learned.contains(&rain));
    }
}
