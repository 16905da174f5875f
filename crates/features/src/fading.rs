//! Fading: a day weighs half as much as one so many days later.
//!
//! Weights are fixed-point, and a day's step is always the same: multiply, and round down. So a sum is the same to the
//! last bit wherever and whenever its steps are taken, and the weight of so many full days in a row is a table.

use serde::{Deserialize, Serialize};

/// One, in the fixed point of sums (16 binary places).
pub(crate) const UNIT: u64 = 1 << 16;
/// Binary places of a factor.
const FACTOR_PLACES: u32 = 32;

/// How weights fade with a half-life in days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u16", into = "u16")]
pub(crate) struct Fading {
    half_life: u16,
    /// What a day leaves of the weight, with 32 binary places.
    factor: u64,
    /// The weight of so many full days, by their number; more than all of these weigh as the last.
    days: Vec<u64>,
}

impl From<Fading> for u16 {
    fn from(fading: Fading) -> Self {
        fading.half_life
    }
}

/// As it is read: not ready for use. What makes it ready takes the longer the longer its half-life is, so whoever reads
/// sees first whether that is one it asked for, and then makes it [anew](Fading::new).
impl From<u16> for Fading {
    fn from(half_life: u16) -> Self {
        Self {
            half_life,
            factor: 0,
            days: Vec::new(),
        }
    }
}

impl Fading {
    /// Weights that fade so fast.
    pub(crate) fn new(half_life: u16) -> Self {
        let mut fading = Self {
            half_life,
            factor: factor(half_life),
            days: Vec::new(),
        };
        let mut weight = 0;
        while fading.days.last() != Some(&weight) {
            fading.days.push(weight);
            weight = fading.kept(weight) + UNIT;
        }
        fading
    }

    pub(crate) fn half_life(&self) -> u16 {
        self.half_life
    }

    /// What a day leaves of a sum.
    pub(crate) fn kept(&self, sum: u64) -> u64 {
        ((u128::from(sum) * u128::from(self.factor)) >> FACTOR_PLACES) as u64
    }

    /// What so many days leave of a sum.
    pub(crate) fn aged(&self, mut sum: u64, days: u32) -> u64 {
        for _ in 0..days {
            if sum == 0 {
                break;
            }
            sum = self.kept(sum);
        }
        sum
    }

    /// The weight of so many full days up to yesterday.
    pub(crate) fn weight(&self, days: u32) -> u64 {
        self.days[(days as usize).min(self.days.len() - 1)]
    }
}

/// The largest factor that leaves at most half after `half_life` days, rounding down each day.
fn factor(half_life: u16) -> u64 {
    const ONE: u64 = 1 << FACTOR_PLACES;
    let after = |factor: u64| {
        (0..half_life.max(1)).fold(ONE, |kept, _| {
            ((u128::from(kept) * u128::from(factor)) >> FACTOR_PLACES) as u64
        })
    };
    let (mut low, mut high) = (0, ONE);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match after(middle) <= ONE / 2 {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_life_halves() {
        for half_life in [1, 7, 28] {
            let exact = libm::pow(0.5, 1.0 / f64::from(half_life));
            let found = factor(half_life) as f64 / 4_294_967_296.0;
            assert!(
                (found - exact).abs() < 1e-8,
                "{half_life}: {found}, not {exact}"
            );
        }
    }

    #[test]
    fn the_weight_of_days_is_what_their_steps_add_up_to() {
        let fading = Fading::new(14);
        let mut weight = 0;
        for days in 0..2000 {
            assert_eq!(fading.weight(days), weight, "{days} days");
            weight = fading.kept(weight) + UNIT;
        }
    }
}
