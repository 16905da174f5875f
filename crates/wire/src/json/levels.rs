//! `GET /v1/stock/{location}/{sku}`: one stock level.

use super::policies::NotFoundRule;
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// How fresh a read is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Includes every write that was answered before it was asked.
    Strong,
    /// May be older by what `age_ms` says; never shows what was not answered.
    #[default]
    Bounded,
}

/// One SKU at one location. available = on_hand − reserved − allocated − unavailable − safety_stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "sku": "milk-1l",
    "on_hand": 24,
    "reserved": 2,
    "allocated": 1,
    "unavailable": 0,
    "safety_stock": 2,
    "incoming": 12,
    "in_transit": 12,
    "available": 19,
    "oversell_limit": 0,
    "on_not_found": "label",
    "consistency": "strong",
    "sequence": 21,
    "age_ms": 0
}))]
pub struct LevelView<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What.
    pub sku: Cow<'a, str>,
    /// Units physically there, as far as the ledger knows.
    pub on_hand: i64,
    /// Units held by reservations that can still expire.
    pub reserved: u32,
    /// Units promised to confirmed orders.
    pub allocated: u32,
    /// Units on hand that cannot be sold.
    pub unavailable: u32,
    /// Units kept back from sale.
    pub safety_stock: u32,
    /// Units expected to come in. For now these are the units in transit; expected deliveries come later.
    pub incoming: u32,
    /// Units on their way here by transfers; not on hand yet.
    pub in_transit: u32,
    /// Units that can be promised. Below zero if more is promised than is there.
    pub available: i64,
    /// Units that may be promised beyond what is there; 0 denies overselling.
    pub oversell_limit: u32,
    /// What a not-found does.
    pub on_not_found: NotFoundRule,
    /// The time that this speaks of, if it is not now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// How fresh this is.
    pub consistency: Consistency,
    /// The ledger position that this reflects.
    pub sequence: u64,
    /// How old this may be, in milliseconds.
    pub age_ms: u64,
}
