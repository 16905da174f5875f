//! `POST /v1/availability`: what can be promised, many levels at once.

use super::levels::Consistency;
use super::lines::Listed;
use super::object::objects;
use super::predictions::{Fallback, FallbackReason};
use super::read::Fault;
use super::text::{LocationText, SkuText};
use super::write::{is_false, is_plain, push_by_serde, push_list, push_number};
use onhand_core::{Few, LocationId, Sku};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Asks for up to 10,000 levels: either `items`, or `skus` at one `location`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"location": "store-17", "skus": ["milk-1l", "bread"]}))]
pub struct AvailabilityRequest {
    /// How fresh the answer must be; bounded if not said, unless the server is set otherwise.
    pub consistency: Option<Consistency>,
    /// Where, for `skus`.
    pub location: Option<LocationText>,
    /// What, at `location`; 1 to 10,000.
    #[schema(value_type = Option<Vec<SkuText>>, min_items = 1, max_items = 10_000)]
    pub skus: Option<Listed<SkuText>>,
    /// What and where; 1 to 10,000.
    #[schema(value_type = Option<Vec<LevelName>>, min_items = 1, max_items = 10_000)]
    pub items: Option<Listed<LevelName>>,
    /// Whether to say how likely each item is found as well; for a server that runs with a model.
    pub probability: Option<bool>,
}

/// One SKU at one location.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelName {
    /// Where.
    pub location: LocationText,
    /// What.
    pub sku: SkuText,
}

objects!(AvailabilityRequest, LevelName);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SKUs at one location.
    At(LocationId, Few<SkuText>),
    /// Levels anywhere.
    Items(Few<LevelName>),
}

impl AvailabilityRequest {
    /// What is asked for.
    ///
    /// # Errors
    /// It is neither of the two forms, or both.
    pub fn asked(self) -> Result<Asked, Fault> {
        match (self.location, self.skus, self.items) {
            (None, None, Some(items)) => Ok(Asked::Items(items.into_inner())),
            (Some(location), Some(skus), None) => Ok(Asked::At(location.0, skus.into_inner())),
            _ => Err(Fault {
                pointer: String::new(),
                message: "say either items, or location and skus".into(),
            }),
        }
    }
}

impl Asked {
    /// How many levels.
    pub fn len(&self) -> usize {
        match self {
            Self::At(_, skus) => skus.len(),
            Self::Items(items) => items.len(),
        }
    }

    /// Whether there are none; a request always asks for some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The levels by name, in the order of the request.
    pub fn names(&self) -> impl Iterator<Item = (&LocationId, &Sku)> {
        let (at, items) = match self {
            Self::At(location, skus) => (Some((location, skus)), None),
            Self::Items(items) => (None, Some(items)),
        };
        let at = at
            .into_iter()
            .flat_map(|(location, skus)| skus.iter().map(move |sku| (location, &sku.0)));
        let items = items
            .into_iter()
            .flatten()
            .map(|item| (&item.location.0, &item.sku.0));
        at.chain(items)
    }
}

/// What can be promised, in the order of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "items": [{
        "location": "store-17", "sku": "milk-1l", "available": 19, "on_hand": 24, "known": true, "age_ms": 0
    }],
    "consistency": "bounded",
    "sequence": 21
}))]
pub struct AvailabilityAnswer<'a> {
    /// One for each level asked for.
    pub items: Vec<AvailabilityItem<'a>>,
    /// How fresh this is.
    pub consistency: Consistency,
    /// The ledger position that this reflects at least; with several partitions, the smallest of `positions`.
    pub sequence: u64,
    /// With several partitions: the ledger position of each that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<PartitionPosition>,
    /// With probabilities: true if the model was never asked about this hour of the day (UTC) when it was trained, so how good
    /// they are was never measured. Left out otherwise, and where the model's file does not say which hours it knows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub probability_hour_never_learned: bool,
}

