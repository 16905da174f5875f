//! `POST /v1/stock/adjustments`: a relative change with a reason.

use super::Names;
use super::lines::Listed;
use super::number::Change;
use super::object::objects;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::stock::adjust::{Adjust, AdjustLine, Adjusted, AdjustedLine, Adjusts, Direction};
use onhand_core::{Command, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// On hand or unavailable changed by so many units. It may cut into what is promised: available then falls below zero
/// and shows the shortage. It may not take on hand below zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [
        {"sku": "milk-1l", "quantity": -2, "reason": "damaged"},
        {"sku": "bread", "quantity": 1, "reason": "recall-77", "of": "unavailable"}
    ]
}))]
pub struct AdjustmentRequest {
    /// Where.
    pub location: LocationText,
    /// What changed, 1 to 10,000 lines, taken in order.
    #[schema(value_type = Vec<AdjustmentLine>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<AdjustmentLine>,
    /// The caller's own word for it.
    pub reference: Option<LabelText>,
    /// When it happened, not in the future; now if not said.
    pub occurred_at: Option<Time>,
}

/// One line of an adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentLine {
    /// What.
    pub sku: SkuText,
    /// By how many units, up or down.
    pub quantity: Change,
    /// Why: damaged, stolen, found, expired, ...
    pub reason: LabelText,
    /// Which number changes.
    #[serde(default)]
    pub of: AdjustedNumber,
}

/// The number that an adjustment changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustedNumber {
    /// Units on hand.
    #[default]
    OnHand,
    /// Units on hand that cannot be sold; on hand stays.
    Unavailable,
}

objects!(AdjustmentRequest, AdjustmentLine);

impl From<AdjustmentRequest> for Command {
    fn from(request: AdjustmentRequest) -> Self {
        Self::Adjust(Adjust {
            location: request.location.0,
            lines: request.lines.map(|line| AdjustLine {
                sku: line.sku.0,
                direction: line.quantity.0,
                quantity: line.quantity.1,
                reason: line.reason.0,
                of: line.of.into(),
            }),
            reference: request.reference.map(|reference| reference.0),
            occurred_at: request.occurred_at.map(|time| time.0),
        })
    }
}

impl From<AdjustedNumber> for Adjusts {
    fn from(number: AdjustedNumber) -> Self {
        match number {
            AdjustedNumber::OnHand => Self::OnHand,
            AdjustedNumber::Unavailable => Self::Unavailable,
        }
    }
}

impl From<Adjusts> for AdjustedNumber {
    fn from(number: Adjusts) -> Self {
        match number {
            Adjusts::OnHand => Self::OnHand,
            Adjusts::Unavailable => Self::Unavailable,
        }
    }
}

/// An adjustment, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [{"sku": "milk-1l", "quantity": -2, "reason": "damaged", "of": "on_hand"}],
    "occurred_at": "2026-03-01T09:30:00.000Z",
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 13
}))]
pub struct AdjustmentAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// What changed.
    pub lines: Vec<AdjustedLineAnswer<'a>>,
    /// The caller's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// When it happened.
    pub occurred_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its position in the ledger.
    pub sequence: u64,
}

/// One line of an adjustment, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustedLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// By how many units, up or down.
    pub quantity: i64,
    /// Why.
    pub reason: Cow<'a, str>,
    /// Which number changed.
    pub of: AdjustedNumber,
}

impl<'a> AdjustmentAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a Adjusted, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| AdjustedLineAnswer {
            sku: names.of_level(line.level).1.into(),
            quantity: signed(line),
            reason: line.reason.as_str().into(),
            of: line.of.into(),
        });
        let location = event
            .lines
            .first()
            .map_or("", |line| names.of_level(line.level).0);
        Self {
            location: location.into(),
            lines: lines.collect(),
            reference: event
                .reference
                .as_ref()
                .map(|reference| reference.as_str().into()),
            occurred_at: Time(event.occurred_at),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}

fn signed(line: &AdjustedLine) -> i64 {
    match line.direction {
        Direction::Up => i64::from(line.units),
        Direction::Down => -i64::from(line.units),
    }
}
