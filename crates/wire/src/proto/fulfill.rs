//! The pick.

use super::field::{field, listed, time, timestamp};
use super::{
    FulfillRequest, FulfillResponse, PickLine, PickedLine, ReservationState, SubstitutedLine,
    SubstitutionLine, SurplusLine,
};
use crate::json::fulfill::{
    FulfillAnswer, FulfillRequest as Fulfill, PickRequest, SubstitutionRequest,
};
use crate::json::read::Fault;

impl TryFrom<FulfillRequest> for Fulfill {
    type Error = Fault;

    /// All but the key and the reservation.
    fn try_from(message: FulfillRequest) -> Result<Self, Fault> {
        Ok(Self {
            lines: listed("/lines", message.lines)?,
            occurred_at: time("/occurred_at", message.occurred_at)?,
        })
    }
}

impl TryFrom<PickLine> for PickRequest {
    type Error = Fault;

    fn try_from(message: PickLine) -> Result<Self, Fault> {
        let substitutions = match message.substitutions {
            none if none.is_empty() => None,
            some => Some(listed("/substitutions", some)?),
        };
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            picked: field("/picked", message.picked)?,
            not_found: field("/not_found", message.not_found)?,
            substitutions,
        })
    }
}

impl TryFrom<SubstitutionLine> for SubstitutionRequest {
    type Error = Fault;

    fn try_from(message: SubstitutionLine) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            quantity: field("/quantity", message.quantity)?,
        })
    }
}

impl From<FulfillAnswer<'_>> for FulfillResponse {
    fn from(answer: FulfillAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| PickedLine {
            sku: line.sku.into_owned(),
            picked: line.picked,
            not_found: line.not_found,
            corrected: line.corrected,
        });
        let substitutions = answer.substitutions.into_iter().map(|one| SubstitutedLine {
            instead_of: one.instead_of.into_owned(),
            sku: one.sku.into_owned(),
            quantity: one.quantity,
        });
        let surplus = answer.surplus.into_iter().map(|one| SurplusLine {
            sku: one.sku.into_owned(),
            quantity: one.quantity,
        });
        Self {
            id: answer.id.to_string(),
            state: ReservationState::from(answer.state).into(),
            lines: lines.collect(),
            substitutions: substitutions.collect(),
            surplus: surplus.collect(),
            occurred_at: Some(timestamp(answer.occurred_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
