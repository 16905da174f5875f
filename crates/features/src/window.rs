//! Windows: which buckets of time a sum takes in.
//!
//! A bucket is an hour or a day. They are counted back from the one that is begun, which is number 0, so `hours(1..=3)`
//! is the last three full hours and `days(0..=0)` is today so far. A window of hours can be laid over earlier days
//! as well: `hours(1..=3).on_days(1..=28)` is the same three hours of each of the 28 days before, which is what
//! "usual for this time of day" is made of. It can count from the hour that is asked about instead of now.
//!
//! Every bucket is addressed by the time of the event. So a fact that comes late lands where it belongs, and nothing is
//! scanned again.

use crate::calendar::{HOUR_MILLIS, HOURS_A_DAY, day_of, hour_of, hour_of_day};
use onhand_core::Timestamp;
use std::fmt;
use std::ops::RangeInclusive;

/// The two times of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When it is asked.
    pub now: Timestamp,
    /// Which time it is asked about: now, or later.
    pub target: Timestamp,
}

impl Moment {
    /// Asked now about now.
    pub fn of(now: Timestamp) -> Self {
        Self { now, target: now }
    }

    /// The hour of the day (UTC) that is asked about, 0 to 23.
    pub fn hour_asked_about(self) -> usize {
        hour_of_day(hour_of(self.target)) as usize
    }

    /// Both times at the beginning of their hours.
    pub(crate) fn at_full_hours(self) -> Self {
        let full = |at: Timestamp| Timestamp::from_millis(at.millis() / HOUR_MILLIS * HOUR_MILLIS);
        Self {
            now: full(self.now),
            target: full(self.target),
        }
    }
}

/// From which time a window counts back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// When it is asked.
    Now,
    /// Which time it is asked about.
    Target,
}

impl Anchor {
    pub(crate) fn of(self, moment: Moment) -> Timestamp {
        match self {
            Self::Now => moment.now,
            Self::Target => moment.target,
        }
    }
}

/// Which hours of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hours {
    /// So many back, from the nearest to the farthest.
    Back(u16, u16),
    /// All full hours of the day before the begun one.
    SoFar,
    /// All hours of the day after the begun one.
    Rest,
    /// From one hour of the clock to another.
    Clock(u8, u8),
}

impl Hours {
    /// Gives its hours on the day of an hour, the nearest first.
    fn each(self, hour: u32, each: impl FnMut(u32)) {
        let midnight = hour - hour_of_day(hour);
        match self {
            Self::Back(near, far) => (u32::from(near)..=far.into())
                .filter_map(|back| hour.checked_sub(back))
                .for_each(each),
            Self::SoFar => (midnight..hour).rev().for_each(each),
            Self::Rest => (hour + 1..midnight + HOURS_A_DAY).rev().for_each(each),
            Self::Clock(first, last) => (midnight + u32::from(first)..=midnight + u32::from(last))
                .rev()
                .for_each(each),
        }
    }

    fn farthest(self) -> u32 {
        match self {
            Self::Back(_, far) => far.into(),
            Self::SoFar | Self::Rest | Self::Clock(..) => HOURS_A_DAY - 1,
        }
    }
}

/// Which days, counted back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Days {
    near: u16,
    far: u16,
    every: u16,
}

impl Days {
    const TODAY: Self = Self {
        near: 0,
        far: 0,
        every: 1,
    };

    fn new(days: &RangeInclusive<u16>) -> Self {
        Self {
            near: *days.start(),
            far: *days.end(),
            every: 1,
        }
    }

    fn iter(self) -> impl Iterator<Item = u32> {
        (self.near..=self.far)
            .step_by(self.every.into())
            .map(u32::from)
    }
}

/// Which buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub(crate) anchor: Anchor,
    /// `None`: whole days.
    pub(crate) hours: Option<Hours>,
    pub(crate) days: Days,
}

/// Hours so many back: 0 is the begun one.
pub fn hours(back: RangeInclusive<u16>) -> Window {
    Window {
        anchor: Anchor::Now,
        hours: Some(Hours::Back(*back.start(), *back.end())),
        days: Days::TODAY,
    }
}

/// Days so many back: 0 is today.
pub fn days(back: RangeInclusive<u16>) -> Window {
    Window {
        anchor: Anchor::Now,
        hours: None,
        days: Days::new(&back),
    }
}

/// The full hours of today before the begun one.
pub fn so_far() -> Window {
    Window {
        anchor: Anchor::Now,
        hours: Some(Hours::SoFar),
        days: Days::TODAY,
    }
}

/// The hours of the day asked about that come after the one asked about. On earlier days: the same hours of those.
pub fn rest_of_day() -> Window {
    Window {
        anchor: Anchor::Target,
        hours: Some(Hours::Rest),
        days: Days::TODAY,
    }
}

/// The hours of the clock from one to another, both included, of today.
pub fn clock(hours: RangeInclusive<u8>) -> Window {
    Window {
        anchor: Anchor::Now,
        hours: Some(Hours::Clock(*hours.start(), (*hours.end()).min(23))),
        days: Days::TODAY,
    }
}

