//! Half the squared difference.

use crate::boost::gradient::Gradient;

pub(super) fn gradient(score: f32, label: f32) -> Gradient {
    Gradient {
        first: score - label,
        second: 1.0,
    }
}

pub(super) fn loss(score: f32, label: f32) -> f32 {
    (score - label) * (score - label) * 0.5
}
