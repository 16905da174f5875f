//! How good predictions are, and how sure we are of that. All by weight.
//!
//! - `order`: PR-AUC and ROC-AUC, which only see the order.
//! - `proper`: log loss and Brier, with their skill and parts, which see the numbers.
//! - `reliability`: whether what is said to happen in 3 of 10 cases does: bins, ECE, slope and shift.
//! - `bootstrap`: how much of it is chance.

mod bootstrap;
mod order;
mod proper;
mod reliability;

pub use bootstrap::Interval;
pub use order::{average_precision, precision_recall, roc_auc};
pub use proper::{Brier, base_rate, brier, log_loss, skill};
pub use reliability::{Bin, Line, Reliability, line};

use crate::dataset::Refused;

/// Predictions (probabilities or raw scores) beside what happened.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    predicted: &'a [f64],
    labels: &'a [f32],
    weights: Option<&'a [f32]>,
}

impl<'a> Sample<'a> {
    /// Pairs them: labels from 0 to 1, weights from 0, no weights for all alike.
    ///
    /// # Errors
    /// If the lengths differ, or a value is out of its range or not finite.
    pub fn new(
        predicted: &'a [f64],
        labels: &'a [f32],
        weights: Option<&'a [f32]>,
    ) -> Result<Self, Refused> {
        let expect_rows = |what: &str, found: usize| match found == predicted.len() {
            true => Ok(()),
            false => Err(Refused::Rows {
                what: what.to_owned(),
                found,
                rows: predicted.len(),
            }),
        };
        let refused = |what: &str, row, rule| {
            Err(Refused::Value {
                what: what.to_owned(),
                row,
                rule,
            })
        };
        expect_rows("labels", labels.len())?;
        expect_rows("weights", weights.map_or(predicted.len(), <[f32]>::len))?;
        if let Some(row) = predicted.iter().position(|value| !value.is_finite()) {
            return refused("predicted", row, "a prediction is finite");
        }
        if let Some(row) = labels.iter().position(|label| !(0.0..=1.0).contains(label)) {
            return refused("labels", row, "a label is from 0 to 1");
        }
        let bad = |weight: &f32| !weight.is_finite() || *weight < 0.0;
        if let Some(row) = weights.and_then(|weights| weights.iter().position(bad)) {
            return refused("weights", row, "a weight is finite and not negative");
        }
        Ok(Self {
            predicted,
            labels,
            weights,
        })
    }

    /// The same rows with other predictions.
    ///
    /// # Panics
    /// If there is not one a row.
    pub fn with<'b>(&self, predicted: &'b [f64]) -> Sample<'b>
    where
        'a: 'b,
    {
        assert_eq!(predicted.len(), self.len(), "one prediction a row");
        Sample { predicted, ..*self }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.predicted.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.predicted.is_empty()
    }

    /// The predictions.
    pub fn predicted(&self) -> &'a [f64] {
        self.predicted
    }

    /// Prediction, label, weight of each row.
    pub fn rows(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        (0..self.len()).map(|row| self.row(row))
    }

    fn row(&self, row: usize) -> (f64, f64, f64) {
        let weight = self.weights.map_or(1.0, |weights| f64::from(weights[row]));
        (self.predicted[row], f64::from(self.labels[row]), weight)
    }

    /// Calls `each` with the rows of each prediction, from the lowest prediction to the highest: the prediction, the
    /// weight, the weight of what happened.
    fn for_ties(&self, mut each: impl FnMut(f64, f64, f64)) {
        let order = self.order();
        for tie in order.chunk_by(|&a, &b| self.predicted[a as usize] == self.predicted[b as usize])
        {
            let rows = tie.iter().map(|&row| self.row(row as usize));
            let sums = rows.fold((0.0, 0.0), |sums, (_, label, weight)| {
                (sums.0 + weight, sums.1 + weight * label)
            });
            each(self.predicted[tie[0] as usize], sums.0, sums.1);
        }
    }

    /// Rows by rising prediction; of equal ones the first.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            self.predicted[a as usize]
                .total_cmp(&self.predicted[b as usize])
                .then(a.cmp(&b))
        });
        order
    }
}

#[cfg(test)]
mod tests;