/// What can be promised of one SKU at one location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AvailabilityItem<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What.
    pub sku: Cow<'a, str>,
    /// Units that can be promised. Below zero if more is promised than is there; 0 if the level is not known.
    pub available: i64,
    /// Units physically there; 0 if the level is not known.
    pub on_hand: i64,
    /// Whether the SKU was ever stocked at the location.
    pub known: bool,
    /// How old this may be, in milliseconds.
    pub age_ms: u64,
    /// If it was asked for: the probability that the item is in stock in this hour, 0 to 1, as
    /// `/v1/predictions/availability` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_found: Option<f64>,
    /// With it: how old what went into it is, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_age_ms: Option<u64>,
    /// With it: what it is, if it is not what the model says now; left out if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_fallback: Option<Fallback>,
    /// With that: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_fallback_reason: Option<FallbackReason>,
}

impl AvailabilityAnswer<'_> {
    /// The answer in JSON: to the byte what Serde makes of it, faster.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.items.len() * 128);
        out.extend_from_slice(b"{\"items\":");
        push_list(&mut out, &self.items, |out, item| item.push_json(out));
        out.extend_from_slice(b",\"consistency\":");
        push_by_serde(&mut out, &self.consistency);
        out.extend_from_slice(b",\"sequence\":");
        push_number(&mut out, self.sequence);
        if !self.positions.is_empty() {
            out.extend_from_slice(b",\"positions\":");
            push_by_serde(&mut out, &self.positions);
        }
        if self.probability_hour_never_learned {
            out.extend_from_slice(b",\"probability_hour_never_learned\":true");
        }
        out.push(b'}');
        out
    }
}

impl AvailabilityItem<'_> {
    fn push_json(&self, out: &mut Vec<u8>) {
        // What a model adds costs far more than to write it.
        if self.probability_found.is_some() || !is_plain(&self.location) || !is_plain(&self.sku) {
            return push_by_serde(out, self);
        }
        out.extend_from_slice(b"{\"location\":\"");
        out.extend_from_slice(self.location.as_bytes());
        out.extend_from_slice(b"\",\"sku\":\"");
        out.extend_from_slice(self.sku.as_bytes());
        out.extend_from_slice(b"\",\"available\":");
        push_number(out, self.available);
        out.extend_from_slice(b",\"on_hand\":");
        push_number(out, self.on_hand);
        out.extend_from_slice(match self.known {
            true => b",\"known\":true,\"age_ms\":",
            false => b",\"known\":false,\"age_ms\":",
        });
        push_number(out, self.age_ms);
        out.push(b'}');
    }
}

/// How far the ledger of a partition is reflected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartitionPosition {
    /// The partition.
    pub partition: u16,
    /// Its ledger position.
    pub sequence: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item<'a>(location: &'a str, sku: &'a str, units: i64) -> AvailabilityItem<'a> {
        AvailabilityItem {
            location: location.into(),
            sku: sku.into(),
            available: -units,
            on_hand: units,
            known: units > 0,
            age_ms: units.unsigned_abs(),
            probability_found: None,
            probability_age_ms: None,
            probability_fallback: None,
            probability_fallback_reason: None,
        }
    }

    #[test]
    fn the_text_is_what_serde_makes_of_it() {
        let foretold = AvailabilityItem {
            probability_found: Some(0.25),
            probability_age_ms: Some(7),
            ..item("store-17", "milk", 3)
        };
        let items = vec![
            item("store-17", "milk-1l", 24),
            item("a\"b", "c\\d", 0),
            item("x", "~!/'", i64::MAX),
            foretold,
        ];
        let position = PartitionPosition {
            partition: 3,
            sequence: 9,
        };
        for (items, positions) in [(Vec::new(), vec![]), (items, vec![position])] {
            for consistency in [Consistency::Strong, Consistency::Bounded] {
                let answer = AvailabilityAnswer {
                    items: items.clone(),
                    consistency,
                    sequence: u64::MAX,
                    positions: positions.clone(),
                    probability_hour_never_learned: consistency == Consistency::Strong,
                };
                let text = String::from_utf8(answer.to_json()).unwrap();
                assert_eq!(text, serde_json::to_string(&answer).unwrap());
            }
        }
    }
}
