//! Some features of a set.
//!
//! A model looks at a part of the catalogue. Of a row that is read for it, only what its features are made of is made: the
//! means over other shelves, which cost the most, above all.

use crate::plan::{Node, Plan, Read};
use std::collections::BTreeSet;

/// Features of a set, and the steps that make them.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The places of the features in a row, ascending.
    features: Vec<usize>,
    /// The steps, in order.
    nodes: Vec<usize>,
    /// The kinds of entity whose members the steps make means over.
    shared: BTreeSet<usize>,
    /// How many features and steps the set has.
    of: (usize, usize),
}

impl Choice {
    /// The features at these places of a row.
    pub(crate) fn of(plan: &Plan, features: impl IntoIterator<Item = usize>) -> Self {
        let features: BTreeSet<usize> = features.into_iter().collect();
        let mut is_needed = vec![false; plan.nodes.len()];
        for feature in &features {
            is_needed[plan.outputs[*feature]] = true;
        }
        // Each node comes after those that it is made of.
        for (number, node) in plan.nodes.iter().enumerate().rev() {
            if is_needed[number] {
                node.parts().for_each(|part| is_needed[part] = true);
            }
        }
        let nodes: Vec<usize> = (0..plan.nodes.len())
            .filter(|number| is_needed[*number])
            .collect();
        let shared = nodes.iter().filter_map(|number| match plan.nodes[*number] {
            Node::Read(Read::Mean(mean)) => Some(plan.means[mean].entity),
            _ => None,
        });
        Self {
            features: features.into_iter().collect(),
            shared: shared.collect(),
            nodes,
            of: (plan.outputs.len(), plan.nodes.len()),
        }
    }

    /// Whether it may be of this plan's set.
    pub(crate) fn fits(&self, plan: &Plan) -> bool {
        self.of == (plan.outputs.len(), plan.nodes.len())
    }

    pub(crate) fn has(&self, feature: usize) -> bool {
        self.features.binary_search(&feature).is_ok()
    }

    pub(crate) fn features(&self) -> impl Iterator<Item = usize> {
        self.features.iter().copied()
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().copied()
    }

    pub(crate) fn shared(&self) -> &BTreeSet<usize> {
        &self.shared
    }
}

impl Node {
    /// The nodes that it is made of.
    fn parts(self) -> impl Iterator<Item = usize> {
        let (one, other) = match self {
            Self::Read(_) | Self::Number(_) => (None, None),
            Self::Unary(_, one) => (Some(one), None),
            Self::Binary(_, one, other) => (Some(one), Some(other)),
        };
        one.into_iter().chain(other)
    }
}
