//! `POST /v1/stock/receipts`: goods came in.

use super::Names;
use super::date::Date;
use super::lines::Listed;
use super::number::Units;
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::stock::receive::{Receive, ReceiveLine, Received};
use onhand_core::{Command, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Goods came in at a location. A SKU that was never stocked there is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [
        {"sku": "milk-1l", "quantity": 24, "lot": "L-4711", "expires_on": "2026-03-14"},
        {"sku": "bread", "quantity": 10}
    ],
    "reference": "PO-2031"
}))]
pub struct ReceiptRequest {
    /// Where.
    pub location: LocationText,
    /// What came in, 1 to 10,000 lines. The same SKU may stand in several lines, with other lots.
    #[schema(value_type = Vec<ReceiptLine>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<ReceiptLine>,
    /// The caller's own word for it, such as a delivery note.
    pub reference: Option<LabelText>,
    /// When it happened, not in the future; now if not said.
    pub occurred_at: Option<Time>,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptLine {
    /// What.
    pub sku: SkuText,
    /// How many units came in.
    pub quantity: Units,
    /// Of which lot.
    pub lot: Option<LabelText>,
    /// Until when it keeps.
    pub expires_on: Option<Date>,
}

objects!(ReceiptRequest, ReceiptLine);

impl From<ReceiptRequest> for Command {
    fn from(request: ReceiptRequest) -> Self {
        Self::Receive(Receive {
            location: request.location.0,
            lines: request.lines.map(|line| ReceiveLine {
                sku: line.sku.0,
                quantity: line.quantity.0,
                lot: line.lot.map(|lot| lot.0),
                expires_on: line.expires_on.map(|day| day.0),
            }),
            reference: request.reference.map(|reference| reference.0),
            occurred_at: request.occurred_at.map(|time| time.0),
        })
    }
}

/// Goods that came in, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 24, "lot": "L-4711", "expires_on": "2026-03-14"}],
    "reference": "PO-2031",
    "occurred_at": "2026-03-01T09:30:00.000Z",
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 12
}))]
pub struct ReceiptAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What came in.
    pub lines: Vec<ReceivedLineAnswer<'a>>,
    /// The caller's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// When it happened.
    pub occurred_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its position in the ledger.
    pub sequence: u64,
}

/// One line of a receipt, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// How many units came in.
    pub quantity: u32,
    /// Of which lot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<Cow<'a, str>>,
    /// Until when it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
}

impl<'a> ReceiptAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Received, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| ReceivedLineAnswer {
            sku: names.of_level(line.level).1.into(),
            quantity: line.units,
            lot: line.lot.as_ref().map(|lot| lot.as_str().into()),
            expires_on: line.expires_on.map(Date),
        });
        let location = event
            .lines
            .first()
            .map_or("", |line| names.of_level(line.level).0);
        Self {
            location: location.into(),
            lines: lines.collect(),
            reference: event
                .reference
                .as_ref()
                .map(|reference| reference.as_str().into()),
            occurred_at: Time(event.occurred_at),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}
