//! `POST /v1/stock/counts`: an absolute count, as of a time.

use super::Names;
use super::lines::Listed;
use super::number::UnitsOrNone;
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::stock::count::{Count, CountLine, Counted};
use onhand_core::{Command, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Stock was counted. On hand becomes what was counted and, on top, what the ledger knows to have happened after
/// `as_of`. A count older than the newest one of a level is recorded as superseded and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "as_of": "2026-03-01T06:00:00Z",
    "source": "night-count",
    "complete": false,
    "lines": [{"sku": "milk-1l", "on_hand": 22}, {"sku": "bread", "on_hand": 0}]
}))]
pub struct CountRequest {
    /// Where.
    pub location: LocationText,
    /// The moment that the count speaks of: not in the future, and within the count window (2 days by default).
    pub as_of: Time,
    /// Who counted: a person, a feed.
    pub source: LabelText,
    /// Whether the count covers the whole location: what it does not name was counted as zero.
    pub complete: bool,
    /// What was counted, 1 to 10,000 lines, each SKU once.
    #[schema(value_type = Vec<CountedSku>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<CountedSku>,
}

/// One line of a count.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountedSku {
    /// What.
    pub sku: SkuText,
    /// Units that stood there at that moment.
    pub on_hand: UnitsOrNone,
}

objects!(CountRequest, CountedSku);

impl From<CountRequest> for Command {
    fn from(request: CountRequest) -> Self {
        Self::Count(Count {
            location: request.location.0,
            as_of: request.as_of.0,
            source: request.source.0,
            complete: request.complete,
            lines: request.lines.map(|line| CountLine {
                sku: line.sku.0,
                on_hand: line.on_hand.0,
            }),
        })
    }
}

/// A count, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "as_of": "2026-03-01T06:00:00.000Z",
    "source": "night-count",
    "complete": false,
    "lines": [{"sku": "milk-1l", "counted": 22, "since": -3, "change": -1, "superseded": false}],
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 14
}))]
pub struct CountAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// The moment that the count speaks of.
    pub as_of: Time,
    /// Who counted.
    pub source: Cow<'a, str>,
    /// Whether what was not named counted as zero.
    pub complete: bool,
    /// What was counted; for a complete count also what was not named and changed.
    pub lines: Vec<CountedLineAnswer<'a>>,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its position in the ledger.
    pub sequence: u64,
}

/// One line of a count, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// Units counted.
    pub counted: u32,
    /// Net units known to have come in after `as_of`; below zero if more went out.
    pub since: i32,
    /// By how many units on hand changed: to `counted` + `since`, but not below zero.
    pub change: i32,
    /// Whether a newer count was there already; then nothing changed.
    pub superseded: bool,
}

impl<'a> CountAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Counted, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| CountedLineAnswer {
            sku: names.of_level(line.level).1.into(),
            counted: line.counted,
            since: line.since,
            change: line.change,
            superseded: line.superseded,
        });
        let location = event
            .lines
            .first()
            .map_or("", |line| names.of_level(line.level).0);
        Self {
            location: location.into(),
            as_of: Time(event.as_of),
            source: event.source.as_str().into(),
            complete: event.complete,
            lines: lines.collect(),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}
