//! What a model's latest answers missed, fitted every night.
//!
//! The model is asked about the last days whose outcomes are known, with what was known then, and its answers are held
//! against what became of them (`onhand_models::recalibrate`). [`latest`] makes of a model one that has learned from
//! that; [`as_each_night`] judges that as it would have run: for the answers of a day only days before it are learned
//! from, and of yesterday only what was told by this morning. The night's feed tells of a day after it has ended; what a
//! feed tells later than that is learned from a day later.
//!
//! Both learn from nearly the same questions: about [`evaluate::A_DAY`] of each day, drawn for each day by itself; they are
//! a share of those with a label, and what a late feed tells gives a day more labels. Which questions are judged is another
//! matter.

use crate::Source;
use crate::evaluate::{self, Asking, Misfit, Quality, Scored};
use crate::grid::{Grid, date};
use crate::outcome::{Label, Outcomes};
use crate::warning::Warning;
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
    /// What makes these figures, and what was learned, too good.
    pub warnings: Vec<Warning>,
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
    // What became of later days nobody knows yet.
    let until = outcomes.last_day().unwrap_or(plan.until);
    let asking = Asking {
        first: plan.until + 1,
        before: plan.days,
        rows: None,
        baselines: false,
        threads: plan.threads,
    };
    model.recalibration = None;
    let mut scored = evaluate::score(known, &outcomes, asking, Some(&model))?;
    let all = 0..scored.labels.len();
    let before = quality(&scored)?;
    let found = of(&scored, &outcomes, all.clone(), |row| scored.labels[row])?;
    scored.recalibrate(&found, &outcomes, all);
    let after = quality(&scored)?;
    let mut warnings = Warning::of_learning(&outcomes, plan.label);
    warnings.extend(Warning::of_days(first..=until, &model));
    let mut say = |name: &str, what: String| {
        model.facts.insert(format!("recalibration.{name}"), what);
    };
    say("parent", parent);
    say("days", format!("{}..{}", date(first), date(until)));
    say("rows", scored.labels.len().to_string());
    model.recalibration = Some(found);
    Ok(Recalibrated {
        model,
        before,
        after,
        warnings,
    })
}

fn quality(scored: &Scored) -> Result<Quality, Refused> {
    Sample::new(&scored.model, &scored.labels, None).map(|sample| Quality::of(&sample))
}

/// What the model says on each day from `first` on, recalibrated in the night before it on so many days; rows that are not
/// judged, which [`Asking::before`] asked for, are left out. `outcomes` were read with what was known each morning.
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
            let label = |row: usize| {
                let (slot, pair) = (scored.slots[row] as usize, scored.pairs[row]);
                outcomes.label_before(day, slot, pair)
            };
            of(&scored, outcomes, known, label).map(|found| (today, found))
        })
        .collect::<Result<_, _>>()?;
    scored.plain = scored.model.clone();
    for (rows, recalibration) in &nights {
        scored.recalibrate(recalibration, outcomes, rows.clone());
    }
    Ok(scored.judged())
}

