//! Problem details (RFC 9457): what every error looks like.
//!
//! `type` is `urn:onhand:problem:` and the name of a [`Kind`]. Kinds are never renamed and never change their status;
//! a client may switch on them. They are not addresses: what there is to know is in `detail`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The closed list of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The body is not JSON.
    MalformedJson,
    /// The request breaks off, or is not HTTP as we know it.
    MalformedRequest,
    /// A write without an `Idempotency-Key`.
    MissingIdempotencyKey,
    /// An `Idempotency-Key` that is not 1 to 128 visible ASCII characters.
    BadIdempotencyKey,
    /// No such address.
    UnknownRoute,
    /// No stock was ever kept there.
    UnknownLocation,
    /// The SKU was never stocked at the location.
    UnknownSku,
    /// No such reservation, or one that ended longer ago than its retention.
    UnknownReservation,
    /// No such transfer, or one that arrived longer ago than its retention.
    UnknownTransfer,
    /// The server runs without the model that would be asked.
    NoModel,
    /// The address takes other methods.
    MethodNotAllowed,
    /// The answer cannot be given in a form that the client takes.
    NotAcceptable,
    /// The request did not come in in time.
    RequestTimeout,
    /// Not enough stock.
    InsufficientStock,
    /// The reservation is in a state that does not allow it.
    WrongState,
    /// The transfer was received before.
    AlreadyReceived,
    /// On hand would fall below zero, or more would be unavailable than is on hand.
    BelowZero,
    /// More was picked or not found than is still promised.
    MoreThanPromised,
    /// The body is longer than the server takes.
    BodyTooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// JSON that does not have the shape of the request, or a field that does not follow its rule.
    InvalidRequest,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// A transfer from a location to itself.
    SameLocation,
    /// A quantity would grow past its bound.
    TooMuch,
    /// The SKU is not part of the reservation.
    NotInReservation,
    /// The SKU stands in two lines of a request that takes each once.
    SkuTwice,
    /// A time in the future.
    InFuture,
    /// A time longer ago than the ledger can speak of.
    TooOld,
    /// Too many requests wait already.
    Busy,
    /// Something that the configuration bounds is full.
    Full,
    /// The disk is full.
    StorageFull,
    /// The log cannot be written now.
    Unavailable,
    /// The partition has stopped.
    Stopped,
    /// Its time was over before its turn came; nothing was changed.
    Late,
    /// No answer in time; whether it was done is not known.
    NoAnswer,
    /// A defect, or damage on the disk.
    Internal,
}

impl Kind {
    /// Its name; `type` without `urn:onhand:problem:`.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.facts().1
    }

    /// A short text that never changes with the case.
    pub fn title(self) -> &'static str {
        self.facts().2
    }

    fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::MalformedJson => ("malformed-json", 400, "The body is not JSON"),
            Self::MalformedRequest => ("malformed-request", 400, "The request cannot be read"),
            Self::MissingIdempotencyKey => (
                "missing-idempotency-key",
                400,
                "A write needs an Idempotency-Key",
            ),
            Self::BadIdempotencyKey => {
                ("bad-idempotency-key", 400, "The Idempotency-Key is not one")
            }
            Self::UnknownRoute => ("unknown-route", 404, "There is nothing at this address"),
            Self::UnknownLocation => ("unknown-location", 404, "The location is not known"),
            Self::UnknownSku => ("unknown-sku", 404, "The SKU was never stocked there"),
            Self::UnknownReservation => {
                ("unknown-reservation", 404, "There is no such reservation")
            }
            Self::UnknownTransfer => ("unknown-transfer", 404, "There is no such transfer"),
            Self::NoModel => ("no-model", 404, "The server runs without this model"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", 405, "The address takes other methods")
            }
            Self::NotAcceptable => ("not-acceptable", 406, "The answer has other forms"),
            Self::RequestTimeout => (
                "request-timeout",
                408,
                "The request did not come in in time",
            ),
            Self::InsufficientStock => ("insufficient-stock", 409, "Not enough stock"),
            Self::WrongState => (
                "wrong-state",
                409,
                "The reservation's state does not allow it",
            ),
            Self::AlreadyReceived => ("already-received", 409, "The transfer was received before"),
            Self::BelowZero => ("below-zero", 409, "Stock would fall below zero"),
            Self::MoreThanPromised => ("more-than-promised", 409, "More than is promised"),
            Self::BodyTooLarge => ("body-too-large", 413, "The body is too large"),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                415,
                "The body is not application/json",
            ),
            Self::InvalidRequest => ("invalid-request", 422, "A field does not follow its rule"),
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                422,
                "The Idempotency-Key was used for another request",
            ),
            Self::SameLocation => ("same-location", 422, "From and to are the same location"),
            Self::TooMuch => ("too-much", 422, "A quantity would grow past its bound"),
            Self::NotInReservation => (
                "not-in-reservation",
                422,
                "The SKU is not part of the reservation",
            ),
            Self::SkuTwice => ("sku-twice", 422, "The SKU stands in two lines"),
            Self::InFuture => ("in-future", 422, "The time is in the future"),
            Self::TooOld => ("too-old", 422, "The time is too long ago"),
            Self::Busy => ("busy", 429, "Too many requests wait"),
            Self::Full => ("full", 503, "A configured bound is reached"),
            Self::StorageFull => ("storage-full", 503, "The disk is full"),
            Self::Unavailable => ("unavailable", 503, "The ledger cannot be written now"),
            Self::Stopped => ("stopped", 503, "The partition has stopped"),
            Self::Late => ("late", 503, "Its time was over before its turn"),
            Self::NoAnswer => ("no-answer", 503, "No answer in time"),
            Self::Internal => ("internal", 500, "Something is wrong in the server"),
        }
    }
}

/// What every error looks like (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:onhand:problem:insufficient-stock",
    "title": "Not enough stock",
    "status": 409,
    "detail": "Nothing was reserved: milk-1l has 1 available, 2 requested. Ask for less, or allow a partial reservation.",
    "lines": [{"sku": "milk-1l", "requested": 2, "available": 1}]
}))]
pub struct Problem {
    /// Which problem: `urn:onhand:problem:` and a name that never changes.
    pub r#type: String,
    /// What it is, the same in every case.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened in this case, and what to do.
    pub detail: String,
    /// The fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// For `insufficient-stock`: every line that asks for more than there is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<ShortLine>,
    /// Seconds after which it is worth trying again, as `Retry-After` says it: in a batch for each one for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u16>,
}

/// A field at fault: in the body (`pointer`), or in the path or query (`parameter`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field of the body, as a JSON pointer; empty for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The parameter of the path or the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The value and the rule.
    pub message: String,
}

/// A line that asks for more than there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShortLine {
    /// What.
    pub sku: String,
    /// Units asked for, all lines of the SKU together.
    pub requested: u32,
    /// Units that could have been promised.
    pub available: u32,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:onhand:problem:{}", kind.name()),
            title: kind.title().into(),
            status: kind.status(),
            detail: detail.into(),
            errors: Vec::new(),
            lines: Vec::new(),
            retry_after_seconds: None,
        }
    }
}
