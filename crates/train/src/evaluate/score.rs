//! Every question of some days, with what each predictor says and what became of it.

use super::baseline::{Baselines, ITEM_AND_HOUR, STATUS};
use crate::Source;
use crate::cells::{self, Cells};
use crate::frame::Frame;
use crate::grid::Grid;
use crate::known::{self, Asked};
use crate::outcome::{Label, Outcomes};
use onhand_features::{FeatureSet, catalog};
use onhand_models::{Artefact, Calibration, FlatForest, tree::Broken};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Days before the first, from which the baselines learn what a status means, and about how many rows of them.
const BEFORE: u32 = 7;
const ROWS_BEFORE: usize = 200_000;

/// Why a model cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Misfit<E> {
    /// The ledger cannot be read.
    #[error("{0}")]
    Source(E),
    /// It was trained with another definition.
    #[error(
        "the model was trained with a feature {name} that this build does not define so: train it anew"
    )]
    Feature {
        /// Its name.
        name: String,
    },
    /// A feature that the baselines need is gone.
    #[error("this build has no feature {name}, which a baseline needs")]
    Baseline {
        /// Its name.
        name: &'static str,
    },
    /// The forest cannot be followed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// No questions.
    #[error("no question of these days has a known answer")]
    NoRows,
}

/// Questions with their answers.
#[derive(Debug, Default)]
pub struct Scored {
    /// By row: the pair.
    pub pairs: Vec<u32>,
    /// By row: the slot of the outcomes' grid.
    pub slots: Vec<u32>,
    /// By row: how empty the shelf was.
    pub labels: Vec<f32>,
    /// By row: what the status says.
    pub status: Vec<f64>,
    /// By row: what the item's rate at this hour says.
    pub item_and_hour: Vec<f64>,
    /// By row: what the model says; nothing without a model.
    pub model: Vec<f64>,
}

/// What became of the questions of some days, and of the week before them, which the baselines learn from.
///
/// # Errors
/// The ledger's.
pub fn outcomes<S: Source>(
    truth: &S,
    days: &RangeInclusive<u32>,
    label: Label,
) -> Result<Outcomes, S::Error> {
    let grid = Grid::of_days(days.start().saturating_sub(BEFORE)..=*days.end());
    Outcomes::read(truth, grid, label)
}

/// Asks every question from day `first` on, or about `rows` of them, with what was known then. The result does not
/// depend on `threads`.
///
/// # Errors
/// See [`Misfit`].
pub fn score<S: Source>(
    known: &S,
    outcomes: &Outcomes,
    first: u32,
    rows: Option<usize>,
    model: Option<&Artefact>,
    threads: usize,
) -> Result<Scored, Misfit<S::Error>> {
    let set = Arc::new(set_for(model)?);
    let mut judge = Judge::new(&set, model, threads)?;
    let cells = cells_of(outcomes, first, rows);
    let mut scored = Scored::with_room(outcomes, &cells, first);
    known::ask(
        known,
        set,
        outcomes,
        &cells,
        threads,
        &mut |asked| match outcomes.grid.day(asked.slot) < first {
            true => judge.learn(asked, outcomes),
            false => judge.say(asked, outcomes, &mut scored),
        },
    )
    .map_err(Misfit::Source)?;
    match scored.labels.is_empty() {
        true => Err(Misfit::NoRows),
        false => Ok(scored),
    }
}

/// About `rows` of the questions from day `first` on as a frame of the model's features, for other tools to answer.
///
/// # Errors
/// See [`Misfit`].
pub fn frame<S: Source>(
    known: &S,
    outcomes: &Outcomes,
    first: u32,
    model: &Artefact,
    rows: usize,
) -> Result<Frame, Misfit<S::Error>> {
    let set = Arc::new(set_for(Some(model))?);
    let (width, own) = (set.len(), model.features.len());
    let cells = cells::all(outcomes, |slot, _| outcomes.grid.day(slot) >= first);
    let cells = cells::sample(outcomes, cells, rows, 1);
    let mut frame = Frame::with_room(own, cells::count(&cells));
    known::ask(known, set, outcomes, &cells, 1, &mut |asked| {
        for (pair, row) in asked.pairs.iter().zip(asked.rows.chunks(width)) {
            frame.push(&row[..own], outcomes.label(asked.slot, *pair));
        }
    })
    .map_err(Misfit::Source)?;
    Ok(frame)
}

