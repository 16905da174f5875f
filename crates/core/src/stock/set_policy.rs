//! The rules of a level: safety stock, overselling, what a not-found does.

use crate::level::{Level, OnNotFound, Policy};
use crate::lines::{Few, Lines};
use crate::name::{Label, LocationId, Sku};
use crate::numbers::LevelNo;
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// Sets rules; what is not said stays as it is. Promises made under the old rules stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetPolicy {
    /// Where.
    pub location: LocationId,
    /// What.
    pub lines: Lines<PolicyLine>,
    /// Why, or which model asked for it.
    pub reason: Option<Label>,
}

/// The new rules of one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyLine {
    /// What.
    pub sku: Sku,
    /// Units kept back from sale, at most [`Quantity::MAX`].
    pub safety_stock: Option<u32>,
    /// Units that may be promised beyond what is there, at most [`Quantity::MAX`].
    pub oversell_limit: Option<u32>,
    /// What a not-found does.
    pub on_not_found: Option<OnNotFound>,
}

/// Rules were set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Why.
    pub reason: Option<Label>,
    /// What changed.
    pub lines: Few<PolicySetLine>,
}

/// The rules of one level, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySetLine {
    /// Whose rules.
    pub level: LevelNo,
    /// The rules until now, so that a reader can go back in time.
    pub before: Policy,
    /// The rules from now on.
    pub after: Policy,
}

pub(crate) fn decide(state: &State, command: &SetPolicy) -> Result<PolicySet, Refusal> {
    let location = state.location(&command.location)?;
    let levels = state.levels(location, command.lines.iter().map(|line| &line.sku))?;
    let mut lines: Few<PolicySetLine> = Few::with_capacity(command.lines.len());
    let mut seen = std::collections::BTreeSet::new();
    for ((at, line), level) in command.lines.iter().enumerate().zip(levels) {
        if !seen.insert(level) {
            return Err(Refusal::SkuTwice {
                line: at,
                sku: line.sku.clone(),
            });
        }
        let asked = [line.safety_stock, line.oversell_limit];
        if asked
            .into_iter()
            .flatten()
            .any(|units| units > Quantity::MAX)
        {
            return Err(Refusal::TooMuch {
                line: at,
                sku: line.sku.clone(),
            });
        }
        let before = state
            .directory
            .level(level)
            .map(Level::policy)
            .unwrap_or_default();
        let after = Policy {
            safety_stock: line.safety_stock.unwrap_or(before.safety_stock),
            oversell_limit: line.oversell_limit.unwrap_or(before.oversell_limit),
            on_not_found: line.on_not_found.unwrap_or(before.on_not_found),
        };
        lines.push(PolicySetLine {
            level,
            before,
            after,
        });
    }
    Ok(PolicySet {
        reason: command.reason.clone(),
        lines,
    })
}

impl PolicySet {
    pub(crate) fn settle(&self, state: &mut State) {
        for line in &self.lines {
            if let Some(level) = state.directory.level_mut(line.level) {
                level.set_policy(line.after);
            }
        }
    }
}
