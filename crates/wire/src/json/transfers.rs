//! `/v1/stock/transfers`: units on their way from one location to another.

use super::Names;
use super::id::TransferName;
use super::levels::Consistency;
use super::lines::Listed;
use super::number::Units;
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::transfer::arrive::Arrived;
use onhand_core::transfer::dispatch::{Dispatch, DispatchLine, Dispatched};
use onhand_core::{Command, LevelNo, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Sends units to another location. Only what is promised to nobody can be sent. The destination need not be known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "from": "warehouse-1",
    "to": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 12}],
    "reference": "truck-9"
}))]
pub struct TransferRequest {
    /// From where.
    pub from: LocationText,
    /// To where; another location.
    pub to: LocationText,
    /// What, 1 to 10,000 lines; the same SKU in two lines is sent twice.
    #[schema(value_type = Vec<TransferLineRequest>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<TransferLineRequest>,
    /// The caller's own word for it.
    pub reference: Option<LabelText>,
}

/// One line of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferLineRequest {
    /// What.
    pub sku: SkuText,
    /// How many units.
    pub quantity: Units,
}

objects!(TransferRequest, TransferLineRequest);

impl From<TransferRequest> for Command {
    fn from(request: TransferRequest) -> Self {
        Self::Dispatch(Dispatch {
            from: request.from.0,
            to: request.to.0,
            lines: request.lines.map(|line| DispatchLine {
                sku: line.sku.0,
                quantity: line.quantity.0,
            }),
            reference: request.reference.map(|reference| reference.0),
        })
    }
}

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Sent and not received.
    InTransit,
    /// On hand at the destination.
    Received,
}

/// A transfer that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "t0-0-5",
    "state": "in_transit",
    "from": "warehouse-1",
    "to": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 12}],
    "reference": "truck-9",
    "sent_at": "2026-03-01T09:30:00.000Z",
    "sequence": 16
}))]
pub struct TransferAnswer<'a> {
    /// Its identifier.
    pub id: TransferName,
    /// Where it stands: in transit.
    pub state: TransferState,
    /// From where.
    pub from: Cow<'a, str>,
    /// To where.
    pub to: Cow<'a, str>,
    /// What is on its way.
    pub lines: Vec<TransferLineAnswer<'a>>,
    /// The caller's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// When it was sent.
    pub sent_at: Time,
    /// Its position in the ledger of its source.
    pub sequence: u64,
}

/// One line of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransferLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// How many units.
    pub quantity: u32,
}

impl<'a> TransferAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Dispatched, names: &'a dyn Names) -> Self {
        let to = event.to.as_str();
        Self {
            id: TransferName {
                id: event.transfer,
                destination: names.partition_of(to),
            },
            state: TransferState::InTransit,
            from: names.of_location(event.from).into(),
            to: to.into(),
            lines: lines(
                event.lines.iter().map(|line| (line.level, line.units)),
                names,
            ),
            reference: event
                .reference
                .as_ref()
                .map(|reference| reference.as_str().into()),
            sent_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}

/// A transfer that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "t0-0-5",
    "state": "received",
    "to": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 12}],
    "received_at": "2026-03-01T11:00:00.000Z",
    "sequence": 20
}))]
pub struct ArrivalAnswer<'a> {
    /// Its identifier.
    pub id: TransferName,
    /// Where it stands: received.
    pub state: TransferState,
    /// Where.
    pub to: Cow<'a, str>,
    /// What came in.
    pub lines: Vec<TransferLineAnswer<'a>>,
    /// When it was received.
    pub received_at: Time,
    /// Its position in the ledger of its destination.
    pub sequence: u64,
}

impl<'a> ArrivalAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Arrived, names: &'a dyn Names) -> Self {
        let to = event
            .lines
            .first()
            .map_or("", |line| names.of_level(line.level).0);
        Self {
            id: TransferName {
                id: event.transfer,
                destination: names.partition(),
            },
            state: TransferState::Received,
            to: to.into(),
            lines: lines(
                event.lines.iter().map(|line| (line.level, line.units)),
                names,
            ),
            received_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}

fn lines<'a>(
    lines: impl Iterator<Item = (LevelNo, u32)>,
    names: &'a dyn Names,
) -> Vec<TransferLineAnswer<'a>> {
    let line = |(level, quantity)| TransferLineAnswer {
        sku: names.of_level(level).1.into(),
        quantity,
    };
    lines.map(line).collect()
}

/// A transfer, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "t0-0-5",
    "state": "in_transit",
    "from": "warehouse-1",
    "to": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 12}],
    "consistency": "strong",
    "sequence": 19,
    "age_ms": 0
}))]
pub struct TransferView<'a> {
    /// Its identifier.
    pub id: TransferName,
    /// Where it stands.
    pub state: TransferState,
    /// From where.
    pub from: Cow<'a, str>,
    /// To where.
    pub to: Cow<'a, str>,
    /// What it carries.
    pub lines: Vec<TransferLineAnswer<'a>>,
    /// When it was received, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Time>,
    /// Always strong.
    pub consistency: Consistency,
    /// The ledger position that this reflects.
    pub sequence: u64,
    /// How old this is, in milliseconds; 0.
    pub age_ms: u64,
}
