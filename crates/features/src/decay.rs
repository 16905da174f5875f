//! Usual amounts: sums over full days that lose half their weight in so many days, whole or by hour of the day.
//!
//! A day's amounts are kept apart until the day is over; then everything older is multiplied by a fixed factor and the
//! day is added. So "usual" never holds a part of today, and dividing by the days of the same weights is exact about
//! how long the entity is known. All numbers are fixed-point and each day's step is the same wherever and whenever it
//! is taken, so online and offline agree to the last bit. What comes late is added with the weight its day has by now.

use crate::calendar::HOURS_A_DAY;
use serde::{Deserialize, Serialize};

/// One, in the fixed point of sums (16 binary places).
const UNIT: u64 = 1 << 16;
/// Binary places of a factor.
const FACTOR_PLACES: u32 = 32;

/// Decaying sums of many entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decay {
    /// What a day leaves of the weight, with 32 binary places.
    factor: u64,
    /// Cells of a row: one, or one for each hour of the day.
    width: u32,
    /// The day that a row is at, plus one; 0 if the row is empty.
    days: Vec<u32>,
    /// Full days, weighted.
    exposures: Vec<u64>,
    /// Sums over full days, weighted.
    past: Vec<u64>,
    /// The sums of the day that the row is at.
    today: Vec<u32>,
}

impl Decay {
    /// Sums that lose half their weight in `half_life` days, by hour of the day if `by_hour`.
    pub(crate) fn new(half_life: u16, by_hour: bool) -> Self {
        Self {
            factor: factor(half_life),
            width: if by_hour { HOURS_A_DAY } else { 1 },
            days: Vec::new(),
            exposures: Vec::new(),
            past: Vec::new(),
            today: Vec::new(),
        }
    }

