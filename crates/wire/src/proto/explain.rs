//! Why a level is what it is.

use super::{Consistency, ExplainLevelResponse, ExplainedEntry, LevelNumbers};
use crate::json::explain::{ExplainAnswer, ExplainedEntry as Explained, LevelNumbers as Numbers};

impl From<&ExplainAnswer<'_>> for ExplainLevelResponse {
    fn from(answer: &ExplainAnswer<'_>) -> Self {
        Self {
            location: answer.location.as_ref().into(),
            sku: answer.sku.as_ref().into(),
            formula: answer.formula.clone(),
            rules: answer.rules.clone(),
            now: Some(answer.now.into()),
            policy: Some(answer.policy.into()),
            entries: answer.entries.iter().map(ExplainedEntry::from).collect(),
            complete: answer.complete,
            consistency: Consistency::from(answer.consistency).into(),
            sequence: answer.sequence,
            age_ms: answer.age_ms,
        }
    }
}

impl From<&Explained<'_>> for ExplainedEntry {
    fn from(explained: &Explained<'_>) -> Self {
        Self {
            summary: explained.summary.clone(),
            before: Some(explained.before.into()),
            after: Some(explained.after.into()),
            entry: Some((&explained.entry).into()),
        }
    }
}

impl From<Numbers> for LevelNumbers {
    fn from(numbers: Numbers) -> Self {
        Self {
            on_hand: numbers.on_hand,
            reserved: numbers.reserved,
            allocated: numbers.allocated,
            unavailable: numbers.unavailable,
            safety_stock: numbers.safety_stock,
            in_transit: numbers.in_transit,
            available: numbers.available,
        }
    }
}
