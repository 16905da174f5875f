//! Days and times on the command line and in files.

use onhand_core::Timestamp;
use std::ops::RangeInclusive;

/// A date, as days since 1970-01-01.
pub(crate) fn day(text: &str) -> Result<u32, String> {
    since_epoch(text).ok_or_else(|| "must be a date, as 2024-03-28".to_owned())
}

fn since_epoch(text: &str) -> Option<u32> {
    let date: jiff::civil::Date = text.parse().ok()?;
    u32::try_from((date - jiff::civil::date(1970, 1, 1)).get_days()).ok()
}

/// Two dates, both included, as days since 1970-01-01.
pub(crate) fn days(text: &str) -> Result<RangeInclusive<u32>, String> {
    let rule = || "must be two dates, as 2024-03-28..2024-04-10".to_owned();
    let (first, last) = text.split_once("..").ok_or_else(rule)?;
    let (first, last) = since_epoch(first).zip(since_epoch(last)).ok_or_else(rule)?;
    match first <= last {
        true => Ok(first..=last),
        false => Err("the first day must not be after the last".to_owned()),
    }
}

/// A time, as RFC 3339 writes it.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let rule = || format!("must be a time from 1970 on, as 2024-03-28T09:00:00Z, not `{text}`");
    let at: jiff::Timestamp = text.parse().map_err(|_| rule())?;
    let millis = u64::try_from(at.as_millisecond()).map_err(|_| rule())?;
    Ok(Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::{days, time};
    use onhand_core::Timestamp;

    #[test]
    fn a_time_before_1970_is_none() {
        assert_eq!(
            time("1970-01-01T00:00:01Z"),
            Ok(Timestamp::from_millis(1_000))
        );
        assert!(time("1969-12-31T23:59:59Z").is_err() && time("soon").is_err());
    }

    #[test]
    fn days_are_two_dates() {
        assert_eq!(days("1970-01-02..1970-01-05"), Ok(1..=4));
        for bad in [
            "1970-01-02",
            "a..b",
            "1970-01-05..1970-01-02",
            "1969-01-01..1970-01-01",
        ] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }
}
