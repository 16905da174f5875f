//! What a model's latest answers missed, fitted every night.
//!
//! The model is asked about the last days whose outcomes are known, with what was known then, and its answers are held
//! against what became of them (`onhand_models::recalibrate`). [`latest`] makes of a model one that has learned from
//! that; [`as_each_night`] judges that as it would have run: for the answers of a day only days before it are learned
//! from. The night's feed tells of a day after it has ended, so what became of yesterday is known this morning.

use crate::Source;
use crate::evaluate::{self, Asking, Misfit, Quality, Scored, hour_of};
use crate::grid::{Grid, date};
use crate::outcome::{Label, Outcomes};
use onhand_models::Artefact;
use onhand_models::dataset::Refused;
use onhand_models::metrics::Sample;
use onhand_models::recalibrate::{Answer, Drawn, Recalibration, Unsettled, fit};
use std::ops::Range;

/// How many days are learned from, if not said otherwise: each weekday once.
pub const DAYS: u32 = 7;
/// Chosen with `docs/decisions/0022`, of 100,000 questions a day.
const DRAWN: Drawn = Drawn {
    all: (21.0, 1_000.0),
    group: (100.0, 300.0),
    hour: 1_000.0,
};

/// Which answers are learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The last day.
    pub until: u32,
    /// How many days.
    pub days: u32,
    /// About how many questions; without it all.
    pub rows: Option<usize>,
    /// The result does not depend on it.
    pub threads: usize,
    /// What labels are made of.
    pub label: Label,
}

/// A model that learned from its latest answers.
#[derive(Debug)]
pub struct Recalibrated {
    /// The model.
    pub model: Artefact,
    /// How good its answers were, on the days learned from.
    pub before: Quality,
    /// How good they are now, on the same days: no proof, for they were learned from.
    pub after: Quality,
}

/// Fits a recalibration to the latest answers of a model, in place of the one that it may have. `parent` is a hash of
/// its bytes. `known` is what was known, `truth` what became of it; mostly the same ledger.
///
/// # Errors
/// See [`Misfit`].
pub fn latest<S: Source, T: Source<Error = S::Error>>(
    known: &S,
    truth: &T,
    mut model: Artefact,
    parent: String,
    plan: Plan,
) -> Result<Recalibrated, Misfit<S::Error>> {
    let first = (plan.until + 1).saturating_sub(plan.days);
    let grid = Grid::of_days(first..=plan.until);
    let outcomes = Outcomes::read(truth, grid, plan.label).map_err(Misfit::Source)?;
    let asking = Asking {
        first,
        before: 0,
        rows: plan.rows,
        baselines: false,
        threads: plan.threads,
    };
    model.recalibration = None;
    let mut scored = evaluate::score(known, &outcomes, asking, Some(&model))?;
    let all = 0..scored.labels.len();
    let before = quality(&scored)?;
    let found = of(&scored, &outcomes, all.clone())?;
    scored.recalibrate(&found, &outcomes, all);
    let after = quality(&scored)?;
    let mut say = |name: &str, what: String| {
        model.facts.insert(format!("recalibration.{name}"), what);
    };
    say("parent", parent);
    say("days", format!("{}..{}", date(first), date(plan.until)));
    say("rows", scored.labels.len().to_string());
    model.recalibration = Some(found);
    Ok(Recalibrated {
        model,
        before,
        after,
    })
}

fn quality(scored: &Scored) -> Result<Quality, Refused> {
    Sample::new(&scored.model, &scored.labels, None).map(|sample| Quality::of(&sample))
}

/// What the model says on each day from `first` on, recalibrated in the night before it on so many days; the rows
/// before `first`, which [`Asking::before`] asked for, are left out.
///
/// # Errors
/// See [`Unsettled`].
pub fn as_each_night(
    mut scored: Scored,
    outcomes: &Outcomes,
    first: u32,
    days: u32,
) -> Result<Scored, Unsettled> {
    let day_of = |slot: &u32| outcomes.grid.day(*slot as usize);
    // Rows lie in the order of slots.
    let start = |day: u32, scored: &Scored| scored.slots.partition_point(|slot| day_of(slot) < day);
    let nights: Vec<(Range<usize>, Recalibration)> = (first..=*outcomes.grid.days.end())
        .map(|day| {
            let known = start(day.saturating_sub(days), &scored)..start(day, &scored);
            let today = known.end..start(day + 1, &scored);
            of(&scored, outcomes, known).map(|found| (today, found))
        })
        .collect::<Result<_, _>>()?;
    scored.plain = scored.model.clone();
    for (rows, recalibration) in &nights {
        scored.recalibrate(recalibration, outcomes, rows.clone());
    }
    let judged = start(first, &scored);
    Ok(scored.from(judged))
}

/// Fitted to some rows, which are in the order of their days.
fn of(
    scored: &Scored,
    outcomes: &Outcomes,
    rows: Range<usize>,
) -> Result<Recalibration, Unsettled> {
    let day = |row: usize| outcomes.grid.day(scored.slots[row] as usize);
    let first = match rows.is_empty() {
        true => 0,
        false => day(rows.start),
    };
    let answer = |row: usize| Answer {
        said: scored.model[row],
        label: scored.labels[row],
        group: scored.category(row, outcomes),
        hour: hour_of(outcomes, scored.slots[row] as usize) as u8,
        day: day(row) - first,
    };
    let answers: Vec<Answer> = rows.map(answer).collect();
    fit(&answers, &outcomes.categories, &DRAWN)
}
