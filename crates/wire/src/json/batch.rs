//! `POST /v1/reservations/batch`: many independent reservations in one request.

use super::lines::Listed;
use super::number::Seconds;
use super::object::objects;
use super::problem::Problem;
use super::reservations::{ReservationAnswer, ReservationLineRequest, ReservationRequest};
use super::text::{LabelText, LocationText};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most reservations of one batch.
pub const MOST: usize = 1_000;

/// Up to 1,000 reservations, each made or refused for itself. If one of them does not have the right shape, the whole
/// batch is refused and none is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reservations": [{
    "idempotency_key": "cart-5521-1",
    "location": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": 2}],
    "ttl_seconds": 900
}]}))]
pub struct BatchRequest {
    /// The reservations, 1 to 1,000, taken in order for each location.
    #[schema(value_type = Vec<BatchItem>, min_items = 1, max_items = 1_000)]
    pub reservations: Listed<BatchItem, MOST>,
}

/// One reservation of a batch: as for one alone, with its key in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    /// Its idempotency key.
    pub idempotency_key: LabelText,
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

objects!(BatchRequest, BatchItem);

impl BatchItem {
    /// Its key and the reservation.
    pub fn split(self) -> (LabelText, ReservationRequest) {
        let request = ReservationRequest {
            location: self.location,
            lines: self.lines,
            ttl_seconds: self.ttl_seconds,
            allow_partial: self.allow_partial,
            reference: self.reference,
        };
        (self.idempotency_key, request)
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"results": [{
    "status": 201,
    "replayed": false,
    "reservation": {
        "id": "r0-7",
        "state": "held",
        "expires_at": "2026-03-01T09:45:00.000Z",
        "lines": [{"sku": "milk-1l", "requested": 2, "reserved": 2}],
        "sequence": 17
    }
}]}))]
pub struct BatchAnswer<'a> {
    /// One for each reservation, in the order of the request.
    pub results: Vec<BatchResult<'a>>,
}

/// What became of one reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchResult<'a> {
    /// The status that it would have had alone: 201, or that of the problem.
    pub status: u16,
    /// Whether the key was answered before, and this is that answer again.
    pub replayed: bool,
    /// The reservation, if it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationAnswer<'a>>,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}
