//! The questions to learn from, and the two passes over the ledger that answer them.
//!
//! The first finds what became of each. So that nobody waits for the second in vain, what can be said without it is said
//! after the first: that there is nothing to learn, and what will make the figures too good.

use super::parts::Parts;
use super::{Gathered, Plan, TrainError};
use crate::Source;
use crate::cells;
use crate::columns;
use crate::frame::Frame;
use crate::grid::{Grid, date, day_of};
use crate::known;
use crate::outcome::Outcomes;
use crate::split::{Part, Split};
use crate::warning::Warning;
use onhand_features::{FeatureSet, catalog};
use onhand_models::Hours;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts that a model cannot do without, and what for.
const NEEDED: [(Part, &str); 4] = [
    (Part::Train, "to grow trees on"),
    (Part::Stop, "that tells when to stop"),
    (Part::Fit, "of calibration"),
    (Part::Choose, "that tells which calibration"),
];

/// Questions whose answers are known.
#[derive(Debug)]
pub struct Questions {
    outcomes: Outcomes,
    split: Split,
    parts: Parts,
    warnings: Vec<Warning>,
}

impl Questions {
    /// Finds what became of a ledger's past.
    ///
    /// # Errors
    /// The ledger's, or there is too little to learn from.
    pub fn read<S: Source>(truth: &S, plan: &Plan) -> Result<Self, TrainError<S::Error>> {
        let grid = Grid::of_days(plan.from..=plan.until);
        let outcomes = Outcomes::read(truth, grid, plan.label).map_err(TrainError::Source)?;
        // Nobody knows yet what became of later days, so the model learns nothing of them, and does not say that it did.
        let known = outcomes.last_day();
        let until = known.unwrap_or(plan.until.min(day_of(outcomes.range.1.at)));
        let split = Split::of(*outcomes.grid.days.start(), until);
        if !split.is_whole() {
            return Err(TrainError::Days {
                days: (until + 1).saturating_sub(split.from),
                until: date(until),
            });
        }
        if known.is_none() {
            return Err(TrainError::Untold {
                label: plan.label,
                from: date(split.from),
                until: date(until),
            });
        }
        let parts = Parts::of(&outcomes, plan, split);
        match NEEDED.iter().find(|(part, _)| parts.rows(*part) == 0) {
            Some((_, what)) => Err(TrainError::Rows { what }),
            None => Ok(Self {
                warnings: Warning::of_learning(&outcomes, plan.label),
                outcomes,
                split,
                parts,
            }),
        }
    }

    /// What will make the model's figures too good.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Asks them with what was known then; mostly by the same ledger.
    ///
    /// # Errors
    /// The ledger's, or nothing tells the questions apart.
    pub fn ask<S: Source>(
        self,
        known: &S,
        threads: usize,
    ) -> Result<Gathered, TrainError<S::Error>> {
        let set = Arc::new(catalog::availability());
        let mut frames = self
            .frames(known, &set, threads)
            .map_err(TrainError::Source)?;
        let used = columns::learned(&set, frames[&Part::Train].telling());
        if used.is_empty() {
            return Err(TrainError::Alike);
        }
        frames.values_mut().for_each(|frame| frame.keep(&used));
        let held_out = self.parts.held_out.iter().filter(|is_held| **is_held);
        Ok(Gathered {
            split: self.split,
            tried: None,
            used,
            frames,
            ledger: self.outcomes.range,
            trained: self.parts.trained(&self.outcomes),
            held_out: held_out.count(),
            hours: self.hours(),
            warnings: self.warnings,
            set,
        })
    }

    /// The hours of the day about which trees are grown.
    fn hours(&self) -> Hours {
        let trees = self.parts.each.iter().filter(|each| each.0 == Part::Train);
        let slots = trees.flat_map(|(_, cells)| cells.iter().enumerate());
        let asked = slots.filter(|(_, pairs)| !pairs.is_empty());
        let hour = |slot| self.outcomes.grid.moment(slot).hour_asked_about() as u32;
        asked.map(|(slot, _)| hour(slot)).collect()
    }

