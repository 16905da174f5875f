//! Which questions are for what.

use super::Plan;
use crate::cells::{self, Cells};
use crate::outcome::{Outcomes, Pair};
use crate::split::{Fold, Part, Split, Trained};
use std::collections::BTreeSet;

/// The questions of each part.
#[derive(Debug)]
pub(super) struct Parts {
    split: Split,
    /// By location.
    pub(super) held_out: Vec<bool>,
    /// By pair: whether its location is held out, and its fold.
    pairs: Vec<(bool, Fold)>,
    pub(super) each: Vec<(Part, Cells)>,
}

impl Parts {
    pub(super) fn of(outcomes: &Outcomes, plan: &Plan, split: Split) -> Self {
        let mut held_out = vec![false; outcomes.sizes.len()];
        for pair in &outcomes.pairs {
            held_out[pair.location_no as usize] = plan.hold_out.holds(&pair.location);
        }
        let pair = |pair: &Pair| {
            let is_held_out = held_out[pair.location_no as usize];
            let fold = Fold::of(held_out.len(), &pair.location, &pair.sku);
            (is_held_out, fold)
        };
        let mut parts = Self {
            split,
            pairs: outcomes.pairs.iter().map(pair).collect(),
            held_out,
            each: Vec::new(),
        };
        for (part, rows) in [
            (Part::Train, plan.rows),
            (Part::Stop, plan.rows / 8),
            (Part::Fit, plan.rows / 4),
            (Part::Choose, plan.rows / 8),
            (Part::Unseen, plan.rows / 4),
        ] {
            let cells = cells::all(outcomes, |slot, pair| {
                parts.part(outcomes.grid.day(slot), pair) == part
            });
            let cells = cells::sample(outcomes, cells, rows, plan.booster.seed);
            parts.each.push((part, cells));
        }
        parts
    }

    pub(super) fn part(&self, day: u32, pair: u32) -> Part {
        let (is_held_out, fold) = self.pairs[pair as usize];
        self.split.part(day, is_held_out, fold)
    }

    /// How many questions a part has.
    pub(super) fn rows(&self, part: Part) -> usize {
        let of_part = self.each.iter().filter(|each| each.0 == part);
        of_part.map(|(_, cells)| cells::count(cells)).sum()
    }

    pub(super) fn cells(&self) -> Cells {
        let each = self.each.iter().map(|(_, cells)| cells.clone());
        each.reduce(cells::join).unwrap_or_default()
    }

    /// The locations that are learned from.
    pub(super) fn trained(&self, outcomes: &Outcomes) -> Trained {
        let of_part = |part| self.each.iter().filter(move |each| each.0 == part);
        let learned = [Part::Train, Part::Stop, Part::Fit, Part::Choose];
        let cells = learned.into_iter().flat_map(of_part);
        let pairs: BTreeSet<u32> = cells
            .flat_map(|(_, cells)| cells.iter().flatten())
            .copied()
            .collect();
        pairs
            .iter()
            .map(|pair| &outcomes.pairs[*pair as usize].location)
            .collect()
    }
}
