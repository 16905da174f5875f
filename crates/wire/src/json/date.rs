//! Calendar days as `YYYY-MM-DD`.

use super::schema::{described, formatted};
use jiff::ToSpan;
use jiff::civil::{self, Date as Civil};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use utoipa::openapi::schema::KnownFormat;

/// A calendar day from 1970-01-01 to 9999-12-31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(
    /// Days since 1970-01-01.
    pub u32,
);

described!(
    Date,
    formatted(
        "A calendar day from 1970-01-01 to 9999-12-31.",
        "2026-03-14",
        KnownFormat::Date
    )
);

const EPOCH: Civil = civil::date(1970, 1, 1);

impl Date {
    /// The day that a text names, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != "YYYY-MM-DD".len() {
            return None;
        }
        let day: Civil = text.parse().ok()?;
        let days = (day - EPOCH).get_days();
        u32::try_from(days).ok().map(Self)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = EPOCH.saturating_add(i64::from(self.0).min(4_000_000).days());
        day.fmt(f)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(DateText)
    }
}

struct DateText;

impl Visitor<'_> for DateText {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day as YYYY-MM-DD, from 1970-01-01 to 9999-12-31")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Date, E> {
        let shown = &text[..text.floor_char_boundary(60)];
        Date::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(shown), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_come_back_as_they_went_in() {
        for text in ["1970-01-01", "2024-02-29", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Date::parse("1970-01-02"), Some(Date(1)));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "2026-02-30",
            "2026-3-1",
            "20260301",
            "1969-12-31",
            "2026-03-01T00:00:00Z",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
