//! A stock level, and the one way to change it: a movement from one bucket to another.
//!
//! Stock is kept like money: in buckets, and every change is a movement of units from one bucket to another. On hand
//! is split into four disjoint buckets (free, reserved, allocated, unavailable), so a promise never has to be
//! subtracted in two places, and conservation is a sum. `Outside` is the world beyond the ledger: suppliers,
//! customers, the bin.

use crate::numbers::LevelNo;
use crate::quantity::Quantity;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// Where units can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bucket {
    /// Beyond the ledger: suppliers, customers, loss.
    Outside,
    /// On hand and promised to nobody. Below zero when more is promised than is there, on purpose (oversell policy)
    /// or because the shelf turned out to hold less.
    Free,
    /// On hand, held for a reservation that can still expire.
    Reserved,
    /// On hand, promised to a confirmed order.
    Allocated,
    /// On hand, not sellable.
    Unavailable,
    /// On its way here by a transfer; not on hand yet.
    InTransit,
}

impl Bucket {
    /// Every bucket, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Outside,
        Self::Free,
        Self::Reserved,
        Self::Allocated,
        Self::Unavailable,
        Self::InTransit,
    ];

    /// Whether units in it are on hand.
    pub fn is_on_hand(self) -> bool {
        !matches!(self, Self::Outside | Self::InTransit)
    }
}

/// Units that move from one bucket of a level to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose units.
    pub level: LevelNo,
    /// Where they were.
    pub from: Bucket,
    /// Where they are now.
    pub to: Bucket,
    /// How many; zero moves nothing.
    pub units: u32,
}

impl Movement {
    /// By how much on hand changes.
    pub fn on_hand_change(&self) -> i64 {
        let units = i64::from(self.units);
        match (self.from.is_on_hand(), self.to.is_on_hand()) {
            (false, true) => units,
            (true, false) => -units,
            _ => 0,
        }
    }
}

/// What a not-found does to the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OnNotFound {
    /// It is a label only: the units are free again.
    #[default]
    Label,
    /// The shelf is believed: on hand falls by what was not found.
    Correct,
}

/// The rules of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Units kept back from sale.
    pub safety_stock: u32,
    /// How many units may be promised beyond what is there; 0 denies overselling.
    pub oversell_limit: u32,
    /// What a not-found does.
    pub on_not_found: OnNotFound,
}

/// A policy in eight bytes, as a level keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Policy", into = "Policy")]
struct Rules {
    safety_stock: u32,
    /// The limit in the upper 31 bits, and whether a not-found corrects in the lowest.
    oversell_limit_and_correction: u32,
}

impl From<Policy> for Rules {
    /// No limit that was ever accepted is above [`Quantity::MAX`], so 31 bits lose nothing.
    fn from(policy: Policy) -> Self {
        let limit = policy.oversell_limit.min(u32::MAX >> 1);
        let corrects = policy.on_not_found == OnNotFound::Correct;
        Self {
            safety_stock: policy.safety_stock,
            oversell_limit_and_correction: limit << 1 | u32::from(corrects),
        }
    }
}

impl From<Rules> for Policy {
    fn from(rules: Rules) -> Self {
        let both = rules.oversell_limit_and_correction;
        Self {
            safety_stock: rules.safety_stock,
            oversell_limit: both >> 1,
            on_not_found: match both & 1 {
                0 => OnNotFound::Label,
                _ => OnNotFound::Correct,
            },
        }
    }
}

/// The stock of one SKU at one location, in 36 bytes; whose it is the catalogue tells by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    pub(crate) free: i32,
    pub(crate) reserved: u32,
    pub(crate) allocated: u32,
    pub(crate) unavailable: u32,
    pub(crate) in_transit: u32,
    rules: Rules,
    /// The second (since the epoch) that the newest count spoke of; 0 if never counted. An older count is superseded.
    pub(crate) counted_at_secs: u32,
    /// The newest change of on hand in the journal, plus one, by its low 32 bits; 0 if there was none.
    pub(crate) last_change: u32,
}

