//! A forest as it is kept: every split with what is known of it.
//!
//! This is the form for interchange, for explanation and for a person to read. [`crate::flat`] is the one to serve.

use crate::dataset::{BinMap, Matrix};
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// Splits between a root and a leaf at most: what follows a tree by calling itself needs an end.
pub const MOST_DEEP: usize = 512;

/// A base and trees; the raw score of a row is the base and the value that each tree gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    /// The score before any tree, in the units of the loss (log odds, the label's, ...).
    pub base: f32,
    /// Number of features that a row has.
    pub features: u32,
    /// In the order of their rounds.
    pub trees: Vec<Tree>,
}

/// A binary tree. Node 0 is the root, and children come after their parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// A node and the number of rows of the training frame that came to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Rows that came here.
    pub rows: u32,
    /// What happens to them.
    pub kind: Kind,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Gives its value.
    Leaf {
        /// Added to the raw score.
        value: f32,
    },
    /// Sends a row to one of two nodes.
    Split(Question),
}

/// A split: `x[feature] <= threshold` goes left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Which feature.
    pub feature: u32,
    /// The largest value that goes left.
    pub threshold: f32,
    /// The same as a bin of the training frame.
    pub bin: u8,
    /// Where a missing value goes.
    pub missing_left: bool,
    /// Twice the loss saved in training.
    pub gain: f32,
    /// Node for those that are not above the threshold.
    pub left: u32,
    /// Node for the others.
    pub right: u32,
}

/// A tree that cannot be followed: a child that does not come after its parent alone, a node that no other leads to, a
/// feature that no row has, or more than [`MOST_DEEP`] splits one below the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "tree {tree}, node {node}: its feature or its children do not exist, another node leads to one of them, they are too deep, or no node leads to it"
)]
pub struct Broken {
    /// Which tree.
    pub tree: usize,
    /// Which node.
    pub node: usize,
}

impl Forest {
    /// The raw score of a row: one value a feature, NaN if missing. The slow twin of [`crate::flat::FlatForest::score`].
    ///
    /// # Panics
    /// If the row has fewer values than the forest has features.
    pub fn score(&self, row: &[f32]) -> f64 {
        let base = f64::from(self.base);
        let values = self.trees.iter().map(|tree| f64::from(tree.value(row)));
        values.fold(base, |sum, value| sum + value)
    }

    /// Gain of all splits on each feature, added up: how much training used it.
    pub fn gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.features as usize];
        for question in self.trees.iter().flat_map(Tree::questions) {
            gains[question.feature as usize] += f64::from(question.gain);
        }
        gains
    }

    /// Whether all its numbers are finite.
    pub(crate) fn is_finite(&self) -> bool {
        let nodes = self.trees.iter().flat_map(Tree::nodes);
        let mut each = nodes.map(|node| match &node.kind {
            Kind::Leaf { value } => value.is_finite(),
            Kind::Split(question) => question.threshold.is_finite() && question.gain.is_finite(),
        });
        self.base.is_finite() && each.all(|is_finite| is_finite)
    }

    /// Checks what came from outside, so that following it must end.
    ///
    /// # Errors
    /// The first node that cannot be followed.
    pub fn check(&self) -> Result<(), Broken> {
        for (index, tree) in self.trees.iter().enumerate() {
            if let Some(node) = tree.first_broken(self.features) {
                return Err(Broken { tree: index, node });
            }
        }
        Ok(())
    }
}

impl Tree {
    pub(crate) fn root(rows: usize) -> Self {
        Self {
            nodes: vec![Node::leaf(rows)],
        }
    }

    /// All nodes, parents first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The value that a row gets.
    pub fn value(&self, row: &[f32]) -> f32 {
        self.follow(|question| question.goes_left(row[question.feature as usize]))
    }

    pub(crate) fn value_of_bins(&self, matrix: &Matrix, row: usize) -> f32 {
        self.follow(|question| question.bin_goes_left(matrix.bin(row, question.feature as usize)))
    }

    fn follow(&self, mut goes_left: impl FnMut(&Question) -> bool) -> f32 {
        let mut node = 0;
        loop {
            match &self.nodes[node].kind {
                Kind::Leaf { value } => return *value,
                Kind::Split(question) if goes_left(question) => node = question.left as usize,
                Kind::Split(question) => node = question.right as usize,
            }
        }
    }

    /// How many splits a row meets on its way to a leaf.
    pub fn splits_met(&self, row: &[f32]) -> usize {
        let mut met = 0;
        self.follow(|question| {
            met += 1;
            question.goes_left(row[question.feature as usize])
        });
        met
    }

