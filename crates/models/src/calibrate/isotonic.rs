//! Isotonic regression by pooling adjacent violators (Ayer and others, 1955), made smooth.
//!
//! The plain result is a staircase: scores within a step become ties, and a step at the end that saw no positive says
//! 0. So small blocks are joined, each block's rate is drawn to the base rate by the weight of one row, and between the
//! centres of two blocks the probability runs straight.

use super::Calibration;
use crate::metrics::Sample;

/// Share of the weight that a block has at least.
const BLOCK: f64 = 1.0 / 400.0;

/// Rows of neighbouring scores.
#[derive(Clone, Copy)]
struct Block {
    weight: f64,
    /// Weighted sum of scores.
    scores: f64,
    /// Weighted sum of labels.
    labels: f64,
}

impl Block {
    fn rate(self) -> f64 {
        self.labels / self.weight
    }

    fn joined(self, other: Self) -> Self {
        Self {
            weight: self.weight + other.weight,
            scores: self.scores + other.scores,
            labels: self.labels + other.labels,
        }
    }
}

pub(super) fn fit(sample: &Sample) -> Calibration {
    let rows = by_score(sample);
    let Some(all) = rows.iter().copied().reduce(Block::joined) else {
        return Calibration::None;
    };
    let blocks = pool(&rows, |last, next| last.rate() >= next.rate());
    let blocks = pool(&blocks, |last, next| {
        last.weight.min(next.weight) < all.weight * BLOCK
    });
    Calibration::Isotonic {
        knots: knots(&blocks, all.rate(), all.weight / sample.len() as f64),
    }
}

/// One block for each score, ascending.
fn by_score(sample: &Sample) -> Vec<Block> {
    let mut rows: Vec<(f64, f64, f64)> = sample.rows().filter(|row| row.2 > 0.0).collect();
    rows.sort_unstable_by(|a, b| {
        a.0.total_cmp(&b.0)
            .then(a.1.total_cmp(&b.1))
            .then(a.2.total_cmp(&b.2))
    });
    let ties = rows.chunk_by(|a, b| a.0 == b.0);
    ties.map(|tie| {
        let blocks = tie.iter().map(|&(score, label, weight)| Block {
            weight,
            scores: score * weight,
            labels: label * weight,
        });
        blocks
            .reduce(Block::joined)
            .expect("a run of ties has a row")
    })
    .collect()
}

/// Joins neighbours as long as they should be.
fn pool(blocks: &[Block], should: impl Fn(Block, Block) -> bool) -> Vec<Block> {
    let mut pooled: Vec<Block> = Vec::new();
    for &block in blocks {
        let mut next = block;
        while let Some(&last) = pooled.last()
            && should(last, next)
        {
            pooled.pop();
            next = last.joined(next);
        }
        pooled.push(next);
    }
    pooled
}

fn knots(blocks: &[Block], base: f64, row: f64) -> Vec<(f64, f64)> {
    let mut least = 0.0f64;
    let knots = blocks.iter().map(|block| {
        // Drawing to the base rate draws light blocks more, which could undo the order.
        least = least.max((block.labels + base * row) / (block.weight + row));
        (block.scores / block.weight, least)
    });
    knots.collect()
}

/// The probability at a score: straight between two knots, level beyond the ends.
pub(super) fn between(knots: &[(f64, f64)], score: f64) -> f64 {
    let right = knots.partition_point(|knot| knot.0 <= score);
    match (
        right.checked_sub(1).map(|left| knots[left]),
        knots.get(right),
    ) {
        (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (score - a.0) / (b.0 - a.0),
        (Some(end), None) => end.1,
        (None, Some(end)) => end.1,
        (None, None) => crate::numeric::sigmoid_wide(score),
    }
}
