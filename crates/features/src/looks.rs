//! Looks: what follows from two of them.
//!
//! A look tells that the item was there, or was not, at one moment. Until the next look it is taken to have stayed so,
//! but no longer than a day. So a feed may tell changes alone (and one look a day), and the hours in between are known:
//! each gets the seconds that the shelf had the item, and the seconds that it had not.
//!
//! Looks come in the order of their times, late or not: yesterday's are told in the night, and today's after them. One
//! that is older than the newest known is counted as a look and changes nothing else: what is between is told already.

use crate::calendar::HOUR_MILLIS;
use crate::measure::Measure;
use onhand_core::Timestamp;
use serde::{Deserialize, Serialize};

/// For how long a look is taken to hold.
const HOLDS_MILLIS: u64 = 24 * HOUR_MILLIS;

/// The newest look at each entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Looks {
    newest: Vec<Option<Look>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    at: Timestamp,
    found: bool,
}

/// Who takes what follows: how much of what, and when it happened.
pub(crate) type Each<'a> = &'a mut dyn FnMut(Measure, u32, Timestamp);

impl Looks {
    /// Makes room for so many entities.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.newest.resize(rows, None);
    }

    /// Forgets an entity's looks.
    pub(crate) fn clear(&mut self, row: usize) {
        self.newest[row] = None;
    }

    /// Takes a look.
    pub(crate) fn add(&mut self, row: usize, at: Timestamp, found: bool, each: Each<'_>) {
        each(
            if found {
                Measure::Found
            } else {
                Measure::NotFound
            },
            1,
            at,
        );
        let look = Look { at, found };
        match self.newest[row] {
            Some(newest) if at < newest.at => return,
            Some(newest) => newest.until(look, each),
            None => {}
        }
        self.newest[row] = Some(look);
    }

    /// Whether the newest look found the item; `None` before the first.
    pub(crate) fn found(&self, row: usize) -> Option<bool> {
        self.newest[row].map(|look| look.found)
    }

    /// When the newest look was.
    pub(crate) fn at(&self, row: usize) -> Option<Timestamp> {
        self.newest[row].map(|look| look.at)
    }
}

impl Look {
    /// Tells what the next look means for the time since this one.
    fn until(self, next: Self, each: Each<'_>) {
        let lasted = if self.found {
            Measure::SecondsIn
        } else {
            Measure::SecondsOut
        };
        let end = next.at.millis().min(self.at.millis() + HOLDS_MILLIS);
        let mut start = self.at.millis();
        while start < end {
            let hour_ends = (start / HOUR_MILLIS + 1) * HOUR_MILLIS;
            let stop = end.min(hour_ends);
            // Between whole seconds, so that an hour never has more than 3600 however often it was looked.
            let seconds = whole_seconds(stop) - whole_seconds(start);
            each(lasted, seconds as u32, Timestamp::from_millis(start));
            start = stop;
        }
        match (self.found, next.found) {
            (true, false) => each(Measure::WentOut, 1, next.at),
            (false, true) => each(Measure::CameBack, 1, next.at),
            _ => {}
        }
    }
}

fn whole_seconds(millis: u64) -> u64 {
    (millis + 500) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(looks: &[(u64, bool)]) -> Vec<(Measure, u32, u64)> {
        let mut all = Looks::default();
        all.resize(1);
        let mut told = Vec::new();
        for (minute, found) in looks {
            let at = Timestamp::from_millis(minute * 60_000);
            all.add(0, at, *found, &mut |measure, amount, at| {
                told.push((measure, amount, at.millis() / 60_000));
            });
        }
        told
    }

    #[test]
    fn the_time_between_two_looks_is_told_hour_by_hour() {
        use Measure::{Found, NotFound, SecondsIn, WentOut};
        let expected = [
            (Found, 1, 90),
            (NotFound, 1, 190),
            (SecondsIn, 1800, 90),
            (SecondsIn, 3600, 120),
            (SecondsIn, 600, 180),
            (WentOut, 1, 190),
        ];
        assert_eq!(told(&[(90, true), (190, false)]), expected);
    }

    #[test]
    fn a_look_holds_for_a_day_at_most() {
        let told = told(&[(0, false), (10_000, true)]);
        let out = told.iter().filter(|one| one.0 == Measure::SecondsOut);
        assert_eq!(out.map(|one| one.1).sum::<u32>(), 24 * 3600);
    }

    #[test]
    fn an_older_look_is_only_counted() {
        let told = told(&[(60, true), (30, false)]);
        assert_eq!(told[1..], [(Measure::NotFound, 1, 30)]);
    }
}