    /// All splits' questions, parents first.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Split(question) => Some(question),
            Kind::Leaf { .. } => None,
        })
    }

    /// Makes a leaf into a split with two leaves, and gives their nodes.
    pub(crate) fn split(
        &mut self,
        node: usize,
        question: Question,
        rows: (usize, usize),
    ) -> (usize, usize) {
        let (left, right) = (self.nodes.len(), self.nodes.len() + 1);
        self.nodes.extend([Node::leaf(rows.0), Node::leaf(rows.1)]);
        self.nodes[node].kind = Kind::Split(Question {
            left: left as u32,
            right: right as u32,
            ..question
        });
        (left, right)
    }

    pub(crate) fn set_leaf(&mut self, node: usize, value: f32) {
        self.nodes[node].kind = Kind::Leaf { value };
    }

    /// A leaf's value; zero for a split.
    pub(crate) fn leaf(&self, node: usize) -> f32 {
        match self.nodes[node].kind {
            Kind::Leaf { value } => value,
            Kind::Split(_) => 0.0,
        }
    }

    /// Makes every value smaller by a rate.
    pub(crate) fn shrink(&mut self, rate: f32) {
        for node in &mut self.nodes {
            if let Kind::Leaf { value } = &mut node.kind {
                *value *= rate;
            }
        }
    }

    /// The first node whose feature or children do not exist, one of whose children another node led to already (there
    /// would be more ways than nodes), that leads deeper than [`MOST_DEEP`], or that no node leads to: a row never comes
    /// there, and what serves the tree may count on each leaf being some row's.
    fn first_broken(&self, features: u32) -> Option<usize> {
        if self.nodes.is_empty() {
            return Some(0);
        }
        let mut depths = vec![0; self.nodes.len()];
        let is_new = |parent: usize, child: u32, depths: &mut [usize]| {
            let child = child as usize;
            if child <= parent || child >= depths.len() || depths[child] > 0 {
                return false;
            }
            depths[child] = depths[parent] + 1;
            depths[child] <= MOST_DEEP
        };
        self.nodes
            .iter()
            .enumerate()
            .position(|(index, node)| match &node.kind {
                _ if index > 0 && depths[index] == 0 => true,
                Kind::Leaf { .. } => false,
                Kind::Split(question) => {
                    (question.feature >= features && !Defect::SplitFeatureUnchecked.is_on())
                        || !is_new(index, question.left, &mut depths)
                        || !is_new(index, question.right, &mut depths)
                }
            })
    }
}

impl Node {
    fn leaf(rows: usize) -> Self {
        Self {
            rows: rows as u32,
            kind: Kind::Leaf { value: 0.0 },
        }
    }
}

impl Question {
    pub(crate) fn new(
        feature: usize,
        bin: u8,
        missing_left: bool,
        gain: f64,
        map: &BinMap,
    ) -> Self {
        Self {
            feature: feature as u32,
            threshold: map.threshold(bin),
            bin,
            missing_left,
            gain: gain as f32,
            left: 0,
            right: 0,
        }
    }

    /// Which way a value goes.
    pub fn goes_left(&self, value: f32) -> bool {
        if value.is_nan() {
            self.missing_left
        } else {
            value <= self.threshold
        }
    }

    pub(crate) fn bin_goes_left(&self, bin: u8) -> bool {
        if bin == crate::dataset::MISSING {
            self.missing_left
        } else {
            bin <= self.bin
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Node by node: the children of a split, none of a leaf.
    fn forest(children: &[Option<(u32, u32)>]) -> Forest {
        let node = |children: &Option<(u32, u32)>| Node {
            rows: 1,
            kind: match *children {
                None => Kind::Leaf { value: 1.0 },
                Some((left, right)) => Kind::Split(Question {
                    feature: 0,
                    threshold: 0.0,
                    bin: 0,
                    missing_left: false,
                    gain: 0.0,
                    left,
                    right,
                }),
            },
        };
        let nodes = children.iter().map(node).collect();
        Forest {
            base: 0.0,
            features: 1,
            trees: vec![Tree { nodes }],
        }
    }

    /// Every right child is a split again, so many times.
    fn chain(splits: u32) -> Forest {
        let mut children = Vec::new();
        for split in 0..splits {
            children.push(Some((2 * split + 1, 2 * split + 2)));
            children.push(None);
        }
        children.push(None);
        forest(&children)
    }

    #[test]
    fn a_node_has_one_parent_that_comes_before_it() {
        let broken = |children: &[_]| forest(children).check().map_err(|broken| broken.node);
        assert_eq!(broken(&[Some((1, 2)), None, None]), Ok(()));
        assert_eq!(broken(&[Some((1, 1)), None]), Err(0));
        assert_eq!(broken(&[Some((1, 2)), Some((2, 3)), None, None]), Err(1));
        assert_eq!(broken(&[Some((0, 1)), None]), Err(0));
        assert_eq!(broken(&[Some((1, 2)), None]), Err(0));
        assert_eq!(broken(&[]), Err(0));
    }

    #[test]
    fn a_tree_has_a_bound_to_its_depth() {
        assert_eq!(chain(MOST_DEEP as u32).check(), Ok(()));
        assert!(chain(MOST_DEEP as u32 + 1).check().is_err());
    }
}