    /// The rows of each part, with every feature.
    fn frames<S: Source>(
        &self,
        known: &S,
        set: &Arc<FeatureSet>,
        threads: usize,
    ) -> Result<BTreeMap<Part, Frame>, S::Error> {
        let (outcomes, parts) = (&self.outcomes, &self.parts);
        let frame = |cells| Frame::with_room(set.len(), cells::count(cells));
        let each = parts.each.iter();
        let mut frames: BTreeMap<Part, Frame> =
            each.map(|(part, cells)| (*part, frame(cells))).collect();
        let mut take = |asked: known::Asked<'_>| {
            for (pair, row) in asked.pairs.iter().zip(asked.rows.chunks(set.len())) {
                let part = parts.part(outcomes.grid.day(asked.slot), *pair);
                if let Some(frame) = frames.get_mut(&part) {
                    frame.push(row, outcomes.label(asked.slot, *pair));
                }
            }
        };
        let cells = parts.cells();
        known::ask(known, Arc::clone(set), outcomes, &cells, threads, &mut take)?;
        Ok(frames)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;
    use crate::outcome::Label;
    use crate::split::HoldOut;
    use crate::told::{hour, ledger};
    use onhand_core::stock::observe::{Observe, ObserveLine};
    use onhand_core::stock::receive::{Receive, ReceiveLine};
    use onhand_core::{Command, Lines, LocationId, Quantity, Sku};
    use onhand_models::boost::Booster;

    const ITEMS: usize = 40;

    fn location() -> LocationId {
        LocationId::new("1").unwrap()
    }

    fn skus() -> impl Iterator<Item = Sku> {
        (0..ITEMS).map(|item| Sku::new(&format!("item-{item}")).unwrap())
    }

    /// On each of ten days a delivery of every item.
    fn deliveries() -> Vec<(u64, Command)> {
        let line = |sku| ReceiveLine {
            sku,
            quantity: Quantity::new(5).unwrap(),
            lot: None,
            expires_on: None,
        };
        let delivery = |day: u64| {
            let receive = Receive {
                location: location(),
                lines: Lines::new(skus().map(line).collect::<Vec<_>>()).unwrap(),
                reference: None,
                occurred_at: None,
            };
            (24 * day + 6, Command::Receive(receive))
        };
        (0..10).map(delivery).collect()
    }

    /// On each of ten days a look at every tenth item.
    fn looks() -> Vec<(u64, Command)> {
        let look = |day: u64| {
            let line = |sku| ObserveLine {
                sku,
                at: hour(24 * day + 10),
                found: day.is_multiple_of(2),
            };
            let observe = Observe {
                location: location(),
                source: onhand_core::Label::new("pick").unwrap(),
                lines: Lines::new(skus().step_by(10).map(line).collect::<Vec<_>>()).unwrap(),
            };
            (24 * day + 10, Command::Observe(observe))
        };
        (0..10).map(look).collect()
    }

    fn read(commands: Vec<(u64, Command)>, label: Label, days: u32) -> Result<Questions, String> {
        let plan = Plan {
            from: 0,
            until: day_of(hour(0)) + days,
            rows: 1000,
            hold_out: HoldOut {
                share: 0.0,
                seed: 1,
            },
            label,
            booster: Booster::default(),
        };
        Questions::read(&ledger(commands), &plan).map_err(|error| error.to_string())
    }

    /// Nobody waits for the second pass to hear of it.
    #[test]
    fn the_first_pass_says_that_nobody_told_of_any_shelf() {
        let said = |label, days| read(deliveries(), label, days).unwrap_err();
        let shelf = said(Label::Shelf, 9);
        let days = "tells of no shelf whether it was empty from 2024-01-01 to 2024-01-10, ";
        assert!(shelf.contains(days), "{shelf}");
        assert_eq!(shelf, said(Label::Shelf, 5_000), "no day after the last");
        assert!(said(Label::Looks, 9).starts_with("nobody looked"));
        assert!(said(Label::Shelf, 3).contains("training needs 8"));
    }

    #[test]
    fn the_first_pass_warns_of_labels_that_are_thin() {
        let all = || [deliveries(), looks()].concat();
        let questions = read(all(), Label::Shelf, 9).unwrap();
        let told = [Warning::LearnedFromLooks { told: 0.1 }];
        assert_eq!(questions.warnings(), told);
        assert_eq!(read(all(), Label::Looks, 9).unwrap().warnings(), []);
    }
}
