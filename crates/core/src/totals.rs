//! Running sums over all movements of a partition, so that conservation can be checked at any time.

use crate::level::{Bucket, Movement};
use serde::{Deserialize, Serialize};

/// What the movements of all entries add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Units in each bucket, in the order of [`Bucket::ALL`].
    units: [i64; 6],
    /// How many entries were applied.
    pub entries: u64,
}

impl Totals {
    pub(crate) fn post(&mut self, movement: &Movement) {
        let units = i64::from(movement.units);
        self.units[movement.from as usize] -= units;
        self.units[movement.to as usize] += units;
    }

    /// Units in a bucket. Outside goes below zero by what the ledger holds.
    pub fn units_in(&self, bucket: Bucket) -> i64 {
        self.units[bucket as usize]
    }
}
