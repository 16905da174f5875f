//! One tree, leaf by leaf.

use super::gradient::{Entry, Scale};
use super::histogram::Histogram;
use super::partition::{self, Sides};
use super::settings::{Booster, Monotone};
use super::split::{Rules, Split, Sums};
use crate::dataset::Dataset;
use crate::parallel::Threads;
use crate::random::{Purpose, Stream};
use crate::tree::{Question, Tree};
use std::ops::Range;

/// What a tree is grown on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) booster: &'a Booster,
    pub(crate) data: &'a Dataset,
    pub(crate) threads: Threads,
}

/// A tree, its rows in the order of its leaves, and its leaves.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) entries: Vec<Entry>,
    pub(crate) leaves: Vec<GrownLeaf>,
}

/// A leaf of a grown tree.
pub(crate) struct GrownLeaf {
    pub(crate) node: usize,
    pub(crate) range: Range<usize>,
    pub(crate) bounds: (f64, f64),
}

/// Grows the tree of a round on the rows of `entries`. `scratch` holds as many; what is in it does not matter.
pub(crate) fn grow<'a>(
    ground: Ground<'a>,
    entries: Vec<Entry>,
    scratch: &'a mut [Entry],
    scale: Scale,
    round: usize,
) -> Grown {
    let mut growth = Growth {
        tree: Tree::root(entries.len()),
        rules: Rules::new(ground.booster, scale),
        features: features(ground.booster, ground.data.maps().len(), round),
        leaves: Vec::new(),
        entries,
        scratch,
        ground,
    };
    growth.plant();
    while growth.leaves.len() < ground.booster.max_leaves
        && let Some((place, split)) = growth.most_worth()
    {
        growth.split(place, split);
    }
    growth.harvest()
}

/// The features that a tree may use, ascending.
fn features(booster: &Booster, count: usize, round: usize) -> Vec<usize> {
    let stream = Stream::new(booster.seed, Purpose::Features, round);
    let take = ((count as f64 * booster.feature_fraction).round() as usize).clamp(1, count);
    let mut drawn: Vec<usize> = (0..count).collect();
    drawn.sort_by_key(|&feature| stream.at(feature as u64));
    drawn.truncate(take);
    drawn.sort_unstable();
    drawn
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    range: Range<usize>,
    depth: usize,
    sums: Sums,
    histogram: Option<Histogram>,
    split: Option<Split>,
}

/// A tree under way.
struct Growth<'a> {
    ground: Ground<'a>,
    rules: Rules<'a>,
    features: Vec<usize>,
    entries: Vec<Entry>,
    scratch: &'a mut [Entry],
    tree: Tree,
    leaves: Vec<Leaf>,
}

