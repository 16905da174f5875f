//! The rules of levels.

use super::field::{field, listed, one_of, optional, timestamp};
use super::{NotFoundRule, Policy, PolicyLine, PolicySetLine, SetPolicyRequest, SetPolicyResponse};
use crate::json::policies::{
    NotFoundRule as Rule, PolicyAnswer, PolicyChange, PolicyNumbers, PolicyRequest,
};
use crate::json::read::Fault;

impl TryFrom<SetPolicyRequest> for PolicyRequest {
    type Error = Fault;

    /// All but the key.
    fn try_from(message: SetPolicyRequest) -> Result<Self, Fault> {
        Ok(Self {
            location: field("/location", &*message.location)?,
            lines: listed("/lines", message.lines)?,
            reason: optional("/reason", message.reason)?,
        })
    }
}

impl TryFrom<PolicyLine> for PolicyChange {
    type Error = Fault;

    fn try_from(message: PolicyLine) -> Result<Self, Fault> {
        let on_not_found = match one_of("/on_not_found", message.on_not_found)? {
            Some(NotFoundRule::Label) => Some(Rule::Label),
            Some(NotFoundRule::Correct) => Some(Rule::Correct),
            Some(NotFoundRule::Unspecified) | None => None,
        };
        Ok(Self {
            sku: field("/sku", &*message.sku)?,
            safety_stock: optional("/safety_stock", message.safety_stock)?,
            oversell_limit: optional("/oversell_limit", message.oversell_limit)?,
            on_not_found,
        })
    }
}

impl From<Rule> for NotFoundRule {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Label => Self::Label,
            Rule::Correct => Self::Correct,
        }
    }
}

impl From<PolicyNumbers> for Policy {
    fn from(numbers: PolicyNumbers) -> Self {
        Self {
            safety_stock: numbers.safety_stock,
            oversell_limit: numbers.oversell_limit,
            on_not_found: NotFoundRule::from(numbers.on_not_found).into(),
        }
    }
}

impl From<PolicyAnswer<'_>> for SetPolicyResponse {
    fn from(answer: PolicyAnswer<'_>) -> Self {
        let lines = answer.lines.into_iter().map(|line| PolicySetLine {
            sku: line.sku.into_owned(),
            before: Some(line.before.into()),
            after: Some(line.after.into()),
        });
        Self {
            location: answer.location.into_owned(),
            lines: lines.collect(),
            reason: answer.reason.map(Into::into),
            recorded_at: Some(timestamp(answer.recorded_at)),
            sequence: answer.sequence,
            idempotent_replayed: false,
        }
    }
}
