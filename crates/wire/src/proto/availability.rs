//! What can be promised, many levels at once.

use super::field::{field, listed, optional};
use super::{
    AvailabilityItem, AvailabilityRequest, AvailabilityResponse, Consistency, Fallback,
    FallbackReason, LevelName, PartitionPosition,
};
use crate::json::availability::{
    AvailabilityAnswer, AvailabilityRequest as Question, LevelName as Name,
};
use crate::json::read::Fault;
use crate::json::text::SkuText;

impl TryFrom<AvailabilityRequest> for Question {
    type Error = Fault;

    fn try_from(message: AvailabilityRequest) -> Result<Self, Fault> {
        let skus = match message.skus {
            none if none.is_empty() => None,
            some => Some(listed("/skus", some)?),
        };
        let items = match message.items {
            none if none.is_empty() => None,
            some => Some(listed("/items", some)?),
        };
        Ok(Self {
            consistency: Consistency::asked(message.consistency)?,
            location: optional("/location", message.location)?,
            skus,
            items,
            probability: Some(message.probability),
        })
    }
}

impl TryFrom<String> for SkuText {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        field("", text)
    }
}

impl TryFrom<LevelName> for Name {
    type Error = Fault;

    fn try_from(message: LevelName) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            sku: field("/sku", &*message.sku)?,
        })
    }
}

impl From<AvailabilityAnswer<'_>> for AvailabilityResponse {
    fn from(answer: AvailabilityAnswer<'_>) -> Self {
        let items = answer.items.into_iter().map(|item| AvailabilityItem {
            location: item.location.into_owned(),
            sku: item.sku.into_owned(),
            available: item.available,
            on_hand: item.on_hand,
            known: item.known,
            age_ms: item.age_ms,
            probability_found: item.probability_found,
            probability_age_ms: item.probability_age_ms,
            probability_fallback: Fallback::from(item.probability_fallback).into(),
            probability_fallback_reason: FallbackReason::from(item.probability_fallback_reason)
                .into(),
        });
        let positions = answer.positions.into_iter().map(|one| PartitionPosition {
            partition: one.partition.into(),
            sequence: one.sequence,
        });
        Self {
            items: items.collect(),
            consistency: Consistency::from(answer.consistency).into(),
            sequence: answer.sequence,
            probability_hour_never_learned: answer.probability_hour_never_learned,
            positions: positions.collect(),
        }
    }
}
