//! Absolute counts, as of a time.

use super::field::{field, listed, some_time, timestamp};
use super::{CountLine, CountRequest, CountResponse, CountedLine};
use crate::json::counts::{CountAnswer, CountRequest as Count, CountedSku};
use crate::json::read::Fault;

impl TryFrom<CountRequest> for Count {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: CountRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            as_of: some_time("/as_of", message.as_of)?,
            source: field("/source", &*message.source)?,
            complete: message.complete,
            lines: listed("/lines", message.lines)?,
        })
    }
}

impl TryFrom<CountLine> for CountedSku {
    type Error = Fault;

    fn try_from(message: CountLine) -> Result<Self, Fault> {
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            on_hand: field("/on_hand", message.on_hand)?,
        })
    }
}

impl From<CountAnswer<'_>> for CountResponse {
    fn from(answer: CountAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| CountedLine {
            sku: line.sku.into_owned(),
            counted: line.counted,
            since: line.since,
            change: line.change,
            superseded: line.superseded,
        });
        Self {
            location: answer.location.into_owned(),
            as_of: Some(timestamp(answer.as_of)),
            source: answer.source.into_owned(),
            complete: answer.complete,
            lines: lines.collect(),
            recorded_at: Some(timestamp(answer.recorded_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
