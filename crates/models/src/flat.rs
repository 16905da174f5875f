//! The forest as it is served.
//!
//! A node is 8 bytes, a tree's nodes are neighbours, and so are a split's two children: a step is one load, one
//! comparison and one addition, without a branch to mispredict. A leaf is a node that leads to itself, so several trees
//! (one row) or several rows (a batch) take as many steps together as the deepest leaf needs, and the processor has that
//! many loads under way at once. To stop as soon as none of them moves would cost more than the steps that it saves.
//!
//! A missing value has two copies in the prepared row: infinity, which is above every threshold, and minus infinity,
//! which is above none. A split reads the copy that goes its way, so nothing is asked about missing values on the way.
//!
//! Every tree has room for the same number of nodes, and every prepared row for the same number of values, both a
//! power of two: a number of a node or of a value cut to that many bits is always inside, so the walk checks no bounds.
//! The usual forest (up to 128 leaves a tree and 128 features) has the smallest room; larger ones have more.
//!
//! Of a batch, blocks of 512 rows do not walk at all, but are [`crate::sliced`], if the forest is not too large for that.
//!
//! Scores are the same, to the last bit, as [`Forest::score`]'s: the values of the trees are added in the same order.

use crate::sliced::Sliced;
use crate::tree::{Broken, Forest, Kind, Question, Tree};
use std::sync::Arc;

/// Walks side by side: what hides the time of a load.
const LANES: usize = 16;

/// Rows of a batch that are taken through a tree before the next tree: all that is known of them stays in a near cache.
const BLOCK: usize = 32;

/// Places for nodes of all trees at most, of 12 bytes each: 400 MB. One large tree gives the room of its nodes to all
/// others, so a file of a few hundred kilobytes could ask for any amount.
const MOST_PLACES: usize = 1 << 25;

/// One number for each row of a block.
type Rows = [f32; BLOCK];

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
    sliced: Option<Arc<Sliced>>,
}

/// A forest that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unservable {
    /// A tree that cannot be followed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// There is no room for it: more than 65,535 nodes in a tree, more than 32,767 features, or too many trees beside
    /// a large one.
    #[error(
        "{trees} trees of up to {nodes} nodes, of {features} features, are too large to be laid out: fewer leaves, or \
         fewer trees, would fit"
    )]
    TooLarge {
        /// How many trees.
        trees: usize,
        /// Nodes of the largest.
        nodes: usize,
        /// Values that a row has.
        features: usize,
    },
}

impl FlatForest {
    /// Lays out a forest.
    ///
    /// # Errors
    /// See [`Unservable`].
    pub fn new(forest: &Forest) -> Result<Self, Unservable> {
        forest.check()?;
        let walk: Arc<dyn Walk> = match room(forest)? {
            256 => Arc::new(Laid::<256>::new(forest)),
            2048 => Arc::new(Laid::<2048>::new(forest)),
            _ => Arc::new(Laid::<65_536>::new(forest)),
        };
        Ok(Self {
            features: forest.features as usize,
            walk,
            sliced: Sliced::new(forest).map(Arc::new),
        })
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
        let share = match &self.sliced {
            Some(_) => Sliced::share(scores.len()),
            None => 0,
        };
        let (many, few) = rows.split_at(share * self.features);
        let (many_scores, few_scores) = scores.split_at_mut(share);
        if let Some(sliced) = &self.sliced {
            sliced.batch(many, many_scores);
        }
        self.walk.batch(few, few_scores);
    }
}

/// How many places each tree needs, and each row.
fn room(forest: &Forest) -> Result<usize, Unservable> {
    let nodes = forest.trees.iter().map(|tree| tree.nodes().len());
    let (trees, nodes) = (nodes.len(), nodes.max().unwrap_or(0));
    let features = forest.features as usize;
    let room = match nodes.max(2 * features) {
        0..=256 => 256,
        257..=2048 => 2048,
        _ => 65_536,
    };
    let fits = nodes <= u16::MAX as usize && features <= i16::MAX as usize;
    match fits && trees <= MOST_PLACES / room {
        true => Ok(room),
        false => Err(Unservable::TooLarge {
            trees,
            nodes,
            features,
        }),
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
    /// By tree: steps from the root to the deepest leaf.
    depths: Vec<usize>,
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
            depths: Vec::with_capacity(forest.trees.len()),
            steps: Vec::with_capacity(forest.trees.len() * ROOM),
            leaves: Vec::with_capacity(forest.trees.len() * ROOM),
        };
        forest.trees.iter().for_each(|tree| laid.push(tree));
        laid
    }

    /// Adds a tree level by level, children side by side.
    fn push(&mut self, tree: &Tree) {
        let mut order = vec![(0, 0)];
        let mut index = 0;
        while let Some(&(node, depth)) = order.get(index) {
            let (step, leaf) = match &tree.nodes()[node].kind {
                Kind::Leaf { value } => (Step::stay(index), *value),
                Kind::Split(question) => {
                    let step = self.ask(question, order.len());
                    let children = [question.left as usize, question.right as usize];
                    order.extend(children.map(|child| (child, depth + 1)));
                    (step, 0.0)
                }
            };
            self.steps.push(step);
            self.leaves.push(leaf);
            index += 1;
        }
        self.depths.push(order.last().map_or(0, |last| last.1));
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

    /// Of each tree its steps, its leaves' values and its depth.
    fn trees(&self) -> impl Iterator<Item = (&[Step; ROOM], &[f32; ROOM], usize)> {
        let steps = self.steps.as_chunks().0.iter();
        let leaves = self.leaves.as_chunks().0.iter();
        let trees = steps.zip(leaves).zip(&self.depths);
        trees.map(|((steps, leaves), depth)| (steps, leaves, *depth))
    }

    /// Lays a row out, with both copies of each value.
    fn prepare(&self, row: &[f32]) -> Box<[f32; ROOM]> {
        let mut prepared = vec![0.0; ROOM];
        let (high, low) = prepared.split_at_mut(self.features);
        for ((&value, high), low) in row.iter().zip(high).zip(low) {
            (*high, *low) = (or(value, f32::INFINITY), or(value, f32::NEG_INFINITY));
        }
        prepared.try_into().expect("it has this room")
    }

    /// Lays the rows of a block side by side, with both copies of each value.
    fn turn(&self, rows: &[f32], block: &mut [Rows; ROOM]) {
        let (high, low) = block.split_at_mut(self.features);
        for (place, row) in rows.chunks_exact(self.features.max(1)).enumerate() {
            for ((&value, high), low) in row.iter().zip(&mut *high).zip(&mut *low) {
                high[place] = or(value, f32::INFINITY);
                low[place] = or(value, f32::NEG_INFINITY);
            }
        }
    }
}

