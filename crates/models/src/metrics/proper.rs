//! Scores that an honest forecast makes best: log loss and Brier.

use super::{Reliability, Sample};

/// Probabilities are held this far from 0 and 1, so that one sure mistake does not make the log loss infinite.
const SURE: f64 = 1e-15;

/// The share of the weight in which it happened; 0 for an empty sample.
pub fn base_rate(sample: &Sample) -> f64 {
    mean(sample, |_, label| label)
}

/// Mean of -y ln p - (1 - y) ln(1 - p), in nats.
pub fn log_loss(probabilities: &Sample) -> f64 {
    mean(probabilities, nats)
}

/// Share of the log loss of always saying the base rate that is saved: 1 is perfect, 0 is no better, below 0 is worse.
/// Nothing where it never happened or always did: there the base rate loses nothing.
pub fn skill(probabilities: &Sample) -> Option<f64> {
    let base = base_rate(probabilities);
    (base > 0.0 && base < 1.0).then(|| 1.0 - log_loss(probabilities) / nats(base, base))
}

fn nats(p: f64, label: f64) -> f64 {
    let p = p.clamp(SURE, 1.0 - SURE);
    -label * libm::log(p) - (1.0 - label) * libm::log1p(-p)
}

/// The Brier score and its parts (Murphy, 1973): `score = reliability - resolution + uncertainty + within`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brier {
    /// Mean of (p - y)².
    pub score: f64,
    /// Mean square of what is said less what happens, over the bins: 0 is best.
    pub reliability: f64,
    /// Mean square of what happens in a bin less what happens at all: more is better.
    pub resolution: f64,
    /// What is left of knowing only the base rate: base (1 - base).
    pub uncertainty: f64,
    /// What the bins hide, because the probabilities in one are not alike (Stephenson, Coelho, Jolliffe, 2008).
    pub within: f64,
}

/// The Brier score, with its parts over `bins` bins of equal mass.
pub fn brier(probabilities: &Sample, bins: usize) -> Brier {
    let base = base_rate(probabilities);
    let table = Reliability::of(probabilities, bins);
    let score = mean(probabilities, |p, label| (p - label) * (p - label));
    let reliability = table.mean(|bin| (bin.predicted - bin.happened).powi(2));
    let resolution = table.mean(|bin| (bin.happened - base).powi(2));
    let uncertainty = base * (1.0 - base);
    Brier {
        score,
        reliability,
        resolution,
        uncertainty,
        within: score - (reliability - resolution + uncertainty),
    }
}

fn mean(sample: &Sample, of: impl Fn(f64, f64) -> f64) -> f64 {
    let (sum, all) = sample
        .rows()
        .fold((0.0, 0.0), |sums, (predicted, label, weight)| {
            (sums.0 + weight * of(predicted, label), sums.1 + weight)
        });
    if all > 0.0 { sum / all } else { 0.0 }
}
