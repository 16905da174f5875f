//! The forest as it is served.
//!
//! A node is 8 bytes, a tree's nodes are neighbours, and so are a split's two children: a step is one load, one
//! comparison and one addition, without a branch to mispredict. A leaf is a node that leads to itself, so several trees
//! (one row) or several rows (a batch) take their steps together until none of them moves, and the processor has that
//! many loads under way at once.
//!
//! A missing value has two copies in the prepared row: infinity, which is above every threshold, and minus infinity,
//! which is above none. A split reads the copy that goes its way, so nothing is asked about missing values on the way.
//!
//! Scores are the same, to the last bit, as [`Forest::score`]'s: the values of the trees are added in the same order.

use std::ops::Range;

use crate::tree::{Broken, Forest, Kind, Node, Question, Tree};

/// Walks side by side: what hides the time of a load.
const LANES: usize = 8;

/// Rows of a batch that are taken through a tree before the next tree: all that is known of them stays in a near cache.
const BLOCK: usize = 32;

/// One number for each row of a block.
type Rows = [f32; BLOCK];

/// `x[value] > threshold` goes to `left + 1`, else to `left`.
#[derive(Clone, Copy, Debug)]
struct Step {
    threshold: f32,
    value: u16,
    left: u16,
}

/// A forest made for speed. Built from a [`Forest`], which remains the form to keep.
#[derive(Clone, Debug)]
pub struct FlatForest {
    base: f64,
    features: usize,
    trees: Vec<Place>,
    steps: Vec<Step>,
    /// The values of those nodes that are leaves.
    leaves: Vec<f32>,
}

/// Where a tree's nodes lie.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    end: u32,
}

impl Place {
    fn nodes(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

fn or(value: f32, missing: f32) -> f32 {
    if value.is_nan() { missing } else { value }
}

impl FlatForest {
    /// Lays out a forest.
    ///
    /// # Errors
    /// If a tree cannot be followed (see [`Forest::check`]), or has more than 65,535 nodes, or the forest more than
    /// 32,767 features.
    pub fn new(forest: &Forest) -> Result<Self, Broken> {
        forest.check()?;
        let mut flat = Self {
            base: forest.base.into(),
            features: forest.features as usize,
            trees: Vec::new(),
            steps: Vec::new(),
            leaves: Vec::new(),
        };
        for (index, tree) in forest.trees.iter().enumerate() {
            if tree.nodes().len() > u16::MAX as usize || flat.features > i16::MAX as usize {
                return Err(Broken {
                    tree: index,
                    node: 0,
                });
            }
            flat.push(tree);
        }
        Ok(flat)
    }

    /// Number of values that a row has.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The raw score of one row: one value a feature, NaN if missing.
    ///
    /// # Panics
    /// If the row has another number of values.
    pub fn score(&self, row: &[f32]) -> f64 {
        assert_eq!(row.len(), self.features, "one value a feature");
        let high = row.iter().map(|&value| or(value, f32::INFINITY));
        let low = row.iter().map(|&value| or(value, f32::NEG_INFINITY));
        let values: Vec<f32> = high.chain(low).collect();
        let mut score = self.base;
        let mut groups = self.trees.chunks_exact(LANES);
        for trees in &mut groups {
            let starts: [u32; LANES] = std::array::from_fn(|lane| trees[lane].start);
            self.walk_trees(starts, &values)
                .into_iter()
                .for_each(|leaf| score += f64::from(leaf));
        }
        for tree in groups.remainder() {
            score += f64::from(self.walk_trees([tree.start], &values)[0]);
        }
        score
    }

    /// Takes one row through some trees.
    fn walk_trees<const N: usize>(&self, starts: [u32; N], values: &[f32]) -> [f32; N] {
        let mut at = starts;
        loop {
            let next: [u32; N] = std::array::from_fn(|lane| {
                let step = self.steps[at[lane] as usize];
                let above = values[usize::from(step.value)] > step.threshold;
                starts[lane] + u32::from(step.left) + u32::from(above)
            });
            if next == at {
                return at.map(|node| self.leaves[node as usize]);
            }
            at = next;
        }
    }

    /// The raw scores of rows that lie one after the other in `rows`.
    ///
    /// # Panics
    /// If `rows` does not hold `features` values for each place in `scores`.
    pub fn score_batch(&self, rows: &[f32], scores: &mut [f64]) {
        assert_eq!(rows.len(), scores.len() * self.features, "one row a score");
        let mut values = vec![[0.0; BLOCK]; 2 * self.features];
        let blocks = rows.chunks(BLOCK * self.features.max(1));
        for (rows, scores) in blocks.zip(scores.chunks_mut(BLOCK)) {
            self.turn(rows, &mut values);
            scores.fill(self.base);
            for tree in &self.trees {
                let leaves = self.walk_rows(tree, &values);
                for (score, leaf) in scores.iter_mut().zip(leaves) {
                    *score += f64::from(leaf);
                }
            }
        }
    }

    /// Lays rows side by side, with both copies of each value.
    fn turn(&self, rows: &[f32], values: &mut [Rows]) {
        let (high, low) = values.split_at_mut(self.features);
        for (place, row) in rows.chunks_exact(self.features).enumerate() {
            for ((&value, high), low) in row.iter().zip(&mut *high).zip(&mut *low) {
                high[place] = or(value, f32::INFINITY);
                low[place] = or(value, f32::NEG_INFINITY);
            }
        }
    }

    /// Takes a block through a tree, some rows at a time.
    fn walk_rows(&self, tree: &Place, values: &[Rows]) -> Rows {
        let steps = &self.steps[tree.nodes()];
        let leaves = &self.leaves[tree.nodes()];
        let mut found = [0.0; BLOCK];
        for (group, found) in found.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let first = group * LANES;
            let mut at = [0u16; LANES];
            loop {
                let next: [u16; LANES] = std::array::from_fn(|lane| {
                    let step = steps[usize::from(at[lane])];
                    let value = values[usize::from(step.value)][(first + lane) % BLOCK];
                    step.left + u16::from(value > step.threshold)
                });
                if next == at {
                    break;
                }
                at = next;
            }
            *found = at.map(|node| leaves[usize::from(node)]);
        }
        found
    }

    /// Adds a tree level by level, children side by side.
    fn push(&mut self, tree: &Tree) {
        let start = self.steps.len() as u32;
        let mut order = vec![0];
        let mut index = 0;
        while let Some(node) = order.get(index).map(|&node: &usize| &tree.nodes()[node]) {
            let step = self.step(node, index, order.len());
            self.steps.push(step.0);
            self.leaves.push(step.1);
            if let Kind::Split(question) = &node.kind {
                order.extend([question.left as usize, question.right as usize]);
            }
            index += 1;
        }
        let end = self.steps.len() as u32;
        self.trees.push(Place { start, end });
    }

    /// The step of the node at `index` whose children, if any, come at `next`.
    fn step(&self, node: &Node, index: usize, next: usize) -> (Step, f32) {
        match &node.kind {
            Kind::Leaf { value } => (self.stay(index), *value),
            Kind::Split(question) => (self.ask(question, next), 0.0),
        }
    }

    /// No value is above infinity.
    fn stay(&self, index: usize) -> Step {
        Step {
            threshold: f32::INFINITY,
            value: 0,
            left: index as u16,
        }
    }

    fn ask(&self, question: &Question, next: usize) -> Step {
        let copy = if question.missing_left {
            self.features
        } else {
            0
        };
        Step {
            threshold: question.threshold,
            value: (question.feature as usize + copy) as u16,
            left: next as u16,
        }
    }
}
