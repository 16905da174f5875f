//! Usual amounts: sums over full days that lose half their weight in so many days, by hour of the day.
//!
//! A day's amounts are kept apart until the day is over; then everything older is multiplied by a fixed factor and the
//! day is added. So "usual" never holds a part of today. It is divided by the days since the entity's first, of the same
//! weights: who asks says which day that is, for it is the same for all amounts of an entity. All numbers are fixed-point
//! and each day's step is the same wherever and whenever it is taken, so online and offline agree to the last bit. What
//! comes late is added with the weight its day has by now.

use crate::calendar::HOURS_A_DAY;
use crate::fading::{Fading, UNIT};

/// Cells of one kind of sum: one for each hour of the day.
pub(crate) const CELLS: usize = HOURS_A_DAY as usize;

/// Decaying sums of one entity, of all half-lives. They take no memory before the first amount.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usual {
    /// The sums of the day that they are at; then those over full days, weighted, by half-life. The latter take two words
    /// each, of which the lower is the first, if any of them needs two: units and seconds do, what is counted does not.
    words: Box<[u32]>,
}

impl Usual {
    /// Of such sums, if any is there.
    pub(crate) fn of(today: &[u32], pasts: &[&[u64]]) -> Self {
        let is_empty = today.iter().all(|sum| *sum == 0);
        let mut usual = Self::default();
        if is_empty && pasts.iter().all(|past| past.iter().all(|sum| *sum == 0)) {
            return usual;
        }
        usual.begin(pasts.len());
        usual.words[..CELLS].copy_from_slice(today);
        for (place, past) in pasts.iter().enumerate() {
            for (hour, sum) in past.iter().enumerate() {
                usual.put((place, pasts.len()), hour, *sum);
            }
        }
        usual
    }

    /// The memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.words[..])
    }

    /// The sum of the day that they are at in an hour of the day.
    pub(crate) fn today(&self, hour: usize) -> u32 {
        self.words.get(hour).copied().unwrap_or(0)
    }

    /// The weighted sum over full days in an hour of the day, by the place of the half-life among so many.
    pub(crate) fn past(&self, (place, many): (usize, usize), hour: usize) -> u64 {
        let cell = place * CELLS + hour;
        match self.words.get(CELLS..) {
            Some(past) if past.len() > many * CELLS => sum_of(&past[2 * cell..2 * cell + 2]),
            Some(past) => past[cell].into(),
            None => 0,
        }
    }

    fn put(&mut self, (place, many): (usize, usize), hour: usize, sum: u64) {
        if sum > u32::MAX.into() {
            self.widen(many);
        }
        let (cell, past) = (place * CELLS + hour, &mut self.words[CELLS..]);
        let width = past.len() / (CELLS * many);
        put(&mut past[cell * width..(cell + 1) * width], sum);
    }

    /// Makes room for sums of two words, if there is none yet.
    fn widen(&mut self, many: usize) {
        if self.words.len() == CELLS * (1 + many) {
            let (today, past) = self.words.split_at(CELLS);
            let past = past.iter().flat_map(|sum| [*sum, 0]);
            self.words = today.iter().copied().chain(past).collect();
        }
    }

    fn begin(&mut self, many: usize) {
        self.words = vec![0; CELLS * (1 + many)].into();
    }

    /// Adds an amount that belongs to an hour (since the epoch) to sums that are at a day, plus one; 0 if they are at none.
    pub(crate) fn add(&mut self, fadings: &[Fading], at: &mut u32, hour: u32, amount: u32) {
        let (day, cell) = (hour / HOURS_A_DAY, (hour % HOURS_A_DAY) as usize);
        if self.words.is_empty() {
            self.begin(fadings.len());
        }
        self.advance(fadings, at, day);
        if day + 1 == *at {
            let today = &mut self.words[cell];
            *today = today.saturating_add(amount);
        } else {
            let passed = *at - day - 2;
            self.change(fadings, cell, |fading, past| {
                past.saturating_add(fading.aged(u64::from(amount) * UNIT, passed))
            });
        }
    }

    /// Takes an amount back that was added.
    pub(crate) fn take_back(&mut self, fadings: &[Fading], at: u32, hour: u32, amount: u32) {
        let (day, cell) = (hour / HOURS_A_DAY, (hour % HOURS_A_DAY) as usize);
        match at.checked_sub(day + 1) {
            None => {}
            _ if self.words.is_empty() => {}
            Some(0) => {
                let today = &mut self.words[cell];
                *today = today.saturating_sub(amount);
            }
            // Sums round down, so what is left of an amount is never more than the sum that it is part of.
            Some(passed) => self.change(fadings, cell, |fading, past| {
                past.saturating_sub(fading.aged(u64::from(amount) * UNIT, passed - 1))
            }),
        }
    }

    /// Changes the sums over full days in an hour of the day.
    fn change(&mut self, fadings: &[Fading], hour: usize, change: impl Fn(&Fading, u64) -> u64) {
        for (place, fading) in fadings.iter().enumerate() {
            let place = (place, fadings.len());
            self.put(place, hour, change(fading, self.past(place, hour)));
        }
    }

    /// Brings the sums to a day, if that is later than the one they are at; begins them there, if they are at none.
    fn advance(&mut self, fadings: &[Fading], at: &mut u32, day: u32) {
        if *at == 0 {
            *at = day + 1;
        }
        let Some(more) = day.checked_sub(*at) else {
            return;
        };
        let many = fadings.len();
        let (today, past) = self.words.split_at(CELLS);
        let most = |sums: &[u32]| sums.iter().max().copied().map_or(0, u64::from);
        if most(today) * UNIT + most(past) > u32::MAX.into() {
            self.widen(many);
        }
        let (today, past) = self.words.split_at_mut(CELLS);
        let width = past.len() / (CELLS * many);
        for (fading, past) in fadings.iter().zip(past.chunks_exact_mut(CELLS * width)) {
            for (words, today) in past.chunks_exact_mut(width).zip(&*today) {
                let full = fading.kept(sum_of(words));
                let full = full.saturating_add(u64::from(*today) * UNIT);
                put(words, fading.aged(full, more));
            }
        }
        today.fill(0);
        *at = day + 1;
    }
}

