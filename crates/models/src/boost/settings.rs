//! What a fit can be told.

use super::{Loss, Sampling};
use crate::dataset::{Dataset, Refused};
use crate::tree::MOST_DEEP;
use serde::{Deserialize, Serialize};

/// Whether the score may only rise or only fall with a feature, all others held still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Monotone {
    /// No rule.
    #[default]
    Free,
    /// A larger value never lowers the score.
    Rising,
    /// A larger value never raises it.
    Falling,
}

/// A forest to be fitted. All that decides what it becomes, besides the data, is here; `threads` only decides how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Booster {
    /// What is made small.
    pub loss: Loss,
    /// Trees at most.
    pub rounds: usize,
    /// Share of a tree's values that is added, over 0 and up to 1.
    pub learning_rate: f32,
    /// Leaves of a tree at most, 2 to 32,768.
    pub max_leaves: usize,
    /// Splits between the root and a leaf at most.
    pub max_depth: usize,
    /// Rows in a leaf at least, 1 or more. Counted, as LightGBM does, by the share of the weight.
    pub min_rows: usize,
    /// Sum of second derivatives in a leaf at least.
    pub min_hessian: f64,
    /// Loss that a split must save at least.
    pub min_gain: f64,
    /// Added to the second derivative of a leaf: pulls its value to zero.
    pub l2: f64,
    /// Share of the features that a tree may use, over 0 and up to 1.
    pub feature_fraction: f64,
    /// Which rows a tree is grown on.
    pub sampling: Sampling,
    /// One for each feature, or none at all. Two leaves that a rule parts are kept on either side of their middle for
    /// all that grows below them, so the rule holds everywhere, not only at the data.
    pub monotone: Vec<Monotone>,
    /// Rounds without a better loss on the later frame before the fit ends.
    pub patience: usize,
    /// Where all chance comes from.
    pub seed: u64,
    /// Threads to use; the result does not depend on it.
    #[serde(skip, default = "one")]
    pub threads: usize,
}

fn one() -> usize {
    1
}

impl Default for Booster {
    fn default() -> Self {
        Self {
            loss: Loss::Log,
            rounds: 200,
            learning_rate: 0.1,
            max_leaves: 127,
            max_depth: 64,
            min_rows: 20,
            min_hessian: 1e-3,
            min_gain: 0.0,
            l2: 0.0,
            feature_fraction: 1.0,
            sampling: Sampling::All,
            monotone: Vec::new(),
            patience: 20,
            seed: 0,
            threads: 1,
        }
    }
}

impl Booster {
    /// Whether the settings are ones to fit with, whatever the frame: so that they can be refused before it is made.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), Refused> {
        let within = |share: f64| share > 0.0 && share <= 1.0;
        first_broken(&[
            (
                "learning_rate",
                "over 0 and up to 1",
                within(self.learning_rate.into()),
            ),
            (
                "max_leaves",
                "2 to 32,768",
                (2..=32_768).contains(&self.max_leaves),
            ),
            (
                "max_depth",
                "1 to 512",
                (1..=MOST_DEEP).contains(&self.max_depth),
            ),
            ("min_rows", "1 or more", self.min_rows > 0),
            ("min_hessian", "0 or more", self.min_hessian >= 0.0),
            ("min_gain", "0 or more", self.min_gain >= 0.0),
            ("l2", "0 or more", self.l2 >= 0.0),
            (
                "feature_fraction",
                "over 0 and up to 1",
                within(self.feature_fraction),
            ),
            (
                "sampling",
                "shares over 0, together up to 1",
                self.sampling.is_valid(),
            ),
        ])
    }

    pub(super) fn check_for(&self, train: &Dataset) -> Result<(), Refused> {
        self.check()?;
        let columns = train.maps().len();
        first_broken(&[
            (
                "monotone",
                "one for each feature, or none",
                [0, columns].contains(&self.monotone.len()),
            ),
            ("rows", "1 to 2^30", (1..=1 << 30).contains(&train.rows())),
            ("columns", "1 to 32,767", (1..32_768).contains(&columns)),
        ])
    }

    pub(super) fn check_valid(&self, train: &Dataset, valid: &Dataset) -> Result<(), Refused> {
        if valid.maps() != train.maps() || valid.rows() == 0 {
            return Err(Refused::Setting {
                setting: "valid",
                rule: "needs rows, and the bins of the frame trained on",
            });
        }
        self.loss.check(valid)
    }
}

/// A setting's name, what it has to be, and whether it is.
type Rule = (&'static str, &'static str, bool);

fn first_broken(rules: &[Rule]) -> Result<(), Refused> {
    match rules.iter().find(|rule| !rule.2) {
        None => Ok(()),
        Some(&(setting, rule, _)) => Err(Refused::Setting { setting, rule }),
    }
}
