//! Hours and days as numbers, counted from the Unix epoch in UTC.
//!
//! A bucket of a window is one of them. A shop's own clock and its midnight are not known here: "now" is of UTC, so what
//! is told must be as well.

use onhand_core::Timestamp;

pub(crate) const HOUR_MILLIS: u64 = 3_600_000;
pub(crate) const HOURS_A_DAY: u32 = 24;

/// The hour that a moment lies in.
pub(crate) fn hour_of(at: Timestamp) -> u32 {
    // The last moment that can be told lies 70 million hours after the epoch.
    (at.millis() / HOUR_MILLIS) as u32
}

/// The day that a moment lies in.
pub(crate) fn day_of(at: Timestamp) -> u32 {
    hour_of(at) / HOURS_A_DAY
}

/// 0 to 23.
pub(crate) fn hour_of_day(hour: u32) -> u32 {
    hour % HOURS_A_DAY
}

/// 0 is Monday, 6 is Sunday: 1970-01-01 was a Thursday.
pub(crate) fn day_of_week(day: u32) -> u32 {
    (day + 3) % 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_hour_day_and_weekday() {
        // 2024-03-28T13:30:00Z, a Thursday.
        let at = Timestamp::from_millis(1_711_632_600_000);
        assert_eq!(hour_of_day(hour_of(at)), 13);
        assert_eq!(day_of_week(day_of(at)), 3);
    }
}