/// A movement that would leave a bucket below zero or above its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl Level {
    /// Units physically there, as far as the ledger knows: free + reserved + allocated + unavailable.
    pub fn on_hand(&self) -> i64 {
        i64::from(self.free) + self.promised() + i64::from(self.unavailable)
    }

    /// Units held by reservations that can still expire.
    pub fn reserved(&self) -> u32 {
        self.reserved
    }

    /// Units promised to confirmed orders.
    pub fn allocated(&self) -> u32 {
        self.allocated
    }

    /// Units on hand that cannot be sold.
    pub fn unavailable(&self) -> u32 {
        self.unavailable
    }

    /// Units on their way here by transfers.
    pub fn in_transit(&self) -> u32 {
        self.in_transit
    }

    /// Reserved and allocated.
    pub fn promised(&self) -> i64 {
        i64::from(self.reserved) + i64::from(self.allocated)
    }

    /// On hand − reserved − allocated − unavailable: what could be sold if no safety stock were kept.
    pub fn free(&self) -> i64 {
        i64::from(self.free)
    }

    /// On hand − reserved − allocated − unavailable − safety stock. Below zero if more is promised than is there.
    pub fn available(&self) -> i64 {
        self.free() - i64::from(self.rules.safety_stock)
    }

    /// What a reservation may still take: available and the oversell limit; never below zero.
    pub fn promisable(&self) -> u32 {
        let kept = match Defect::SafetyStockSold.is_on() {
            true => self.free(),
            false => self.available(),
        };
        let units = kept + i64::from(self.policy().oversell_limit);
        if Defect::AvailableOverflows.is_on() {
            return units as u32;
        }
        u32::try_from(units.max(0)).unwrap_or(Quantity::MAX)
    }

    /// The rules of this level.
    pub fn policy(&self) -> Policy {
        self.rules.into()
    }

    pub(crate) fn set_policy(&mut self, policy: Policy) {
        self.rules = policy.into();
    }

    /// The second (since the epoch) that the newest count of this level spoke of; 0 if it was never counted.
    pub fn counted_at_secs(&self) -> u32 {
        self.counted_at_secs
    }

    /// The units in a bucket; `Outside` has none of its own.
    pub fn units_in(&self, bucket: Bucket) -> i64 {
        match bucket {
            Bucket::Outside => 0,
            Bucket::Free => self.free(),
            Bucket::Reserved => i64::from(self.reserved),
            Bucket::Allocated => i64::from(self.allocated),
            Bucket::Unavailable => i64::from(self.unavailable),
            Bucket::InTransit => i64::from(self.in_transit),
        }
    }

    /// Moves `units` between two buckets, or changes nothing if a bound would be broken: every bucket but free stays
    /// at zero or above, on hand stays within 0 to [`Quantity::MAX`], and no bucket grows past twice that (a level can
    /// promise [`Quantity::MAX`] units that are there and as many that are not).
    pub(crate) fn shift(
        &mut self,
        from: Bucket,
        to: Bucket,
        units: u32,
    ) -> Result<(), OutOfBounds> {
        let mut next = *self;
        next.add(from, -i64::from(units))?;
        next.add(to, i64::from(units))?;
        let on_hand_is_sound = (0..=i64::from(Quantity::MAX)).contains(&next.on_hand());
        if !on_hand_is_sound {
            return Err(OutOfBounds);
        }
        *self = next;
        Ok(())
    }

    fn add(&mut self, bucket: Bucket, change: i64) -> Result<(), OutOfBounds> {
        let counter = match bucket {
            Bucket::Outside => return Ok(()),
            Bucket::Free => {
                self.free = i32::try_from(self.free() + change).map_err(|_| OutOfBounds)?;
                return Ok(());
            }
            Bucket::Reserved => &mut self.reserved,
            Bucket::Allocated => &mut self.allocated,
            Bucket::Unavailable => &mut self.unavailable,
            Bucket::InTransit => &mut self.in_transit,
        };
        let units = u32::try_from(i64::from(*counter) + change).map_err(|_| OutOfBounds)?;
        if units > 2 * Quantity::MAX {
            return Err(OutOfBounds);
        }
        *counter = units;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(free: i32, reserved: u32, allocated: u32, unavailable: u32) -> Level {
        Level {
            free,
            reserved,
            allocated,
            unavailable,
            ..Level::default()
        }
    }

    #[test]
    fn a_level_takes_36_bytes_and_keeps_every_policy_that_can_be_set() {
        assert_eq!(size_of::<Level>(), 36);
        for on_not_found in [OnNotFound::Label, OnNotFound::Correct] {
            for units in [0, 1, Quantity::MAX] {
                let policy = Policy {
                    safety_stock: units,
                    oversell_limit: Quantity::MAX - units,
                    on_not_found,
                };
                assert_eq!(Policy::from(Rules::from(policy)), policy);
            }
        }
    }

    #[test]
    fn available_is_on_hand_less_promises_unavailable_and_safety_stock() {
        let mut level = level(10, 3, 2, 1);
        level.set_policy(Policy {
            safety_stock: 4,
            ..Policy::default()
        });
        assert_eq!(
            (level.on_hand(), level.available(), level.promisable()),
            (16, 6, 6)
        );
    }

    #[test]
    fn the_oversell_limit_adds_to_what_can_be_promised_but_not_to_available() {
        let mut level = level(2, 0, 0, 0);
        level.set_policy(Policy {
            oversell_limit: 5,
            ..Policy::default()
        });
        assert_eq!((level.available(), level.promisable()), (2, 7));
    }

    #[test]
    fn a_shift_out_of_bounds_changes_nothing() {
        let mut level = level(0, 3, 0, 0);
        let before = level;
        assert!(level.shift(Bucket::Reserved, Bucket::Outside, 4).is_err());
        assert!(
            level.shift(Bucket::Free, Bucket::Outside, 4).is_err(),
            "on hand below zero"
        );
        assert!(
            level
                .shift(Bucket::Outside, Bucket::Free, Quantity::MAX)
                .is_err(),
            "on hand above its bound"
        );
        assert_eq!(level, before);
    }

    #[test]
    fn free_may_fall_below_zero_while_on_hand_does_not() {
        let mut level = level(1, 4, 0, 0);
        level.shift(Bucket::Free, Bucket::Outside, 3).unwrap();
        assert_eq!((level.on_hand(), level.free()), (2, -2));
    }
}
