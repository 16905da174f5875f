//! `/v1/reservations`: units promised to one buyer.

use super::Names;
use super::id::ReservationId;
use super::levels::Consistency;
use super::lines::Listed;
use super::number::{Seconds, Units};
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::reservation::ReservationState;
use onhand_core::reservation::confirm::Confirmed;
use onhand_core::reservation::extend::Extended;
use onhand_core::reservation::hold::{Held, Hold, HoldLine};
use onhand_core::reservation::release::Released;
use onhand_core::{Command, ReservationNo, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Holds units of every line, or of none; with `allow_partial` as much of each as there is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 2}, {"sku": "bread", "quantity": 1}],
    "ttl_seconds": 900,
    "reference": "cart-5521"
}))]
pub struct ReservationRequest {
    /// Where.
    pub location: LocationText,
    /// What, 1 to 10,000 lines; the same SKU in two lines counts as the sum.
    #[schema(value_type = Vec<ReservationLineRequest>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<ReservationLineRequest>,
    /// For how long the units are held, unless confirmed.
    pub ttl_seconds: Seconds,
    /// Whether less than asked for will do, as long as it is something.
    #[serde(default)]
    pub allow_partial: bool,
    /// The caller's own word for it, such as a cart.
    pub reference: Option<LabelText>,
}

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationLineRequest {
    /// What.
    pub sku: SkuText,
    /// How many units.
    pub quantity: Units,
}

impl From<ReservationRequest> for Hold {
    fn from(request: ReservationRequest) -> Self {
        Self {
            location: request.location.0,
            lines: request.lines.map(|line| HoldLine {
                sku: line.sku.0,
                quantity: line.quantity.0,
            }),
            ttl: request.ttl_seconds.0,
            allow_partial: request.allow_partial,
            reference: request.reference.map(|reference| reference.0),
        }
    }
}

impl From<ReservationRequest> for Command {
    fn from(request: ReservationRequest) -> Self {
        Self::Hold(request.into())
    }
}

/// A request that needs no more than the identifier in its path: an empty body, or `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct Empty {}

/// Gives a held reservation a new time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ttl_seconds": 900}))]
pub struct ExtendRequest {
    /// For how long from now; it may end sooner than before.
    pub ttl_seconds: Seconds,
}

objects!(
    ReservationRequest,
    ReservationLineRequest,
    Empty,
    ExtendRequest
);

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Its units are reserved until it expires.
    Held,
    /// Its units are allocated; it does not expire any more.
    Confirmed,
    /// Every unit was picked, substituted or not found.
    Fulfilled,
    /// What was held or allocated was given back on request.
    Released,
    /// What was held was given back because its time was up.
    Expired,
}

impl From<ReservationState> for StateName {
    fn from(state: ReservationState) -> Self {
        match state {
            ReservationState::Held => Self::Held,
            ReservationState::Confirmed => Self::Confirmed,
            ReservationState::Fulfilled => Self::Fulfilled,
            ReservationState::Released => Self::Released,
            ReservationState::Expired => Self::Expired,
        }
    }
}

/// A reservation that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "r0-7",
    "state": "held",
    "expires_at": "2026-03-01T09:45:00.000Z",
    "lines": [{"sku": "milk-1l", "requested": 2, "reserved": 2}],
    "sequence": 17
}))]
pub struct ReservationAnswer<'a> {
    /// Its identifier.
    pub id: ReservationId,
    /// Where it stands: held.
    pub state: StateName,
    /// When it expires, unless confirmed, extended or released.
    pub expires_at: Time,
    /// Its lines, one a SKU, in the order the SKUs first came.
    pub lines: Vec<HeldLineAnswer<'a>>,
    /// Its position in the ledger.
    pub sequence: u64,
}

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// Units asked for.
    pub requested: u32,
    /// Units held.
    pub reserved: u32,
}

impl<'a> ReservationAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &Held, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| HeldLineAnswer {
            sku: names.of_level(line.level).1.into(),
            requested: line.requested,
            reserved: line.reserved,
        });
        Self {
            id: id(event.reservation, names),
            state: StateName::Held,
            expires_at: Time(event.expires_at),
            lines: lines.collect(),
            sequence: stamp.seq.0,
        }
    }
}