impl Growth<'_> {
    fn plant(&mut self) {
        let histogram = self.count(0..self.entries.len());
        let sums = Sums {
            all: histogram.feature(0).iter().sum(),
            rows: self.entries.len(),
            bounds: (f64::NEG_INFINITY, f64::INFINITY),
        };
        let mut root = Leaf {
            node: 0,
            range: 0..self.entries.len(),
            depth: 0,
            sums,
            histogram: None,
            split: None,
        };
        self.judge(&mut root, histogram);
        self.leaves.push(root);
    }

    /// The leaf whose split saves most; of equal ones the oldest.
    fn most_worth(&self) -> Option<(usize, Split)> {
        let splits = self.leaves.iter().enumerate();
        splits
            .filter_map(|(place, leaf)| leaf.split.map(|split| (place, split)))
            .reduce(|best, next| {
                if next.1.gain > best.1.gain {
                    next
                } else {
                    best
                }
            })
    }

    fn split(&mut self, place: usize, split: Split) {
        let (mut left, mut right) = self.cut(place, &split);
        let last = self.leaves.len() + 1 == self.ground.booster.max_leaves;
        let parent = self.leaves[place].histogram.take();
        if !last
            && let Some(parent) = parent
            && (self.may_split(&left) || self.may_split(&right))
        {
            self.count_both(parent, &mut left, &mut right);
        }
        self.leaves[place] = left;
        self.leaves.push(right);
    }

    /// Counts the smaller leaf; the larger one is what the parent has besides.
    fn count_both(&self, parent: Histogram, left: &mut Leaf, right: &mut Leaf) {
        let (small, large) = match left.range.len() <= right.range.len() {
            true => (left, right),
            false => (right, left),
        };
        let counted = self.count(small.range.clone());
        let rest = parent.less(&counted);
        self.judge(small, counted);
        self.judge(large, rest);
    }

    /// Parts the rows of a leaf, and makes its two children.
    fn cut(&mut self, place: usize, split: &Split) -> (Leaf, Leaf) {
        let leaf = &self.leaves[place];
        let (range, node, depth, sums) = (leaf.range.clone(), leaf.node, leaf.depth + 1, leaf.sums);
        let map = &self.ground.data.maps()[split.feature];
        let question = Question::new(
            split.feature,
            split.bin,
            split.missing_left,
            split.gain,
            map,
        );
        let middle = range.start + self.part(range.clone(), &question);
        let (left, right) = (range.start..middle, middle..range.end);
        let nodes = self.tree.split(node, question, (left.len(), right.len()));
        let bounds = self.bounds(split, sums);
        let child = |node, range: Range<usize>, all, bounds| Leaf {
            node,
            sums: Sums {
                all,
                rows: range.len(),
                bounds,
            },
            range,
            depth,
            histogram: None,
            split: None,
        };
        (
            child(nodes.0, left, split.left, bounds.0),
            child(nodes.1, right, sums.all - split.left, bounds.1),
        )
    }

    /// The children's bounds: a rule on the split's feature puts them on either side of the middle of their values.
    fn bounds(&self, split: &Split, parent: Sums) -> ((f64, f64), (f64, f64)) {
        let (low, high) = parent.bounds;
        let rules = &self.ground.booster.monotone;
        let left = self.rules.value(split.left, parent.bounds);
        let right = self.rules.value(parent.all - split.left, parent.bounds);
        let middle = left / 2.0 + right / 2.0;
        match rules.get(split.feature).copied().unwrap_or_default() {
            Monotone::Free => (parent.bounds, parent.bounds),
            Monotone::Rising => ((low, middle), (middle, high)),
            Monotone::Falling => ((middle, high), (low, middle)),
        }
    }

    fn part(&mut self, range: Range<usize>, question: &Question) -> usize {
        let sides: Sides = std::array::from_fn(|bin| question.bin_goes_left(bin as u8));
        let (group, place) = self.ground.data.matrix().column(question.feature as usize);
        partition::part(
            &mut self.entries[range.clone()],
            &mut self.scratch[range],
            |row| group[row as usize][place],
            &sides,
            self.ground.threads,
        )
    }

    fn count(&self, range: Range<usize>) -> Histogram {
        Histogram::of(
            self.ground.data.matrix(),
            &self.entries[range],
            self.ground.threads,
        )
    }

    /// Looks for a leaf's best split; the histogram is only kept if there is one.
    fn judge(&self, leaf: &mut Leaf, histogram: Histogram) {
        if !self.may_split(leaf) {
            return;
        }
        let maps = self.ground.data.maps();
        leaf.split = self.rules.best(&histogram, leaf.sums, &self.features, maps);
        leaf.histogram = leaf.split.is_some().then_some(histogram);
    }

    fn may_split(&self, leaf: &Leaf) -> bool {
        let booster = self.ground.booster;
        leaf.depth < booster.max_depth && leaf.sums.rows >= 2 * booster.min_rows
    }

    fn harvest(mut self) -> Grown {
        for leaf in &self.leaves {
            let value = self.rules.value(leaf.sums.all, leaf.sums.bounds);
            self.tree.set_leaf(leaf.node, value as f32);
        }
        let leaves = self.leaves.into_iter().map(|leaf| GrownLeaf {
            node: leaf.node,
            range: leaf.range,
            bounds: leaf.sums.bounds,
        });
        Grown {
            leaves: leaves.collect(),
            tree: self.tree,
            entries: self.entries,
        }
    }
}
