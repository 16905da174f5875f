//! Scores being made: rows are read under their store's lock, and the model is asked about all of them at once, under none.
//!
//! Feature stores are read under their locks, for some rows at a time: whoever follows the ledger waits for some rows,
//! and nobody else does. That is half a millisecond; after a full hour it is what it takes to make the means of so many
//! rows anew, over all shelves of their SKUs.

use crate::predictor::{Asked, Predictor, Stores};
use crate::scorer::Grounds;
use crate::scores::Score;
use crate::shift::line;
use onhand_core::LevelNo;
use onhand_features::{Choice, Moment, Reader, Store};
use onhand_models::recalibrate::Line;

/// Rows that are read under one lock.
const CHUNK: usize = 64;

/// Whom rows are read for.
#[derive(Clone, Copy)]
pub(crate) enum Whom<'a> {
    Names(&'a [Asked<'a>]),
    Levels(&'a [LevelNo]),
}

impl Whom<'_> {
    fn len(self) -> usize {
        match self {
            Self::Names(names) => names.len(),
            Self::Levels(levels) => levels.len(),
        }
    }

    /// So many at a time.
    fn chunks(self) -> impl Iterator<Item = Self> {
        let starts = (0..self.len()).step_by(CHUNK);
        starts.map(move |start| {
            let some = start..self.len().min(start + CHUNK);
            match self {
                Self::Names(names) => Self::Names(&names[some]),
                Self::Levels(levels) => Self::Levels(&levels[some]),
            }
        })
    }
}

/// A score that was made now.
pub(crate) struct Made {
    pub(crate) level: Option<LevelNo>,
    pub(crate) score: Score,
    pub(crate) line: Line,
    /// If it is to be explained, and the model was asked.
    pub(crate) grounds: Option<Grounds>,
}

impl<S: Stores> Predictor<S> {
    /// Scores as many as there is time for, in their order. Rows are read under a lock for some at a time; the model
    /// needs none, and is asked about all of them at once.
    pub(crate) fn score(
        &self,
        partition: u16,
        whom: Whom<'_>,
        moment: Moment,
        go_on: &dyn Fn() -> bool,
    ) -> Vec<Made> {
        let (mut made, mut rows) = (Vec::with_capacity(whom.len()), Vec::new());
        for some in whom.chunks() {
            if !go_on() {
                break;
            }
            made.extend(self.read_some(partition, some, moment, false, &mut rows));
        }
        self.ask_the_model(&mut made, &rows);
        made
    }

    /// Reads some rows under one lock, and adds those that the model is to be asked about to `picked`.
    pub(crate) fn read_some(
        &self,
        partition: u16,
        whom: Whom<'_>,
        moment: Moment,
        explain: bool,
        picked: &mut Vec<f32>,
    ) -> Vec<Made> {
        let width = self.scorer.set().len();
        let mut rows = vec![f32::NAN; whom.len() * width];
        let mut made = Vec::with_capacity(whom.len());
        self.stores.read(partition, &mut |mut reader| {
            let levels = read(&mut reader, whom, &self.choice, moment, &mut rows);
            let as_of = self.stores.as_of(partition, reader.store(), moment.now);
            let recalibration = self.scorer.recalibration();
            let each = levels.iter().zip(rows.chunks_exact(width));
            made.extend(each.enumerate().map(|(place, (level, row))| {
                let mut one = self.open(reader.store(), *level, moment, row);
                one.score.as_of = as_of;
                if !one.score.is_prior {
                    self.scorer.pick(row, picked);
                    one.line = line(recalibration, &reader, place, moment);
                    let grounds = || self.scorer.grounds(&reader, place, row, moment);
                    one.grounds = explain.then(grounds);
                }
                one
            }));
        });
        made
    }

    /// What the model says of the rows that were read, but for the priors.
    pub(crate) fn ask_the_model(&self, made: &mut [Made], rows: &[f32]) {
        let by_model = |one: &&Made| !one.score.is_prior;
        let lines = made.iter().filter(by_model).map(|one| one.line);
        let found = self.scorer.found(rows, lines);
        let by_model = made.iter_mut().filter(|one| !one.score.is_prior);
        by_model
            .zip(found)
            .for_each(|(one, found)| one.score.found = found);
    }

    /// What is said by a row; what the model will say of it is still open, unless it is a prior.
    fn open(&self, store: &Store, level: Option<LevelNo>, moment: Moment, row: &[f32]) -> Made {
        let is_prior = level.is_none() || self.prior.is_new(row);
        Made {
            level,
            score: Score {
                found: if is_prior { self.prior.found(row) } else { 0.0 },
                is_prior,
                made_at: moment.now,
                as_of: moment.now,
                newest_fact: level.and_then(|level| store.newest_fact(level)),
                version: level.map_or(0, |level| store.version(level)),
            },
            line: Line::default(),
            grounds: None,
        }
    }
}

/// Reads rows together; gives their levels, each if the ledger knows it.
fn read(
    reader: &mut Reader<'_>,
    whom: Whom<'_>,
    choice: &Choice,
    moment: Moment,
    rows: &mut [f32],
) -> Vec<Option<LevelNo>> {
    match whom {
        Whom::Names(items) => {
            let names: Vec<_> = items.iter().map(Asked::name).collect();
            reader.rows(&names, choice, moment, rows).to_vec()
        }
        Whom::Levels(levels) => {
            reader.rows_of_levels(levels, choice, moment, rows);
            levels.iter().copied().map(Some).collect()
        }
    }
}
