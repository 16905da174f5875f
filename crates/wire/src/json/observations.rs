//! `POST /v1/stock/observations`: somebody looked, and the item was on the shelf or not.

use super::Names;
use super::lines::Listed;
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::stock::observe::{Observe, ObserveLine, Observed};
use onhand_core::{Command, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Somebody or something looked at the shelf. No number was told, so no number changes: who learns from the ledger
/// learns from it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "source": "shelf-camera-4",
    "lines": [
        {"sku": "milk-1l", "at": "2026-03-01T08:00:00Z", "found": true},
        {"sku": "milk-1l", "at": "2026-03-01T09:00:00Z", "found": false}
    ]
}))]
pub struct ObservationRequest {
    /// Where.
    pub location: LocationText,
    /// Who looked: a person, a camera, a feed.
    pub source: LabelText,
    /// What was seen, 1 to 10,000 lines. The same SKU may stand in several lines. One that was never stocked here is
    /// known from now on.
    #[schema(value_type = Vec<ObservationLine>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<ObservationLine>,
}

/// One look at one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservationLine {
    /// What.
    pub sku: SkuText,
    /// When, however long ago, and not in the future.
    pub at: Time,
    /// Whether it was there.
    pub found: bool,
}

objects!(ObservationRequest, ObservationLine);

impl From<ObservationRequest> for Command {
    fn from(request: ObservationRequest) -> Self {
        Self::Observe(Observe {
            location: request.location.0,
            source: request.source.0,
            lines: request.lines.map(|line| ObserveLine {
                sku: line.sku.0,
                at: line.at.0,
                found: line.found,
            }),
        })
    }
}

/// What was seen is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "source": "shelf-camera-4",
    "looks": 2,
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 16
}))]
pub struct ObservationAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// Who looked.
    pub source: Cow<'a, str>,
    /// How many lines were recorded: all of the request.
    pub looks: usize,
    /// When they were recorded.
    pub recorded_at: Time,
    /// Their position in the ledger.
    pub sequence: u64,
}

impl<'a> ObservationAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Observed, names: &'a dyn Names) -> Self {
        let first = event.seen().next();
        let location = first.map_or("", |(_, seen)| names.of_level(seen.level).0);
        Self {
            location: location.into(),
            source: event.source.as_str().into(),
            looks: event.seen().count(),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}