pub(super) fn id(no: ReservationNo, names: &dyn Names) -> ReservationId {
    let partition = names.partition();
    ReservationId { partition, no }
}

/// A reservation that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "r0-7", "state": "confirmed", "lines": [{"sku": "milk-1l", "allocated": 2}], "sequence": 18
}))]
pub struct ConfirmAnswer<'a> {
    /// Its identifier.
    pub id: ReservationId,
    /// Where it stands: confirmed.
    pub state: StateName,
    /// What it holds.
    pub lines: Vec<AllocatedLine<'a>>,
    /// The position of the confirmation in the ledger.
    pub sequence: u64,
}

/// One line of a confirmed reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllocatedLine<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// Units promised to the order.
    pub allocated: u32,
}

impl<'a> ConfirmAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &Confirmed, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| AllocatedLine {
            sku: names.of_level(line.level).1.into(),
            allocated: line.units,
        });
        Self {
            id: id(event.reservation, names),
            state: StateName::Confirmed,
            lines: lines.collect(),
            sequence: stamp.seq.0,
        }
    }
}

/// A reservation that was extended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "r0-7", "state": "held", "expires_at": "2026-03-01T10:00:00.000Z", "sequence": 18
}))]
pub struct ExtendAnswer {
    /// Its identifier.
    pub id: ReservationId,
    /// Where it stands: held.
    pub state: StateName,
    /// When it expires now.
    pub expires_at: Time,
    /// The position of the extension in the ledger.
    pub sequence: u64,
}

impl ExtendAnswer {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &Extended, names: &dyn Names) -> Self {
        Self {
            id: id(event.reservation, names),
            state: StateName::Held,
            expires_at: Time(event.expires_at),
            sequence: stamp.seq.0,
        }
    }
}

/// A reservation that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "r0-7", "state": "released", "lines": [{"sku": "milk-1l", "released": 2}], "sequence": 18
}))]
pub struct ReleaseAnswer<'a> {
    /// Its identifier.
    pub id: ReservationId,
    /// Where it stands: released.
    pub state: StateName,
    /// What was given back.
    pub lines: Vec<ReleasedLine<'a>>,
    /// The position of the release in the ledger.
    pub sequence: u64,
}

/// One line of a released reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedLine<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// Units given back.
    pub released: u32,
}

impl<'a> ReleaseAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &Released, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| ReleasedLine {
            sku: names.of_level(line.level).1.into(),
            released: line.units,
        });
        Self {
            id: id(event.reservation, names),
            state: StateName::Released,
            lines: lines.collect(),
            sequence: stamp.seq.0,
        }
    }
}

/// A reservation, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "r0-7",
    "state": "confirmed",
    "location": "store-17",
    "made_at": "2026-03-01T09:30:00.000Z",
    "lines": [{
        "sku": "milk-1l", "requested": 2, "reserved": 2, "outstanding": 2, "picked": 0, "not_found": 0
    }],
    "consistency": "strong",
    "sequence": 18,
    "age_ms": 0
}))]
pub struct ReservationView<'a> {
    /// Its identifier.
    pub id: ReservationId,
    /// Where it stands.
    pub state: StateName,
    /// Where its units are.
    pub location: Cow<'a, str>,
    /// When it was made.
    pub made_at: Time,
    /// When it expires, while it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// When it ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Its lines, one a SKU.
    pub lines: Vec<ReservationLineView<'a>>,
    /// Always strong.
    pub consistency: Consistency,
    /// The ledger position that this reflects.
    pub sequence: u64,
    /// How old this is, in milliseconds; 0.
    pub age_ms: u64,
}

/// One line of a reservation, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationLineView<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// Units asked for.
    pub requested: u32,
    /// Units promised at first.
    pub reserved: u32,
    /// Units promised and neither picked, not found nor given back yet.
    pub outstanding: u32,
    /// Units picked.
    pub picked: u32,
    /// Units not found.
    pub not_found: u32,
}