/// A sum of one or two words, of which the lower is the first.
fn sum_of(words: &[u32]) -> u64 {
    match words {
        [low, high] => u64::from(*high) << 32 | u64::from(*low),
        _ => words[0].into(),
    }
}

/// Writes a sum into as many words as it needs, or more.
fn put(words: &mut [u32], sum: u64) {
    match words {
        [low, high] => (*low, *high) = (sum as u32, (sum >> 32) as u32),
        _ => words[0] = sum as u32,
    }
}

/// Decaying sums of one entity and half-life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<'a> {
    pub(crate) fading: &'a Fading,
    /// The place of the half-life among so many.
    pub(crate) place: (usize, usize),
    /// The day that they are at, plus one; 0 if they are at none.
    pub(crate) at: u32,
    pub(crate) usual: &'a Usual,
}

impl Sums<'_> {
    /// What is usual in an hour of the day as of `day`, which it excludes, for an entity known since `first`; NaN if no
    /// full day is known.
    pub(crate) fn usual(&self, hour: u32, day: u32, first: u32) -> f64 {
        self.a_day(self.past(hour, day), day, first)
    }

    /// The weighted sum of an hour of the day over the full days before `day`.
    pub(crate) fn sum(&self, hour: u32, day: u32) -> f64 {
        self.past(hour, day) as f64 / UNIT as f64
    }

    /// What is usual in a whole day.
    pub(crate) fn usual_day(&self, day: u32, first: u32) -> f64 {
        let past = (0..HOURS_A_DAY).map(|hour| self.past(hour, day));
        self.a_day(past.sum(), day, first)
    }

    /// Full days known as of `day` since `first`, weighted.
    pub(crate) fn exposure(&self, day: u32, first: u32) -> f64 {
        self.weight(day, first) as f64 / UNIT as f64
    }

    /// What an hour's sum will be when the row is brought to a day.
    fn past(&self, hour: u32, day: u32) -> u64 {
        let cell = (hour % HOURS_A_DAY) as usize;
        let past = self.usual.past(self.place, cell);
        match day.checked_sub(self.at) {
            Some(more) if self.at > 0 => {
                let today = u64::from(self.usual.today(cell)) * UNIT;
                let full = self.fading.kept(past).saturating_add(today);
                self.fading.aged(full, more)
            }
            _ => past,
        }
    }

    fn a_day(&self, past: u64, day: u32, first: u32) -> f64 {
        match self.weight(day, first) {
            0 => f64::NAN,
            weight => past as f64 / weight as f64,
        }
    }

    /// The weight of the full days since `first` when the row is brought to a day.
    fn weight(&self, day: u32, first: u32) -> u64 {
        let at = self.at.saturating_sub(1).max(day);
        self.fading.weight(at.saturating_sub(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: u32 = 12;

    /// Sums of one entity.
    struct One {
        fadings: Vec<Fading>,
        at: u32,
        usual: Usual,
    }

    impl One {
        fn new(half_lives: &[u16]) -> Self {
            Self {
                fadings: half_lives.iter().copied().map(Fading::new).collect(),
                at: 0,
                usual: Usual::default(),
            }
        }

        fn add(&mut self, hour: u32, amount: u32) {
            self.usual.add(&self.fadings, &mut self.at, hour, amount);
        }

        fn take_back(&mut self, hour: u32, amount: u32) {
            self.usual.take_back(&self.fadings, self.at, hour, amount);
        }

        fn sums(&self, place: usize) -> Sums<'_> {
            Sums {
                fading: &self.fadings[place],
                place: (place, self.fadings.len()),
                at: self.at,
                usual: &self.usual,
            }
        }

        fn usual(&self, hour: u32, day: u32, first: u32) -> f64 {
            self.sums(0).usual(hour, day, first)
        }
    }

    /// The plain form: an array for each half-life, each with a day and its sums of its own.
    struct Plain {
        fading: Fading,
        day: u32,
        past: [u64; CELLS],
        today: [u32; CELLS],
    }

    impl Plain {
        fn new(half_life: u16) -> Self {
            Self {
                fading: Fading::new(half_life),
                day: 0,
                past: [0; CELLS],
                today: [0; CELLS],
            }
        }

        fn add(&mut self, hour: u32, amount: u32) {
            let (day, cell) = (hour / HOURS_A_DAY, (hour % HOURS_A_DAY) as usize);
            if self.day == 0 {
                self.day = day + 1;
            }
            while self.day <= day {
                for (past, today) in self.past.iter_mut().zip(&mut self.today) {
                    let today = u64::from(std::mem::take(today)) * UNIT;
                    *past = self.fading.kept(*past).saturating_add(today);
                }
                self.day += 1;
            }
            let at = self.day - 1;
            if day == at {
                self.today[cell] = self.today[cell].saturating_add(amount);
            } else {
                let weighted = self.fading.aged(u64::from(amount) * UNIT, at - day - 1);
                self.past[cell] = self.past[cell].saturating_add(weighted);
            }
        }

        fn take_back(&mut self, hour: u32, amount: u32) {
            let (day, cell) = (hour / HOURS_A_DAY, (hour % HOURS_A_DAY) as usize);
            let Some(passed) = self.day.checked_sub(day + 1) else {
                return;
            };
            if passed == 0 {
                self.today[cell] = self.today[cell].saturating_sub(amount);
            } else {
                let weighted = self.fading.aged(u64::from(amount) * UNIT, passed - 1);
                self.past[cell] = self.past[cell].saturating_sub(weighted);
            }
        }

        fn past(&self, cell: usize, day: u32) -> u64 {
            let mut past = self.past[cell];
            for passed in self.day.max(1)..=day {
                let today = if passed == self.day {
                    self.today[cell]
                } else {
                    0
                };
                past = self
                    .fading
                    .kept(past)
                    .saturating_add(u64::from(today) * UNIT);
            }
            past
        }
    }

    proptest! {
        /// Together they are what each is alone.
        #[test]
        fn sums_of_some_half_lives_are_those_of_each(
            told in proptest::collection::vec((0..9u32, 0..24u32, 0..7200u32, 0..9u32), 0..60),
        ) {
            let half_lives = [14, 3];
            let (mut one, mut plain) = (One::new(&half_lives), half_lives.map(Plain::new));
            let mut day = 100;
            for (days, hour, amount, what) in told {
                // Late ones too, and none for some days.
                day = if days > 6 { day + 7 * (days - 6) } else { day - 2 + days / 2 };
                let hour = at(day, hour);
                match what {
                    0 => one.take_back(hour, amount),
                    _ => one.add(hour, amount),
                }
                for (place, plain) in plain.iter_mut().enumerate() {
                    match what {
                        0 => plain.take_back(hour, amount),
                        _ => plain.add(hour, amount),
                    }
                    let sums = one.sums(place);
                    for ahead in [0, 1, 5, 90] {
                        let each = (0..CELLS).map(|cell| plain.past(cell, day + ahead));
                        let found = (0..HOURS_A_DAY).map(|hour| sums.past(hour, day + ahead));
                        prop_assert!(each.clone().eq(found));
                        let usual = sums.usual_day(day + ahead, 90);
                        prop_assert_eq!(usual, sums.a_day(each.sum(), day + ahead, 90));
                    }
                }
            }
        }
    }

    fn at(day: u32, hour: u32) -> u32 {
        day * HOURS_A_DAY + hour
    }

    fn decay(half_life: u16) -> One {
        One::new(&[half_life])
    }

    #[test]
    fn what_is_the_same_every_day_is_usual_and_today_does_not_count() {
        let mut decay = decay(7);
        for day in 100..130 {
            decay.add(at(day, NOON), 5);
        }
        decay.add(at(130, NOON), 999);
        assert!((decay.usual(NOON, 130, 100) - 5.0).abs() < 1e-3);
        assert_eq!(decay.usual(NOON + 1, 130, 100), 0.0);
    }

    #[test]
    fn nothing_is_usual_before_the_first_full_day() {
        let mut decay = decay(7);
        assert!(decay.usual(NOON, 100, 100).is_nan());
        decay.add(at(100, NOON), 5);
        assert!(decay.usual(NOON, 100, 100).is_nan());
        assert_eq!(decay.usual(NOON, 101, 100), 5.0);
        assert_eq!(decay.sums(0).exposure(101, 100), 1.0);
    }

    #[test]
    fn what_comes_a_day_late_has_its_full_weight() {
        let (mut late, mut in_time) = (decay(3), decay(3));
        in_time.add(at(100, NOON), 8);
        in_time.add(at(101, NOON), 6);
        late.add(at(101, NOON), 6);
        late.add(at(100, NOON), 8);
        assert_eq!(in_time.usual(NOON, 103, 100), late.usual(NOON, 103, 100));
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let (mut taken, mut without) = (decay(3), decay(3));
        for (day, amount) in [(100, 8), (101, 6), (103, 2)] {
            for of in [&mut taken, &mut without] {
                of.add(at(day, NOON), amount);
            }
            taken.add(at(day, NOON), 5);
        }
        taken.take_back(at(103, NOON), 5);
        taken.take_back(at(100, NOON), 5);
        taken.take_back(at(101, NOON), 5);
        let (taken, without) = (taken.sums(0).sum(NOON, 104), without.sums(0).sum(NOON, 104));
        assert!((taken - without).abs() < 1e-4, "{taken}, not {without}");
    }

    #[test]
    fn an_old_amount_has_lost_its_weight() {
        let mut decay = decay(2);
        decay.add(at(100, NOON), 1000);
        let (sum, days) = (1000.0 * 0.5, 1.0 + 0.5f64.sqrt() + 0.5);
        assert!((decay.usual(NOON, 103, 100) - sum / days).abs() < 1e-2);
    }
}
