//! `POST /v1/stock/policies`: the rules of levels.

use super::Names;
use super::lines::Listed;
use super::number::UnitsOrNone;
use super::object::objects;
use super::read::Fault;
use super::text::{LabelText, LocationText, SkuText};
use super::time::Time;
use onhand_core::stock::set_policy::{PolicyLine, PolicySet, SetPolicy};
use onhand_core::{Command, OnNotFound, Policy, Stamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Sets rules of levels. A rule that is not said stays as it is. Promises made under the old rules stay.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [{"sku": "milk-1l", "safety_stock": 2, "oversell_limit": 0, "on_not_found": "correct"}],
    "reason": "model-safety-stock-v3"
}))]
pub struct PolicyRequest {
    /// Where.
    pub location: LocationText,
    /// Whose rules, 1 to 10,000 lines, each SKU once.
    #[schema(value_type = Vec<PolicyChange>, min_items = 1, max_items = 10_000)]
    pub lines: Listed<PolicyChange>,
    /// Why, or which model asked for it.
    pub reason: Option<LabelText>,
}

/// The new rules of one level; at least one of the three.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// What.
    pub sku: SkuText,
    /// Units kept back from sale.
    pub safety_stock: Option<UnitsOrNone>,
    /// Units that may be promised beyond what is there; 0 denies overselling.
    pub oversell_limit: Option<UnitsOrNone>,
    /// What a not-found does.
    pub on_not_found: Option<NotFoundRule>,
}

/// What a not-found does to the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotFoundRule {
    /// It is a label only: the units are free again.
    #[default]
    Label,
    /// The shelf is believed: on hand falls by what was not found.
    Correct,
}

objects!(PolicyRequest, PolicyChange);

impl From<NotFoundRule> for OnNotFound {
    fn from(rule: NotFoundRule) -> Self {
        match rule {
            NotFoundRule::Label => Self::Label,
            NotFoundRule::Correct => Self::Correct,
        }
    }
}

impl From<OnNotFound> for NotFoundRule {
    fn from(rule: OnNotFound) -> Self {
        match rule {
            OnNotFound::Label => Self::Label,
            OnNotFound::Correct => Self::Correct,
        }
    }
}

impl PolicyRequest {
    /// The command.
    ///
    /// # Errors
    /// A line sets no rule.
    pub fn command(self) -> Result<Command, Fault> {
        let lines = self.lines.try_map(|at, line| line.checked(at))?;
        Ok(Command::SetPolicy(SetPolicy {
            location: self.location.0,
            lines,
            reason: self.reason.map(|reason| reason.0),
        }))
    }
}

impl PolicyChange {
    fn checked(self, at: usize) -> Result<PolicyLine, Fault> {
        let line = PolicyLine {
            sku: self.sku.0,
            safety_stock: self.safety_stock.map(|units| units.0),
            oversell_limit: self.oversell_limit.map(|units| units.0),
            on_not_found: self.on_not_found.map(OnNotFound::from),
        };
        let sets_none = line.safety_stock.is_none()
            && line.oversell_limit.is_none()
            && line.on_not_found.is_none();
        if sets_none {
            return Err(Fault {
                pointer: format!("/lines/{at}"),
                message: "sets no rule: say safety_stock, oversell_limit or on_not_found".into(),
            });
        }
        Ok(line)
    }
}

/// Rules, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "location": "store-17",
    "lines": [{
        "sku": "milk-1l",
        "before": {"safety_stock": 0, "oversell_limit": 0, "on_not_found": "label"},
        "after": {"safety_stock": 2, "oversell_limit": 0, "on_not_found": "correct"}
    }],
    "reason": "model-safety-stock-v3",
    "recorded_at": "2026-03-01T09:30:00.000Z",
    "sequence": 15
}))]
pub struct PolicyAnswer<'a> {
    /// Where.
    pub location: Cow<'a, str>,
    /// Whose rules.
    pub lines: Vec<PolicyLineAnswer<'a>>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its position in the ledger.
    pub sequence: u64,
}

/// The rules of one level, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyLineAnswer<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// The rules until then.
    pub before: PolicyNumbers,
    /// The rules from then on.
    pub after: PolicyNumbers,
}

/// The rules of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyNumbers {
    /// Units kept back from sale.
    pub safety_stock: u32,
    /// Units that may be promised beyond what is there; 0 denies overselling.
    pub oversell_limit: u32,
    /// What a not-found does.
    pub on_not_found: NotFoundRule,
}

impl From<Policy> for PolicyNumbers {
    fn from(policy: Policy) -> Self {
        Self {
            safety_stock: policy.safety_stock,
            oversell_limit: policy.oversell_limit,
            on_not_found: policy.on_not_found.into(),
        }
    }
}

impl<'a> PolicyAnswer<'a> {
    /// The answer of an entry.
    pub fn of(stamp: Stamp, event: &'a PolicySet, names: &'a dyn Names) -> Self {
        let lines = event.lines.iter().map(|line| PolicyLineAnswer {
            sku: names.of_level(line.level).1.into(),
            before: line.before.into(),
            after: line.after.into(),
        });
        let location = event
            .lines
            .first()
            .map_or("", |line| names.of_level(line.level).0);
        Self {
            location: location.into(),
            lines: lines.collect(),
            reason: event.reason.as_ref().map(|reason| reason.as_str().into()),
            recorded_at: Time(stamp.at),
            sequence: stamp.seq.0,
        }
    }
}
