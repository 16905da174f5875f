//! `POST /v1/predictions/availability`: whether a shopper will find the items of a page.

use super::lines::Listed;
use super::object::objects;
use super::read::Fault;
use super::text::{LocationText, SkuText};
use super::time::Time;
use super::write::{is_false, is_plain, push_by_serde, push_list, push_number};
use onhand_core::{Few, LocationId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Items that are explained at once: the parts of a score take much longer than the score.
pub const MOST_EXPLAINED: usize = 20;

/// Asks for up to 10,000 items of one location; for up to 20 with an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"location": "store-17", "skus": ["milk-1l", "bread"], "explain": false}))]
pub struct PredictionRequest {
    /// Where.
    pub location: LocationText,
    /// What; 1 to 10,000.
    #[schema(value_type = Vec<SkuText>, min_items = 1, max_items = 10_000)]
    pub skus: Listed<SkuText>,
    /// When the shopper comes: now if not said, and within the hour that has begun, which is what the model learned to foretell.
    pub at: Option<Time>,
    /// Whether to say why, feature by feature.
    pub explain: Option<bool>,
}

objects!(PredictionRequest);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Where.
    pub location: LocationId,
    /// What.
    pub skus: Few<SkuText>,
    /// When the shopper comes.
    pub at: Option<Time>,
    /// Whether to say why.
    pub explain: bool,
}

impl PredictionRequest {
    /// What is asked for.
    ///
    /// # Errors
    /// More is to be explained than is explained at once.
    pub fn asked(self) -> Result<Asked, Fault> {
        let (skus, explain) = (self.skus.into_inner(), self.explain.unwrap_or(false));
        if explain && skus.len() > MOST_EXPLAINED {
            return Err(Fault {
                pointer: "/skus".into(),
                message: format!(
                    "with explain there may be {MOST_EXPLAINED} at most, not {}",
                    skus.len()
                ),
            });
        }
        Ok(Asked {
            location: self.location.0,
            skus,
            at: self.at,
            explain,
        })
    }
}

/// What is predicted for one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "sku": "milk-1l", "probability_found": 0.912345, "decision": "show", "model": "availability",
    "version": "2f1c0de65b7a9e44", "features_age_ms": 12, "facts_age_ms": 5400000,
    "fallback": null
}))]
pub struct PredictionItem<'a> {
    /// What.
    pub sku: Cow<'a, str>,
    /// The probability that the item is in stock when the shopper comes, 0 to 1: one less the probability that its
    /// shelf is empty in that hour.
    pub probability_found: f64,
    /// What the thresholds make of it.
    pub decision: Decision,
    /// The model.
    pub model: Cow<'a, str>,
    /// Which one of that name: a hash of its bytes.
    pub version: Cow<'a, str>,
    /// How far what was known of the item lies behind the ledger, in milliseconds. What happens to others shows in a score
    /// within five minutes.
    pub features_age_ms: u64,
    /// How old the newest fact about the item's shelf here is, in milliseconds: a sale, a pick, a look, a delivery, a count,
    /// a loss, as far as it was told; a reservation says nothing of the shelf. Null if there is none, or there was no time to look.
    pub facts_age_ms: Option<u64>,
    /// What it is, if it is not what the model says now; null if it is.
    pub fallback: Option<Fallback>,
    /// Why it is a fallback; left out if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<FallbackReason>,
    /// True if the model was never asked about this hour of the day (UTC) when it was trained, so how good
    /// this is was never measured. Left out otherwise, and where the model's file does not say which hours it knows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hour_never_learned: bool,
    /// Why the score is what it is, if that was asked for and the model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation<'a>>,
}

