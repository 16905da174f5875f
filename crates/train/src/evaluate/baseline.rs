//! What is simpler, to be beaten: the last known status, and the item's own rate at this hour.
//!
//! Both are read from features. A status is no probability: what it means at each hour of the day is counted on the
//! week before the days judged, which is all that this baseline learns.

use onhand_features::FeatureSet;

/// Hours of a day.
const HOURS: usize = 24;
/// Found, not found, unknown.
const STATES: usize = 3;

/// Own share of the hour asked about in 28 days, drawn to the family's.
pub(super) const ITEM_AND_HOUR: &str = "out_at_target_drawn";
/// Whether the newest look found the item.
pub(super) const STATUS: &str = "found_last";

/// The features that the baselines are read from.
pub(super) struct Baselines {
    item_and_hour: usize,
    status: usize,
    counts: [[(f64, f64); HOURS]; STATES],
    all: (f64, f64),
}

impl Baselines {
    /// Of a set that has both features.
    pub(super) fn of(set: &FeatureSet) -> Option<Self> {
        Some(Self {
            item_and_hour: set.position(ITEM_AND_HOUR)?,
            status: set.position(STATUS)?,
            counts: [[(0.0, 0.0); HOURS]; STATES],
            all: (0.0, 0.0),
        })
    }

    /// Counts a row of the week before.
    pub(super) fn learn(&mut self, row: &[f32], hour: usize, label: f32) {
        let state = self.state(row);
        for count in [&mut self.counts[state][hour % HOURS], &mut self.all] {
            count.0 += f64::from(label);
            count.1 += 1.0;
        }
    }

    /// What the last known status says.
    pub(super) fn status(&self, row: &[f32], hour: usize) -> f64 {
        let (out, all) = self.counts[self.state(row)][hour % HOURS];
        (out + self.base()) / (all + 1.0)
    }

    /// What the item's rate at this hour says; the base rate where it has none.
    pub(super) fn item_and_hour(&self, row: &[f32]) -> f64 {
        match row[self.item_and_hour] {
            rate if rate.is_nan() => self.base(),
            rate => f64::from(rate).clamp(0.001, 0.999),
        }
    }

    fn base(&self) -> f64 {
        (self.all.0 + 0.5) / (self.all.1 + 1.0)
    }

    fn state(&self, row: &[f32]) -> usize {
        match row[self.status] {
            found if found.is_nan() => 2,
            0.0 => 1,
            _ => 0,
        }
    }
}
