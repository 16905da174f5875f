//! Quantities and lengths of time as JSON integers. A float or a string is not a number of units.

use super::schema::{described, integer};
use onhand_core::stock::adjust::Direction;
use onhand_core::{Quantity, Span};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use utoipa::openapi::{RefOr, Schema};

/// A number of units: an integer from 1 to 1,000,000,000, in the SKU's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units(pub Quantity);

/// A number of units that may be none: an integer from 0 to 1,000,000,000, in the SKU's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitsOrNone(pub u32);

/// A change: an integer from -1,000,000,000 to 1,000,000,000, in the SKU's smallest unit, and not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change(pub Direction, pub Quantity);

/// A time to live in seconds: an integer from 1 to 31,536,000 (365 days).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Span);

described!(
    Units,
    UNITS.schema("Units of the SKU, in its smallest unit.", 2)
);
described!(
    UnitsOrNone,
    UNITS_OR_NONE.schema("Units of the SKU, in its smallest unit; may be 0.", 0)
);
described!(
    Change,
    CHANGE.schema("Units up or down, in the SKU's smallest unit; not 0.", -3)
);
described!(
    Seconds,
    SECONDS.schema("A time to live in seconds, up to 365 days.", 900)
);

const MOST: i64 = Quantity::MAX as i64;
const YEAR: i64 = 365 * 24 * 60 * 60;

const UNITS: Rule = Rule {
    text: "an integer from 1 to 1,000,000,000",
    low: 1,
    high: MOST,
    zero: false,
};
const UNITS_OR_NONE: Rule = Rule {
    text: "an integer from 0 to 1,000,000,000",
    low: 0,
    high: MOST,
    zero: true,
};
const CHANGE: Rule = Rule {
    text: "an integer from -1,000,000,000 to 1,000,000,000 that is not 0",
    low: -MOST,
    high: MOST,
    zero: false,
};
const SECONDS: Rule = Rule {
    text: "an integer from 1 to 31,536,000",
    low: 1,
    high: YEAR,
    zero: false,
};

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let units = from.deserialize_u32(UNITS)?;
        Ok(Self(quantity(units)))
    }
}

impl<'de> Deserialize<'de> for UnitsOrNone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let units = from.deserialize_u32(UNITS_OR_NONE)?;
        Ok(Self(units.unsigned_abs() as u32))
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let units = from.deserialize_i64(CHANGE)?;
        let direction = if units > 0 {
            Direction::Up
        } else {
            Direction::Down
        };
        Ok(Self(direction, quantity(units)))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seconds = from.deserialize_u32(SECONDS)?;
        Ok(Self(Span::from_secs(seconds.unsigned_abs())))
    }
}

/// The quantity of a number that its rule let through.
fn quantity(units: i64) -> Quantity {
    Quantity::new(units.unsigned_abs() as u32).expect("the rule bounds it")
}

/// Which integers will do.
struct Rule {
    text: &'static str,
    low: i64,
    high: i64,
    zero: bool,
}

impl Visitor<'_> for Rule {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        let refused = || E::invalid_value(Unexpected::Unsigned(number), &self);
        let number = i64::try_from(number).map_err(|_| refused())?;
        self.holds(number).then_some(number).ok_or_else(refused)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        let refused = || E::invalid_value(Unexpected::Signed(number), &self);
        self.holds(number).then_some(number).ok_or_else(refused)
    }
}

impl Rule {
    fn schema(&self, description: &str, example: i64) -> RefOr<Schema> {
        integer(description, example, (self.low, self.high))
    }

    fn holds(&self, number: i64) -> bool {
        (self.low..=self.high).contains(&number) && (self.zero || number != 0)
    }
}