impl PredictionItem<'_> {
    /// Items in JSON: to the byte what Serde makes of them, faster.
    pub fn all_to_json(items: &[PredictionItem<'_>]) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + items.len() * 192);
        // Nearly always the same for all.
        let (mut told, mut model) = (None, Vec::new());
        push_list(&mut out, items, |out, item| {
            let of_item = Some((&*item.model, &*item.version));
            if told != of_item {
                told = of_item;
                model.clear();
                item.push_model(&mut model);
            }
            item.push_json(out, &model);
        });
        out
    }

    fn push_json(&self, out: &mut Vec<u8>, model: &[u8]) {
        if self.explanation.is_some() || !is_plain(&self.sku) {
            return push_by_serde(out, self);
        }
        out.extend_from_slice(b"{\"sku\":\"");
        out.extend_from_slice(self.sku.as_bytes());
        out.extend_from_slice(b"\",\"probability_found\":");
        push_by_serde(out, &self.probability_found);
        out.extend_from_slice(b",\"decision\":");
        push_by_serde(out, &self.decision);
        out.extend_from_slice(model);
        out.extend_from_slice(b",\"features_age_ms\":");
        push_number(out, self.features_age_ms);
        out.extend_from_slice(b",\"facts_age_ms\":");
        match self.facts_age_ms {
            Some(age) => push_number(out, age),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"fallback\":");
        push_by_serde(out, &self.fallback);
        if let Some(reason) = &self.fallback_reason {
            out.extend_from_slice(b",\"fallback_reason\":");
            push_by_serde(out, reason);
        }
        if self.hour_never_learned {
            out.extend_from_slice(b",\"hour_never_learned\":true");
        }
        out.push(b'}');
    }

    fn push_model(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"model\":");
        push_by_serde(out, &self.model);
        out.extend_from_slice(b",\"version\":");
        push_by_serde(out, &self.version);
    }
}

/// What to do with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Offer it.
    Show,
    /// Offer it, and ask for a substitute in advance.
    Warn,
    /// Do not offer it.
    Hide,
}

/// What a prediction is that is not what the model says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// There was no time for the model: what it said before, `features_age_ms` ago.
    Cached,
    /// The item is new here, or there was no time and nothing was said before: what is usual of its kind.
    Prior,
}

/// Why a prediction is a fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackReason {
    /// The item is new here, or not known: the model needs a past. So it will be until it has one.
    NewItem,
    /// There was no time for the model: asked again, or with more time, it may say more.
    NoTime,
}

/// Why a score is what it is: `expected` and all parts add up to `score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation<'a> {
    /// The log odds of an empty shelf if nothing were known.
    pub expected: f64,
    /// The log odds of an empty shelf, before calibration.
    pub score: f64,
    /// How p, the probability of an empty shelf, follows from the score. `probability_found` is 1 - p.
    pub calibration: Cow<'a, str>,
    /// One for each feature of the model, the largest first.
    pub parts: Vec<ExplanationPart<'a>>,
}

/// What a feature adds to a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplanationPart<'a> {
    /// The feature: `onhand features list` says what it means.
    pub feature: Cow<'a, str>,
    /// What it adds to the log odds of an empty shelf: above zero makes the item less likely to be found.
    pub part: f64,
    /// Its value; null if it is missing.
    pub value: Option<f32>,
    /// How old the newest fact behind it is, in milliseconds, a pushed value at the time asked about; null if there is none
    /// or it needs none.
    pub age_ms: Option<u64>,
    /// Whether it fell back: it is missing, or its default, because there was nothing to make it of, or only what is too
    /// old.
    pub is_default: bool,
    /// Whether it fell back because the newest fact behind it is older than the feature's limit.
    pub is_stale: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item<'a>(sku: &'a str, found: f64, model: &'a str) -> PredictionItem<'a> {
        PredictionItem {
            sku: sku.into(),
            probability_found: found,
            decision: Decision::Warn,
            model: model.into(),
            version: "2f1c".into(),
            features_age_ms: u64::MAX,
            facts_age_ms: None,
            fallback: None,
            fallback_reason: None,
            hour_never_learned: false,
            explanation: None,
        }
    }

    #[test]
    fn the_text_is_what_serde_makes_of_it() {
        let explained = PredictionItem {
            explanation: Some(Explanation {
                expected: -1.5,
                score: 0.25,
                calibration: "p = s".into(),
                parts: Vec::new(),
            }),
            ..item("milk", 0.5, "availability")
        };
        let old = PredictionItem {
            decision: Decision::Hide,
            facts_age_ms: Some(0),
            fallback: Some(Fallback::Cached),
            fallback_reason: Some(FallbackReason::NoTime),
            hour_never_learned: true,
            ..item("~!/'", 0.0, "another")
        };
        let items = [
            item("milk-1l", 0.912_345, "availability"),
            item("a\"b\\é ", 1.0, "availability"),
            explained,
            old,
            item("rye", 1e-6, "a\"b"),
        ];
        for items in [&items[..0], &items[..1], &items] {
            let text = String::from_utf8(PredictionItem::all_to_json(items)).unwrap();
            assert_eq!(text, serde_json::to_string(items).unwrap());
        }
    }
}
