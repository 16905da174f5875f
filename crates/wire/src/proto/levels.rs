//! One stock level.

use super::field::{one_of, timestamp};
use super::{Consistency, GetLevelResponse, NotFoundRule};
use crate::json::levels::{Consistency as Freshness, LevelView};
use crate::json::read::Fault;

impl Consistency {
    /// Reads the field `consistency` of a question: `None` if it is left to the call.
    ///
    /// # Errors
    /// It is none of those there are.
    pub fn asked(number: i32) -> Result<Option<Freshness>, Fault> {
        Ok(match one_of("/consistency", number)? {
            Some(Self::Strong) => Some(Freshness::Strong),
            Some(Self::Bounded) => Some(Freshness::Bounded),
            Some(Self::Unspecified) | None => None,
        })
    }
}

impl From<Freshness> for Consistency {
    fn from(consistency: Freshness) -> Self {
        match consistency {
            Freshness::Strong => Self::Strong,
            Freshness::Bounded => Self::Bounded,
        }
    }
}

impl From<&LevelView<'_>> for GetLevelResponse {
    fn from(view: &LevelView<'_>) -> Self {
        Self {
            location: view.location.as_ref().into(),
            sku: view.sku.as_ref().into(),
            on_hand: view.on_hand,
            reserved: view.reserved,
            allocated: view.allocated,
            unavailable: view.unavailable,
            safety_stock: view.safety_stock,
            incoming: view.incoming,
            in_transit: view.in_transit,
            available: view.available,
            oversell_limit: view.oversell_limit,
            on_not_found: NotFoundRule::from(view.on_not_found).into(),
            at: view.at.map(timestamp),
            consistency: Consistency::from(view.consistency).into(),
            sequence: view.sequence,
            age_ms: view.age_ms,
        }
    }
}
