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
    /// Its 95 % interval; missing where neither stores nor days differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece_interval: Option<(f64, f64)>,
    /// What was drawn for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece_drawn_by: Option<DrawnBy>,
    /// Slope of the calibration line; below 1 predictions are too extreme.
    pub slope: f64,
    /// Calibration in the large, as log odds; above 0 predictions are too low.
    pub shift: f64,
}

/// What is drawn for an interval: rows that fail together stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawnBy {
    /// Whole stores.
    Stores,
    /// Whole days, where there is one store: of one nothing can be drawn.
    Days,
}

/// The name of the figure that has an interval.
pub(super) const ECE: &str = "ECE";

/// What the figures of a table are called, in the order of [`Quality::figures`].
pub const FIGURES: [&str; 9] = [
    "questions",
    "base rate",
    "PR-AUC",
    "ROC-AUC",
    "log loss",
    "skill",
    "Brier",
    ECE,
    "slope",
];

/// A number as people read it: 1,057,812.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

impl Quality {
    /// The figures of a table as people read them, in the order of [`FIGURES`].
    pub fn figures(&self) -> [String; FIGURES.len()] {
        let three = |value: f64| format!("{value:.3}");
        let four = |value: f64| format!("{value:.4}");
        [
            grouped(self.rows),
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
            ece_drawn_by: None,
            slope: line.slope,
            shift: line.shift,
        }
    }

    /// With the interval of the ECE: `draws` samples of whole stores, or of whole days if there is one store alone. By row
    /// the number of its store and of its day.
    #[must_use]
    pub fn with_interval(
        mut self,
        sample: &Sample,
        (stores, days): (&[u32], &[u32]),
        draws: usize,
    ) -> Self {
        let differ = |of: &[u32]| of.iter().any(|one| *one != of[0]);
        let (clusters, drawn_by) = match (differ(stores), differ(days)) {
            (true, _) => (stores, DrawnBy::Stores),
            (false, true) => (days, DrawnBy::Days),
            (false, false) => return self,
        };
        let Interval { low, high } =
            Reliability::ece_interval(sample, BINS, Some(clusters), draws, 0.95, 1);
        self.ece_interval = Some((low, high));
        self.ece_drawn_by = Some(drawn_by);
        self
    }
}

/// What Brier's parts are, in a sentence.
pub const BRIER: &str = "Brier = reliability - resolution + uncertainty + within bins. Reliability is how far what is said lies \
     from what happens (0 is best), resolution how far apart what happens lies where different things are said (more is \
     better), uncertainty what knowing the base rate alone leaves, and within bins what the bins hide.";

/// What Brier's parts are called in a table, in the order of [`Brier::figures`].
pub const BRIER_FIGURES: [&str; 5] = [
    "Brier",
    "reliability",
    "resolution",
    "uncertainty",
    "within bins",
];

impl Brier {
    /// The parts as people read them, in the order of [`BRIER_FIGURES`].
    pub fn figures(&self) -> [String; BRIER_FIGURES.len()] {
        let parts = [
            self.score,
            self.reliability,
            self.resolution,
            self.uncertainty,
            self.within,
        ];
        parts.map(|part| format!("{part:.4}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quality of 400 answers, half of them too high, at these stores and on these days.
    fn quality(store: fn(u32) -> u32, day: fn(u32) -> u32) -> Quality {
        let said = vec![0.5; 400];
        let labels: Vec<f32> = (0..400)
            .map(|row| f32::from(u8::from(row % 4 == 0)))
            .collect();
        let of = |number: fn(u32) -> u32| (0..400).map(number).collect::<Vec<_>>();
        let sample = Sample::new(&said, &labels, None).unwrap();
        Quality::of(&sample).with_interval(&sample, (&of(store), &of(day)), 50)
    }

    #[test]
    fn an_interval_is_drawn_by_stores_and_of_one_store_by_days() {
        let by_stores = quality(|row| row / 40, |row| row % 7);
        assert_eq!(by_stores.ece_drawn_by, Some(DrawnBy::Stores));
        let by_days = quality(|_| 3, |row| row % 7);
        assert_eq!(by_days.ece_drawn_by, Some(DrawnBy::Days));
        let (low, high) = by_days.ece_interval.unwrap();
        assert!(low < high, "{low} {high}");
        let neither = quality(|_| 3, |_| 9);
        assert_eq!((neither.ece_interval, neither.ece_drawn_by), (None, None));
    }

    #[test]
    fn numbers_are_read_by_thousands() {
        let read = [0, 999, 1_000, 1_057_812].map(grouped);
        assert_eq!(read, ["0", "999", "1,000", "1,057,812"]);
    }

    #[test]
    fn the_parts_of_brier_add_up_to_it() {
        let Brier {
            score,
            reliability,
            resolution,
            uncertainty,
            within,
        } = quality(|row| row, |_| 0).brier;
        assert!((score - (reliability - resolution + uncertainty + within)).abs() < 1e-12);
    }
}
