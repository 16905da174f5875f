//! The ledger's entries.

use super::field::timestamp;
use super::{Cause, Consistency, LedgerChange, LedgerEntry, ReadLedgerResponse};
use crate::json::ledger::{
    Cause as Who, LedgerAnswer, LedgerChange as Change, LedgerEntry as Entry,
};

impl From<Who> for Cause {
    fn from(cause: Who) -> Self {
        match cause {
            Who::Client => Self::Client,
            Who::Time => Self::Time,
            Who::Engine => Self::Engine,
        }
    }
}

impl From<&LedgerAnswer<'_>> for ReadLedgerResponse {
    fn from(answer: &LedgerAnswer<'_>) -> Self {
        Self {
            entries: answer.entries.iter().map(LedgerEntry::from).collect(),
            cursor: answer.cursor.clone(),
            consistency: Consistency::from(answer.consistency).into(),
            sequence: answer.sequence,
            age_ms: answer.age_ms,
        }
    }
}

impl From<&Entry<'_>> for LedgerEntry {
    fn from(entry: &Entry<'_>) -> Self {
        Self {
            partition: entry.partition.into(),
            sequence: entry.sequence,
            recorded_at: Some(timestamp(entry.recorded_at)),
            occurred_at: entry.occurred_at.map(timestamp),
            event: entry.event.as_ref().into(),
            cause: Cause::from(entry.cause).into(),
            reservation: entry.reservation.map(|id| id.to_string()),
            transfer: entry.transfer.map(|id| id.to_string()),
            reference: entry.reference.as_deref().map(Into::into),
            source: entry.source.as_deref().map(Into::into),
            reason: entry.reason.as_deref().map(Into::into),
            expires_at: entry.expires_at.map(timestamp),
            changes: entry.changes.iter().map(LedgerChange::from).collect(),
        }
    }
}

impl From<&Change<'_>> for LedgerChange {
    fn from(change: &Change<'_>) -> Self {
        Self {
            location: change.location.as_ref().into(),
            sku: change.sku.as_ref().into(),
            on_hand: change.on_hand,
            available: change.available,
            reserved: change.reserved,
            allocated: change.allocated,
            unavailable: change.unavailable,
            in_transit: change.in_transit,
            reason: change.reason.as_deref().map(Into::into),
            lot: change.lot.as_deref().map(Into::into),
            expires_on: change.expires_on.map(|day| day.to_string()),
            counted: change.counted,
            since: change.since,
            superseded: change.superseded,
            requested: change.requested,
            picked: change.picked,
            not_found: change.not_found,
            corrected: change.corrected,
            instead_of: change.instead_of.as_deref().map(Into::into),
            surplus: change.surplus,
            sold: change.sold,
            found: change.found,
            at: change.at.map(timestamp),
            name: change.name.as_deref().map(Into::into),
            value: change.value.as_ref().map(Into::into),
            policy_before: change.policy_before.map(Into::into),
            policy_after: change.policy_after.map(Into::into),
        }
    }
}
