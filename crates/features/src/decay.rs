//! Usual amounts: sums over full days that lose half their weight in so many days, by hour of the day.
//!
//! A day's amounts are kept apart until the day is over; then everything older is multiplied by a fixed factor and the
//! day is added. So "usual" never holds a part of today. It is divided by the days since the entity's first, of the same
//! weights: who asks says which day that is, for it is the same for all amounts of an entity. All numbers are fixed-point
//! and each day's step is the same wherever and whenever it is taken, so online and offline agree to the last bit. What
//! comes late is added with the weight its day has by now.

use crate::calendar::HOURS_A_DAY;
use crate::fading::{Fading, UNIT};
use serde::{Deserialize, Serialize};

/// Cells of a row: one for each hour of the day.
const CELLS: usize = HOURS_A_DAY as usize;

/// Decaying sums of many entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decay {
    fading: Fading,
    /// The day that a row is at, plus one; 0 if the row is empty.
    days: Vec<u32>,
    /// Sums over full days, weighted.
    past: Vec<u64>,
    /// The sums of the day that the row is at.
    today: Vec<u32>,
}

impl Decay {
    /// Sums that lose half their weight in `half_life` days.
    pub(crate) fn new(half_life: u16) -> Self {
        Self {
            fading: Fading::new(half_life),
            days: Vec::new(),
            past: Vec::new(),
            today: Vec::new(),
        }
    }

    /// Whether it has this half-life and so many rows.
    pub(crate) fn fits(&self, half_life: u16, rows: usize) -> bool {
        let cells = rows * CELLS;
        self.fading.half_life() == half_life
            && (self.days.len(), self.past.len(), self.today.len()) == (rows, cells, cells)
    }

    /// Makes it ready for use, after it was read.
    pub(crate) fn make_ready(&mut self) {
        self.fading = Fading::new(self.fading.half_life());
    }

    /// Makes room for so many rows.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.days.resize(rows, 0);
        self.past.resize(rows * CELLS, 0);
        self.today.resize(rows * CELLS, 0);
    }

    /// Empties a row.
    pub(crate) fn clear(&mut self, row: usize) {
        self.days[row] = 0;
        let cells = cells(row);
        self.past[cells.clone()].fill(0);
        self.today[cells].fill(0);
    }

    /// Adds an amount that belongs to an hour (since the epoch).
    pub(crate) fn add(&mut self, row: usize, hour: u32, amount: u32) {
        let day = hour / HOURS_A_DAY;
        self.advance(row, day);
        let cell = cell(row, hour);
        let at = self.days[row] - 1;
        if day == at {
            self.today[cell] = self.today[cell].saturating_add(amount);
        } else {
            let weighted = self.fading.aged(u64::from(amount) * UNIT, at - day - 1);
            self.past[cell] = self.past[cell].saturating_add(weighted);
        }
    }

    /// Takes an amount back that was added.
    pub(crate) fn take_back(&mut self, row: usize, hour: u32, amount: u32) {
        let (day, cell) = (hour / HOURS_A_DAY, cell(row, hour));
        let Some(passed) = self.days[row].checked_sub(day + 1) else {
            return;
        };
        if passed == 0 {
            self.today[cell] = self.today[cell].saturating_sub(amount);
        } else {
            // Sums round down, so what is left of an amount is never more than the sum that it is part of.
            let weighted = self.fading.aged(u64::from(amount) * UNIT, passed - 1);
            self.past[cell] = self.past[cell].saturating_sub(weighted);
        }
    }

    /// What is usual in an hour of the day as of `day`, which it excludes, for an entity known since `first`; NaN if no
    /// full day is known.
    pub(crate) fn usual(&self, row: usize, hour: u32, day: u32, first: u32) -> f64 {
        let past = self.past(row, cell(row, hour), day);
        self.a_day(past, row, day, first)
    }

    /// The weighted sum of an hour of the day over the full days before `day`.
    pub(crate) fn sum(&self, row: usize, hour: u32, day: u32) -> f64 {
        self.past(row, cell(row, hour), day) as f64 / UNIT as f64
    }

    /// What is usual in a whole day.
    pub(crate) fn usual_day(&self, row: usize, day: u32, first: u32) -> f64 {
        let past = cells(row).map(|cell| self.past(row, cell, day));
        self.a_day(past.sum(), row, day, first)
    }

    /// Full days known as of `day` since `first`, weighted.
    pub(crate) fn exposure(&self, row: usize, day: u32, first: u32) -> f64 {
        self.weight(row, day, first) as f64 / UNIT as f64
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.days[..]) + size_of_val(&self.past[..]) + size_of_val(&self.today[..])
    }

    /// Brings a row to a day, if that is later than the one it is at; begins it there, if it is empty.
    fn advance(&mut self, row: usize, day: u32) {
        if self.days[row] == 0 {
            self.days[row] = day + 1;
        }
        while self.days[row] <= day {
            for cell in cells(row) {
                let today = u64::from(std::mem::take(&mut self.today[cell])) * UNIT;
                self.past[cell] = self.fading.kept(self.past[cell]).saturating_add(today);
            }
            self.days[row] += 1;
        }
    }

    /// What a cell's sum will be when the row is brought to a day.
    fn past(&self, row: usize, cell: usize, day: u32) -> u64 {
        let at = self.days[row];
        let mut past = self.past[cell];
        for passed in at.max(1)..=day {
            let today = if passed == at { self.today[cell] } else { 0 };
            past = self
                .fading
                .kept(past)
                .saturating_add(u64::from(today) * UNIT);
            if past == 0 && passed > at {
                break;
            }
        }
        past
    }

    fn a_day(&self, past: u64, row: usize, day: u32, first: u32) -> f64 {
        match self.weight(row, day, first) {
            0 => f64::NAN,
            weight => past as f64 / weight as f64,
        }
    }

    /// The weight of the full days since `first` when the row is brought to a day.
    fn weight(&self, row: usize, day: u32, first: u32) -> u64 {
        let at = self.days[row].saturating_sub(1).max(day);
        self.fading.weight(at.saturating_sub(first))
    }
}

