//! What a partition sent to another: the books keep every parcel, also when its outbox does not.
//!
//! No partition sees another's ledger, so no twin alone can tell that units are lost or doubled on the way. The books of
//! both can: a parcel is in its source's outbox until the destination knows it for good, and nobody knows a parcel that
//! was never sent.

use super::Book;
use crate::ask::{Ask, Parcel, TransferName};
use crate::twin::Record;

impl Book {
    /// What was dispatched from here under a number, handed over or not, and the position of its entry.
    pub fn dispatched(&self, no: u64) -> Option<(u64, &Parcel)> {
        let (at, parcel) = self.dispatched.get(&no)?;
        Some((*at, parcel))
    }

    /// All that was ever dispatched from here.
    pub fn all_dispatched(&self) -> impl Iterator<Item = &Parcel> {
        self.dispatched.values().map(|(_, parcel)| parcel)
    }

    /// The position at which a transfer was announced here.
    pub fn announced_at(&self, name: TransferName) -> Option<u64> {
        let is_it = |record: &&Record| (record.event, record.transfer) == ("announced", Some(name));
        self.records
            .iter()
            .find(is_it)
            .map(|record| record.position)
    }

    /// A request was decided: keeps the parcel that it sent, if it did.
    pub(super) fn keep_parcel(&mut self, ask: &Ask) {
        let Some(last) = self.records.last() else {
            return;
        };
        if let (Ask::Dispatch { .. }, "dispatched", Some(name)) = (ask, last.event, last.transfer)
            && let Some(parcel) = self.twin.parcel(name.no)
        {
            let then = (last.position, parcel.clone());
            self.dispatched.insert(name.no, then);
        }
    }

    /// What was dispatched after a position never was.
    pub(super) fn forget_parcels_after(&mut self, position: u64) {
        self.dispatched.retain(|_, (at, _)| *at <= position);
    }
}
