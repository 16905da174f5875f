//! Every question of some days, with what each predictor says and what became of it.

use super::baseline::{Baselines, ITEM_AND_HOUR, STATUS};
use super::scored::Scored;
use crate::Source;
use crate::cells::{self, Cells};
use crate::frame::Frame;
use crate::grid::Grid;
use crate::known::{self, Asked};
use crate::outcome::{Label, Outcomes};
use onhand_features::{FeatureSet, catalog};
use onhand_models::dataset::Refused;
use onhand_models::recalibrate::Unsettled;
use onhand_models::{Artefact, Calibration, FlatForest, flat::Unservable};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// Days before the first, from which the baselines learn what a status means, and about how many rows of them.
const BEFORE: u32 = 7;
const ROWS_BEFORE: usize = 200_000;

/// Questions of each day that a recalibration learns from, about.
pub const A_DAY: usize = 100_000;

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
    /// The forest cannot be followed, or is too large.
    #[error(transparent)]
    Unservable(#[from] Unservable),
    /// A prediction or a label is out of its range.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What the answers missed cannot be told.
    #[error(transparent)]
    Unsettled(#[from] Unsettled),
    /// No questions.
    #[error("no question of these days has a known answer")]
    NoRows,
}

/// Which questions are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The first day judged; the last is that of the outcomes.
    pub first: u32,
    /// About how many questions of the days judged; without it all.
    pub rows: Option<usize>,
    /// Days before the first that a recalibration learns from: of these and of all judged, about [`A_DAY`] questions each
    /// are asked for it. 0 without one.
    pub before: u32,
    /// Whether the baselines are asked too, which learn from the week before the first day.
    pub baselines: bool,
    /// The result does not depend on it.
    pub threads: usize,
}

impl Asking {
    /// The first day asked about.
    pub fn begin(&self) -> u32 {
        self.first.saturating_sub(self.before)
    }
}

/// What became of the questions of some days, of those `before` that are asked about too, and of the week before the
/// first of them, which the baselines learn from. If there are some before, a recalibration learns every night: then
/// with what was known each morning.
///
/// # Errors
/// The ledger's.
pub fn outcomes<S: Source>(
    truth: &S,
    days: &RangeInclusive<u32>,
    before: u32,
    label: Label,
) -> Result<Outcomes, S::Error> {
    let begin = days.start().saturating_sub(before.max(BEFORE));
    let grid = Grid::of_days(begin..=*days.end());
    match before {
        0 => Outcomes::read(truth, grid, label),
        _ => Outcomes::read_each_morning(truth, grid, label),
    }
}

