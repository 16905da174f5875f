//! Goods that came in.

use super::field::{field, listed, optional, time, timestamp};
use super::{ReceiveGoodsRequest, ReceiveGoodsResponse, ReceivedLine};
use crate::json::read::Fault;
use crate::json::receipts::{ReceiptAnswer, ReceiptLine, ReceiptRequest};

impl TryFrom<ReceiveGoodsRequest> for ReceiptRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: ReceiveGoodsRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            lines: listed("/lines", message.lines)?,
            reference: optional("/reference", message.reference)?,
            occurred_at: time("/occurred_at", message.occurred_at)?,
        })
    }
}

impl TryFrom<ReceivedLine> for ReceiptLine {
    type Error = Fault;

    fn try_from(message: ReceivedLine) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            quantity: field("/quantity", message.quantity)?,
            lot: optional("/lot", message.lot)?,
            expires_on: optional("/expires_on", message.expires_on)?,
        })
    }
}

impl From<ReceiptAnswer<'_>> for ReceiveGoodsResponse {
    fn from(answer: ReceiptAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| ReceivedLine {
            sku: line.sku.into_owned(),
            quantity: line.quantity,
            lot: line.lot.map(Into::into),
            expires_on: line.expires_on.map(|day| day.to_string()),
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
