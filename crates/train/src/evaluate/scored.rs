//! Questions with their answers, row by row.

use super::score::Drawn;
use crate::cells::{self, Cells};
use crate::known::Asked;
use crate::outcome::Outcomes;
use onhand_features::Moment;
use onhand_models::Recalibration;
use std::ops::Range;

/// Questions with their answers.
#[derive(Debug, Default)]
pub struct Scored {
    /// By row: the pair.
    pub pairs: Vec<u32>,
    /// By row: the slot of the outcomes' grid.
    pub slots: Vec<u32>,
    /// By row: how empty the shelf was.
    pub labels: Vec<f32>,
    /// By row: what the status says; nothing if the baselines were not asked.
    pub status: Vec<f64>,
    /// By row: what the item's rate at this hour says; nothing if the baselines were not asked.
    pub item_and_hour: Vec<f64>,
    /// By row: what the model says; nothing without a model.
    pub model: Vec<f64>,
    /// By row: what it said before it was recalibrated every night; nothing if it was not.
    pub plain: Vec<f64>,
    /// By row: whether it is judged.
    pub is_judged: Vec<bool>,
    /// By row: whether a recalibration may learn from it.
    pub is_learned: Vec<bool>,
}

impl Scored {
    pub(super) fn with_room(outcomes: &Outcomes, cells: &Cells, first: u32) -> Self {
        let judged = cells.iter().enumerate();
        let rows = judged
            .filter(|(slot, _)| outcomes.grid.day(*slot) >= first)
            .map(|(_, pairs)| pairs.len())
            .sum();
        Self {
            pairs: Vec::with_capacity(rows),
            slots: Vec::with_capacity(rows),
            labels: Vec::with_capacity(rows),
            status: Vec::new(),
            item_and_hour: Vec::new(),
            model: Vec::new(),
            plain: Vec::new(),
            is_judged: Vec::with_capacity(rows),
            is_learned: Vec::with_capacity(rows),
        }
    }

    /// Says what the last rows are for.
    pub(super) fn mark(&mut self, asked: Asked<'_>, drawn: &Drawn) {
        for pair in asked.pairs {
            let is_in = |cells| cells::has(cells, asked.slot, *pair);
            self.is_judged.push(is_in(&drawn.judged));
            self.is_learned.push(is_in(&drawn.learned));
        }
    }
}

impl Scored {
    /// When a row was asked, and about when.
    pub(crate) fn moment(&self, row: usize, outcomes: &Outcomes) -> Moment {
        outcomes.grid.moment(self.slots[row] as usize)
    }

    /// The category of a row's item, as it was known when it was asked.
    pub(crate) fn category(&self, row: usize, outcomes: &Outcomes) -> Option<u32> {
        let pair = &outcomes.pairs[self.pairs[row] as usize];
        pair.category(self.moment(row, outcomes).now)
    }

    /// Moves what the model says of some rows.
    pub(crate) fn recalibrate(
        &mut self,
        recalibration: &Recalibration,
        outcomes: &Outcomes,
        rows: Range<usize>,
    ) {
        for row in rows {
            let category = self.category(row, outcomes);
            let category = category.map(|number| outcomes.categories[number as usize].as_str());
            let hour = self.moment(row, outcomes).hour_asked_about();
            let line = recalibration.line(category, hour);
            self.model[row] = line.moved(self.model[row]);
        }
    }

    /// Those rows alone that are judged.
    pub(crate) fn judged(self) -> Self {
        fn of<T: Copy>(all: Vec<T>, is_judged: &[bool]) -> Vec<T> {
            let each = all
                .iter()
                .zip(is_judged)
                .filter(|(_, is_judged)| **is_judged);
            each.map(|(one, _)| *one).collect()
        }
        let is_judged = &self.is_judged;
        Self {
            pairs: of(self.pairs, is_judged),
            slots: of(self.slots, is_judged),
            labels: of(self.labels, is_judged),
            status: of(self.status, is_judged),
            item_and_hour: of(self.item_and_hour, is_judged),
            model: of(self.model, is_judged),
            plain: of(self.plain, is_judged),
            is_learned: of(self.is_learned, is_judged),
            is_judged: is_judged.iter().copied().filter(|is| *is).collect(),
        }
    }
}
