//! Which days and stores are for what.
//!
//! Every day is learned from, up to the newest: a forest that is two weeks old is worse by more than a calibration on
//! later days is better (`docs/decisions/0020`). What trees are grown on, what stops them and what calibrates them are
//! different stores, drawn by a hash of their names. Others again are held out of all of that, so that it can be said
//! how good the model is where it has never been. How good it is on later days, an evaluation says.

use onhand_core::{LocationId, Sku};
use onhand_models::Artefact;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Salt of the draw of stores, so that the seed draws something else than for rows.
const STORES: u64 = 0x73746f726573;
/// Salt of the draw of folds.
const FOLDS: u64 = 0x666f6c6473;
/// Fewer locations than this are few.
pub(crate) const FEW: usize = 96;
/// The last days, on which stores held out are asked about: two weeks, because a week's days differ more than its weeks.
const JUDGED: u32 = 14;
/// Days that it takes.
const LEAST: u32 = 8;

/// Stores that are held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldOut {
    /// The share of them, 0 to under 1.
    pub share: f64,
    /// Seed of the draw.
    pub seed: u64,
}

impl HoldOut {
    /// Whether a location is held out.
    pub fn holds(&self, location: &LocationId) -> bool {
        self.draws(location.as_str())
    }

    /// Whether a SKU would be.
    pub fn holds_sku(&self, sku: &Sku) -> bool {
        self.draws(sku.as_str())
    }

    fn draws(&self, name: &str) -> bool {
        let drawn = xxh3_64_with_seed(name.as_bytes(), self.seed ^ STORES);
        (drawn as f64) < self.share * u64::MAX as f64
    }
}

/// The locations that a model was trained on, as it keeps them: hashes of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trained(BTreeSet<u64>);

impl Trained {
    /// The name of the fact in an artefact.
    pub const FACT: &str = "locations";

    /// What a model says of itself.
    pub fn of(model: &Artefact) -> Self {
        let text = model.facts.get(Self::FACT).map_or("", String::as_str);
        let hashes = text.split(' ');
        Self(
            hashes
                .filter_map(|hash| u64::from_str_radix(hash, 16).ok())
                .collect(),
        )
    }

    /// Whether the model was trained on a location.
    pub fn knows(&self, location: &LocationId) -> bool {
        self.0.contains(&hash(location))
    }
}

impl<'a> FromIterator<&'a LocationId> for Trained {
    fn from_iter<I: IntoIterator<Item = &'a LocationId>>(locations: I) -> Self {
        Self(locations.into_iter().map(hash).collect())
    }
}

impl fmt::Display for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hashes: Vec<String> = self.0.iter().map(|hash| format!("{hash:016x}")).collect();
        f.write_str(&hashes.join(" "))
    }
}

fn hash(location: &LocationId) -> u64 {
    xxh3_64(location.as_str().as_bytes())
}

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Trees are grown on it.
    Train,
    /// Tells when to stop.
    Stop,
    /// Calibrations are fitted to it.
    Fit,
    /// Tells which calibration.
    Choose,
    /// A store that is held out, on the last days: tells how good the model is where it has never been.
    Unseen,
    /// Not used.
    Unused,
}

/// What decides which questions about a SKU at a location are for what, if its location is not held out: drawn by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    drawn: u64,
    by_day: bool,
}

impl Fold {
    /// Where there are few locations, the days of each of its items are drawn instead.
    pub fn of(locations: usize, location: &LocationId, sku: &Sku) -> Self {
        let drawn = xxh3_64_with_seed(location.as_str().as_bytes(), FOLDS);
        match locations < FEW {
            true => Self {
                drawn: xxh3_64_with_seed(sku.as_str().as_bytes(), drawn),
                by_day: true,
            },
            false => Self {
                drawn,
                by_day: false,
            },
        }
    }

    /// Of 24 draws 20 are for trees; one tells when to stop, two are for fitting calibrations, one tells which.
    fn part(self, day: u32) -> Part {
        let drawn = match self.by_day {
            true => xxh3_64_with_seed(&day.to_le_bytes(), self.drawn),
            false => self.drawn,
        };
        match drawn % 24 {
            0 => Part::Stop,
            1 => Part::Choose,
            2 | 3 => Part::Fit,
            _ => Part::Train,
        }
    }
}

/// Days that anything is learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The first, in days since 1970-01-01.
    pub from: u32,
    /// The first day on which stores held out tell how good the model is.
    pub judged: u32,
    /// The last.
    pub until: u32,
}

impl Split {
    /// Of the days from the first to the last.
    pub fn of(from: u32, until: u32) -> Self {
        let days = (until + 1).saturating_sub(from);
        Self {
            from,
            judged: until + 1 - JUDGED.min(days),
            until,
        }
    }

    /// What a day is for, at a store that is held out or not.
    pub fn part(&self, day: u32, is_held_out: bool, fold: Fold) -> Part {
        match day {
            day if day < self.from || day > self.until => Part::Unused,
            day if is_held_out && day >= self.judged => Part::Unseen,
            _ if is_held_out => Part::Unused,
            day => fold.part(day),
        }
    }

    /// Whether there are as many days as it takes.
    pub fn is_whole(&self) -> bool {
        self.from + LEAST <= self.until + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(number: usize) -> LocationId {
        LocationId::new(&format!("store-{number}")).unwrap()
    }

    fn sku(number: usize) -> Sku {
        Sku::new(&format!("item-{number}")).unwrap()
    }

    #[test]
    fn held_out_stores_teach_nothing_and_the_others_every_day() {
        let split = Split::of(100, 160);
        let fold = Fold::of(500, &location(1), &sku(1));
        let days = |part, is_held_out| {
            (90..=170)
                .filter(|day| split.part(*day, is_held_out, fold) == part)
                .collect::<Vec<u32>>()
        };
        assert_eq!(days(fold.part(0), false), (100..=160).collect::<Vec<_>>());
        assert_eq!(days(Part::Unseen, true), (147..=160).collect::<Vec<_>>());
        for part in [Part::Train, Part::Stop, Part::Fit, Part::Choose] {
            assert!(days(part, true).is_empty());
        }
    }

    #[test]
    fn seven_days_are_too_few() {
        assert!(Split::of(100, 107).is_whole());
        assert!(!Split::of(100, 106).is_whole());
    }

    #[test]
    fn of_many_stores_each_has_one_part_and_of_few_every_day_of_an_item_its_own() {
        let one = |item, day| Fold::of(500, &location(1), &sku(item)).part(day);
        assert!((0..400).all(|item| one(item, item as u32) == one(0, 0)));
        let mut parts = [0; 4];
        for (item, day) in (0..48).flat_map(|item| (0..100).map(move |day| (item, day))) {
            let place = match Fold::of(3, &location(1), &sku(item)).part(day) {
                Part::Train => 0,
                Part::Stop => 1,
                Part::Fit => 2,
                _ => 3,
            };
            parts[place] += 1;
        }
        assert!((3_900..4_100).contains(&parts[0]), "{parts:?}");
        assert!((150..250).contains(&parts[1]), "{parts:?}");
        assert!((340..460).contains(&parts[2]), "{parts:?}");
    }

    #[test]
    fn about_a_share_of_the_stores_is_held_out() {
        let hold_out = HoldOut {
            share: 0.2,
            seed: 1,
        };
        let held = (0..1000)
            .filter(|number| hold_out.holds(&LocationId::new(&format!("store-{number}")).unwrap()))
            .count();
        assert!((150..250).contains(&held), "{held}");
    }
}
