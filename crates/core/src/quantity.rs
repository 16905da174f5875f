//! Quantities: whole units of a SKU's smallest unit (pieces, grams, millilitres).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A count of units, from 1 to [`Quantity::MAX`].
///
/// The bound keeps every sum of a level within 32 bits; what may grow past it is checked where it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// The largest quantity of one line and of one level: a billion units.
    pub const MAX: u32 = 1_000_000_000;

    /// A quantity, if it lies in `1..=MAX`.
    pub fn new(units: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&units).then_some(Self(units))
    }

    /// The number of units.
    pub fn units(self) -> u32 {
        self.0
    }

    /// The sum, if it is still a quantity.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u32> for Quantity {
    type Error = &'static str;
    fn try_from(units: u32) -> Result<Self, Self::Error> {
        Self::new(units).ok_or("a quantity is from 1 to 1,000,000,000")
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> u32 {
        quantity.0
    }
}