fn cells(row: usize) -> std::ops::Range<usize> {
    row * CELLS..(row + 1) * CELLS
}

fn cell(row: usize, hour: u32) -> usize {
    row * CELLS + (hour % HOURS_A_DAY) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u32 = 12;

    fn at(day: u32, hour: u32) -> u32 {
        day * HOURS_A_DAY + hour
    }

    fn decay(half_life: u16) -> Decay {
        let mut decay = Decay::new(half_life);
        decay.resize(1);
        decay
    }

    #[test]
    fn what_is_the_same_every_day_is_usual_and_today_does_not_count() {
        let mut decay = decay(7);
        for day in 100..130 {
            decay.add(0, at(day, NOON), 5);
        }
        decay.add(0, at(130, NOON), 999);
        assert!((decay.usual(0, NOON, 130, 100) - 5.0).abs() < 1e-3);
        assert_eq!(decay.usual(0, NOON + 1, 130, 100), 0.0);
    }

    #[test]
    fn nothing_is_usual_before_the_first_full_day() {
        let mut decay = decay(7);
        assert!(decay.usual(0, NOON, 100, 100).is_nan());
        decay.add(0, at(100, NOON), 5);
        assert!(decay.usual(0, NOON, 100, 100).is_nan());
        assert_eq!(decay.usual(0, NOON, 101, 100), 5.0);
        assert_eq!(decay.exposure(0, 101, 100), 1.0);
    }

    #[test]
    fn what_comes_a_day_late_has_its_full_weight() {
        let (mut late, mut in_time) = (decay(3), decay(3));
        in_time.add(0, at(100, NOON), 8);
        in_time.add(0, at(101, NOON), 6);
        late.add(0, at(101, NOON), 6);
        late.add(0, at(100, NOON), 8);
        assert_eq!(
            in_time.usual(0, NOON, 103, 100),
            late.usual(0, NOON, 103, 100)
        );
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let (mut taken, mut without) = (decay(3), decay(3));
        for (day, amount) in [(100, 8), (101, 6), (103, 2)] {
            for of in [&mut taken, &mut without] {
                of.add(0, at(day, NOON), amount);
            }
            taken.add(0, at(day, NOON), 5);
        }
        taken.take_back(0, at(103, NOON), 5);
        taken.take_back(0, at(100, NOON), 5);
        taken.take_back(0, at(101, NOON), 5);
        let (taken, without) = (taken.sum(0, NOON, 104), without.sum(0, NOON, 104));
        assert!((taken - without).abs() < 1e-4, "{taken}, not {without}");
    }

    #[test]
    fn an_old_amount_has_lost_its_weight() {
        let mut decay = decay(2);
        decay.add(0, at(100, NOON), 1000);
        let (sum, days) = (1000.0 * 0.5, 1.0 + 0.5f64.sqrt() + 0.5);
        assert!((decay.usual(0, NOON, 103, 100) - sum / days).abs() < 1e-2);
    }
}
