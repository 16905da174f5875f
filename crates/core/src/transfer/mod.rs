//! Transfers between locations, which may live in different partitions.
//!
//! The problem: two partitions have two ledgers, and no entry spans both. The rule: the source's ledger dispatches
//! (units leave it) and keeps the transfer in its outbox; the engine announces what lies in an outbox to the
//! destination's partition, which records it as in transit; then the source hands it over (out of the outbox). Each
//! step is an entry, and each may be tried again: a crash between two steps leaves the outbox full, and announcing
//! the same transfer twice is refused as already known. Goods count as on hand in one place at most, and as in
//! transit from the moment the destination knows.

pub mod announce;
pub mod arrive;
pub mod dispatch;
pub mod hand_over;

use crate::lines::Few;
use crate::name::{LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, TransferNo};
use crate::pages::Queue;
use crate::reservation::promise::Units;
use crate::sorted::Sorted;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A transfer's name in every partition: where it was dispatched, and its number there.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TransferId {
    /// The partition of the source.
    pub source: u16,
    /// Its number there.
    pub no: TransferNo,
}

/// Units of a SKU on their way, by name: the two partitions number their levels differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferLine {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub units: u32,
}

/// A transfer that the destination may not know of yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// From where.
    pub from: LocationId,
    /// To where.
    pub to: LocationId,
    /// Every transfer of its source with a lower number had been handed over when it was dispatched.
    pub settled: TransferNo,
    /// What is on its way.
    pub lines: Few<TransferLine>,
}

/// A transfer that the destination knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// From where.
    pub from: LocationId,
    /// To where.
    pub to: LocationNo,
    /// When it arrived; `None` while it is on its way.
    pub arrived_at: Option<Timestamp>,
    /// What is on its way.
    pub lines: Few<Units>,
}

/// Arrived transfers in the order they arrived.
pub(crate) type ArrivedQueue = Queue<TransferId, 64>;

/// The transfers of a partition, both ways.
#[derive(Clone, Debug, Default)]
pub struct Transfers {
    pub(crate) next: u64,
    pub(crate) outbox: Sorted<TransferNo, Outgoing>,
    pub(crate) incoming: Sorted<TransferId, Incoming>,
    pub(crate) arrived: ArrivedQueue,
    /// By source: transfers with a lower number are never announced again, so they may be forgotten.
    pub(crate) settled: BTreeMap<u16, TransferNo>,
}

impl Transfers {
    /// The number that the next transfer from here gets.
    pub fn next_no(&self) -> TransferNo {
        TransferNo(self.next)
    }

    /// The lowest number that may still have to be announced.
    pub(crate) fn oldest_waiting(&self) -> TransferNo {
        self.outbox.first().unwrap_or(self.next_no())
    }

    /// What was dispatched and may not be known at its destination yet.
    pub fn outbox(&self) -> impl Iterator<Item = (TransferNo, &Outgoing)> {
        self.outbox.iter()
    }

    /// One of these.
    pub fn outgoing(&self, no: TransferNo) -> Option<&Outgoing> {
        self.outbox.get(no)
    }

    /// A transfer to here, on its way or arrived within its retention.
    pub fn incoming(&self, id: TransferId) -> Option<&Incoming> {
        self.incoming.get(id)
    }

    /// Whether a transfer was announced here, be it forgotten or not.
    pub(crate) fn was_announced(&self, id: TransferId) -> bool {
        self.is_settled(id) || self.incoming.get(id).is_some()
    }

    /// Whether its source said that it was handed over, so that all who must know of it did.
    fn is_settled(&self, id: TransferId) -> bool {
        let below = self.settled.get(&id.source);
        below.is_some_and(|below| id.no < *below)
    }

    /// All transfers to here that are kept.
    pub fn all_incoming(&self) -> impl Iterator<Item = (TransferId, &Incoming)> {
        self.incoming.iter()
    }

    /// Units of a level on their way, summed over the transfers.
    pub fn on_the_way(&self) -> BTreeMap<LevelNo, u64> {
        let mut sums = BTreeMap::new();
        let travelling = self
            .incoming
            .iter()
            .map(|(_, one)| one)
            .filter(|one| one.arrived_at.is_none());
        for line in travelling.flat_map(|one| &one.lines) {
            *sums.entry(line.level).or_default() += u64::from(line.units);
        }
        sums
    }

    /// Forgets up to `most` transfers that arrived longer than `retention` before `now` and are settled at their
    /// source: one that is not may be announced again, and would count twice if it were not known.
    pub(crate) fn forget(&mut self, retention: Span, now: Timestamp, most: usize) {
        for _ in 0..most {
            let Some(&id) = self.arrived.get(self.arrived.front()) else {
                return;
            };
            let arrived_at = self.incoming.get(id).and_then(|one| one.arrived_at);
            if !self.is_settled(id) || arrived_at.is_some_and(|at| now.since(at) <= retention) {
                return;
            }
            self.incoming.remove(id);
            self.arrived.pop_front();
        }
    }
}
