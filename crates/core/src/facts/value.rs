//! What a fact says: a number, or a short text.

use crate::name::Label;
use serde::{Deserialize, Serialize};

/// A number or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// A price, a discount, a temperature; a flag is 0 or 1.
    Number(Millionths),
    /// A code: a category, a city.
    Text(Label),
}

/// A number with six decimals, from -1,000,000,000 to 1,000,000,000, counted in millionths.
///
/// Every one of them is exact as a 64-bit float too, so a reader may take it for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Millionths(i64);

impl Millionths {
    /// How many make one.
    pub const ONE: i64 = 1_000_000;
    /// The largest: a billion.
    pub const MOST: i64 = 1_000_000_000 * Self::ONE;

    /// So many millionths, if they lie within `-MOST..=MOST`.
    pub fn new(millionths: i64) -> Option<Self> {
        (-Self::MOST..=Self::MOST)
            .contains(&millionths)
            .then_some(Self(millionths))
    }

    /// How many millionths.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Millionths {
    type Error = &'static str;
    fn try_from(millionths: i64) -> Result<Self, Self::Error> {
        Self::new(millionths).ok_or("a number is from -1,000,000,000 to 1,000,000,000")
    }
}

impl From<Millionths> for i64 {
    fn from(number: Millionths) -> i64 {
        number.0
    }
}
