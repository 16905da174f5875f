//! Which days and stores are for what.
//!
//! Time goes forward: a forest is grown on the first days, told when to stop by later ones, and calibrated on later
//! ones again. Whole stores are held out of all of that, by a hash of their names, so that it can be said how good the
//! model is where it has never been.

use onhand_core::{LocationId, Sku};
use onhand_models::Artefact;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Salt of the draw of stores, so that the seed draws something else than for rows.
const STORES: u64 = 0x73746f726573;

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
    /// A store that is held out, in the days of calibration: tells how good the model is where it has never been.
    Unseen,
    /// Not used.
    Unused,
}

/// Days of each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The first day trained on, in days since 1970-01-01.
    pub from: u32,
    /// The first day that tells when to stop.
    pub stop: u32,
    /// The first day that calibrations are fitted to.
    pub fit: u32,
    /// The first day that tells which calibration.
    pub choose: u32,
    /// The last day of all.
    pub until: u32,
}

impl Split {
    /// Of the days from the first to the last, the last ten, or half of them if they are few, are not trained on: three
    /// tell when to stop, four fit the calibrations, three tell which.
    pub fn of(from: u32, until: u32) -> Self {
        let days = (until + 1).saturating_sub(from);
        let later = 10.min(days / 2);
        let part = |share: u32| (later * share).div_ceil(10);
        Self {
            from,
            stop: until + 1 - later,
            fit: until + 1 - part(7),
            choose: until + 1 - part(3),
            until,
        }
    }

    /// What a day is for, at a store that is held out or not.
    pub fn part(&self, day: u32, is_held_out: bool) -> Part {
        match day {
            day if day < self.from || day > self.until => Part::Unused,
            day if is_held_out && day >= self.fit => Part::Unseen,
            _ if is_held_out => Part::Unused,
            day if day >= self.choose => Part::Choose,
            day if day >= self.fit => Part::Fit,
            day if day >= self.stop => Part::Stop,
            _ => Part::Train,
        }
    }

    /// Whether every part has a day.
    pub fn is_whole(&self) -> bool {
        self.from < self.stop
            && self.stop < self.fit
            && self.fit < self.choose
            && self.choose <= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_forward_and_held_out_stores_train_nothing() {
        let split = Split::of(100, 160);
        let days = |part, is_held_out| {
            (90..=170)
                .filter(|day| split.part(*day, is_held_out) == part)
                .collect::<Vec<u32>>()
        };
        assert_eq!(days(Part::Train, false), (100..=150).collect::<Vec<_>>());
        assert_eq!(days(Part::Stop, false), (151..=153).collect::<Vec<_>>());
        assert_eq!(days(Part::Fit, false), (154..=157).collect::<Vec<_>>());
        assert_eq!(days(Part::Choose, false), (158..=160).collect::<Vec<_>>());
        assert_eq!(days(Part::Unseen, true), (154..=160).collect::<Vec<_>>());
        for part in [Part::Train, Part::Stop, Part::Fit, Part::Choose] {
            assert!(days(part, true).is_empty());
        }
    }

    #[test]
    fn few_days_are_split_too_and_too_few_are_not_whole() {
        assert!(Split::of(100, 107).is_whole());
        assert!(!Split::of(100, 102).is_whole());
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
