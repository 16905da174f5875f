//! Log loss: -y ln p - (1 - y) ln(1 - p), with p = 1 / (1 + e^-score).

use super::mean_label;
use crate::boost::gradient::Gradient;
use crate::dataset::{Dataset, Refused, expect_all};
use crate::numeric::{logit, sigmoid, softplus};

pub(super) fn check(data: &Dataset) -> Result<(), Refused> {
    expect_all(
        "labels",
        data.labels(),
        "log loss needs labels from 0 to 1",
        |label| (0.0..=1.0).contains(&label),
    )
}

/// The log odds of the base rate, kept from the infinities of a frame with one kind of label.
pub(super) fn start(data: &Dataset) -> f32 {
    logit(mean_label(data).clamp(1e-6, 1.0 - 1e-6)) as f32
}

pub(super) fn gradient(score: f32, label: f32) -> Gradient {
    let p = sigmoid(score);
    Gradient {
        first: p - label,
        second: p * (1.0 - p),
    }
}

pub(super) fn loss(score: f32, label: f32) -> f32 {
    softplus(score) - label * score
}
