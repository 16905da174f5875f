//! The report: a table of predictors, curves and segments of the model.

use super::cold_start::{self, Learning};
use super::quality::{BINS, Quality};
use super::scene::Scene;
use super::scored::Scored;
use super::segment::By;
use crate::grid::date;
use crate::outcome::Outcomes;
use crate::split::Trained;
use crate::warning::Warning;
use onhand_models::Artefact;
use onhand_models::dataset::Refused;
use onhand_models::metrics::{self, Reliability, Sample};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Rows that a segment needs to be called the worst.
const ENOUGH: usize = 10_000;
/// Thresholds of the frontier.
const THRESHOLDS: usize = 20;
/// Points of a precision-recall curve.
const POINTS: usize = 200;

/// Which stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stores {
    /// All of them.
    All,
    /// Those that the model was trained on.
    Known,
    /// Those that it was not.
    Unseen,
}

impl Stores {
    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Known => "known",
            Self::Unseen => "unseen",
        }
    }
}

/// A predictor's line of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which predictor.
    pub what: String,
    /// On which stores.
    pub stores: Stores,
    /// How good.
    #[serde(flatten)]
    pub quality: Quality,
}

/// How good the model is for some.
#[derive(Clone, Debug, Serialize)]
pub struct Segment {
    /// At which stores.
    pub stores: Stores,
    /// Told apart how.
    pub by: By,
    /// Which.
    pub name: String,
    /// How good.
    #[serde(flatten)]
    pub quality: Quality,
}

/// The shape behind the numbers, for plots.
#[derive(Clone, Debug, Serialize)]
pub struct Curves {
    /// At which stores.
    pub stores: Stores,
    /// Predicted, happened, share of the rows; from the lowest predictions to the highest.
    pub reliability: Vec<(f64, f64, f64)>,
    /// Recall and precision, from the highest predictions to the lowest.
    pub precision_recall: Vec<(f64, f64)>,
    /// What hiding below a threshold buys and costs; from hiding nothing on.
    pub frontier: Vec<Hidden>,
}

/// Items hidden that are found with less than some probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hidden {
    /// The probability of being found below which an item is hidden.
    pub below: f64,
    /// Share of the selection that is still shown.
    pub shown: f64,
    /// Share of what is shown that is found; missing if nothing is.
    pub found: Option<f64>,
    /// Share of what is hidden that would have been found; missing if nothing is.
    pub found_all_the_same: Option<f64>,
}

/// What was asked, about what: so that a page still says it when it lies somewhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sources {
    /// The name of the file or folder of what was known, without where it lies.
    pub data: String,
    /// That of what became of it, if it is another.
    pub truth: Option<String>,
    /// Shoppers' looks in each store and hour, if they are all that tells of the shelf.
    pub looks: Option<u32>,
    /// Which model: a hash of its file's bytes, as answers of a server name it.
    pub version: Option<String>,
    /// The days before each day on which the model was recalibrated in the night, if it was.
    pub nights: Option<u32>,
}

/// All that is to be said.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was asked, about what.
    pub sources: Sources,
    /// The days asked about.
    pub days: String,
    /// What makes the figures too good.
    pub warnings: Vec<Warning>,
    /// The model's name and what it says of its training, if there is one.
    pub model: Option<BTreeMap<String, String>>,
    /// Questions asked.
    pub rows: usize,
    /// Stores, and those of them that the model was trained on.
    pub locations: usize,
    /// See above.
    pub known_locations: usize,
    /// All predictors.
    pub table: Vec<Row>,
    /// The model by segment.
    pub segments: Vec<Segment>,
    /// For known and unseen stores, the segment of at least 10,000 rows with the largest ECE.
    pub worst: Vec<Segment>,
    /// The model's curves.
    pub curves: Vec<Curves>,
    /// How fast the model learns, if some stores and items began late.
    pub cold_start: Vec<Learning>,
}

