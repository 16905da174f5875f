//! Whether a shopper will find the items of a page.

use super::field::{field, listed, time};
use super::{
    AvailabilityPrediction, Decision, Fallback, FallbackReason, PredictAvailabilityRequest,
    ScoreExplanation, ScorePart,
};
use crate::json::predictions as json;
use crate::json::read::Fault;

impl TryFrom<PredictAvailabilityRequest> for json::PredictionRequest {
    type Error = Fault;

    fn try_from(message: PredictAvailabilityRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            skus: listed("/skus", message.skus)?,
            at: time("/at", message.at)?,
            explain: Some(message.explain),
        })
    }
}

impl From<json::PredictionItem<'_>> for AvailabilityPrediction {
    /// All but the model, which is said once.
    fn from(item: json::PredictionItem<'_>) -> Self {
        Self {
            sku: item.sku.into_owned(),
            probability_found: item.probability_found,
            decision: Decision::from(item.decision).into(),
            features_age_ms: item.features_age_ms,
            facts_age_ms: item.facts_age_ms,
            fallback: Fallback::from(item.fallback).into(),
            fallback_reason: FallbackReason::from(item.fallback_reason).into(),
            explanation: item.explanation.map(ScoreExplanation::from),
        }
    }
}

impl From<json::Decision> for Decision {
    fn from(decision: json::Decision) -> Self {
        match decision {
            json::Decision::Show => Self::Show,
            json::Decision::Warn => Self::Warn,
            json::Decision::Hide => Self::Hide,
        }
    }
}

impl From<Option<json::Fallback>> for Fallback {
    fn from(fallback: Option<json::Fallback>) -> Self {
        match fallback {
            None => Self::Unspecified,
            Some(json::Fallback::Cached) => Self::Cached,
            Some(json::Fallback::Prior) => Self::Prior,
        }
    }
}

impl From<Option<json::FallbackReason>> for FallbackReason {
    fn from(reason: Option<json::FallbackReason>) -> Self {
        match reason {
            None => Self::Unspecified,
            Some(json::FallbackReason::NewItem) => Self::NewItem,
            Some(json::FallbackReason::NoTime) => Self::NoTime,
        }
    }
}

impl From<json::Explanation<'_>> for ScoreExplanation {
    fn from(why: json::Explanation<'_>) -> Self {
        let parts = why.parts.into_iter().map(|part| ScorePart {
            feature: part.feature.into_owned(),
            part: part.part,
            value: part.value,
            age_ms: part.age_ms,
            is_default: part.is_default,
            is_stale: part.is_stale,
        });
        Self {
            expected: why.expected,
            score: why.score,
            calibration: why.calibration.into_owned(),
            parts: parts.collect(),
        }
    }
}
