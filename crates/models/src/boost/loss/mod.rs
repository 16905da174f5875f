//! What is made small. One file each; this one only says which.

mod log;
mod quantile;
mod ranking;
mod squared;

use super::gradient::Gradient;
use crate::dataset::{Dataset, Refused};
use crate::parallel::{CHUNK, Threads};
use serde::{Deserialize, Serialize};

/// What is made small, and so what a raw score means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Labels 0 to 1 (a share counts as both); the score is a log odds; -ln of the probability given to what happened.
    Log,
    /// Any label; the score is its mean; half the squared difference.
    Squared,
    /// Any label; the score is the value that a share `level` of the labels is not above; the pinball loss (Koenker,
    /// Bassett, *Regression quantiles*, 1978).
    Quantile {
        /// Over 0 and under 1.
        level: f32,
    },
    /// Labels 0 to 31 as grades, in groups; only the order of the scores in a group counts; LambdaMART (Burges, *From
    /// RankNet to LambdaRank to LambdaMART*, 2010). The loss is 1 - NDCG.
    Ranking {
        /// Places of a group that count, 1 or more.
        places: u32,
    },
}

impl Loss {
    pub(super) fn check(self, data: &Dataset) -> Result<(), Refused> {
        match self {
            Self::Log => log::check(data),
            Self::Squared => Ok(()),
            Self::Quantile { level } => quantile::check(level),
            Self::Ranking { places } => ranking::check(places, data),
        }
    }

    /// The score of every row before the first tree.
    pub(super) fn start(self, data: &Dataset) -> f32 {
        match self {
            Self::Log => log::start(data),
            Self::Squared => mean_label(data) as f32,
            Self::Quantile { level } => quantile::start(level, data),
            Self::Ranking { .. } => 0.0,
        }
    }

    pub(super) fn gradients(
        self,
        data: &Dataset,
        scores: &[f32],
        out: &mut [Gradient],
        threads: Threads,
    ) {
        match self {
            Self::Log => each_row(data, scores, out, threads, log::gradient),
            Self::Squared => each_row(data, scores, out, threads, squared::gradient),
            Self::Quantile { level } => each_row(data, scores, out, threads, |score, label| {
                quantile::gradient(level, score, label)
            }),
            Self::Ranking { places } => ranking::gradients(places, data, scores, out, threads),
        }
    }

    /// The mean loss by weight.
    pub(super) fn mean(self, data: &Dataset, scores: &[f32], threads: Threads) -> f64 {
        match self {
            Self::Log => mean(data, scores, threads, log::loss),
            Self::Squared => mean(data, scores, threads, squared::loss),
            Self::Quantile { level } => mean(data, scores, threads, |score, label| {
                quantile::loss(level, score, label)
            }),
            Self::Ranking { places } => ranking::loss(places, data, scores, threads),
        }
    }

    /// A leaf's value where the gradient's would be wrong: `None` for losses with a curvature.
    pub(super) fn leaf_value(
        self,
        data: &Dataset,
        scores: &[f32],
        rows: impl Iterator<Item = usize>,
    ) -> Option<f32> {
        match self {
            Self::Quantile { level } => Some(quantile::leaf_value(level, data, scores, rows)),
            _ => None,
        }
    }
}

/// Fills in the gradients of a loss that looks at one row at a time.
fn each_row(
    data: &Dataset,
    scores: &[f32],
    out: &mut [Gradient],
    threads: Threads,
    of: impl Fn(f32, f32) -> Gradient + Sync,
) {
    threads.chunks(out, |start, out| {
        let rows = scores[start..].iter().zip(&data.labels()[start..]);
        for (gradient, (&score, &label)) in out.iter_mut().zip(rows) {
            *gradient = of(score, label);
        }
        if let Some(weights) = data.weights() {
            for (gradient, &weight) in out.iter_mut().zip(&weights[start..]) {
                gradient.first *= weight;
                gradient.second *= weight;
            }
        }
    });
}

/// The mean by weight of a loss that looks at one row at a time. Chunk by chunk, so that the sum is always the same.
fn mean(
    data: &Dataset,
    scores: &[f32],
    threads: Threads,
    of: impl Fn(f32, f32) -> f32 + Sync,
) -> f64 {
    let mut starts: Vec<usize> = (0..data.rows()).step_by(CHUNK).collect();
    let size = starts.len().div_ceil(threads.count()).max(1);
    let tasks = starts.chunks_mut(size).map(|starts| {
        let of = &of;
        move || {
            let sums = starts.iter().map(|&start| sum(data, scores, start, of));
            sums.collect::<Vec<_>>()
        }
    });
    let parts = threads.all(tasks.collect());
    let total = parts.into_iter().flatten();
    let total = total.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    total.0 / total.1
}

/// The loss and the weight of a chunk.
fn sum(data: &Dataset, scores: &[f32], start: usize, of: impl Fn(f32, f32) -> f32) -> (f64, f64) {
    let rows = start..(start + CHUNK).min(data.rows());
    let pairs = scores[rows.clone()]
        .iter()
        .zip(&data.labels()[rows.clone()]);
    let losses = pairs.map(|(&score, &label)| of(score, label));
    match data.weights() {
        None => (losses.map(f64::from).sum(), rows.len() as f64),
        Some(weights) => {
            losses
                .zip(&weights[rows])
                .fold((0.0, 0.0), |(sum, all), (loss, &weight)| {
                    (
                        sum + f64::from(loss) * f64::from(weight),
                        all + f64::from(weight),
                    )
                })
        }
    }
}

/// The mean label by weight; 0 if no row has a weight.
fn mean_label(data: &Dataset) -> f64 {
    let labels = data.labels().iter().enumerate();
    let (sum, all) = labels.fold((0.0, 0.0), |(sum, all), (row, &label)| {
        let weight = f64::from(data.weight(row));
        (sum + weight * f64::from(label), all + weight)
    });
    if all > 0.0 { sum / all } else { 0.0 }
}
