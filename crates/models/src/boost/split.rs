//! The best place to cut a leaf in two.
//!
//! A leaf with slope G and second derivative H has the value -G / (H + l2) and saves G² / (H + l2) (twice the loss, to
//! second order); a split saves what its two leaves save more than the leaf (Chen, Guestrin 2016, eq. 7). All is
//! reckoned in the units of the rounded slopes, which changes every gain by the same factor.

use super::gradient::{Scale, first, second};
use super::histogram::{Bins, Histogram};
use super::settings::{Booster, Monotone};
use crate::dataset::{BinMap, MISSING};

/// A leaf as far as a split must know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) all: i64,
    pub(crate) rows: usize,
    /// Least and largest value that the leaf may have, so that the rules above it hold.
    pub(crate) bounds: (f64, f64),
}

/// Where a leaf is cut: bins up to `bin` go left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) feature: usize,
    pub(crate) bin: u8,
    pub(crate) missing_left: bool,
    /// The left side's sum.
    pub(crate) left: i64,
    /// Twice the loss that is saved.
    pub(crate) gain: f64,
}

/// What a split must keep to.
pub(crate) struct Rules<'a> {
    booster: &'a Booster,
    scale: Scale,
    l2: f64,
}

impl<'a> Rules<'a> {
    pub(crate) fn new(booster: &'a Booster, scale: Scale) -> Self {
        Self {
            booster,
            scale,
            l2: booster.l2 * scale.second + f64::MIN_POSITIVE,
        }
    }

    /// The value of a leaf, before the learning rate.
    pub(crate) fn value(&self, sum: i64, bounds: (f64, f64)) -> f64 {
        let value = -first(sum) / (second(sum) + self.l2) * (self.scale.second / self.scale.first);
        if value.is_finite() {
            value.clamp(bounds.0, bounds.1)
        } else {
            0.0
        }
    }

    /// The best split of a leaf over `features`, ascending; of equal ones the first.
    pub(crate) fn best(
        &self,
        histogram: &Histogram,
        leaf: Sums,
        features: &[usize],
        maps: &[BinMap],
    ) -> Option<Split> {
        let least = self.least(leaf);
        if second(leaf.all) < 2.0 * least {
            return None;
        }
        let mut best = Best::new(self.must_save(leaf));
        for &feature in features {
            let bins = histogram.feature(feature);
            let rule = self
                .booster
                .monotone
                .get(feature)
                .copied()
                .unwrap_or_default();
            let scan = Scan {
                rules: self,
                leaf,
                least,
                feature,
            };
            match self.booster.monotone.is_empty() {
                true => scan.free(bins, maps[feature].bins(), &mut best),
                false => scan.ruled(bins, maps[feature].bins(), rule, &mut best),
            }
        }
        let factor = self.scale.second / (self.scale.first * self.scale.first);
        best.found(factor, self.saved_whole(leaf))
    }

    /// Second derivative that each side needs.
    fn least(&self, leaf: Sums) -> f64 {
        let for_a_row = second(leaf.all) / leaf.rows as f64;
        let for_rows = (self.booster.min_rows as f64 - 0.5) * for_a_row;
        for_rows
            .max(self.booster.min_hessian * self.scale.second)
            .max(1.0)
    }

    fn saved_whole(&self, leaf: Sums) -> f64 {
        match self.booster.monotone.is_empty() {
            true => first(leaf.all).powi(2) / (second(leaf.all) + self.l2),
            false => self.saved_at(leaf.all, self.value(leaf.all, leaf.bounds)),
        }
    }

    fn must_save(&self, leaf: Sums) -> f64 {
        let whole = self.saved_whole(leaf);
        let factor = self.scale.second / (self.scale.first * self.scale.first);
        // A gain within the rounding of its terms is none.
        whole + (2.0 * self.booster.min_gain / factor).max(whole.abs() * 1e-12)
    }

