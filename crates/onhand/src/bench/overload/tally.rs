//! What became of a stream of requests.

use hdrhistogram::Histogram;
use onhand_engine::{Answer, Unavailable};
use std::time::Duration;

/// An answer that takes longer than this is trouble.
pub(super) const SLOW: Duration = Duration::from_millis(50);

/// What became of a stream.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) name: &'static str,
    /// From when the request was due to its answer.
    pub(super) micros: Histogram<u64>,
    pub(super) offered: u64,
    pub(super) busy: u64,
    pub(super) late: u64,
    /// Told something else.
    pub(super) other: u64,
    /// Not asked after all: there was no reservation left to confirm.
    pub(super) skipped: u64,
    /// When the last was refused, or answered slowly.
    pub(super) last_trouble: Duration,
    pub(super) longest_retry: u16,
}

impl Tally {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            micros: Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order"),
            offered: 0,
            busy: 0,
            late: 0,
            other: 0,
            skipped: 0,
            last_trouble: Duration::ZERO,
            longest_retry: 0,
        }
    }

    pub(super) fn answered(&self) -> u64 {
        self.micros.len()
    }

    /// Neither answered nor refused: told something else, or let in and never told anything.
    pub(super) fn failed(&self) -> u64 {
        self.offered - self.skipped - self.answered() - self.busy - self.late
    }

    pub(super) fn turned_away(&mut self, why: &Unavailable, at: Duration) {
        self.last_trouble = at;
        match why {
            Unavailable::Busy { retry_after } => {
                self.busy += 1;
                self.longest_retry = self.longest_retry.max(*retry_after);
            }
            Unavailable::Late { .. } => self.late += 1,
            _ => self.other += 1,
        }
    }

    pub(super) fn heard(&mut self, answer: &Answer, due: Duration, at: Duration) {
        let took = at.saturating_sub(due);
        match answer {
            Answer::Unavailable(why) => return self.turned_away(why, at),
            Answer::Refused(_) => self.other += 1,
            _ => self.micros.saturating_record(took.as_micros() as u64),
        }
        if took > SLOW {
            self.last_trouble = at;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.busy += other.busy;
        self.late += other.late;
        self.other += other.other;
        self.skipped += other.skipped;
        self.last_trouble = self.last_trouble.max(other.last_trouble);
        self.longest_retry = self.longest_retry.max(other.longest_retry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_let_in_and_never_answered_is_a_failed_one() {
        let mut tally = Tally::new("holds");
        tally.offered = 5;
        tally.skipped = 1;
        let now = Duration::ZERO;
        tally.turned_away(&Unavailable::Busy { retry_after: 1 }, now);
        tally.heard(&Answer::Nothing, now, now);
        let late = Answer::Unavailable(Unavailable::Late { retry_after: 1 });
        tally.heard(&late, now, now);
        assert_eq!(tally.failed(), 1, "one is silent");
        tally.heard(&Answer::Unavailable(Unavailable::StorageFull), now, now);
        assert_eq!(tally.failed(), 1, "and what it is told late is no answer");
    }
}