/// The hour that is asked about.
pub fn target_hour() -> Window {
    Window {
        anchor: Anchor::Target,
        ..hours(0..=0)
    }
}

impl Window {
    /// The same hours, on days so many back.
    pub fn on_days(mut self, back: RangeInclusive<u16>) -> Self {
        self.days = Days::new(&back);
        self
    }

    /// Only every so many days, counted from the nearest: `days(7..=28).every(7)` are the same weekdays.
    pub fn every(mut self, days: u16) -> Self {
        self.days.every = days.max(1);
        self
    }

    /// How many buckets back from now it can reach, the begun one included.
    pub(crate) fn reach(&self) -> usize {
        let days = u32::from(self.days.far);
        let buckets = match self.hours {
            None => days,
            Some(hours) => days * HOURS_A_DAY + hours.farthest(),
        };
        buckets as usize + 1
    }

    /// The buckets, as hours or days since the epoch; none before it.
    pub(crate) fn each(&self, moment: Moment, mut each: impl FnMut(u32)) {
        let anchor = self.anchor.of(moment);
        let Some(hours) = self.hours else {
            let today = day_of(anchor);
            let back = self.days.iter().filter_map(|back| today.checked_sub(back));
            return back.for_each(each);
        };
        let hour = hour_of(anchor);
        for day in self.days.iter() {
            if let Some(hour) = hour.checked_sub(day * HOURS_A_DAY) {
                hours.each(hour, &mut each);
            }
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hours {
            None => f.write_str("days")?,
            Some(Hours::SoFar) => f.write_str("hours so far")?,
            Some(Hours::Rest) => f.write_str("hours after")?,
            Some(Hours::Clock(first, last)) => write!(f, "clock {first}..={last}")?,
            Some(Hours::Back(near, far)) => write!(f, "hours {near}..={far}")?,
        }
        if self.hours.is_none() || self.days != Days::TODAY {
            let on = if self.hours.is_none() { "" } else { " on days" };
            write!(f, "{on} {}..={}", self.days.near, self.days.far)?;
        }
        if self.days.every > 1 {
            write!(f, " every {}", self.days.every)?;
        }
        match self.anchor {
            Anchor::Now => Ok(()),
            Anchor::Target => f.write_str(" from target"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(window: Window, now_hour: u64, target_hour: u64) -> Vec<u32> {
        let at = |hour| Timestamp::from_millis(hour * HOUR_MILLIS);
        let moment = Moment {
            now: at(now_hour),
            target: at(target_hour),
        };
        let mut all = Vec::new();
        window.each(moment, &mut |bucket| all.push(bucket));
        let now = if window.hours.is_some() {
            now_hour
        } else {
            now_hour / 24
        };
        let reaches = |bucket: &u32| u64::from(*bucket) + window.reach() as u64 > now;
        assert!(all.iter().all(reaches), "{window}: {all:?}");
        all
    }

    #[test]
    fn buckets_are_counted_back_from_the_begun_one() {
        assert_eq!(buckets(hours(1..=3), 1000, 1000), [999, 998, 997]);
        assert_eq!(buckets(days(0..=2), 1000, 1000), [41, 40, 39]);
        assert_eq!(buckets(days(7..=21).every(7), 1000, 1000), [34, 27, 20]);
    }

    #[test]
    fn hours_can_be_laid_over_earlier_days() {
        let usual = hours(1..=2).on_days(1..=2);
        assert_eq!(buckets(usual, 1000, 1000), [975, 974, 951, 950]);
        // Hour 1000 is the 16th of its day.
        assert_eq!(buckets(so_far(), 1000, 1000).len(), 16);
        assert_eq!(buckets(so_far(), 984, 984), [0u32; 0]);
    }

    #[test]
    fn a_window_can_count_from_the_hour_that_is_asked_about() {
        let usual = target_hour().on_days(1..=2);
        assert_eq!(buckets(usual, 1000, 1003), [979, 955]);
    }

    #[test]
    fn a_window_can_be_laid_by_the_clock_or_hold_the_rest_of_a_day() {
        // Hour 1000 is the 16th of its day, which begins at 984.
        assert_eq!(
            buckets(clock(6..=8).on_days(1..=1), 1000, 1000),
            [968, 967, 966]
        );
        let rest = rest_of_day().on_days(1..=1);
        assert_eq!(buckets(rest, 1000, 1004), [983, 982, 981]);
        assert_eq!(buckets(rest, 1000, 1007), [0u32; 0]);
    }

    #[test]
    fn nothing_lies_before_the_epoch() {
        assert_eq!(buckets(days(0..=9), 30, 30), [1, 0]);
    }

    #[test]
    fn a_window_says_what_it_is() {
        let same_weekday = target_hour().on_days(7..=28).every(7);
        let text = "hours 0..=0 on days 7..=28 every 7 from target";
        assert_eq!(same_weekday.to_string(), text);
        assert_eq!(days(1..=7).to_string(), "days 1..=7");
        assert_eq!(hours(1..=3).to_string(), "hours 1..=3");
    }
}
