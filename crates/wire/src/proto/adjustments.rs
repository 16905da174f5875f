//! Relative changes with a reason.

use super::field::{field, listed, one_of, optional, time, timestamp};
use super::{AdjustRequest, AdjustResponse, AdjustedLine, AdjustedNumber};
use crate::json::adjustments::{
    AdjustedNumber as Number, AdjustmentAnswer, AdjustmentLine, AdjustmentRequest,
};
use crate::json::read::Fault;

impl TryFrom<AdjustRequest> for AdjustmentRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: AdjustRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            lines: listed("/lines", message.lines)?,
            reference: optional("/reference", message.reference)?,
            occurred_at: time("/occurred_at", message.occurred_at)?,
        })
    }
}

impl TryFrom<AdjustedLine> for AdjustmentLine {
    type Error = Fault;

    fn try_from(message: AdjustedLine) -> Result<Self, Fault> {
        let of = match one_of("/of", message.of)? {
            Some(AdjustedNumber::Unavailable) => Number::Unavailable,
            _ => Number::OnHand,
        };
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            quantity: field("/quantity", message.quantity)?,
            reason: field("/reason", &*message.reason)?,
            of,
        })
    }
}

impl From<Number> for AdjustedNumber {
    fn from(number: Number) -> Self {
        match number {
            Number::OnHand => Self::OnHand,
            Number::Unavailable => Self::Unavailable,
        }
    }
}

impl From<AdjustmentAnswer<'_>> for AdjustResponse {
    fn from(answer: AdjustmentAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| AdjustedLine {
            sku: line.sku.into_owned(),
            quantity: line.quantity,
            reason: line.reason.into_owned(),
            of: AdjustedNumber::from(line.of).into(),
        });
        Self {
            location: answer.location.into_owned(),
            lines: lines.collect(),
            reference: answer.reference.map(Into::into),
            occurred_at: Some(timestamp(answer.occurred_at)),
            recorded_at: Some(timestamp(answer.recorded_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