fn or(value: f32, missing: f32) -> f32 {
    if value.is_nan() { missing } else { value }
}

/// Takes a row through some trees; gives the places of their leaves.
fn walk_trees<const ROOM: usize, const N: usize>(
    trees: &[[Step; ROOM]; N],
    row: &[f32; ROOM],
    depth: usize,
) -> [usize; N] {
    let mut at = [0u32; N];
    for _ in 0..depth {
        for (at, tree) in at.iter_mut().zip(trees) {
            let step = &tree[*at as usize & (ROOM - 1)];
            let is_above = row[usize::from(step.value) & (ROOM - 1)] > step.threshold;
            *at = u32::from(step.left) + u32::from(is_above);
        }
    }
    at.map(|node| node as usize & (ROOM - 1))
}

/// Takes the rows of a block from the `first` on through a tree; gives the places of their leaves.
fn walk_rows<const ROOM: usize>(
    tree: &[Step; ROOM],
    block: &[Rows; ROOM],
    first: usize,
    depth: usize,
) -> [usize; LANES] {
    let mut at = [0u32; LANES];
    for _ in 0..depth {
        for (lane, at) in at.iter_mut().enumerate() {
            let step = &tree[*at as usize & (ROOM - 1)];
            let values = &block[usize::from(step.value) & (ROOM - 1)];
            let is_above = values[(first + lane) % BLOCK] > step.threshold;
            *at = u32::from(step.left) + u32::from(is_above);
        }
    }
    at.map(|node| node as usize & (ROOM - 1))
}

impl<const ROOM: usize> Walk for Laid<ROOM> {
    fn one(&self, row: &[f32]) -> f64 {
        let row = self.prepare(row);
        let (groups, rest) = self.steps.as_chunks::<ROOM>().0.as_chunks::<LANES>();
        let mut depths = self.depths.chunks(LANES);
        let mut places = Vec::with_capacity(self.depths.len());
        for trees in groups {
            let deepest = depths.next().into_iter().flatten().max();
            places.extend(walk_trees(trees, &row, deepest.copied().unwrap_or(0)));
        }
        for (tree, depth) in rest.iter().zip(depths.flatten()) {
            places.extend(walk_trees(std::array::from_ref(tree), &row, *depth));
        }
        let leaves = self.leaves.as_chunks::<ROOM>().0.iter().zip(places);
        leaves.fold(self.base, |sum, (leaves, place)| {
            sum + f64::from(leaves[place])
        })
    }

    fn batch(&self, rows: &[f32], scores: &mut [f64]) {
        let block = vec![[0.0; BLOCK]; ROOM].into_boxed_slice();
        let mut block: Box<[Rows; ROOM]> = block.try_into().expect("it has this room");
        // By scores: of a forest without features a row has no values.
        for (scores, number) in scores.chunks_mut(BLOCK).zip(0..) {
            let first = number * BLOCK * self.features;
            let values = scores.len() * self.features;
            self.turn(&rows[first..first + values], &mut block);
            scores.fill(self.base);
            for (tree, leaves, depth) in self.trees() {
                for (group, scores) in scores.chunks_mut(LANES).enumerate() {
                    let places = walk_rows(tree, &block, group * LANES, depth);
                    for (score, place) in scores.iter_mut().zip(places) {
                        *score += f64::from(leaves[place]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of so many nodes, level by level.
    fn tree(nodes: usize) -> Tree {
        let question = Question {
            feature: 0,
            threshold: 0.0,
            bin: 0,
            missing_left: false,
            gain: 0.0,
            left: 0,
            right: 0,
        };
        let mut tree = Tree::root(1);
        let mut open = vec![0];
        while tree.nodes().len() < nodes {
            let (left, right) = tree.split(open.remove(0), question.clone(), (1, 1));
            open.extend([left, right]);
        }
        tree
    }

    fn room_of(features: u32, trees: impl IntoIterator<Item = Tree>) -> Option<usize> {
        let forest = Forest {
            base: 0.0,
            features,
            trees: trees.into_iter().collect(),
        };
        room(&forest).ok()
    }

    #[test]
    fn a_large_tree_does_not_make_room_for_any_number_of_small_ones() {
        let small = |number| std::iter::repeat_n(tree(1), number);
        assert_eq!(room_of(1, small(10_000)), Some(256));
        assert_eq!(room_of(1, small(500).chain([tree(2_049)])), Some(65_536));
        assert_eq!(room_of(1, small(10_000).chain([tree(2_049)])), None);
        assert_eq!(room_of(1, [tree(65_537)]), None);
        assert_eq!(
            (room_of(32_767, []), room_of(32_768, [])),
            (Some(65_536), None)
        );
    }
}
