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
//! Every tree has room for the same number of nodes, and every prepared row for the same number of values, both a
//! power of two: a number of a node or of a value cut to that many bits is always inside, so the walk checks no bounds.
//! The usual forest (up to 128 leaves a tree and 128 features) has the smallest room; larger ones have more.
//!
//! Scores are the same, to the last bit, as [`Forest::score`]'s: the values of the trees are added in the same order.

use crate::tree::{Broken, Forest, Kind, Question, Tree};
use std::sync::Arc;

/// Walks side by side: what hides the time of a load.
const LANES: usize = 8;

/// Rows of a batch that are taken through a tree before the next tree: all that is known of them stays in a near cache.
const BLOCK: usize = 32;

/// `x[value] > threshold` goes to `left + 1`, else to `left`.
#[derive(Clone, Copy, Debug)]
struct Step {
    threshold: f32,
    value: u16,
    left: u16,
}

impl Step {
    /// A leaf's: no value is above infinity.
    fn stay(node: usize) -> Self {
        Self {
            threshold: f32::INFINITY,
            value: 0,
            left: node as u16,
        }
    }
}

/// A forest made for speed. Built from a [`Forest`], which remains the form to keep.
#[derive(Clone, Debug)]
pub struct FlatForest {
    features: usize,
    walk: Arc<dyn Walk>,
}

impl FlatForest {
    /// Lays out a forest.
    ///
    /// # Errors
    /// If a tree cannot be followed (see [`Forest::check`]), or has more than 65,535 nodes, or the forest more than
    /// 32,767 features.
    pub fn new(forest: &Forest) -> Result<Self, Broken> {
        forest.check()?;
        let features = forest.features as usize;
        let nodes = forest.trees.iter().map(|tree| tree.nodes().len());
        let most = nodes.clone().max().unwrap_or(0);
        let is_too_large = |nodes: usize| nodes > u16::MAX as usize || features > i16::MAX as usize;
        if let Some(tree) = nodes.into_iter().position(is_too_large) {
            return Err(Broken { tree, node: 0 });
        }
        let walk: Arc<dyn Walk> = match most.max(2 * features) {
            0..=256 => Arc::new(Laid::<256>::new(forest)),
            257..=2048 => Arc::new(Laid::<2048>::new(forest)),
            _ => Arc::new(Laid::<65_536>::new(forest)),
        };
        Ok(Self { features, walk })
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
        self.walk.one(row)
    }

    /// The raw scores of rows that lie one after the other in `rows`.
    ///
    /// # Panics
    /// If `rows` does not hold `features` values for each place in `scores`.
    pub fn score_batch(&self, rows: &[f32], scores: &mut [f64]) {
        assert_eq!(rows.len(), scores.len() * self.features, "one row a score");
        self.walk.batch(rows, scores);
    }
}

/// A forest laid out with some room.
trait Walk: std::fmt::Debug + Send + Sync {
    fn one(&self, row: &[f32]) -> f64;
    fn batch(&self, rows: &[f32], scores: &mut [f64]);
}

/// `ROOM` nodes a tree, and `ROOM` values a prepared row.
#[derive(Debug)]
struct Laid<const ROOM: usize> {
    base: f64,
    features: usize,
    /// `ROOM` of each tree.
    steps: Vec<Step>,
    /// The values of those nodes that are leaves.
    leaves: Vec<f32>,
}

impl<const ROOM: usize> Laid<ROOM> {
    fn new(forest: &Forest) -> Self {
        let mut laid = Self {
            base: forest.base.into(),
            features: forest.features as usize,
            steps: Vec::with_capacity(forest.trees.len() * ROOM),
            leaves: Vec::with_capacity(forest.trees.len() * ROOM),
        };
        forest.trees.iter().for_each(|tree| laid.push(tree));
        laid
    }

