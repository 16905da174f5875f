//! `POST /v1/features/frame`: what the features said at past times.

use super::lines::Listed;
use super::object::objects;
use super::text::{LocationText, SkuText};
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// The most rows of a frame. The bound of a body comes on top: the usual 4 MiB hold about 40,000.
pub const MOST_ROWS: usize = 100_000;

/// Asks for the features of levels, each as of a time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rows": [{"location": "store-17", "sku": "milk-1l", "at": "2026-03-01T09:00:00.000Z"}]}))]
pub struct FrameRequest {
    /// Of what, where and when; 1 to 100,000.
    #[schema(value_type = Vec<FrameQuestion>, min_items = 1, max_items = 100_000)]
    pub rows: Listed<FrameQuestion, MOST_ROWS>,
}

/// A row that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameQuestion {
    /// Where.
    pub location: LocationText,
    /// What.
    pub sku: SkuText,
    /// The time of the question: what was recorded later is not known to the row.
    pub at: Time,
    /// The time that is asked about: `at` if not said, and never before it.
    pub target: Option<Time>,
}

objects!(FrameRequest, FrameQuestion);

/// A frame.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FrameAnswer<'a> {
    /// The hash of all definitions, in hexadecimal.
    #[schema(value_type = String)]
    pub set: Cow<'a, str>,
    /// The names, in the order of `values`.
    #[schema(value_type = Vec<String>)]
    pub features: Vec<&'a str>,
    /// One for each row asked for, in the order of `at`, and as they were asked where that is the same. On a server of
    /// many partitions one partition follows the other.
    pub rows: Vec<FrameAnswerRow<'a>>,
}

/// A row of a frame.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FrameAnswerRow<'a> {
    /// Where.
    #[schema(value_type = LocationText)]
    pub location: Cow<'a, str>,
    /// What.
    #[schema(value_type = SkuText)]
    pub sku: Cow<'a, str>,
    /// The time of the question.
    pub at: Time,
    /// The time that was asked about.
    pub target: Time,
    /// The values; null where one is missing.
    #[schema(value_type = Vec<Option<f32>>)]
    pub values: Cow<'a, [f32]>,
}
