//! The questions of a grid: at the end of each of some hours, every day, about the one that begins or a later one.

use onhand_core::Timestamp;
use onhand_features::Moment;
use std::ops::RangeInclusive;

const HOUR_MILLIS: u64 = 3_600_000;
const DAY_MILLIS: u64 = 24 * HOUR_MILLIS;

/// Times at which is asked. A *slot* is one of them, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Days since 1970-01-01, the first and the last included.
    pub days: RangeInclusive<u32>,
    /// At the end of which hours of the day (UTC), the first and the last included.
    pub hours: RangeInclusive<u32>,
    /// About which hour from there on, from 1: the hour that begins when it is asked.
    pub lead: u32,
}

impl Grid {
    /// The grid that the availability model is judged on: at the end of the hours 8 to 21 about the next hour.
    pub fn of_days(days: RangeInclusive<u32>) -> Self {
        Self {
            days,
            hours: 8..=21,
            lead: 1,
        }
    }

    /// How many times there are.
    pub fn slots(&self) -> usize {
        let days = (self.days.end() + 1).saturating_sub(*self.days.start());
        days as usize * self.slots_a_day()
    }

    /// How many there are in a day.
    pub fn slots_a_day(&self) -> usize {
        (self.hours.end() + 1).saturating_sub(*self.hours.start()) as usize
    }

    /// The day of a slot, in days since 1970-01-01.
    pub fn day(&self, slot: usize) -> u32 {
        self.days.start() + (slot / self.slots_a_day()) as u32
    }

    /// When it is asked, and about when: the beginning of an hour.
    pub fn moment(&self, slot: usize) -> Moment {
        let day = u64::from(self.day(slot));
        let hour = u64::from(*self.hours.start()) + (slot % self.slots_a_day()) as u64;
        // A decision at the end of an hour falls at the beginning of the next.
        let now = day * DAY_MILLIS + (hour + 1) * HOUR_MILLIS;
        let target = now + u64::from(self.lead - 1) * HOUR_MILLIS;
        Moment {
            now: Timestamp::from_millis(now),
            target: Timestamp::from_millis(target),
        }
    }
}

/// The day of a time, in days since 1970-01-01.
pub(crate) fn day_of(at: Timestamp) -> u32 {
    (at.millis() / DAY_MILLIS) as u32
}

/// A day since 1970-01-01 as people write it (Hinnant, *chrono-compatible low-level date algorithms*).
pub fn date(day: u32) -> String {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{}-{month:02}-{day:02}", year + era * 400 + later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_at_the_end_of_every_hour_about_the_next() {
        let grid = Grid::of_days(10..=11);
        assert_eq!(grid.slots(), 2 * 14);
        let first = grid.moment(0);
        assert_eq!(first.now.millis(), (10 * 24 + 9) * HOUR_MILLIS);
        assert_eq!(first.target, first.now);
        assert_eq!((grid.day(13), grid.day(14)), (10, 11));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let days = [
            (0, "1970-01-01"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (20_088, "2024-12-31"),
        ];
        for (day, text) in days {
            assert_eq!(date(day), text);
        }
    }
}
