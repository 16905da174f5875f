//! Looks at the shelf.

use super::field::{field, listed, some_time, timestamp};
use super::{Look, ObserveRequest, ObserveResponse};
use crate::json::observations::{ObservationAnswer, ObservationLine, ObservationRequest};
use crate::json::read::Fault;

impl TryFrom<ObserveRequest> for ObservationRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: ObserveRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            source: field("/source", &*message.source)?,
            lines: listed("/lines", message.lines)?,
        })
    }
}

impl TryFrom<Look> for ObservationLine {
    type Error = Fault;

    fn try_from(message: Look) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            at: some_time("/at", message.at)?,
            found: message.found,
        })
    }
}

impl From<ObservationAnswer<'_>> for ObserveResponse {
    fn from(answer: ObservationAnswer<'_>) -> Self {
        Self {
            location: answer.location.into_owned(),
            source: answer.source.into_owned(),
            looks: answer.looks as u32,
            recorded_at: Some(timestamp(answer.recorded_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
