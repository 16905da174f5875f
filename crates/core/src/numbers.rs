//! The numbers that stand for names and things inside one partition. All are given in ledger order and never reused.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A position in the ledger of one partition: the first entry has 1, and there are no gaps.
    Seq, u64
}
number! {
    /// A location, by the order in which it was first stocked.
    LocationNo, u32
}
number! {
    /// A SKU, by the order in which it was first stocked anywhere in the partition.
    SkuNo, u32
}
number! {
    /// A stock level (one SKU at one location), by the order in which it was opened.
    LevelNo, u32
}
number! {
    /// A reservation, by the order in which it was made.
    ReservationNo, u64
}
number! {
    /// A transfer, by the order in which it was dispatched from its partition.
    TransferNo, u64
}

impl Seq {
    /// The position before the first entry.
    pub const ZERO: Self = Self(0);

    /// The last position of a ledger: a million entries a second reach it in nine years. An entry past it does not fit
    /// ([`crate::Invariant::Order`]).
    pub const MOST: Self = Self((1 << 48) - 1);

    /// The position after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