    /// What a leaf saves if its value is not the best one: -(2Gv + (H + l2)v²).
    fn saved_at(&self, sum: i64, value: f64) -> f64 {
        let value = value * (self.scale.first / self.scale.second);
        -(2.0 * first(sum) + (second(sum) + self.l2) * value) * value
    }
}

/// The best split so far.
struct Best {
    saved: f64,
    split: Option<Split>,
}

impl Best {
    fn new(saved: f64) -> Self {
        Self { saved, split: None }
    }

    fn found(self, factor: f64, whole: f64) -> Option<Split> {
        let gain = (self.saved - whole) * factor;
        self.split.map(|split| Split { gain, ..split })
    }
}

/// Where a cut sends the missing values. If the leaf has none, later ones go with the heavier side.
#[derive(Clone, Copy)]
enum Missing {
    Unseen,
    Left,
    Right,
}

/// One feature of one leaf.
struct Scan<'a> {
    rules: &'a Rules<'a>,
    leaf: Sums,
    least: f64,
    feature: usize,
}

impl Scan<'_> {
    /// Without any rule: what each side saves follows from its sums.
    fn free(&self, bins: &Bins, count: usize, best: &mut Best) {
        let l2 = self.rules.l2;
        self.cuts(bins, count, |bin, missing, left, right| {
            let (a, b) = (first(left), first(right));
            let (c, d) = (second(left) + l2, second(right) + l2);
            // a²/c + b²/d > saved, without a division.
            let (over, under) = (a * a * d + b * b * c, c * d);
            if over > best.saved * under {
                best.saved = over / under;
                best.split = Some(self.split(bin, missing, left));
            }
        });
    }

    /// With rules: values are held within bounds and in order.
    fn ruled(&self, bins: &Bins, count: usize, rule: Monotone, best: &mut Best) {
        let rules = self.rules;
        self.cuts(bins, count, |bin, missing, left, right| {
            let low = rules.value(left, self.leaf.bounds);
            let high = rules.value(right, self.leaf.bounds);
            let broken = match rule {
                Monotone::Free => false,
                Monotone::Rising => low > high,
                Monotone::Falling => low < high,
            };
            let saved = rules.saved_at(left, low) + rules.saved_at(right, high);
            if !broken && saved > best.saved {
                best.saved = saved;
                best.split = Some(self.split(bin, missing, left));
            }
        });
    }

    /// Calls `cut` with every cut that leaves enough on both sides: the bin, the missing values' side, both sums.
    #[inline]
    fn cuts(&self, bins: &Bins, count: usize, mut cut: impl FnMut(u8, Missing, i64, i64)) {
        match bins[MISSING as usize] {
            0 => self.cuts_from(0, &bins[..count - 1], |bin, left, right| {
                cut(bin, Missing::Unseen, left, right)
            }),
            missing => {
                // With the missing values on the right, all others may be on the left.
                self.cuts_from(0, &bins[..count], |bin, left, right| {
                    cut(bin, Missing::Right, left, right)
                });
                self.cuts_from(missing, &bins[..count - 1], |bin, left, right| {
                    cut(bin, Missing::Left, left, right)
                });
            }
        }
    }

    #[inline]
    fn cuts_from(&self, start: i64, bins: &[i64], mut cut: impl FnMut(u8, i64, i64)) {
        let mut left = start;
        for (bin, &sum) in bins.iter().enumerate().filter(|(_, sum)| **sum != 0) {
            left += sum;
            let right = self.leaf.all - left;
            if second(right) < self.least {
                return;
            }
            if second(left) >= self.least {
                cut(bin as u8, left, right);
            }
        }
    }

    fn split(&self, bin: u8, missing: Missing, left: i64) -> Split {
        Split {
            feature: self.feature,
            bin,
            missing_left: match missing {
                Missing::Left => true,
                Missing::Right => false,
                Missing::Unseen => 2.0 * second(left) >= second(self.leaf.all),
            },
            left,
            gain: 0.0,
        }
    }
}
