//! How one column is cut into bins.

use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// The bin of a missing value. Values have the bins below it.
pub const MISSING: u8 = 255;

/// Values that the cuts of a column are found from; more do not move a quantile of 1/255 by much.
const SAMPLE: usize = 200_000;

/// A column's name and its cuts: a value is in the first bin whose cut is not below it, or in the last bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinMap {
    name: String,
    /// Ascending; one fewer than there are bins.
    cuts: Vec<f32>,
}

impl BinMap {
    /// Cuts a column so that its bins hold about as many values each. A value that alone fills a bin gets its own, and
    /// so does every value if there are at most `bins` different ones.
    pub(crate) fn by_quantiles(name: &str, values: &[f32], bins: usize) -> Self {
        Self {
            name: name.to_owned(),
            cuts: cuts(&distinct(sample(values)), bins),
        }
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cuts between the bins, ascending.
    pub fn cuts(&self) -> &[f32] {
        &self.cuts
    }

    /// Number of bins for values.
    pub fn bins(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The bin of a value.
    pub fn bin(&self, value: f32) -> u8 {
        if value.is_nan() {
            return MISSING;
        }
        self.cuts.partition_point(|&cut| cut < value) as u8
    }

    /// The largest value that a split after `bin` sends left: all of them, if it is the last.
    pub(crate) fn threshold(&self, bin: u8) -> f32 {
        self.cuts.get(bin as usize).copied().unwrap_or(f32::MAX)
    }
}

/// The values that are there, or a sample of them, ascending. Rows are drawn by hash, because every k-th row of a frame
/// in order would be the same hour, store or item again and again.
fn sample(values: &[f32]) -> Vec<f32> {
    let stream = Stream::new(0, Purpose::Binning, 0);
    let share = SAMPLE as f64 / values.len() as f64;
    let mut drawn: Vec<f32> = values
        .iter()
        .enumerate()
        .filter(|&(row, value)| {
            !value.is_nan() && (share >= 1.0 || stream.unit(row as u64) < share)
        })
        .map(|(_, &value)| value + 0.0) // -0 and 0 are one value
        .collect();
    drawn.sort_unstable_by(f32::total_cmp);
    drawn
}

/// Each value once, with how often it came.
fn distinct(sorted: Vec<f32>) -> Vec<(f32, usize)> {
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.map(|run| (run[0], run.len())).collect()
}

fn cuts(values: &[(f32, usize)], bins: usize) -> Vec<f32> {
    let pairs = values.windows(2);
    if values.len() <= bins {
        return pairs.map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    let mut share = Share::new(values, bins);
    let mut cuts = Vec::with_capacity(bins - 1);
    for pair in pairs {
        if cuts.len() + 1 < bins && share.full_after(pair[0].1, pair[1].1) {
            cuts.push(between(pair[0].0, pair[1].0));
        }
    }
    cuts
}

/// How much goes into a bin. Values so common that they fill a bin alone are set aside; the rest is shared among the
/// bins that are left.
struct Share {
    alone: usize,
    rest: usize,
    bins: usize,
    held: usize,
}

impl Share {
    fn new(values: &[(f32, usize)], bins: usize) -> Self {
        let total: usize = values.iter().map(|value| value.1).sum();
        let alone = total.div_ceil(bins);
        let common = values.iter().filter(|value| value.1 >= alone);
        let (count, sum) = common.fold((0, 0), |(count, sum), value| (count + 1, sum + value.1));
        Self {
            alone,
            rest: total - sum,
            bins: bins - count,
            held: 0,
        }
    }

    /// Takes a value that came `count` times; says whether the bin ends here. It also ends before a common value.
    fn full_after(&mut self, count: usize, next: usize) -> bool {
        let common = count >= self.alone;
        self.held += count;
        if !common && next < self.alone && self.held * self.bins.max(1) < self.rest {
            return false;
        }
        if !common {
            // What this bin took too much is shared by the ones after it.
            self.rest -= self.held.min(self.rest);
            self.bins = self.bins.saturating_sub(1);
        }
        self.held = 0;
        true
    }
}

/// A cut with `low` on its left and `high` on its right. It is finite, whatever they are: what is below all finite values
/// shares a bin with the least of them.
fn between(low: f32, high: f32) -> f32 {
    let middle = low / 2.0 + high / 2.0;
    let cut = if middle >= low && middle < high {
        middle
    } else {
        low
    };
    cut.max(f32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(map: &BinMap, values: &[f32]) -> Vec<usize> {
        let mut counts = vec![0; map.bins()];
        for &value in values {
            counts[map.bin(value) as usize] += 1;
        }
        counts
    }

    #[test]
    fn few_values_get_a_bin_each() {
        let map = BinMap::by_quantiles("x", &[3.0, 1.0, 2.0, 1.0, f32::NAN], 255);
        assert_eq!(map.cuts(), [1.5, 2.5]);
        assert_eq!(map.bin(f32::NAN), MISSING);
        assert_eq!(
            (map.bin(-9.0), map.bin(1.5), map.bin(1.6), map.bin(9.0)),
            (0, 0, 1, 2)
        );
    }

    #[test]
    fn many_values_are_shared_evenly() {
        let values: Vec<f32> = (0..10_000)
            .map(|row| (row * 7919 % 10_000) as f32)
            .collect();
        let counts = counts(&BinMap::by_quantiles("x", &values, 16), &values);
        assert_eq!(counts.len(), 16);
        assert!(
            counts.iter().all(|&count| (600..650).contains(&count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_common_value_has_a_bin_to_itself() {
        let values: Vec<f32> = (0..1000)
            .map(|row| {
                if row % 2 == 0 {
                    0.0
                } else {
                    row as f32 - 500.0
                }
            })
            .collect();
        let map = BinMap::by_quantiles("x", &values, 11);
        let zero = map.bin(0.0);
        assert_eq!(counts(&map, &values)[zero as usize], 500);
        assert!(map.bins() >= 10, "{}", map.bins());
    }

    #[test]
    fn neighbours_that_touch_are_still_told_apart() {
        let next = f32::from_bits(1.0f32.to_bits() + 1);
        let map = BinMap::by_quantiles("x", &[1.0, next], 255);
        assert_eq!((map.bin(1.0), map.bin(next)), (0, 1));
        assert_eq!(map.threshold(1), f32::MAX);
    }
}
