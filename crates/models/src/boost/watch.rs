//! The later frame that tells when to stop.

use super::settings::Booster;
use crate::dataset::Dataset;
use crate::parallel::Threads;
use crate::tree::{Forest, Tree};

/// Scores of a frame that is not trained on, round by round.
pub(crate) struct Watch<'a> {
    booster: &'a Booster,
    data: &'a Dataset,
    threads: Threads,
    scores: Vec<f32>,
    losses: Vec<f64>,
    best: usize,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(booster: &'a Booster, data: &'a Dataset, base: f32) -> Self {
        Self {
            booster,
            data,
            threads: Threads::new(booster.threads),
            scores: vec![base; data.rows()],
            losses: Vec::new(),
            best: 0,
        }
    }

    /// Adds the newest tree; gives the loss.
    pub(crate) fn add(&mut self, forest: &Forest) -> f64 {
        if let Some(tree) = forest.trees.last() {
            add_tree(tree, self.data, &mut self.scores, self.threads);
        }
        let loss = self
            .booster
            .loss
            .mean(self.data, &self.scores, self.threads);
        if self.losses.is_empty() || loss < self.losses[self.best] {
            self.best = self.losses.len();
        }
        self.losses.push(loss);
        loss
    }

    /// The round with the least loss.
    pub(crate) fn best(&self) -> usize {
        self.best
    }

    pub(crate) fn is_over(&self) -> bool {
        self.losses.len() > self.best + self.booster.patience
    }
}

/// Adds to each row's score what the tree gives it.
pub(crate) fn add_tree(tree: &Tree, data: &Dataset, scores: &mut [f32], threads: Threads) {
    threads.chunks(scores, |start, scores| {
        for (row, score) in (start..).zip(scores) {
            *score += tree.value_of_bins(data.matrix(), row);
        }
    });
}
