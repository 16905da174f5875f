//! When requests are asked.
//!
//! A *closed* loop asks whenever an answer has made room: a slow server is asked less, and the requests that real
//! customers would have sent meanwhile are never measured (coordinated omission). An *open* loop knows beforehand when
//! each request is due. If the server, or the generator, is behind, a request still counts from the moment at which it
//! was due: what it waited for its turn is part of its latency.

use rand::SeedableRng;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Nanoseconds since the start of the run.
pub(crate) type Nanos = u64;

const SECOND: f64 = 1e9;

/// What decides when the next request is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// As soon as there is room.
    Closed,
    /// So many a second, with gaps as of independent customers (a Poisson process).
    Poisson(f64),
    /// So many a second, with equal gaps.
    Constant(f64),
}

/// The requests that are to come.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    pace: Pace,
    dice: Xoshiro256PlusPlus,
    /// When the next one is due; in an open loop as a float, so that rounding never adds up.
    next: f64,
    end: Nanos,
    /// How many may still come.
    left: u64,
}

impl Arrivals {
    /// Requests until `end`, but at most `most`.
    pub(crate) fn new(pace: Pace, seed: u64, end: Nanos, most: u64) -> Self {
        let mut arrivals = Self {
            pace,
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            next: 0.0,
            end,
            left: most,
        };
        arrivals.step();
        arrivals
    }

    /// Takes the next request if it is due: the moment it counts from.
    pub(crate) fn take(&mut self, now: Nanos) -> Option<Nanos> {
        if self.are_over(now) {
            return None;
        }
        let due = match self.pace {
            Pace::Closed => now,
            Pace::Poisson(_) | Pace::Constant(_) if self.next as Nanos <= now => self.next as Nanos,
            Pace::Poisson(_) | Pace::Constant(_) => return None,
        };
        self.left -= 1;
        self.step();
        Some(due)
    }

    /// When to look again; `None` in a closed loop, where answers make room, and after the last one.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        let is_open = self.pace != Pace::Closed;
        (is_open && !self.are_over(0)).then_some(self.next as Nanos)
    }

    /// Whether nothing is to come any more. An open loop that is behind still owes what was due before the end.
    pub(crate) fn are_over(&self, now: Nanos) -> bool {
        let next = match self.pace {
            Pace::Closed => now,
            Pace::Poisson(_) | Pace::Constant(_) => self.next as Nanos,
        };
        self.left == 0 || next >= self.end
    }

    /// Whether nothing new becomes due any more, though something may still be owed.
    pub(crate) fn have_ended(&self, now: Nanos) -> bool {
        self.left == 0 || now >= self.end
    }

    fn step(&mut self) {
        let gap = match self.pace {
            Pace::Closed => 0.0,
            Pace::Constant(rate) => SECOND / rate,
            Pace::Poisson(rate) => {
                let gap: f64 = Exp1.sample(&mut self.dice);
                gap * SECOND / rate
            }
        };
        self.next += gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Nanos = 10_000_000_000;

    fn all(pace: Pace, seed: u64) -> Vec<Nanos> {
        let mut arrivals = Arrivals::new(pace, seed, END, u64::MAX);
        std::iter::from_fn(|| arrivals.take(END)).collect()
    }

    #[test]
    fn constant_arrivals_have_equal_gaps() {
        let due = all(Pace::Constant(1_000.0), 1);
        assert_eq!(due.len(), 9_999);
        assert!(
            due.windows(2)
                .all(|pair| (999_999..=1_000_001).contains(&(pair[1] - pair[0])))
        );
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_independent_customers() {
        let due = all(Pace::Poisson(10_000.0), 1);
        assert!((99_000..101_000).contains(&due.len()), "{}", due.len());
        // Of exponential gaps 1/e are longer than the mean.
        let long = due
            .windows(2)
            .filter(|pair| pair[1] - pair[0] > 100_000)
            .count();
        let share = long as f64 / due.len() as f64;
        assert!((0.36..0.376).contains(&share), "{share}");
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(all(Pace::Poisson(100.0), 1), all(Pace::Poisson(100.0), 1));
        assert_ne!(all(Pace::Poisson(100.0), 1), all(Pace::Poisson(100.0), 2));
    }

    #[test]
    fn who_comes_late_to_an_open_loop_still_counts_from_when_it_was_due() {
        let mut arrivals = Arrivals::new(Pace::Constant(1_000.0), 1, END, u64::MAX);
        assert_eq!(arrivals.take(500_000), None);
        assert_eq!(arrivals.next_due(), Some(1_000_000));
        // Nobody looked for a second: a thousand are due, each at its own time, also after the end.
        assert_eq!(arrivals.take(1_000_000_000), Some(1_000_000));
        assert_eq!(arrivals.take(1_000_000_000), Some(2_000_000));
        assert_eq!(arrivals.take(2 * END), Some(3_000_000));
    }

    #[test]
    fn a_closed_loop_asks_at_once_until_the_end_or_until_it_asked_enough() {
        let mut arrivals = Arrivals::new(Pace::Closed, 1, END, 2);
        assert_eq!(arrivals.take(5), Some(5));
        assert_eq!(arrivals.next_due(), None);
        assert_eq!(arrivals.clone().take(END), None);
        assert_eq!(arrivals.take(6), Some(6));
        assert_eq!(arrivals.take(7), None);
    }
}
