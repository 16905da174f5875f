//! `POST /v1/stock/sales`: goods left through the till, without a reservation.

use super::Names;
use super::lines::Listed;
use super::number::Units;
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::stock::sell::{Sell, SellLine, Sold};
use onhand_core::{Command, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Goods were sold at a location, at the till. The till is believed: what the record did not have was a surplus that it
/// did not know of, and what was promised to somebody else shows as a shortage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "sold_at": "2026-03-01T09:12:00Z",
    "lines": [{"sku": "milk-1l", "quantity": 2}, {"sku": "bread", "quantity": 1}],
    "reference": "till-3/88412"
}))]
pub struct SaleRequest {
    /// Where.
    pub location: LocationText,
    /// When: not in the future, and within the count window (2 days by default); now if not said.
    pub sold_at: Option<Time>,
    /// What was sold, 1 to 10,000 lines. The same SKU may stand in several lines. One that was never stocked here is
    /// known from now on.
    #[schema(value_type = Vec<SaleLine>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<SaleLine>,
    /// The caller's own word for it, such as a till receipt.
    pub reference: Option<LabelText>,
}

/// One line of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleLine {
    /// What.
    pub sku: SkuText,
    /// How many units were sold.
    pub quantity: Units,
}

objects!(SaleRequest, SaleLine);

impl From<SaleRequest> for Command {
    fn from(request: SaleRequest) -> Self {
        Self::Sell(Sell {
            location: request.location.0,
            lines: request.lines.map(|line| SellLine {
                sku: line.sku.0,
                quantity: line.quantity.0,
            }),
            reference: request.reference.map(|reference| reference.0),
            sold_at: request.sold_at.map(|time| time.0),
        })
    }
}

/// A sale, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 2}, {"sku": "bread", "quantity": 1, "surplus": 1}],
    "reference": "till-3/88412",
    "sold_at": "2026-03-01T09:12:00.000Z",
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 15
}))]
pub struct SaleAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What was sold.
    pub lines: Vec<SoldLineAnswer<'a>>,
    /// The caller's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// When it was sold.
    pub sold_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its position in the ledger.
    pub sequence: u64,
}

/// One line of a sale, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SoldLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// How many units were sold.
    pub quantity: u32,
    /// Of those, units that were there though the record said they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surplus: Option<u32>,
}

impl<'a> SaleAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Sold, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| SoldLineAnswer {
            sku: names.of_level(line.level).1.into(),
            quantity: line.units,
            surplus: (line.surplus > 0).then_some(line.surplus),
        });
        let location = event
            .lines
            .first()
            .map_or("", |line| names.of_level(line.level).0);
        Self {
            location: location.into(),
            lines: lines.collect(),
            reference: event.reference.as_ref().map(|text| text.as_str().into()),
            sold_at: Time(event.sold_at),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}
