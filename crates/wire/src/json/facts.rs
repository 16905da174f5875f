//! `POST /v1/facts`: values that others know.

use super::Names;
use super::lines::Listed;
use super::object::objects;
use super::text::{FactNameText, LabelText, LocationText, SkuText};
use super::time::Time;
use super::value::NumberOrText;
use onhand_core::facts::push::{Push, PushLine, Pushed};
use onhand_core::{Command, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Values that others know: promotions, weather, the category of an item, the city of a store, holidays. They change no
/// number: who learns from the ledger learns from them. `discount` is what is left of the price: 0.75 is 25 % off, and 1
/// the full price. `docs/features.md` lists the names that features read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "source": "promotion-calendar",
    "values": [
        {"sku": "milk-1l", "name": "discount", "at": "2026-03-02T00:00:00Z", "value": 0.75},
        {"sku": "milk-1l", "name": "category", "at": "2026-03-01T00:00:00Z", "value": "dairy"},
        {"name": "holiday", "at": "2026-03-17T00:00:00Z", "value": 1}
    ]
}))]
pub struct FactRequest {
    /// Where. A location is known once something is stocked there, or a value of a SKU was told.
    pub location: LocationText,
    /// Who says so: a promotion calendar, a weather service.
    pub source: LabelText,
    /// The values, 1 to 10,000.
    #[schema(value_type = Vec<FactLine>, min_items = 1, max_items = 10_000)]
    pub values: Listed<FactLine>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactLine {
    /// Of what; of the location itself if not said. A SKU that was never stocked here is known from now on.
    pub sku: Option<SkuText>,
    /// What it is called: `discount`, `activity`, `category`, `city`, `holiday`, or another; no feature reads another.
    pub name: FactNameText,
    /// From when it holds; may lie ahead. For features a text holds from when it is told.
    pub at: Time,
    /// What it is.
    pub value: NumberOrText,
}

objects!(FactRequest, FactLine);

impl From<FactRequest> for Command {
    fn from(request: FactRequest) -> Self {
        Self::Push(Push {
            location: request.location.0,
            source: request.source.0,
            values: request.values.map(|line| PushLine {
                sku: line.sku.map(|sku| sku.0),
                name: line.name.0,
                at: line.at.0,
                value: line.value.0,
            }),
        })
    }
}

/// The values are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "source": "promotion-calendar",
    "values": 3,
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 17
}))]
pub struct FactAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// Who says so.
    pub source: Cow<'a, str>,
    /// How many values were recorded: all of the request.
    pub values: usize,
    /// When they were recorded: what was known from then on.
    pub recorded_at: Time,
    /// Their position in the ledger.
    pub sequence: u64,
}

impl<'a> FactAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Pushed, names: &'a dyn Names) -> Self {
        Self {
            location: names.of_location(event.location).into(),
            source: event.source.as_str().into(),
            values: event.values().count(),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}
