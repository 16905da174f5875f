//! What makes figures better than what they stand for, and does not show in them.

use crate::grid::date;
use crate::outcome::{Label, Outcomes};
use onhand_models::Artefact;
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::RangeInclusive;

/// The facts of a model that say which days it learned from, and how: in training, and, if it still has what it learned
/// then, when it was recalibrated.
fn learned(model: &Artefact) -> impl Iterator<Item = (&'static str, &String)> {
    let trained = ("trained", Some("days.learned"));
    let recalibrated = model.recalibration.as_ref().map(|_| "recalibration.days");
    let facts = [trained, ("recalibrated", recalibrated)].into_iter();
    facts.filter_map(|(how, fact)| Some((how, model.facts.get(fact?)?)))
}

/// Why figures are too good.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Labels are made of what is known of the shelf, where looks seem to be all that tells.
    LearnedFromLooks {
        /// Share of the items' days of which anything was told.
        told: f64,
    },
    /// Answers are held against such labels.
    JudgedByLooks {
        /// Share of the items' days of which anything was told.
        told: f64,
    },
    /// The model learned from days that are asked about.
    DaysLearned {
        /// What it did on them.
        how: &'static str,
        /// The days, as the model says.
        learned: String,
        /// How many of them are asked about.
        days: usize,
        /// How many days are asked about.
        of: usize,
    },
}

impl Warning {
    /// Of labels to learn from.
    pub(crate) fn of_learning(outcomes: &Outcomes, label: Label) -> Vec<Self> {
        let told = outcomes
            .looks_alone(outcomes.grid.days.clone())
            .filter(|_| label == Label::Shelf)
            .map(|told| Self::LearnedFromLooks { told });
        told.into_iter().collect()
    }

    /// Of answers about some days.
    pub(crate) fn of_judging(
        outcomes: &Outcomes,
        days: RangeInclusive<u32>,
        model: Option<&Artefact>,
    ) -> Vec<Self> {
        let told = outcomes
            .looks_alone(days.clone())
            .map(|told| Self::JudgedByLooks { told });
        let learned = model
            .into_iter()
            .flat_map(|model| Self::of_days(days.clone(), model));
        told.into_iter().chain(learned).collect()
    }

    /// Of days that a model learned from, and is held against.
    pub(crate) fn of_days(
        days: RangeInclusive<u32>,
        model: &Artefact,
    ) -> impl Iterator<Item = Self> + use<'_> {
        learned(model).filter_map(move |(how, learned)| {
            let (first, last) = learned.split_once("..")?;
            // Dates are written so that the later one is the greater text.
            let is_learned = |day: &u32| (first..=last).contains(&date(*day).as_str());
            let learned = Self::DaysLearned {
                how,
                learned: learned.clone(),
                days: days.clone().filter(is_learned).count(),
                of: days.clone().count(),
            };
            Some(learned).filter(|learned| !matches!(learned, Self::DaysLearned { days: 0, .. }))
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |told: &f64| (told * 100.0).round();
        match self {
            Self::LearnedFromLooks { told } => write!(
                f,
                "on a day, anything was told of only {} % of the items, and at once: this looks like a ledger of \
                 shoppers' looks. If it is one, its labels are of what was looked at, the model is too sure, and what is \
                 said of its quality is too good: train with --labels looks",
                percent(told)
            ),
            Self::JudgedByLooks { told } => write!(
                f,
                "on a day, anything was told of only {} % of the items, and at once: this looks like a ledger of \
                 shoppers' looks. If it is one, only what was looked at is asked about, and the figures are too good: say \
                 with --truth who knows what became of the rest",
                percent(told)
            ),
            Self::DaysLearned {
                how,
                learned,
                days,
                of,
            } => write!(
                f,
                "the model was {how} on {learned}, and {days} of the {of} days asked about are among these: of stores that \
                 it knows the figures say what it remembers, not what it foretells, and of others they are a little too \
                 good. Ask about later days",
            ),
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;
    use onhand_models::recalibrate::Recalibration;
    use onhand_models::{Calibration, artefact, tree::Forest};

    /// Who evaluates a model as it would run every night takes off what it was recalibrated with, and leaves its facts.
    #[test]
    fn the_days_of_a_recalibration_count_as_long_as_the_model_has_it() {
        let facts = [
            ("days.learned", "1970-01-02..1970-01-05"),
            ("recalibration.days", "1970-01-04..1970-01-10"),
        ];
        let mut model = Artefact {
            version: artefact::VERSION,
            name: "availability".to_owned(),
            features: Vec::new(),
            forest: Forest {
                base: 0.0,
                features: 0,
                trees: Vec::new(),
            },
            calibration: Calibration::None,
            facts: facts.map(|(name, what)| (name.into(), what.into())).into(),
            recalibration: Some(Recalibration::default()),
        };
        let outcomes = Outcomes::of_pairs(Grid::of_days(0..=20), Vec::new());
        let judged = |model: &Artefact, days| -> Vec<(&str, usize)> {
            let warnings = Warning::of_judging(&outcomes, days, Some(model)).into_iter();
            let learned = warnings.map(|warning| match warning {
                Warning::DaysLearned { how, days, .. } => (how, days),
                other => panic!("{other:?}"),
            });
            learned.collect()
        };
        let both = [("trained", 1), ("recalibrated", 6)];
        assert_eq!(judged(&model, 4..=12), both);
        model.recalibration = None;
        assert_eq!(judged(&model, 4..=12), both[..1]);
        assert_eq!(judged(&model, 6..=12), []);
    }
}
