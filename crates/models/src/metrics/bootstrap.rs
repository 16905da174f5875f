//! How much of a number is chance: the bootstrap (Efron, 1979), by clusters.
//!
//! Rows of one item, store or day succeed and fail together, and an interval that takes them for independent is too
//! narrow. So whole clusters are drawn. Without clusters, rows are dealt to a thousand of them by hash, which says the
//! same about independent rows and costs no more for ten million of them than for ten thousand.

use crate::random::{Purpose, Stream};

/// Clusters that independent rows are dealt to.
const DEALT: usize = 1000;

/// Between which values a number lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The middle `level` (0.95, say) of drawn values.
    pub(super) fn of(mut drawn: Vec<f64>, level: f64) -> Self {
        drawn.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        let at = |share: f64| {
            let place = share * drawn.len().saturating_sub(1) as f64;
            drawn
                .get(place.round() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            low: at(tail),
            high: at(1.0 - tail),
        }
    }
}

/// Which rows are drawn together.
pub(super) struct Clusters {
    of: Vec<u32>,
    count: usize,
}

impl Clusters {
    pub(super) fn of(rows: usize, given: Option<&[u32]>, seed: u64) -> Self {
        let stream = Stream::new(seed, Purpose::Bootstrap, usize::MAX);
        let of: Vec<u32> = match given {
            Some(given) => dense(given),
            None if rows <= DEALT => (0..rows as u32).collect(),
            None => (0..rows as u64)
                .map(|row| stream.below(row, DEALT) as u32)
                .collect(),
        };
        assert_eq!(of.len(), rows, "one cluster a row");
        let count = of.iter().max().map_or(0, |&last| last as usize + 1);
        Self { of, count }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn of_row(&self, row: usize) -> usize {
        self.of[row] as usize
    }
}

/// Clusters numbered from 0 without gaps.
fn dense(given: &[u32]) -> Vec<u32> {
    let mut known = given.to_vec();
    known.sort_unstable();
    known.dedup();
    given
        .iter()
        .map(|cluster| known.partition_point(|other| other < cluster) as u32)
        .collect()
}
