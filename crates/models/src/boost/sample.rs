//! Which rows a round's tree is grown on.

use super::gradient::Gradient;
use crate::parallel::Threads;
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// Which rows a tree is grown on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Sampling {
    /// Every row.
    #[default]
    All,
    /// Each row with this chance, drawn anew each round.
    Bagging {
        /// Over 0 and up to 1.
        fraction: f64,
    },
    /// The rows with the largest slopes, and some of the others, which then count for all of these (Ke and others,
    /// *LightGBM*, 2017, algorithm 2).
    Goss {
        /// Share of the rows kept for their slope.
        top: f64,
        /// Share of the rows drawn from the others.
        other: f64,
    },
}

impl Sampling {
    pub(super) fn is_valid(self) -> bool {
        match self {
            Self::All => true,
            Self::Bagging { fraction } => fraction > 0.0 && fraction <= 1.0,
            Self::Goss { top, other } => top > 0.0 && other > 0.0 && top + other <= 1.0,
        }
    }

    /// Marks the rows that are left out, and raises those that stand for others.
    pub(super) fn thin(
        self,
        gradients: &mut [Gradient],
        seed: u64,
        round: usize,
        threads: Threads,
    ) {
        let stream = Stream::new(seed, Purpose::Rows, round);
        match self {
            Self::All => {}
            Self::Bagging { fraction } => keep(gradients, threads, |row, _| {
                (stream.unit(row) < fraction).then_some(1.0)
            }),
            Self::Goss { top, other } => {
                let least = nth_largest(gradients, top);
                let chance = other / (1.0 - top);
                keep(gradients, threads, |row, slope| match slope >= least {
                    true => Some(1.0),
                    false => (stream.unit(row) < chance).then_some(1.0 / chance as f32),
                });
            }
        }
    }
}

/// Keeps a row with the factor that `factor` gives for its number and its slope, or leaves it out.
fn keep(
    gradients: &mut [Gradient],
    threads: Threads,
    factor: impl Fn(u64, f32) -> Option<f32> + Sync,
) {
    threads.chunks(gradients, |start, chunk| {
        for (row, gradient) in (start as u64..).zip(chunk) {
            *gradient = match factor(row, size(gradient)) {
                None => Gradient::LEFT_OUT,
                Some(factor) => Gradient {
                    first: gradient.first * factor,
                    second: gradient.second * factor,
                },
            };
        }
    });
}

/// How much a row can still teach.
fn size(gradient: &Gradient) -> f32 {
    (gradient.first * gradient.second).abs()
}

/// The size that a share of the rows reaches.
fn nth_largest(gradients: &[Gradient], share: f64) -> f32 {
    let mut sizes: Vec<f32> = gradients.iter().map(size).collect();
    let place = ((sizes.len() as f64 * (1.0 - share)) as usize).min(sizes.len() - 1);
    *sizes.select_nth_unstable_by(place, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sampling: Sampling) -> Vec<Gradient> {
        let mut gradients: Vec<Gradient> = (0..10_000)
            .map(|row| Gradient {
                first: row as f32,
                second: 1.0,
            })
            .collect();
        sampling.thin(&mut gradients, 3, 1, Threads::new(2));
        gradients.retain(|gradient| *gradient != Gradient::LEFT_OUT);
        gradients
    }

    #[test]
    fn bagging_keeps_its_share() {
        let count = kept(Sampling::Bagging { fraction: 0.3 }).len();
        assert!((2850..3150).contains(&count), "{count}");
    }

    #[test]
    fn goss_keeps_the_steepest_and_the_sum_of_weights() {
        let rows = kept(Sampling::Goss {
            top: 0.2,
            other: 0.1,
        });
        assert!(rows.iter().filter(|row| row.second == 1.0).count() >= 2000);
        assert!((2850..3150).contains(&rows.len()), "{}", rows.len());
        let weight: f32 = rows.iter().map(|row| row.second).sum();
        assert!((weight - 10_000.0).abs() < 600.0, "{weight}");
    }
}
