//! Days on the command line.

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

#[cfg(test)]
mod tests {
    use super::days;

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