/// Fitted to those of some rows that are learned from and whose label is known; they are in the order of their days.
fn of(
    scored: &Scored,
    outcomes: &Outcomes,
    rows: Range<usize>,
    label: impl Fn(usize) -> f32,
) -> Result<Recalibration, Unsettled> {
    let day = |row: usize| outcomes.grid.day(scored.slots[row] as usize);
    let first = match rows.is_empty() {
        true => 0,
        false => day(rows.start),
    };
    let answer = |row: usize| Answer {
        said: scored.model[row],
        label: label(row),
        group: scored.category(row, outcomes),
        hour: scored.moment(row, outcomes).hour_asked_about() as u8,
        day: day(row) - first,
    };
    let learned = rows.filter(|row| scored.is_learned[*row]).map(answer);
    let answers: Vec<Answer> = learned.filter(|answer| !answer.label.is_nan()).collect();
    fit(&answers, &outcomes.categories, &DRAWN)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;
    use crate::grid::{Grid, day_of};
    use crate::told::{Told, hour, ledger};
    use onhand_core::facts::push::{Push, PushLine};
    use onhand_core::stock::observe::{Observe, ObserveLine};
    use onhand_core::{Command, FactName, Lines, LocationId, Settings, Sku, Span, Value};

    /// A category of the item, told at an hour.
    fn category(at: u64, name: &str) -> (u64, Command) {
        let line = PushLine {
            sku: Some(Sku::new("milk").unwrap()),
            name: FactName::new("category").unwrap(),
            at: hour(0),
            value: Value::Text(onhand_core::Label::new(name).unwrap()),
        };
        let push = Push {
            location: LocationId::new("1").unwrap(),
            source: onhand_core::Label::new("catalogue").unwrap(),
            values: Lines::new(vec![line]).unwrap(),
        };
        (at, Command::Push(push))
    }

    /// Feeds: when each comes, and the hours of which it says whether the shelf held something.
    fn feeds(feeds: &[(u64, Range<u64>, bool)]) -> Vec<(u64, Command)> {
        let settings = Settings {
            count_window: Span::from_secs(3 * 86_400),
            ..Settings::default()
        };
        let mut commands = vec![(0, Command::Configure(settings))];
        for (comes, hours, found) in feeds {
            let look = |at: u64| ObserveLine {
                sku: Sku::new("milk").unwrap(),
                at: hour(at).plus(Span::from_secs(60)),
                found: *found,
            };
            let observe = Observe {
                location: LocationId::new("1").unwrap(),
                source: onhand_core::Label::new("feed").unwrap(),
                lines: Lines::new(hours.clone().map(look).collect::<Vec<_>>()).unwrap(),
            };
            commands.push((*comes, Command::Observe(observe)));
        }
        commands
    }

    fn told(all: &[(u64, Range<u64>, bool)]) -> Told {
        ledger(feeds(all))
    }

    /// What is said of three days, recalibrated on the day before each of the last two; all was said to be 0.3.
    fn said(told: &Told) -> Scored {
        let first = day_of(hour(0));
        let grid = Grid::of_days(first..=first + 2);
        let outcomes = Outcomes::read_each_morning(told, grid, Label::Looks).unwrap();
        let mut scored = Scored::default();
        for slot in 0..outcomes.grid.slots() {
            for pair in outcomes.labelled(slot) {
                scored.pairs.push(pair);
                scored.slots.push(slot as u32);
                scored.labels.push(outcomes.label(slot, pair));
                scored.model.push(0.3);
                scored.is_judged.push(outcomes.grid.day(slot) > first);
                scored.is_learned.push(true);
            }
        }
        as_each_night(scored, &outcomes, first + 1, 1).unwrap()
    }

    #[test]
    fn an_item_is_of_the_category_that_was_known_when_it_was_asked_about() {
        let night = |day: u64| (24 * day + 26, 24 * day + 9..24 * day + 20, true);
        let mut commands = feeds(&[night(0), night(1), night(2)]);
        commands.extend([category(1, "dairy"), category(49, "bread")]);
        let first = day_of(hour(0));
        let grid = Grid::of_days(first..=first + 2);
        let outcomes = Outcomes::read(&ledger(commands), grid, Label::Looks).unwrap();
        let scored = Scored {
            pairs: vec![0; 3],
            slots: vec![0, 14, 28],
            ..Scored::default()
        };
        let category = |row| {
            let number = scored.category(row, &outcomes)?;
            Some(outcomes.categories[number as usize].as_str())
        };
        assert_eq!(
            [0, 1, 2].map(category),
            [Some("dairy"), Some("dairy"), Some("bread")]
        );
        assert_eq!(outcomes.pairs[0].category(hour(0)), None);
    }

    #[test]
    fn what_a_late_feed_tells_is_learned_a_day_later() {
        // Of each day the night tells of all hours but the evening's, of which nothing is told, or on the next noon.
        let night = |day: u64| (24 * day + 26, 24 * day + 9..24 * day + 20, true);
        let late = |day: u64| (24 * day + 36, 24 * day + 20..24 * day + 23, false);
        let punctual = said(&told(&[night(0), night(1), night(2)]));
        let with_late = said(&told(&[night(0), late(0), night(1), night(2)]));
        assert_eq!(punctual.model.len(), 22);
        assert_eq!(
            with_late.model, punctual.model,
            "of the first day nothing more was known"
        );
        // Told in time it would have been learned from.
        let (_, hours, found) = late(0);
        let in_time = said(&told(&[night(0), (27, hours, found), night(1), night(2)]));
        assert_ne!(in_time.model[..11], punctual.model[..11]);
        assert_eq!(in_time.model[11..], punctual.model[11..]);
    }
}