impl Report {
    /// Makes the report of scored questions from some sources about some days. `cold_from` is the day on which some stores
    /// and items begin.
    ///
    /// # Errors
    /// A prediction or a label is out of its range.
    pub fn of(
        outcomes: &Outcomes,
        scored: &Scored,
        model: Option<&Artefact>,
        sources: Sources,
        days: RangeInclusive<u32>,
        cold_from: Option<u32>,
    ) -> Result<Self, Refused> {
        let scene = Scene::new(outcomes, scored, model);
        let mut report = Self {
            sources,
            days: format!("{} to {}", date(*days.start()), date(*days.end())),
            warnings: Warning::of_judging(outcomes, days, model),
            model: model.map(about),
            rows: scored.labels.len(),
            locations: scene.is_known.len(),
            known_locations: scene.is_known.iter().filter(|is_known| **is_known).count(),
            table: Vec::new(),
            segments: Vec::new(),
            worst: Vec::new(),
            curves: Vec::new(),
            cold_start: Vec::new(),
        };
        for stores in scene.scopes() {
            scene.table(stores, &mut report)?;
        }
        for stores in scene.scopes().into_iter().filter(|_| model.is_some()) {
            report.segments.extend(scene.segments(stores)?);
        }
        report.worst = worst(&report.segments);
        if let Some(day) = cold_from.filter(|_| model.is_some()) {
            report.cold_start = cold_start::learning(&scene, day)?;
        }
        Ok(report)
    }
}

fn about(model: &Artefact) -> BTreeMap<String, String> {
    let told = model
        .facts
        .iter()
        .filter(|(name, _)| *name != Trained::FACT);
    let mut about: BTreeMap<_, _> = told
        .map(|(name, what)| (name.clone(), what.clone()))
        .collect();
    about.insert("name".to_owned(), model.name.clone());
    about
}

pub(super) fn curves(stores: Stores, sample: &Sample) -> Curves {
    let bins = Reliability::of(sample, BINS).bins;
    let all: f64 = bins.iter().map(|bin| bin.weight).sum();
    let bins = bins.iter();
    Curves {
        stores,
        reliability: bins
            .map(|bin| (bin.predicted, bin.happened, bin.weight / all))
            .collect(),
        precision_recall: metrics::precision_recall(sample, POINTS),
        frontier: frontier(sample),
    }
}

/// Every threshold in steps of a twentieth. A prediction is that of an empty shelf, and so is a label.
fn frontier(sample: &Sample) -> Vec<Hidden> {
    let mut steps = [(0.0, 0.0); THRESHOLDS + 1];
    for (empty, label, weight) in sample.rows() {
        // The first threshold below which it is hidden: one above the last that it reaches.
        let reached = ((1.0 - empty) * THRESHOLDS as f64 + 1e-9).floor() as usize;
        let step = &mut steps[reached.min(THRESHOLDS)];
        step.0 += weight;
        step.1 += weight * (1.0 - label);
    }
    let sum = |steps: &[(f64, f64)]| {
        let add = |sum: (f64, f64), step: &(f64, f64)| (sum.0 + step.0, sum.1 + step.1);
        steps.iter().fold((0.0, 0.0), add)
    };
    let all = sum(&steps).0;
    let rate = |(weight, found): (f64, f64)| (weight > 0.0).then(|| found / weight);
    let hide = |at: usize| Hidden {
        below: at as f64 / THRESHOLDS as f64,
        shown: sum(&steps[at..]).0 / all,
        found: rate(sum(&steps[at..])),
        found_all_the_same: rate(sum(&steps[..at])),
    };
    (0..=THRESHOLDS).map(hide).collect()
}

/// The segment with the largest ECE among those of enough rows.
fn worst(segments: &[Segment]) -> Vec<Segment> {
    let worst = [Stores::All, Stores::Known, Stores::Unseen].map(|stores| {
        let large = segments
            .iter()
            .filter(|segment| segment.stores == stores && segment.quality.rows >= ENOUGH);
        large.max_by(|one, other| one.quality.ece.total_cmp(&other.quality.ece))
    });
    worst.into_iter().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_counts_what_is_shown_and_what_of_it_is_found() {
        // Found with 0.9, 0.75, 0.5 and 0.1; the third was not, for all that.
        let sample = Sample::new(&[0.1, 0.25, 0.5, 0.9], &[0.0, 0.0, 1.0, 0.0], None).unwrap();
        let frontier = frontier(&sample);
        let at = |below: f64| frontier.iter().find(|one| one.below == below).unwrap();
        let all = at(0.0);
        assert_eq!(
            (all.shown, all.found, all.found_all_the_same),
            (1.0, Some(0.75), None)
        );
        let some = at(0.75);
        assert_eq!(
            (some.shown, some.found, some.found_all_the_same),
            (0.5, Some(1.0), Some(0.5))
        );
        assert_eq!((at(0.8).shown, at(0.8).found), (0.25, Some(1.0)));
        assert_eq!((at(1.0).shown, at(1.0).found), (0.0, None));
    }
}
