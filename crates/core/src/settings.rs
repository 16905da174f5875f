//! What can be set for a partition. Settings are entries, so a replay knows which held when.

use crate::time::Span;
use serde::{Deserialize, Serialize};

/// The settings that `decide` and `apply` depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long an idempotency key gives the same answer.
    pub key_retention: Span,
    /// How long an ended reservation, or an arrived transfer, can still be looked up.
    pub ended_retention: Span,
    /// How far back a count may speak of.
    pub count_window: Span,
    /// The most reservations that may be open at once.
    pub most_open_reservations: u64,
    /// The most stock levels.
    pub most_levels: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let day = 24 * 60 * 60;
        Self {
            key_retention: Span::from_secs(day),
            ended_retention: Span::from_secs(day),
            count_window: Span::from_secs(2 * day),
            most_open_reservations: 20_000_000,
            most_levels: 50_000_000,
        }
    }
}