    /// Makes room for so many rows.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.days.resize(rows, 0);
        self.exposures.resize(rows, 0);
        self.past.resize(rows * self.width as usize, 0);
        self.today.resize(rows * self.width as usize, 0);
    }

    /// Empties a row.
    pub(crate) fn clear(&mut self, row: usize) {
        self.days[row] = 0;
        self.exposures[row] = 0;
        let cells = self.cells(row);
        self.past[cells.clone()].fill(0);
        self.today[cells].fill(0);
    }

    /// Adds an amount that belongs to an hour (since the epoch).
    pub(crate) fn add(&mut self, row: usize, hour: u32, amount: u32) {
        let day = hour / HOURS_A_DAY;
        self.begin(row, day);
        let cell = self.cell(row, hour);
        let at = self.days[row] - 1;
        if day == at {
            self.today[cell] = self.today[cell].saturating_add(amount);
        } else {
            let weighted = self.aged(u64::from(amount) * UNIT, at - day - 1);
            self.past[cell] = self.past[cell].saturating_add(weighted);
        }
    }

    /// Brings a row to a day, if that is later than the one it is at; begins it there, if it is empty.
    pub(crate) fn begin(&mut self, row: usize, day: u32) {
        if self.days[row] == 0 {
            self.days[row] = day + 1;
        }
        while self.days[row] <= day {
            self.exposures[row] = self.kept(self.exposures[row]) + UNIT;
            for cell in self.cells(row) {
                let today = u64::from(std::mem::take(&mut self.today[cell])) * UNIT;
                self.past[cell] = self.kept(self.past[cell]).saturating_add(today);
            }
            self.days[row] += 1;
        }
    }

    /// What is usual in an hour of the day as of `day`, which it excludes; NaN if no full day is known.
    pub(crate) fn usual(&self, row: usize, hour: u32, day: u32) -> f64 {
        let past = self.past(row, self.cell(row, hour), day);
        past as f64 / self.weight(row, day) as f64
    }

    /// The weighted sum of an hour of the day over the full days before `day`.
    pub(crate) fn sum(&self, row: usize, hour: u32, day: u32) -> f64 {
        self.past(row, self.cell(row, hour), day) as f64 / UNIT as f64
    }

    /// What is usual in a whole day.
    pub(crate) fn usual_day(&self, row: usize, day: u32) -> f64 {
        let past = self.cells(row).map(|cell| self.past(row, cell, day));
        past.sum::<u64>() as f64 / self.weight(row, day) as f64
    }

    /// Full days known as of `day`, weighted.
    pub(crate) fn exposure(&self, row: usize, day: u32) -> f64 {
        self.weight(row, day) as f64 / UNIT as f64
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.days[..])
            + size_of_val(&self.exposures[..])
            + size_of_val(&self.past[..])
            + size_of_val(&self.today[..])
    }

    /// What a cell's sum will be when the row is brought to a day.
    fn past(&self, row: usize, cell: usize, day: u32) -> u64 {
        let at = self.days[row];
        let mut past = self.past[cell];
        for passed in at.max(1)..=day {
            let today = if passed == at { self.today[cell] } else { 0 };
            past = self.kept(past).saturating_add(u64::from(today) * UNIT);
            if past == 0 && passed > at {
                break;
            }
        }
        past
    }

    /// What the weight of all full days will be when the row is brought to a day.
    fn weight(&self, row: usize, day: u32) -> u64 {
        match self.days[row] {
            0 => 0,
            at => (at..=day).fold(self.exposures[row], |weight, _| self.kept(weight) + UNIT),
        }
    }

    fn cells(&self, row: usize) -> std::ops::Range<usize> {
        let width = self.width as usize;
        row * width..(row + 1) * width
    }

    fn cell(&self, row: usize, hour: u32) -> usize {
        row * self.width as usize + (hour % self.width) as usize
    }

    /// What a day leaves of a sum.
    fn kept(&self, sum: u64) -> u64 {
        ((u128::from(sum) * u128::from(self.factor)) >> FACTOR_PLACES) as u64
    }

    fn aged(&self, mut sum: u64, days: u32) -> u64 {
        for _ in 0..days {
            if sum == 0 {
                break;
            }
            sum = self.kept(sum);
        }
        sum
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

    const NOON: u32 = 12;

    fn at(day: u32, hour: u32) -> u32 {
        day * HOURS_A_DAY + hour
    }

    fn decay(half_life: u16) -> Decay {
        let mut decay = Decay::new(half_life, true);
        decay.resize(1);
        decay
    }

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
    fn what_is_the_same_every_day_is_usual_and_today_does_not_count() {
        let mut decay = decay(7);
        for day in 100..130 {
            decay.add(0, at(day, NOON), 5);
        }
        decay.add(0, at(130, NOON), 999);
        assert!((decay.usual(0, NOON, 130) - 5.0).abs() < 1e-3);
        assert_eq!(decay.usual(0, NOON + 1, 130), 0.0);
    }

    #[test]
    fn nothing_is_usual_before_the_first_full_day() {
        let mut decay = decay(7);
        assert!(decay.usual(0, NOON, 100).is_nan());
        decay.add(0, at(100, NOON), 5);
        assert!(decay.usual(0, NOON, 100).is_nan());
        assert_eq!(decay.usual(0, NOON, 101), 5.0);
        assert_eq!(decay.exposure(0, 101), 1.0);
    }

    #[test]
    fn it_does_not_matter_when_a_row_is_brought_to_a_day() {
        let (mut often, mut rarely) = (decay(3), decay(3));
        for day in 100..140 {
            if day % 5 == 0 {
                often.add(0, at(day, NOON), day);
                rarely.add(0, at(day, NOON), day);
            }
            often.begin(0, day);
        }
        assert_eq!(
            often.usual(0, NOON, 140).to_bits(),
            rarely.usual(0, NOON, 140).to_bits()
        );
    }

    #[test]
    fn what_comes_a_day_late_has_its_full_weight() {
        let (mut late, mut in_time) = (decay(3), decay(3));
        in_time.add(0, at(100, NOON), 8);
        in_time.add(0, at(101, NOON), 6);
        late.add(0, at(100, 0), 0);
        late.add(0, at(101, NOON), 6);
        late.add(0, at(100, NOON), 8);
        assert_eq!(in_time.usual(0, NOON, 103), late.usual(0, NOON, 103));
    }

    #[test]
    fn an_old_amount_has_lost_its_weight() {
        let mut decay = decay(2);
        decay.add(0, at(100, NOON), 1000);
        decay.add(0, at(101, NOON), 0);
        let (sum, days) = (1000.0 * 0.5, 1.0 + 0.5f64.sqrt() + 0.5);
        assert!((decay.usual(0, NOON, 103) - sum / days).abs() < 1e-2);
    }
}
