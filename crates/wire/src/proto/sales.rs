//! Sales at the till.

use super::field::{field, listed, optional, time, timestamp};
use super::{SaleLine, SellRequest, SellResponse, SoldLine};
use crate::json::read::Fault;
use crate::json::sales::{SaleAnswer, SaleLine as Line, SaleRequest};

impl TryFrom<SellRequest> for SaleRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: SellRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            sold_at: time("/sold_at", message.sold_at)?,
            lines: listed("/lines", message.lines)?,
            reference: optional("/reference", message.reference)?,
        })
    }
}

impl TryFrom<SaleLine> for Line {
    type Error = Fault;

    fn try_from(message: SaleLine) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            quantity: field("/quantity", message.quantity)?,
        })
    }
}

impl From<SaleAnswer<'_>> for SellResponse {
    fn from(answer: SaleAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| SoldLine {
            sku: line.sku.into_owned(),
            quantity: line.quantity,
            surplus: line.surplus.unwrap_or_default(),
        });
        Self {
            location: answer.location.into_owned(),
            lines: lines.collect(),
            reference: answer.reference.map(Into::into),
            sold_at: Some(timestamp(answer.sold_at)),
            recorded_at: Some(timestamp(answer.recorded_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
