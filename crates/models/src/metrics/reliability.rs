//! Whether probabilities hold.

use super::bootstrap::Clusters;
use super::{Interval, Sample};
use crate::numeric::logit;
use crate::random::{Purpose, Stream};
use crate::regression;

/// Neighbouring predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Weight of its rows.
    pub weight: f64,
    /// Mean of what was predicted.
    pub predicted: f64,
    /// Share in which it happened.
    pub happened: f64,
}

/// Bins of equal mass, from the lowest predictions to the highest. Equal predictions are never parted, so that a bin can
/// be heavier than others, or missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// Those that hold a row.
    pub bins: Vec<Bin>,
}

impl Reliability {
    /// Cuts a sample of probabilities into `bins` bins.
    pub fn of(sample: &Sample, bins: usize) -> Self {
        let edges = edges(sample, bins);
        let mut sums = vec![Sums::default(); edges.len() + 1];
        for row in sample.rows() {
            sums[place(&edges, row.0)].add(row);
        }
        Self {
            bins: sums.iter().filter_map(Sums::bin).collect(),
        }
    }

    /// Expected calibration error: the mean distance of predicted from happened, by weight of the bins (Naeini and
    /// others, 2015; with bins of equal mass, Nguyen and O'Connor, 2015).
    pub fn ece(&self) -> f64 {
        self.mean(|bin| (bin.predicted - bin.happened).abs())
    }

    pub(super) fn mean(&self, of: impl Fn(&Bin) -> f64) -> f64 {
        let all: f64 = self.bins.iter().map(|bin| bin.weight).sum();
        let sum: f64 = self.bins.iter().map(|bin| bin.weight * of(bin)).sum();
        if all > 0.0 { sum / all } else { 0.0 }
    }

    /// The interval of the ECE of a sample: `draws` samples of its clusters with replacement, the bins kept. Rows that
    /// are not independent (those of one item, of one day) belong into one cluster; without clusters, a row counts as
    /// independent. Chance alone makes an ECE larger than 0, in the draws once more than in the sample.
    ///
    /// # Panics
    /// If there is not one cluster a row.
    pub fn ece_interval(
        sample: &Sample,
        bins: usize,
        clusters: Option<&[u32]>,
        draws: usize,
        level: f64,
        seed: u64,
    ) -> Interval {
        let edges = edges(sample, bins);
        let clusters = Clusters::of(sample.len(), clusters, seed);
        let mut table = vec![vec![Sums::default(); edges.len() + 1]; clusters.count()];
        for (index, row) in sample.rows().enumerate() {
            table[clusters.of_row(index)][place(&edges, row.0)].add(row);
        }
        let drawn = (0..draws).map(|draw| {
            let stream = Stream::new(seed, Purpose::Bootstrap, draw);
            let mut sums = vec![Sums::default(); edges.len() + 1];
            for index in 0..table.len() {
                let cluster = &table[stream.below(index as u64, table.len())];
                sums.iter_mut()
                    .zip(cluster)
                    .for_each(|(sum, part)| sum.join(part));
            }
            let bins = sums.iter().filter_map(Sums::bin).collect();
            Self { bins }.ece()
        });
        Interval::of(drawn.collect(), level)
    }
}

/// Weighted sums of a bin.
#[derive(Clone, Copy, Default)]
struct Sums {
    weight: f64,
    predicted: f64,
    happened: f64,
}

impl Sums {
    fn add(&mut self, (predicted, label, weight): (f64, f64, f64)) {
        self.weight += weight;
        self.predicted += weight * predicted;
        self.happened += weight * label;
    }

    fn join(&mut self, other: &Self) {
        self.weight += other.weight;
        self.predicted += other.predicted;
        self.happened += other.happened;
    }

    fn bin(&self) -> Option<Bin> {
        (self.weight > 0.0).then(|| Bin {
            weight: self.weight,
            predicted: self.predicted / self.weight,
            happened: self.happened / self.weight,
        })
    }
}

/// The largest prediction of each bin but the last: a group of equal predictions goes where its middle lies.
fn edges(sample: &Sample, bins: usize) -> Vec<f64> {
    let all: f64 = sample.rows().map(|row| row.2).sum();
    let mut edges: Vec<f64> = Vec::new();
    let (mut below, mut last) = (0.0, None);
    sample.for_ties(|predicted, weight, _| {
        let middle = (below + weight / 2.0) / all * bins as f64;
        below += weight;
        let bin = (middle as usize).min(bins.saturating_sub(1));
        if let Some((before, highest)) = last.replace((bin, predicted))
            && before != bin
        {
            edges.push(highest);
        }
    });
    edges
}

fn place(edges: &[f64], predicted: f64) -> usize {
    edges.partition_point(|&edge| edge < predicted)
}

/// The line through the log odds: what happens has log odds `slope * logit(p)` and an intercept. A slope below 1 says
/// that predictions are too extreme; `shift` is the intercept if the slope is held at 1: above 0 says that they are too
/// low (Cox, 1958).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// 1 is best.
    pub slope: f64,
    /// Calibration in the large, as log odds; 0 is best.
    pub shift: f64,
}

/// Fits the calibration line to probabilities.
pub fn line(probabilities: &Sample) -> Line {
    let odds = |p: f64| logit(p.clamp(1e-12, 1.0 - 1e-12));
    let terms = |p: f64| [odds(p), 0.0, 1.0];
    let free = regression::fit(probabilities, [true, false, true], terms);
    let held = regression::fit_from([1.0, 0.0, 0.0], probabilities, [false, false, true], terms);
    Line {
        slope: free[0],
        shift: held[2],
    }
}
