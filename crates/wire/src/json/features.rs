//! `POST /v1/features`: what the features say of many levels at once.

use super::availability::{Asked, AvailabilityRequest, LevelName};
use super::lines::Listed;
use super::object::objects;
use super::read::Fault;
use super::text::{LocationText, SkuText};
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Asks for the features of up to 10,000 levels, now: either `items`, or `skus` at one `location`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"location": "store-17", "skus": ["milk-1l", "bread"]}))]
pub struct FeaturesRequest {
    /// The time that is asked about: now if not said, and never before it.
    pub target: Option<Time>,
    /// Where, for `skus`.
    pub location: Option<LocationText>,
    /// What, at `location`; 1 to 10,000.
    #[schema(value_type = Option<Vec<SkuText>>, min_items = 1, max_items = 10_000)]
    pub skus: Option<Listed<SkuText>>,
    /// What and where; 1 to 10,000.
    #[schema(value_type = Option<Vec<LevelName>>, min_items = 1, max_items = 10_000)]
    pub items: Option<Listed<LevelName>>,
}

objects!(FeaturesRequest);

impl FeaturesRequest {
    /// What is asked for, and the time asked about.
    ///
    /// # Errors
    /// It is neither of the two forms, or both.
    pub fn asked(self) -> Result<(Asked, Option<Time>), Fault> {
        let levels = AvailabilityRequest {
            consistency: None,
            location: self.location,
            skus: self.skus,
            items: self.items,
            probability: None,
        };
        Ok((levels.asked()?, self.target))
    }
}

/// Rows of features.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FeaturesAnswer<'a> {
    /// The hash of all definitions, in hexadecimal: a model trained on others is not served with these values.
    #[schema(value_type = String)]
    pub set: Cow<'a, str>,
    /// The names, in the order of `values`.
    #[schema(value_type = Vec<String>)]
    pub features: Vec<&'a str>,
    /// When it was asked.
    pub at: Time,
    /// The time that was asked about.
    pub target: Time,
    /// One for each level asked for, in order.
    pub rows: Vec<FeaturesRow<'a>>,
}

/// A row of features.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FeaturesRow<'a> {
    /// Where.
    #[schema(value_type = LocationText)]
    pub location: Cow<'a, str>,
    /// What.
    #[schema(value_type = SkuText)]
    pub sku: Cow<'a, str>,
    /// Whether the features know the level; if not, the values are those of its location and of its SKU elsewhere.
    pub known: bool,
    /// The position in the partition's ledger that the values show: everything up to it.
    pub sequence: u64,
    /// The values; null where one is missing.
    #[schema(value_type = Vec<Option<f32>>)]
    pub values: Vec<f32>,
}
