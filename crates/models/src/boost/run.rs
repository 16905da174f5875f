//! A fit under way, round by round.
//!
//! Reading rows that lie far apart is what a tree's time goes into. Trees of neighbouring rounds cut the frame much the
//! same way, so every now and then the rows are laid in the order of a tree's leaves: then a leaf's rows are mostly
//! neighbours, and 2 million of them take a quarter less time. The order has no part in the sums of slopes, which
//! are exact. Frames for ranking stay as they are, because their groups are runs of rows.

use super::gradient::{self, Entry, Gradient, Scale};
use super::grow::{Ground, Grown, grow};
use super::settings::Booster;
use super::watch;
use crate::dataset::Dataset;
use crate::parallel::Threads;
use crate::tree::Forest;
use std::borrow::Cow;

/// Rounds between two new orders of the rows.
const SETTLE: usize = 8;

pub(super) struct Run<'a> {
    booster: &'a Booster,
    data: Cow<'a, Dataset>,
    threads: Threads,
    pub(super) forest: Forest,
    scores: Vec<f32>,
    gradients: Vec<Gradient>,
    scratch: Vec<Entry>,
}

impl<'a> Run<'a> {
    pub(super) fn new(booster: &'a Booster, data: &'a Dataset) -> Self {
        let base = booster.loss.start(data);
        Self {
            booster,
            data: Cow::Borrowed(data),
            threads: Threads::new(booster.threads),
            forest: Forest {
                base,
                features: data.maps().len() as u32,
                trees: Vec::new(),
            },
            scores: vec![base; data.rows()],
            gradients: vec![Gradient::default(); data.rows()],
            scratch: vec![Entry::default(); data.rows()],
        }
    }

    /// The mean loss so far.
    pub(super) fn loss(&self) -> f64 {
        let Self { booster, data, .. } = self;
        booster.loss.mean(data, &self.scores, self.threads)
    }

    /// Adds a tree.
    pub(super) fn round(&mut self, index: usize) {
        let mut grown = self.grow(index);
        self.renew(&mut grown);
        grown.tree.shrink(self.booster.learning_rate);
        self.add(&grown);
        if index.is_multiple_of(SETTLE) && self.data.group_ends().is_empty() {
            self.settle(&grown);
        }
        self.forest.trees.push(grown.tree);
    }

    fn grow(&mut self, index: usize) -> Grown {
        let Self {
            booster,
            threads,
            gradients,
            ..
        } = self;
        let (booster, threads) = (*booster, *threads);
        booster
            .loss
            .gradients(&self.data, &self.scores, gradients, threads);
        booster
            .sampling
            .thin(gradients, booster.seed, index, threads);
        let scale = Scale::of(gradients, threads);
        let entries = gradient::round(gradients, scale, booster.seed, index, threads);
        let data = &self.data;
        let ground = Ground {
            booster,
            data,
            threads,
        };
        grow(ground, entries, &mut self.scratch, scale, index)
    }

    /// Losses without curvature put a better value into each leaf than the gradient's.
    fn renew(&self, grown: &mut Grown) {
        let loss = self.booster.loss;
        for leaf in &grown.leaves {
            let entries = &grown.entries[leaf.range.clone()];
            let rows = entries.iter().map(|entry| entry.row as usize);
            if let Some(value) = loss.leaf_value(&self.data, &self.scores, rows) {
                let value = value.clamp(leaf.bounds.0 as f32, leaf.bounds.1 as f32);
                grown.tree.set_leaf(leaf.node, value);
            }
        }
    }

    /// Adds a tree to the scores of the rows that it was grown on, or, if some were left out, of all by asking it.
    fn add(&mut self, grown: &Grown) {
        let tree = &grown.tree;
        if grown.entries.len() < self.scores.len() {
            return watch::add_tree(tree, &self.data, &mut self.scores, self.threads);
        }
        let leaves = grown.leaves.iter();
        let leaves: Vec<(&[Entry], f32)> = leaves
            .map(|leaf| (&grown.entries[leaf.range.clone()], tree.leaf(leaf.node)))
            .collect();
        self.threads.chunks(&mut self.scores, |start, scores| {
            for &(entries, value) in &leaves {
                add_leaf(entries, value, start, scores);
            }
        });
    }

    /// Lays the rows in the order of a tree's leaves; those that it left out come last.
    fn settle(&mut self, grown: &Grown) {
        let mut order: Vec<u32> = grown.entries.iter().map(|entry| entry.row).collect();
        if order.len() < self.scores.len() {
            let left_out = |row: &u32| self.gradients[*row as usize].second < 0.0;
            order.extend((0..self.scores.len() as u32).filter(left_out));
        }
        self.data = Cow::Owned(self.data.reordered(&order, self.threads));
        self.scores = order.iter().map(|&row| self.scores[row as usize]).collect();
    }
}

/// Adds a leaf's value to those of its rows that are among `scores`, which begin at row `start`.
fn add_leaf(entries: &[Entry], value: f32, start: usize, scores: &mut [f32]) {
    let first = entries.partition_point(|entry| (entry.row as usize) < start);
    for entry in &entries[first..] {
        match scores.get_mut(entry.row as usize - start) {
            Some(score) => *score += value,
            None => break,
        }
    }
}
