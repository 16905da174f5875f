//! LambdaMART: a pair in the wrong order pulls by as much as its exchange would change the NDCG of its group.
//!
//! For a better row i and a worse one j of a group, with ρ = 1 / (1 + e^(s_i - s_j)) and Δ the change of NDCG if they
//! changed places, the slope of i is -Δρ and its second derivative Δρ(1 - ρ); j gets the same, the slope turned round
//! (Burges 2010, section 7). The gain of a grade is 2^grade - 1, the discount of place k, from 0, is 1 / log2(k + 2).
//! A pair counts if one of the two is among the first places.

use crate::boost::gradient::Gradient;
use crate::dataset::{Dataset, Refused, expect_all};
use crate::numeric::sigmoid;
use crate::parallel::Threads;

pub(super) fn check(places: u32, data: &Dataset) -> Result<(), Refused> {
    if places == 0 {
        return Err(Refused::Setting {
            setting: "places",
            rule: "1 or more",
        });
    }
    if data.group_ends().last() != Some(&data.rows()) {
        return Err(Refused::Setting {
            setting: "groups",
            rule: "ranking needs groups",
        });
    }
    expect_all(
        "labels",
        data.labels(),
        "a grade is a whole number from 0 to 31",
        |label| (0.0..=31.0).contains(&label) && label.fract() == 0.0,
    )
}

pub(super) fn gradients(
    places: u32,
    data: &Dataset,
    scores: &[f32],
    out: &mut [Gradient],
    threads: Threads,
) {
    let tasks = by_group(data, out, threads);
    let run = |(first, mut rows): (usize, &mut [Gradient])| {
        let mut start = first;
        while !rows.is_empty() {
            let group = Group::at(start, places, data, scores);
            let (own, rest) = rows.split_at_mut(group.labels.len());
            group.pull(own, data.weight(start));
            start += own.len();
            rows = rest;
        }
    };
    threads.all(tasks.into_iter().map(|task| || run(task)).collect());
}

/// Cuts the rows into one part a thread, at ends of groups: the first row of each part, and its gradients.
fn by_group<'a>(
    data: &Dataset,
    mut out: &'a mut [Gradient],
    threads: Threads,
) -> Vec<(usize, &'a mut [Gradient])> {
    let ends = data.group_ends();
    let size = ends.len().div_ceil(threads.count()).max(1);
    let mut start = 0;
    let mut parts = Vec::new();
    for run in ends.chunks(size) {
        let end = run[run.len() - 1];
        let (own, rest) = out.split_at_mut(end - start);
        parts.push((start, own));
        out = rest;
        start = end;
    }
    parts
}

/// 1 - the mean NDCG of the groups, by the weight of their first rows. A group without any grade over 0 counts as 1.
pub(super) fn loss(places: u32, data: &Dataset, scores: &[f32], _threads: Threads) -> f64 {
    let mut start = 0;
    let (mut sum, mut all) = (0.0, 0.0);
    for &end in data.group_ends() {
        if end > start {
            let weight = f64::from(data.weight(start));
            sum += weight * Group::at(start, places, data, scores).ndcg();
            all += weight;
        }
        start = end;
    }
    1.0 - sum / all
}

/// One group, its rows ordered by score.
struct Group<'a> {
    labels: &'a [f32],
    scores: &'a [f32],
    /// Rows by falling score; of equal ones the first in the frame.
    order: Vec<usize>,
    places: usize,
    ideal: f64,
}

impl<'a> Group<'a> {
    fn at(start: usize, places: u32, data: &'a Dataset, scores: &'a [f32]) -> Self {
        let ends = data.group_ends();
        let end = ends[ends.partition_point(|&end| end <= start)];
        let labels = &data.labels()[start..end];
        let scores = &scores[start..end];
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut best: Vec<f32> = labels.to_vec();
        best.sort_by(|a, b| b.total_cmp(a));
        let places = places as usize;
        Self {
            ideal: dcg(best.into_iter().take(places)),
            labels,
            scores,
            order,
            places,
        }
    }

    fn ndcg(&self) -> f64 {
        if self.ideal == 0.0 {
            return 1.0;
        }
        let labels = self.order.iter().map(|&row| self.labels[row]);
        dcg(labels.take(self.places)) / self.ideal
    }

    /// Adds up what each pair pulls.
    fn pull(&self, out: &mut [Gradient], weight: f32) {
        out.fill(Gradient::default());
        if self.ideal == 0.0 {
            return;
        }
        for (place, &row) in self.order.iter().enumerate().take(self.places) {
            for (behind, &other) in self.order.iter().enumerate().skip(place + 1) {
                let swing = (gain(self.labels[row]) - gain(self.labels[other])).abs()
                    * (discount(place) - self.discount(behind))
                    / self.ideal;
                match self.labels[row] > self.labels[other] {
                    _ if swing == 0.0 => {}
                    true => self.pull_pair(row, other, swing as f32 * weight, out),
                    false => self.pull_pair(other, row, swing as f32 * weight, out),
                }
            }
        }
    }

    /// Places beyond the counted ones are worth nothing.
    fn discount(&self, place: usize) -> f64 {
        if place < self.places {
            discount(place)
        } else {
            0.0
        }
    }

    fn pull_pair(&self, better: usize, worse: usize, swing: f32, out: &mut [Gradient]) {
        let wrong = sigmoid(self.scores[worse] - self.scores[better]);
        let (first, second) = (swing * wrong, swing * wrong * (1.0 - wrong));
        out[better].first -= first;
        out[worse].first += first;
        out[better].second += second;
        out[worse].second += second;
    }
}

fn dcg(labels: impl Iterator<Item = f32>) -> f64 {
    labels
        .enumerate()
        .map(|(place, label)| gain(label) * discount(place))
        .sum()
}

fn gain(label: f32) -> f64 {
    ((1u64 << label as u32) - 1) as f64
}

fn discount(place: usize) -> f64 {
    1.0 / libm::log2(place as f64 + 2.0)
}