/// Asks questions with what was known then.
///
/// # Errors
/// See [`Misfit`].
pub fn score<S: Source>(
    known: &S,
    outcomes: &Outcomes,
    asking: Asking,
    model: Option<&Artefact>,
) -> Result<Scored, Misfit<S::Error>> {
    let set = Arc::new(set_for(model, asking.baselines)?);
    let mut judge = Judge::new(&set, model, asking)?;
    let drawn = Drawn::of(outcomes, asking);
    if drawn.has_none() {
        return Err(Misfit::NoRows);
    }
    let cells = drawn.cells();
    let mut scored = Scored::with_room(outcomes, &cells, asking.begin());
    known::ask(known, set, outcomes, &cells, asking.threads, &mut |asked| {
        let day = outcomes.grid.day(asked.slot);
        if day < asking.first {
            judge.learn(asked, outcomes, &drawn.week);
        }
        if day >= asking.begin() {
            judge.say(asked, outcomes, &mut scored);
            scored.mark(asked, &drawn);
        }
    })
    .map_err(Misfit::Source)?;
    if let Some(recalibration) = model.and_then(|model| model.recalibration.as_ref()) {
        scored.recalibrate(recalibration, outcomes, 0..scored.model.len());
    }
    Ok(scored)
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
    let set = Arc::new(set_for(Some(model), false)?);
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

/// Questions, by what they are for; one may be for several.
pub(super) struct Drawn {
    /// Those that are judged.
    pub(super) judged: Cells,
    /// Those that a recalibration learns from.
    pub(super) learned: Cells,
    /// Those of the week before, that the baselines learn from.
    week: Cells,
}

impl Drawn {
    fn of(outcomes: &Outcomes, asking: Asking) -> Self {
        let of = |days: Range<u32>| {
            cells::all(outcomes, |slot, _| days.contains(&outcomes.grid.day(slot)))
        };
        let Asking { first, before, .. } = asking;
        let rows = asking.rows.unwrap_or(usize::MAX);
        let learned = match before {
            0 => of(0..0),
            _ => cells::sample_each_day(outcomes, of(asking.begin()..u32::MAX), A_DAY),
        };
        let week = if asking.baselines { BEFORE } else { 0 };
        let week = of(first.saturating_sub(week)..first);
        Self {
            judged: cells::sample(outcomes, of(first..u32::MAX), rows, 1),
            learned,
            week: cells::sample(outcomes, week, ROWS_BEFORE, 1),
        }
    }

    /// Whether there is nothing to be said, but what the baselines learn from.
    fn has_none(&self) -> bool {
        cells::count(&self.judged) + cells::count(&self.learned) == 0
    }

    fn cells(&self) -> Cells {
        let learned = cells::join(self.week.clone(), self.learned.clone());
        cells::join(learned, self.judged.clone())
    }
}

/// The features that the model was trained with, in its order, and those that the baselines need, if they are asked.
fn set_for<E>(model: Option<&Artefact>, baselines: bool) -> Result<FeatureSet, Misfit<E>> {
    let all = catalog::availability();
    let mut features = Vec::new();
    for wanted in model.into_iter().flat_map(|model| &model.features) {
        let name = wanted.bins.name();
        match all.defined(name, &wanted.definition) {
            Some(place) => features.push(all.features()[place].clone()),
            None => {
                return Err(Misfit::Feature {
                    name: name.to_owned(),
                });
            }
        }
    }
    let needed = [ITEM_AND_HOUR, STATUS];
    for name in needed.into_iter().filter(|_| baselines) {
        let place = all.position(name).ok_or(Misfit::Baseline { name })?;
        if features.iter().all(|feature| feature.name != name) {
            features.push(all.features()[place].clone());
        }
    }
    Ok(FeatureSet::new(features).expect("each name was added once"))
}

/// All predictors.
struct Judge<'a> {
    width: usize,
    threads: usize,
    baselines: Option<Baselines>,
    model: Option<(FlatForest, &'a Calibration)>,
}

impl<'a> Judge<'a> {
    fn new<E>(
        set: &FeatureSet,
        model: Option<&'a Artefact>,
        asking: Asking,
    ) -> Result<Self, Misfit<E>> {
        let missing = Misfit::Baseline { name: STATUS };
        let flat = |model: &'a Artefact| Ok((FlatForest::new(&model.forest)?, &model.calibration));
        Ok(Self {
            width: set.len(),
            threads: asking.threads.max(1),
            baselines: match asking.baselines {
                true => Some(Baselines::of(set).ok_or(missing)?),
                false => None,
            },
            model: model
                .map(flat)
                .transpose()
                .map_err(|error: Unservable| error)?,
        })
    }

    fn learn(&mut self, asked: Asked<'_>, outcomes: &Outcomes, week: &Cells) {
        let Some(baselines) = &mut self.baselines else {
            return;
        };
        let hour = outcomes.grid.moment(asked.slot).hour_asked_about();
        let each = asked.pairs.iter().zip(asked.rows.chunks(self.width));
        for (pair, row) in each.filter(|(pair, _)| cells::has(week, asked.slot, **pair)) {
            let label = outcomes.label(asked.slot, *pair);
            baselines.learn(row, hour, label);
        }
    }

    fn say(&self, asked: Asked<'_>, outcomes: &Outcomes, scored: &mut Scored) {
        let hour = outcomes.grid.moment(asked.slot).hour_asked_about();
        for (pair, row) in asked.pairs.iter().zip(asked.rows.chunks(self.width)) {
            scored.pairs.push(*pair);
            scored.slots.push(asked.slot as u32);
            scored.labels.push(outcomes.label(asked.slot, *pair));
            if let Some(baselines) = &self.baselines {
                scored.status.push(baselines.status(row, hour));
                scored.item_and_hour.push(baselines.item_and_hour(row));
            }
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