fn cells_of(outcomes: &Outcomes, first: u32, rows: Option<usize>) -> Cells {
    let before = cells::all(outcomes, |slot, _| outcomes.grid.day(slot) < first);
    let before = cells::sample(outcomes, before, ROWS_BEFORE, 1);
    let judged = cells::all(outcomes, |slot, _| outcomes.grid.day(slot) >= first);
    let judged = cells::sample(outcomes, judged, rows.unwrap_or(usize::MAX), 1);
    cells::join(before, judged)
}

/// The features that the model was trained with, in its order, and those that the baselines need.
fn set_for<E>(model: Option<&Artefact>) -> Result<FeatureSet, Misfit<E>> {
    let all = catalog::availability();
    let mut features = Vec::new();
    for wanted in model.into_iter().flat_map(|model| &model.features) {
        let name = wanted.bins.name();
        let found = all.position(name).map(|place| &all.features()[place]);
        match found.filter(|one| format!("{:016x}", one.hash()) == wanted.definition) {
            Some(feature) => features.push(feature.clone()),
            None => {
                return Err(Misfit::Feature {
                    name: name.to_owned(),
                });
            }
        }
    }
    for name in [ITEM_AND_HOUR, STATUS] {
        let place = all.position(name).ok_or(Misfit::Baseline { name })?;
        if features.iter().all(|feature| feature.name != name) {
            features.push(all.features()[place].clone());
        }
    }
    Ok(FeatureSet::new(features).expect("each name was added once"))
}

impl Scored {
    fn with_room(outcomes: &Outcomes, cells: &Cells, first: u32) -> Self {
        let judged = cells.iter().enumerate();
        let rows = judged
            .filter(|(slot, _)| outcomes.grid.day(*slot) >= first)
            .map(|(_, pairs)| pairs.len())
            .sum();
        Self {
            pairs: Vec::with_capacity(rows),
            slots: Vec::with_capacity(rows),
            labels: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            item_and_hour: Vec::with_capacity(rows),
            model: Vec::new(),
        }
    }
}

/// All predictors.
struct Judge<'a> {
    width: usize,
    threads: usize,
    baselines: Baselines,
    model: Option<(FlatForest, &'a Calibration)>,
}

impl<'a> Judge<'a> {
    fn new<E>(
        set: &FeatureSet,
        model: Option<&'a Artefact>,
        threads: usize,
    ) -> Result<Self, Misfit<E>> {
        let flat = |model: &'a Artefact| Ok((FlatForest::new(&model.forest)?, &model.calibration));
        Ok(Self {
            width: set.len(),
            threads: threads.max(1),
            baselines: Baselines::of(set).ok_or(Misfit::Baseline { name: STATUS })?,
            model: model.map(flat).transpose().map_err(|error: Broken| error)?,
        })
    }

    fn learn(&mut self, asked: Asked<'_>, outcomes: &Outcomes) {
        let hour = hour_of(outcomes, asked.slot);
        for (pair, row) in asked.pairs.iter().zip(asked.rows.chunks(self.width)) {
            let label = outcomes.label(asked.slot, *pair);
            self.baselines.learn(row, hour, label);
        }
    }

    fn say(&self, asked: Asked<'_>, outcomes: &Outcomes, scored: &mut Scored) {
        let hour = hour_of(outcomes, asked.slot);
        for (pair, row) in asked.pairs.iter().zip(asked.rows.chunks(self.width)) {
            scored.pairs.push(*pair);
            scored.slots.push(asked.slot as u32);
            scored.labels.push(outcomes.label(asked.slot, *pair));
            scored.status.push(self.baselines.status(row, hour));
            scored.item_and_hour.push(self.baselines.item_and_hour(row));
        }
        if let Some((flat, calibration)) = &self.model {
            let start = scored.model.len();
            scored.model.resize(start + asked.pairs.len(), 0.0);
            let part = asked.pairs.len().div_ceil(self.threads);
            std::thread::scope(|scope| {
                let parts = scored.model[start..].chunks_mut(part);
                for (rows, out) in asked.rows.chunks(part * self.width).zip(parts) {
                    scope.spawn(move || self.ask(flat, calibration, rows, out));
                }
            });
        }
    }

    /// The model's row is the first of the values.
    fn ask(&self, flat: &FlatForest, calibration: &Calibration, rows: &[f32], out: &mut [f64]) {
        let rows = rows.chunks(self.width);
        let own: Vec<f32> = rows
            .flat_map(|row| &row[..flat.features()])
            .copied()
            .collect();
        flat.score_batch(&own, out);
        for score in out {
            *score = calibration.probability(*score);
        }
    }
}

fn hour_of(outcomes: &Outcomes, slot: usize) -> usize {
    let target = outcomes.grid.moment(slot).target;
    (target.millis() / 3_600_000 % 24) as usize
}
