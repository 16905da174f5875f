//! The numbers that say how good predictions are.

use onhand_models::metrics::{self, Interval, Reliability, Sample};
use serde::{Deserialize, Serialize};

/// Bins of equal mass, for reliability.
pub(super) const BINS: usize = 15;

/// How good the probabilities of some rows are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Questions asked.
    pub rows: usize,
    /// Share in which the shelf was empty: the PR-AUC of knowing nothing.
    pub base_rate: f64,
    /// Average precision.
    pub pr_auc: f64,
    /// Area under the ROC curve.
    pub roc_auc: f64,
    /// In nats.
    pub log_loss: f64,
    /// Share of the log loss of always saying the base rate that is saved; missing where that loses nothing.
    pub skill: Option<f64>,
    /// Brier score and its parts.
    pub brier: Brier,
    /// Expected calibration error over 15 bins of equal mass.
    pub ece: f64,
    /// Its 95 % interval, drawn by stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece_interval: Option<(f64, f64)>,
    /// Slope of the calibration line; below 1 predictions are too extreme.
    pub slope: f64,
    /// Calibration in the large, as log odds; above 0 predictions are too low.
    pub shift: f64,
}

/// What the figures of a table are called, in the order of [`Quality::figures`].
pub const FIGURES: [&str; 9] = [
    "questions",
    "base rate",
    "PR-AUC",
    "ROC-AUC",
    "log loss",
    "skill",
    "Brier",
    "ECE",
    "slope",
];

impl Quality {
    /// The figures of a table as people read them, in the order of [`FIGURES`].
    pub fn figures(&self) -> [String; FIGURES.len()] {
        let three = |value: f64| format!("{value:.3}");
        let four = |value: f64| format!("{value:.4}");
        [
            self.rows.to_string(),
            three(self.base_rate),
            four(self.pr_auc),
            four(self.roc_auc),
            four(self.log_loss),
            self.skill.map_or("-".to_owned(), three),
            four(self.brier.score),
            four(self.ece),
            three(self.slope),
        ]
    }
}

/// `score = reliability - resolution + uncertainty + within` (Murphy, 1973).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Brier {
    /// Mean of (p - y)².
    pub score: f64,
    /// Mean square of what is said less what happens: 0 is best.
    pub reliability: f64,
    /// Mean square of what happens in a bin less what happens at all: more is better.
    pub resolution: f64,
    /// base (1 - base).
    pub uncertainty: f64,
    /// What the bins hide.
    pub within: f64,
}

impl Quality {
    /// Of probabilities and what happened.
    pub fn of(sample: &Sample) -> Self {
        let brier = metrics::brier(sample, BINS);
        let line = metrics::line(sample);
        Self {
            rows: sample.len(),
            base_rate: metrics::base_rate(sample),
            pr_auc: metrics::average_precision(sample),
            roc_auc: metrics::roc_auc(sample),
            log_loss: metrics::log_loss(sample),
            skill: metrics::skill(sample),
            brier: Brier {
                score: brier.score,
                reliability: brier.reliability,
                resolution: brier.resolution,
                uncertainty: brier.uncertainty,
                within: brier.within,
            },
            ece: Reliability::of(sample, BINS).ece(),
            ece_interval: None,
            slope: line.slope,
            shift: line.shift,
        }
    }

    /// With the interval of the ECE: `draws` samples of whole clusters.
    #[must_use]
    pub fn with_interval(mut self, sample: &Sample, clusters: &[u32], draws: usize) -> Self {
        let Interval { low, high } =
            Reliability::ece_interval(sample, BINS, Some(clusters), draws, 0.95, 1);
        self.ece_interval = Some((low, high));
        self
    }
}
