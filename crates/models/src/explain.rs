//! The parts of a score: path-dependent TreeSHAP.
//!
//! A feature's part is its Shapley value: what knowing it adds to the expected score, averaged over all orders in which
//! features may become known. Where a feature is not known, a row goes both ways, by the share of the training rows
//! that did. The algorithm is number 2 of Lundberg, Erion, Lee, *Consistent individualized feature attribution for tree
//! ensembles*, 2018: one walk over all leaves, carrying for each number of known features the sum of the weights of the
//! sets of that size. It takes time in proportion to leaves times depth squared.
//!
//! The parts and the expected score add up to the raw score, which is what makes them worth showing.

use crate::tree::{Forest, Kind, Question, Tree};

/// A raw score in parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The score of which nothing is known: the mean over the training frame's rows.
    pub expected: f64,
    /// What each feature adds.
    pub parts: Vec<f64>,
}

impl Parts {
    /// The raw score, within 1e-6.
    pub fn score(&self) -> f64 {
        self.parts
            .iter()
            .fold(self.expected, |sum, part| sum + part)
    }
}

impl Forest {
    /// The parts of a row's raw score: one value a feature, NaN if missing.
    ///
    /// # Panics
    /// If the row has fewer values than the forest has features.
    pub fn explain(&self, row: &[f32]) -> Parts {
        let mut parts = vec![0.0; self.features as usize];
        for tree in &self.trees {
            let mut walk = Walk {
                tree,
                row,
                paths: Vec::new(),
                parts: &mut parts,
            };
            walk.node(0, 0, Known::NOTHING);
        }
        Parts {
            expected: self.expected(),
            parts,
        }
    }

    /// The mean raw score of the rows of the training frame.
    pub fn expected(&self) -> f64 {
        let means = self.trees.iter().map(|tree| mean(tree, 0));
        means.fold(f64::from(self.base), |sum, mean| sum + mean)
    }
}

fn mean(tree: &Tree, node: usize) -> f64 {
    match &tree.nodes()[node].kind {
        Kind::Leaf { value } => f64::from(*value),
        Kind::Split(question) => {
            let (left, right) = (question.left as usize, question.right as usize);
            share(tree, node, left) * mean(tree, left)
                + share(tree, node, right) * mean(tree, right)
        }
    }
}

/// Share of a node's rows that went to a child.
fn share(tree: &Tree, node: usize, child: usize) -> f64 {
    f64::from(tree.nodes()[child].rows) / f64::from(tree.nodes()[node].rows.max(1))
}

/// A feature on the way to a node, and the weight of the sets of known features of the size of its place.
#[derive(Clone, Copy)]
struct Known {
    feature: Option<u32>,
    /// Share of the rows that come this way if the feature is not known.
    zero: f64,
    /// 1 if the row comes this way when it is known, else 0.
    one: f64,
    weight: f64,
}

impl Known {
    /// What stands before every feature.
    const NOTHING: Self = Self {
        feature: None,
        zero: 1.0,
        one: 1.0,
        weight: 1.0,
    };
}

/// One tree and one row. The path to the node at hand is the end of `paths`, from `start`; its ancestors' lie below.
struct Walk<'a> {
    tree: &'a Tree,
    row: &'a [f32],
    paths: Vec<Known>,
    parts: &'a mut [f64],
}

impl Walk<'_> {
    fn node(&mut self, node: usize, parent: usize, last: Known) {
        // A branch that no training row took and this one does not take either.
        if last.zero == 0.0 && last.one == 0.0 {
            return;
        }
        let start = self.paths.len();
        self.paths.extend_from_within(parent..);
        self.paths.push(last);
        extend(&mut self.paths[start..]);
        match &self.tree.nodes()[node].kind {
            Kind::Leaf { value } => self.leaf(f64::from(*value), start),
            Kind::Split(question) => self.split(node, question, start),
        }
        self.paths.truncate(start);
    }

    fn split(&mut self, node: usize, question: &Question, start: usize) {
        let before = self.forget(question.feature, start);
        let goes_left = question.goes_left(self.row[question.feature as usize]);
        for (child, taken) in [(question.left, goes_left), (question.right, !goes_left)] {
            let next = Known {
                feature: Some(question.feature),
                zero: before.zero * share(self.tree, node, child as usize),
                one: if taken { before.one } else { 0.0 },
                weight: 0.0,
            };
            self.node(child as usize, start, next);
        }
    }

    /// Takes a feature off the path if it is on it: it comes again, with what it said before.
    fn forget(&mut self, feature: u32, start: usize) -> Known {
        let path = &mut self.paths[start..];
        match path.iter().position(|known| known.feature == Some(feature)) {
            None => Known::NOTHING,
            Some(place) => {
                let known = path[place];
                let mut without = Vec::with_capacity(path.len());
                weights_without(path, known, |weight| without.push(weight));
                path.copy_within(place + 1.., place);
                self.paths.pop();
                let rest = self.paths[start..].iter_mut();
                rest.zip(without.iter().rev())
                    .for_each(|(known, &weight)| known.weight = weight);
                known
            }
        }
    }

    /// What a leaf adds to the part of each feature on the way to it.
    fn leaf(&mut self, value: f64, start: usize) {
        let path = &self.paths[start..];
        for known in path {
            if let Some(feature) = known.feature {
                let mut sum = 0.0;
                weights_without(path, *known, |weight| sum += weight);
                self.parts[feature as usize] += sum * (known.one - known.zero) * value;
            }
        }
    }
}

/// Brings the last feature of a path into the weights.
fn extend(path: &mut [Known]) {
    let size = path.len() as f64;
    let Some((next, before)) = path.split_last_mut() else {
        return;
    };
    if before.is_empty() {
        return;
    }
    let length = before.len();
    next.weight = next.one * before[length - 1].weight * length as f64 / size;
    for index in (0..length).rev() {
        let kept = before[index].weight * next.zero * (length - index) as f64 / size;
        let gained = match index {
            0 => 0.0,
            _ => next.one * before[index - 1].weight * index as f64 / size,
        };
        before[index].weight = kept + gained;
    }
}

/// The weights of a path without one of its features, from the last to the first: [`extend`] undone.
fn weights_without(path: &[Known], gone: Known, mut each: impl FnMut(f64)) {
    let last = path.len() - 1;
    let size = path.len() as f64;
    if gone.one == 0.0 {
        let factor = size / gone.zero;
        for (index, known) in path[..last].iter().enumerate().rev() {
            each(known.weight * factor * inverse(last - index));
        }
        return;
    }
    let (gain, loss) = (size / gone.one, gone.zero / size);
    let mut next = path[last].weight;
    for (index, known) in path[..last].iter().enumerate().rev() {
        let weight = next * gain * inverse(index + 1);
        next = known.weight - weight * (loss * (last - index) as f64);
        each(weight);
    }
}

/// 1 / count, without a division for the counts that paths have.
fn inverse(count: usize) -> f64 {
    const KNOWN: [f64; 64] = {
        let mut table = [1.0; 64];
        let mut count = 2;
        while count < 64 {
            table[count] = 1.0 / count as f64;
            count += 1;
        }
        table
    };
    KNOWN
        .get(count)
        .copied()
        .unwrap_or_else(|| 1.0 / count as f64)
}
