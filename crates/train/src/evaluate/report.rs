//! The report: a table of predictors, curves and segments of the model.

use super::cold_start::{self, Learning};
use super::quality::{BINS, Quality};
use super::score::Scored;
use super::segment::By;
use crate::grid::date;
use crate::outcome::{Outcomes, Pair};
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
/// Rows that a segment needs to be told of at all.
pub(super) const FEW: usize = 100;
/// Draws of an interval.
const DRAWS: usize = 200;
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

/// All that is to be said.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
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
    /// Makes the report of scored questions about some days. `cold_from` is the day on which some stores and items begin.
    ///
    /// # Errors
    /// A prediction or a label is out of its range.
    pub fn of(
        outcomes: &Outcomes,
        scored: &Scored,
        model: Option<&Artefact>,
        days: RangeInclusive<u32>,
        cold_from: Option<u32>,
    ) -> Result<Self, Refused> {
        let scene = Scene::new(outcomes, scored, model);
        let mut report = Self {
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

/// Rows of one predictor and some stores, from the lowest prediction to the highest: then no metric sorts them again.
pub(super) struct Rows {
    predicted: Vec<f64>,
    labels: Vec<f32>,
    locations: Vec<u32>,
    days: Vec<u32>,
}

impl Rows {
    /// Of what was said, what became of it, the location and the day.
    fn of(mut rows: Vec<(f64, f32, u32, u32)>) -> Self {
        rows.sort_unstable_by(|one, other| {
            one.0
                .total_cmp(&other.0)
                .then(one.2.cmp(&other.2))
                .then(one.1.total_cmp(&other.1))
                .then(one.3.cmp(&other.3))
        });
        Self {
            predicted: rows.iter().map(|row| row.0).collect(),
            labels: rows.iter().map(|row| row.1).collect(),
            locations: rows.iter().map(|row| row.2).collect(),
            days: rows.iter().map(|row| row.3).collect(),
        }
    }

    fn sample(&self) -> Result<Sample<'_>, Refused> {
        Sample::new(&self.predicted, &self.labels, None)
    }

    pub(super) fn quality(&self) -> Result<Quality, Refused> {
        let sample = self.sample()?;
        let clusters = (&self.locations[..], &self.days[..]);
        Ok(Quality::of(&sample).with_interval(&sample, clusters, DRAWS))
    }
}

pub(super) struct Scene<'a> {
    pub(super) outcomes: &'a Outcomes,
    pub(super) scored: &'a Scored,
    has_model: bool,
    /// By location.
    is_known: Vec<bool>,
}

impl<'a> Scene<'a> {
    fn new(outcomes: &'a Outcomes, scored: &'a Scored, model: Option<&Artefact>) -> Self {
        let trained = model.map(Trained::of).unwrap_or_default();
        let mut is_known = vec![false; outcomes.sizes.len()];
        for pair in &outcomes.pairs {
            is_known[pair.location_no as usize] = trained.knows(&pair.location);
        }
        Self {
            outcomes,
            scored,
            has_model: model.is_some(),
            is_known,
        }
    }

    /// Known and unseen stores apart, where there are both.
    fn scopes(&self) -> Vec<Stores> {
        let known = self.is_known.iter().any(|is_known| *is_known);
        let unseen = self.is_known.iter().any(|is_known| !is_known);
        match (self.has_model, known, unseen) {
            (false, ..) => vec![Stores::All],
            (true, true, true) => vec![Stores::All, Stores::Known, Stores::Unseen],
            (true, true, false) => vec![Stores::Known],
            (true, false, _) => vec![Stores::Unseen],
        }
    }

    pub(super) fn is_in(&self, stores: Stores, row: usize) -> bool {
        let is_known = self.is_known[self.location(row) as usize];
        match stores {
            Stores::All => true,
            Stores::Known => is_known,
            Stores::Unseen => !is_known,
        }
    }

    fn location(&self, row: usize) -> u32 {
        self.pair(row).location_no
    }

    fn rows(&self, stores: Stores) -> impl Iterator<Item = usize> {
        (0..self.scored.labels.len()).filter(move |row| self.is_in(stores, *row))
    }

    pub(super) fn gather(&self, predicted: &[f64], rows: impl Iterator<Item = usize>) -> Rows {
        let row = |row: usize| {
            let said = (predicted[row], self.scored.labels[row]);
            (said.0, said.1, self.location(row), self.day(row))
        };
        Rows::of(rows.map(row).collect())
    }

    /// The day on which a row is asked.
    pub(super) fn day(&self, row: usize) -> u32 {
        self.outcomes.grid.day(self.scored.slots[row] as usize)
    }

    /// Whom a row is about.
    pub(super) fn pair(&self, row: usize) -> &Pair {
        &self.outcomes.pairs[self.scored.pairs[row] as usize]
    }

    fn table(&self, stores: Stores, report: &mut Report) -> Result<(), Refused> {
        let scored = self.scored;
        let mut predictors = vec![
            ("last known status", &scored.status),
            ("rate by item and hour", &scored.item_and_hour),
        ];
        if self.has_model {
            predictors.push(("model", &scored.model));
        }
        if !scored.plain.is_empty() {
            predictors.push(("not recalibrated", &scored.plain));
        }
        for (what, predicted) in predictors {
            let rows = self.gather(predicted, self.rows(stores));
            report.table.push(Row {
                what: what.to_owned(),
                stores,
                quality: rows.quality()?,
            });
            if what == "model" {
                report.curves.push(curves(stores, &rows.sample()?));
            }
        }
        Ok(())
    }

    fn segments(&self, stores: Stores) -> Result<Vec<Segment>, Refused> {
        let mut segments = Vec::new();
        for by in By::ALL {
            let mut apart: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for row in self.rows(stores) {
                let segment = by.of(self.outcomes, self.pair(row), self.scored.slots[row]);
                apart.entry(segment).or_default().push(row);
            }
            for (segment, rows) in apart.into_iter().filter(|(_, rows)| rows.len() >= FEW) {
                let rows = self.gather(&self.scored.model, rows.into_iter());
                segments.push(Segment {
                    stores,
                    by,
                    name: by.label(self.outcomes, segment),
                    quality: rows.quality()?,
                });
            }
        }
        Ok(segments)
    }
}

fn curves(stores: Stores, sample: &Sample) -> Curves {
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