    /// Adds a tree level by level, children side by side.
    fn push(&mut self, tree: &Tree) {
        let mut order = vec![0];
        let mut index = 0;
        while let Some(node) = order.get(index).map(|&node: &usize| &tree.nodes()[node]) {
            let (step, leaf) = match &node.kind {
                Kind::Leaf { value } => (Step::stay(index), *value),
                Kind::Split(question) => (self.ask(question, order.len()), 0.0),
            };
            if let Kind::Split(question) = &node.kind {
                order.extend([question.left as usize, question.right as usize]);
            }
            self.steps.push(step);
            self.leaves.push(leaf);
            index += 1;
        }
        self.steps.extend((index..ROOM).map(Step::stay));
        self.leaves.resize(self.steps.len(), 0.0);
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

    fn trees(&self) -> impl Iterator<Item = (&[Step; ROOM], &[f32; ROOM])> {
        let (steps, _) = self.steps.as_chunks();
        let (leaves, _) = self.leaves.as_chunks();
        steps.iter().zip(leaves)
    }

    /// Puts both copies of each of a row's values into its room.
    fn prepare(&self, row: &[f32], into: &mut [f32; ROOM]) {
        let or = |value: f32, missing: f32| if value.is_nan() { missing } else { value };
        let (high, low) = into.split_at_mut(self.features);
        for ((&value, high), low) in row.iter().zip(high).zip(low) {
            *high = or(value, f32::INFINITY);
            *low = or(value, f32::NEG_INFINITY);
        }
    }
}

/// Walks `N` lanes from their roots to their leaves; gives the leaves' places. A lane has a tree and a row.
fn walk<const ROOM: usize, const N: usize>(
    trees: [&[Step; ROOM]; N],
    rows: [&[f32; ROOM]; N],
) -> [usize; N] {
    let mut at = [0; N];
    loop {
        let next = std::array::from_fn(|lane| {
            let step: Step = trees[lane][at[lane] & (ROOM - 1)];
            let is_above = rows[lane][usize::from(step.value) & (ROOM - 1)] > step.threshold;
            usize::from(step.left) + usize::from(is_above)
        });
        if next == at {
            return at;
        }
        at = next;
    }
}

impl<const ROOM: usize> Walk for Laid<ROOM> {
    fn one(&self, row: &[f32]) -> f64 {
        let mut prepared = vec![0.0; ROOM];
        let row_of_room = prepared.first_chunk_mut().expect("it has this room");
        self.prepare(row, row_of_room);
        let row = &*row_of_room;
        let (steps, _) = self.steps.as_chunks::<ROOM>();
        let (leaves, _) = self.leaves.as_chunks::<ROOM>();
        let mut score = self.base;
        let (groups, rest) = steps.as_chunks::<LANES>();
        let mut values = leaves.iter();
        for trees in groups {
            let places = walk(trees.each_ref(), [row; LANES]);
            for (place, values) in places.into_iter().zip(&mut values) {
                score += f64::from(values[place & (ROOM - 1)]);
            }
        }
        for (tree, values) in rest.iter().zip(values) {
            score += f64::from(values[walk([tree], [row])[0] & (ROOM - 1)]);
        }
        score
    }

    fn batch(&self, rows: &[f32], scores: &mut [f64]) {
        let mut prepared = vec![0.0; BLOCK * ROOM];
        let (prepared, _) = prepared.as_chunks_mut::<ROOM>();
        let blocks = rows.chunks(BLOCK * self.features.max(1));
        for (rows, scores) in blocks.zip(scores.chunks_mut(BLOCK)) {
            for (row, into) in rows.chunks(self.features.max(1)).zip(&mut *prepared) {
                self.prepare(row, into);
            }
            scores.fill(self.base);
            let (groups, _) = prepared.as_chunks::<LANES>();
            for (tree, values) in self.trees() {
                for (rows, scores) in groups.iter().zip(scores.chunks_mut(LANES)) {
                    let places = walk([tree; LANES], rows.each_ref());
                    for (score, place) in scores.iter_mut().zip(places) {
                        *score += f64::from(values[place & (ROOM - 1)]);
                    }
                }
            }
        }
    }
}
