//! Slopes of the loss as integers.
//!
//! A slope becomes an integer by a scale and a rounding that is up or down by chance, so that on average nothing is
//! lost; the chance is a hash of seed, round and row. The scale is the largest for which no sum of any subset can
//! overflow: 32 bits for the slope, signed, and 32 for the second derivative, which is never negative. Both halves of
//! an `i64` are then summed, and subtracted, by one instruction, and exactly.

use crate::parallel::Threads;
use crate::random::{Purpose, Stream};

/// First and second derivative of the loss of a row by its score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gradient {
    pub(crate) first: f32,
    pub(crate) second: f32,
}

impl Gradient {
    /// Marks a row that this round leaves out: no second derivative is negative.
    pub(crate) const LEFT_OUT: Self = Self {
        first: 0.0,
        second: -1.0,
    };
}

/// A row in a tree being grown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) row: u32,
    first: i16,
    second: u16,
}

impl Entry {
    pub(crate) fn packed(self) -> i64 {
        (i64::from(self.first) << 32) + i64::from(self.second)
    }
}

/// A sum's slope, in units of the scale.
pub(crate) fn first(sum: i64) -> f64 {
    f64::from((sum >> 32) as i32)
}

/// A sum's second derivative, in units of the scale.
pub(crate) fn second(sum: i64) -> f64 {
    f64::from(sum as u32)
}

/// Units for 1 of slope and for 1 of second derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) first: f64,
    pub(crate) second: f64,
}

impl Scale {
    pub(crate) fn of(gradients: &mut [Gradient], threads: Threads) -> Self {
        let parts = threads.chunks(gradients, |_, chunk| Extent::of(chunk));
        let all = parts.into_iter().fold(Extent::default(), Extent::with);
        Self {
            first: scale(
                all.first,
                all.rows,
                f64::from(i16::MAX),
                f64::from(i32::MAX),
            ),
            second: scale(
                all.second,
                all.rows,
                f64::from(u16::MAX),
                f64::from(u32::MAX),
            ),
        }
    }
}

/// The scale at which neither one value nor the sum of all, each rounded up, passes its limit. The largest value becomes
/// a whole number, so that equal ones are not rounded at all.
fn scale((largest, sum): (f64, f64), rows: usize, value_limit: f64, sum_limit: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    let scale = ((value_limit - 1.0) / largest).min((sum_limit - rows as f64) / sum);
    let units = (scale * largest).floor();
    if units >= 1.0 { units / largest } else { scale }
}

/// The largest and the sum of absolute values.
#[derive(Default)]
struct Extent {
    rows: usize,
    first: (f64, f64),
    second: (f64, f64),
}

impl Extent {
    fn of(gradients: &[Gradient]) -> Self {
        let mut extent = Self::default();
        let mut largest = [0.0f32; 2];
        for gradient in gradients.iter().filter(|gradient| gradient.second >= 0.0) {
            extent.rows += 1;
            largest[0] = largest[0].max(gradient.first.abs());
            largest[1] = largest[1].max(gradient.second);
            extent.first.1 += f64::from(gradient.first.abs());
            extent.second.1 += f64::from(gradient.second);
        }
        extent.first.0 = largest[0].into();
        extent.second.0 = largest[1].into();
        extent
    }

    fn with(self, other: Self) -> Self {
        let join = |a: (f64, f64), b: (f64, f64)| (a.0.max(b.0), a.1 + b.1);
        Self {
            rows: self.rows + other.rows,
            first: join(self.first, other.first),
            second: join(self.second, other.second),
        }
    }
}

/// The rows that a tree is grown on, ascending, with their slopes rounded.
pub(crate) fn round(
    gradients: &mut [Gradient],
    scale: Scale,
    seed: u64,
    round: usize,
    threads: Threads,
) -> Vec<Entry> {
    let stream = Stream::new(seed, Purpose::Rounding, round);
    let parts = threads.chunks(gradients, |start, chunk| {
        let rows = (start as u32..).zip(chunk.iter());
        rows.filter(|(_, gradient)| gradient.second >= 0.0)
            .map(|(row, &gradient)| entry(row, gradient, scale, stream.at(row.into())))
            .collect::<Vec<_>>()
    });
    parts.concat()
}

fn entry(row: u32, gradient: Gradient, scale: Scale, chance: u64) -> Entry {
    // Above zero, cutting off is rounding down.
    const LIFT: f32 = 32_768.0;
    let up = |bits: u32| (bits >> 8) as f32 * (1.0 / (1 << 24) as f32);
    let first = gradient.first * scale.first as f32 + up(chance as u32) + LIFT;
    let second = gradient.second * scale.second as f32 + up((chance >> 32) as u32);
    Entry {
        row,
        first: (first as i32 - LIFT as i32) as i16,
        second: second as i32 as u16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(gradients: &mut [Gradient]) -> (f64, f64) {
        let threads = Threads::new(2);
        let scale = Scale::of(gradients, threads);
        let entries = round(gradients, scale, 1, 0, threads);
        let sum = entries.iter().map(|entry| entry.packed()).sum();
        (first(sum) / scale.first, second(sum) / scale.second)
    }

    #[test]
    fn sums_are_kept() {
        let mut gradients: Vec<Gradient> = (0..100_000)
            .map(|row| Gradient {
                first: (row as f32 * 0.7).sin(),
                second: 0.25 * (row as f32 * 0.3).sin().abs(),
            })
            .collect();
        let exact = gradients
            .iter()
            .fold((0.0, 0.0), |(first, second), gradient| {
                (
                    first + f64::from(gradient.first),
                    second + f64::from(gradient.second),
                )
            });
        let rounded = sum(&mut gradients);
        assert!((rounded.0 - exact.0).abs() < 0.05, "{rounded:?} {exact:?}");
        assert!((rounded.1 - exact.1).abs() < 0.01, "{rounded:?} {exact:?}");
    }

    #[test]
    fn the_worst_sum_does_not_overflow_and_equal_weights_count_rows() {
        for sign in [-1.0, 1.0] {
            let row = Gradient {
                first: sign * 3.0,
                second: 0.7,
            };
            let rounded = sum(&mut vec![row; 300_000]);
            assert!(
                (rounded.0 / (sign as f64 * 900_000.0) - 1.0).abs() < 1e-4,
                "{rounded:?}"
            );
            assert!((rounded.1 / 210_000.0 - 1.0).abs() < 1e-4, "{rounded:?}");
        }
    }
}
