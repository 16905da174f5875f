//! Sums of slopes by feature and bin.

use super::gradient::Entry;
use crate::dataset::{GROUP, Matrix};
use crate::parallel::Threads;

/// The sums of one feature, one for each bin.
pub(crate) type Bins = [i64; 256];

/// Rows below which a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 13;

/// Rows whose bins are fetched before they are counted. Rows of a small leaf lie far apart, and each is a cache miss;
/// a loop that only copies keeps many of them under way at once, one that also counts does not.
const FETCH: usize = 128;

/// The sums of all features of a leaf.
#[derive(Clone)]
pub(crate) struct Histogram {
    groups: Vec<[Bins; GROUP]>,
}

impl Histogram {
    fn new(matrix: &Matrix) -> Self {
        Self {
            groups: vec![[[0; 256]; GROUP]; matrix.groups().len()],
        }
    }

    /// Counts a leaf's rows.
    pub(crate) fn of(matrix: &Matrix, entries: &[Entry], threads: Threads) -> Self {
        let parts = threads.count().min(entries.len() / WORTH_A_THREAD).max(1);
        let tasks = entries.chunks(entries.len().div_ceil(parts).max(1));
        let tasks = tasks.map(|part| move || Self::of_part(matrix, part));
        let mut counted = threads.all(tasks.collect()).into_iter();
        let mut all = counted.next().unwrap_or_else(|| Self::new(matrix));
        counted.for_each(|part| all.add(&part));
        all
    }

    fn of_part(matrix: &Matrix, entries: &[Entry]) -> Self {
        let mut histogram = Self::new(matrix);
        for (bins, group) in matrix.groups().iter().zip(&mut histogram.groups) {
            let mut fetched = [[0; GROUP]; FETCH];
            for entries in entries.chunks(FETCH) {
                for (row, entry) in fetched.iter_mut().zip(entries) {
                    *row = bins[entry.row as usize];
                }
                for (row, entry) in fetched.iter().zip(entries) {
                    count(group, row, entry.packed());
                }
            }
        }
        histogram
    }

    fn add(&mut self, other: &Self) {
        self.zip(other, |sum, part| *sum += part);
    }

    /// Leaves what is not in `part`.
    pub(crate) fn less(mut self, part: &Self) -> Self {
        self.zip(part, |sum, part| *sum -= part);
        self
    }

    fn zip(&mut self, other: &Self, with: impl Fn(&mut i64, i64)) {
        let sums = self.groups.as_flattened_mut().as_flattened_mut();
        for (sum, &part) in sums
            .iter_mut()
            .zip(other.groups.as_flattened().as_flattened())
        {
            with(sum, part);
        }
    }

    /// The sums of a feature.
    pub(crate) fn feature(&self, feature: usize) -> &Bins {
        &self.groups[feature / GROUP][feature % GROUP]
    }
}

#[inline]
fn count(group: &mut [Bins; GROUP], row: &[u8; GROUP], packed: i64) {
    for (bins, &bin) in group.iter_mut().zip(row) {
        bins[bin as usize] += packed;
    }
}
