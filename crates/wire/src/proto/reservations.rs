//! Reservations.

use super::field::{field, listed, optional, timestamp};
use super::{
    AllocatedLine, ConfirmResponse, Consistency, ExtendRequest, ExtendResponse,
    GetReservationResponse, HeldLine, ReleaseResponse, ReleasedLine, ReservationLine,
    ReservationState, ReserveBatchRequest, ReserveLine, ReserveRequest, ReserveResponse,
};
use crate::json::batch::{BatchItem, BatchRequest};
use crate::json::read::Fault;
use crate::json::reservations::{
    ConfirmAnswer, ExtendAnswer, ExtendRequest as Extend, ReleaseAnswer, ReservationAnswer,
    ReservationLineRequest, ReservationRequest, ReservationView, StateName,
};

impl TryFrom<ReserveRequest> for ReservationRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: ReserveRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            lines: listed("/lines", message.lines)?,
            ttl_seconds: field("/ttl_seconds", message.ttl_seconds)?,
            allow_partial: message.allow_partial,
            reference: optional("/reference", message.reference)?,
        })
    }
}

impl TryFrom<ReserveLine> for ReservationLineRequest {
    type Error = Fault;

    fn try_from(message: ReserveLine) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            quantity: field("/quantity", message.quantity)?,
        })
    }
}

impl TryFrom<ReserveRequest> for BatchItem {
    type Error = Fault;

    fn try_from(message: ReserveRequest) -> Result<Self, Fault> {
        let idempotency_key = field("/idempotency_key", &*message.idempotency_key)?;
        let request = ReservationRequest::try_from(message)?;
        Ok(Self {
            idempotency_key,
            location: request.location,
            lines: request.lines,
            ttl_seconds: request.ttl_seconds,
            allow_partial: request.allow_partial,
            reference: request.reference,
        })
    }
}

impl TryFrom<ReserveBatchRequest> for BatchRequest {
    type Error = Fault;

    fn try_from(message: ReserveBatchRequest) -> Result<Self, Fault> {
        Ok(Self {
            reservations: listed("/reservations", message.reservations)?,
        })
    }
}

impl TryFrom<ExtendRequest> for Extend {
    type Error = Fault;

    /// All but the key and the reservation.
    fn try_from(message: ExtendRequest) -> Result<Self, Fault> {
        Ok(Self {
            ttl_seconds: field("/ttl_seconds", message.ttl_seconds)?,
        })
    }
}

impl From<StateName> for ReservationState {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Held => Self::Held,
            StateName::Confirmed => Self::Confirmed,
            StateName::Fulfilled => Self::Fulfilled,
            StateName::Released => Self::Released,
            StateName::Expired => Self::Expired,
        }
    }
}

impl From<ReservationAnswer<'_>> for ReserveResponse {
    fn from(answer: ReservationAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| HeldLine {
            sku: line.sku.into_owned(),
            requested: line.requested,
            reserved: line.reserved,
        });
        Self {
            id: answer.id.to_string(),
            state: ReservationState::from(answer.state).into(),
            expires_at: Some(timestamp(answer.expires_at)),
            lines: lines.collect(),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}

impl From<ConfirmAnswer<'_>> for ConfirmResponse {
    fn from(answer: ConfirmAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| AllocatedLine {
            sku: line.sku.into_owned(),
            allocated: line.allocated,
        });
        Self {
            id: answer.id.to_string(),
            state: ReservationState::from(answer.state).into(),
            lines: lines.collect(),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}

impl From<ExtendAnswer> for ExtendResponse {
    fn from(answer: ExtendAnswer) -> Self {
        Self {
            id: answer.id.to_string(),
            state: ReservationState::from(answer.state).into(),
            expires_at: Some(timestamp(answer.expires_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}

impl From<ReleaseAnswer<'_>> for ReleaseResponse {
    fn from(answer: ReleaseAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| ReleasedLine {
            sku: line.sku.into_owned(),
            released: line.released,
        });
        Self {
            id: answer.id.to_string(),
            state: ReservationState::from(answer.state).into(),
            lines: lines.collect(),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}

impl From<&ReservationView<'_>> for GetReservationResponse {
    fn from(view: &ReservationView<'_>) -> Self {
        let lines = view.lines.iter().map(|line| ReservationLine {
            sku: line.sku.as_ref().into(),
            requested: line.requested,
            reserved: line.reserved,
            outstanding: line.outstanding,
            picked: line.picked,
            not_found: line.not_found,
        });
        Self {
            id: view.id.to_string(),
            state: ReservationState::from(view.state).into(),
            location: view.location.as_ref().into(),
            made_at: Some(timestamp(view.made_at)),
            expires_at: view.expires_at.map(timestamp),
            ended_at: view.ended_at.map(timestamp),
            lines: lines.collect(),
            consistency: Consistency::from(view.consistency).into(),
            sequence: view.sequence,
            age_ms: view.age_ms,
        }
    }
}
