//! Times as RFC 3339 strings.
//!
//! Any offset is read and turned into UTC; what is finer than a millisecond is cut off. Written with milliseconds and
//! `Z`, always in the same width, so that texts sort like times.

use super::schema::{described, formatted};
use jiff::fmt::temporal::DateTimePrinter;
use onhand_core::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use utoipa::openapi::schema::KnownFormat;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// A moment, as an RFC 3339 time with an offset, from 1970 to 9999. Written in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

described!(
    Time,
    formatted(
        "An RFC 3339 time with an offset, from 1970 to 9999. Written in UTC with milliseconds.",
        "2026-03-01T09:30:00.000Z",
        KnownFormat::DateTime
    )
);

/// What a time must look like.
pub const RULE: &str =
    "an RFC 3339 time with an offset, from 1970 to 9999, such as 2026-03-01T09:30:00Z";

impl Time {
    /// The moment that a text names, if it is a time.
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        let millis = u64::try_from(time.as_millisecond()).ok()?;
        let is_in_range = time >= jiff::Timestamp::UNIX_EPOCH && text.len() <= 64;
        is_in_range.then_some(Self(Timestamp::from_millis(millis)))
    }
}

impl Time {
    /// The moment so long after the epoch, if it can be written down.
    pub(crate) fn of_unix(seconds: i64, nanos: i32) -> Option<Self> {
        let seconds = u64::try_from(seconds).ok()?;
        let nanos = u64::try_from(nanos)
            .ok()
            .filter(|nanos| *nanos < 1_000_000_000)?;
        let millis = seconds.checked_mul(1_000)?.checked_add(nanos / 1_000_000)?;
        let is_in_range = millis <= Timestamp::MAX.millis();
        is_in_range.then(|| Self(Timestamp::from_millis(millis)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0.millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        f.write_str(&PRINTER.timestamp_to_string(&time))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TimeText)
    }
}

struct TimeText;

impl Visitor<'_> for TimeText {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(RULE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        let shown = &text[..text.floor_char_boundary(60)];
        Time::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(shown), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_becomes_utc_with_milliseconds() {
        for (text, utc) in [
            ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000Z"),
            ("2026-03-01T10:30:00.1239+01:00", "2026-03-01T09:30:00.123Z"),
            ("1970-01-01t00:00:00z", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), utc);
        }
    }

    #[test]
    fn what_names_no_moment_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-03-01",
            "2026-03-01T09:30:00",
            "1969-12-31T23:59:59.9999Z",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }
}
