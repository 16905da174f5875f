//! `GET /v1/stock/{location}/{sku}/explain`: why the number is what it is.

use super::Names;
use super::ledger::{LedgerChange, LedgerEntry, add_change, rows};
use super::levels::{Consistency, LevelView};
use super::policies::{NotFoundRule, PolicyNumbers};
use super::sentence::sentence;
use onhand_core::{Entry, LevelNo};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Why a level is what it is, readable from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "sku": "milk-1l",
    "formula": "available 21 = on hand 24 - reserved 2 - allocated 1 - unavailable 0 - safety stock 0",
    "rules": [
        "Nothing is sold beyond what is available.",
        "A not-found is a label only: the units are free again."
    ],
    "now": {
        "on_hand": 24, "reserved": 2, "allocated": 1, "unavailable": 0, "safety_stock": 0, "in_transit": 0,
        "available": 21
    },
    "policy": {"safety_stock": 0, "oversell_limit": 0, "on_not_found": "label"},
    "entries": [],
    "complete": true,
    "consistency": "bounded",
    "sequence": 21,
    "age_ms": 0
}))]
pub struct ExplainAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What.
    pub sku: Cow<'a, str>,
    /// How available comes about, with the numbers in it.
    pub formula: String,
    /// The rules that hold for it, in words.
    pub rules: Vec<String>,
    /// The level now.
    pub now: LevelNumbers,
    /// The rules that hold for it.
    pub policy: PolicyNumbers,
    /// The newest entries that changed it or tell of it, newest first, each with the level before and after it.
    pub entries: Vec<ExplainedEntry<'a>>,
    /// Whether these are all entries that the ledger still has of this level.
    pub complete: bool,
    /// Always bounded.
    pub consistency: Consistency,
    /// The ledger position that this reflects.
    pub sequence: u64,
    /// How old this may be, in milliseconds.
    pub age_ms: u64,
}

/// The numbers of a level at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelNumbers {
    /// Units physically there.
    pub on_hand: i64,
    /// Units held by reservations that can still expire.
    pub reserved: i64,
    /// Units promised to confirmed orders.
    pub allocated: i64,
    /// Units on hand that cannot be sold.
    pub unavailable: i64,
    /// Units kept back from sale.
    pub safety_stock: i64,
    /// Units on their way here.
    pub in_transit: i64,
    /// Units that can be promised.
    pub available: i64,
}

/// An entry, and the level before and after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedEntry<'a> {
    /// What happened to this level, in words.
    pub summary: String,
    /// The level before it.
    pub before: LevelNumbers,
    /// The level after it.
    pub after: LevelNumbers,
    /// The entry, with the lines of this level only.
    pub entry: LedgerEntry<'a>,
}

impl<'a> ExplainAnswer<'a> {
    /// Explains a level from how it is now and the newest entries that changed it, newest first.
    pub fn of(
        view: LevelView<'a>,
        level: LevelNo,
        entries: &'a [Entry],
        complete: bool,
        names: &'a dyn Names,
    ) -> Self {
        let now = LevelNumbers::of(&view);
        let policy = PolicyNumbers {
            safety_stock: view.safety_stock,
            oversell_limit: view.oversell_limit,
            on_not_found: view.on_not_found,
        };
        let mut after = now;
        let explained = entries.iter().map(|entry| {
            let explained = explain(entry, level, after, names);
            after = explained.before;
            explained
        });
        Self {
            formula: now.formula(),
            rules: rules(policy),
            entries: explained.collect(),
            location: view.location,
            sku: view.sku,
            now,
            policy,
            complete,
            consistency: view.consistency,
            sequence: view.sequence,
            age_ms: view.age_ms,
        }
    }
}

fn explain<'a>(
    entry: &'a Entry,
    level: LevelNo,
    after: LevelNumbers,
    names: &'a dyn Names,
) -> ExplainedEntry<'a> {
    let rows = rows(&entry.event, names).into_iter();
    let changes: Vec<_> = rows
        .filter(|(no, _)| *no == Some(level))
        .map(|(_, change)| change)
        .collect();
    let mut sum = LedgerChange::default();
    changes
        .iter()
        .for_each(|change| add_change(&mut sum, change));
    let safety_stock_before = changes
        .iter()
        .find_map(|change| change.policy_before)
        .map(|rules| rules.safety_stock);
    ExplainedEntry {
        summary: sentence(&entry.event, &changes, names),
        before: after.without(&sum, safety_stock_before),
        after,
        entry: LedgerEntry::with(entry, changes, names),
    }
}

impl LevelNumbers {
    fn of(view: &LevelView<'_>) -> Self {
        Self {
            on_hand: view.on_hand,
            reserved: view.reserved.into(),
            allocated: view.allocated.into(),
            unavailable: view.unavailable.into(),
            safety_stock: view.safety_stock.into(),
            in_transit: view.in_transit.into(),
            available: view.available,
        }
    }

    fn without(&self, change: &LedgerChange<'_>, safety_stock: Option<u32>) -> Self {
        Self {
            on_hand: self.on_hand - change.on_hand,
            reserved: self.reserved - change.reserved,
            allocated: self.allocated - change.allocated,
            unavailable: self.unavailable - change.unavailable,
            safety_stock: safety_stock.map_or(self.safety_stock, i64::from),
            in_transit: self.in_transit - change.in_transit,
            available: self.available - change.available,
        }
    }

    fn formula(&self) -> String {
        format!(
            "available {} = on hand {} - reserved {} - allocated {} - unavailable {} - safety stock {}",
            self.available,
            self.on_hand,
            self.reserved,
            self.allocated,
            self.unavailable,
            self.safety_stock
        )
    }
}

fn rules(policy: PolicyNumbers) -> Vec<String> {
    let mut rules = Vec::new();
    if policy.safety_stock > 0 {
        rules.push(format!(
            "{} units are kept back from sale (safety stock).",
            policy.safety_stock
        ));
    }
    rules.push(match policy.oversell_limit {
        0 => "Nothing is sold beyond what is available.".into(),
        limit => {
            format!("Up to {limit} units may be sold beyond what is available (oversell limit).")
        }
    });
    rules.push(match policy.on_not_found {
        NotFoundRule::Label => "A not-found is a label only: the units are free again.".into(),
        NotFoundRule::Correct => "A not-found corrects on hand: the shelf is believed.".into(),
    });
    rules
}
