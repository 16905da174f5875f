//! A model made ready to score the rows of a feature set.
//!
//! A model knows its features by name and by the hash of their definitions. A set in which one of them is missing, or
//! means something else, would give it numbers that it never learned from: it is refused, and the features are named.
//!
//! The model's raw score is the log odds that the shelf is *empty* in the hour asked about, before calibration. What is
//! told to a shopper is the other side of it: the probability that the item is found.

use onhand_core::Span;
use onhand_features::{FeatureSet, FellBack, Moment, Reader, Standing};
use onhand_models::artefact::Unreadable;
use onhand_models::flat::Unservable;
use onhand_models::recalibrate::Line;
use onhand_models::{Artefact, Calibration, FlatForest, Forest, Hours, Recalibration};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Features that a refusal names; of more it says how many.
const NAMED: usize = 5;

/// A model that fits a feature set.
#[derive(Clone, Debug)]
pub struct Scorer {
    name: String,
    version: String,
    set: Arc<FeatureSet>,
    /// The place in the set of each of the model's features.
    places: Vec<usize>,
    forest: Forest,
    flat: FlatForest,
    calibration: Calibration,
    recalibration: Option<Recalibration>,
    hours: Option<Hours>,
}

/// A model that cannot be served here.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The bytes are no model.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The model answers another question.
    #[error("the model is called {found}, and what is wanted is {wanted}")]
    AnotherModel {
        /// What the artefact says.
        found: String,
        /// What it should say.
        wanted: &'static str,
    },
    /// Features mean something else here than where the model was trained.
    #[error(
        "the model was trained with other definitions of {} than this build has: train it anew (onhand train \
         availability), or serve it with the build that trained it",
        named(.features)
    )]
    Definitions {
        /// Their names.
        features: Vec<String>,
    },
    /// The forest cannot be laid out for serving.
    #[error("the model cannot be served: {0}")]
    Unservable(#[from] Unservable),
}

fn named(features: &[String]) -> String {
    let named = features[..features.len().min(NAMED)].join(", ");
    match features.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more features"),
    }
}

/// Why a score is what it is: `expected` and all parts add up to `score`, within 1e-6.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The mean score of the rows trained on, as log odds of an empty shelf.
    pub expected: f64,
    /// The log odds of an empty shelf, before calibration.
    pub score: f64,
    /// How the probability of an empty shelf follows from the score.
    pub calibration: String,
    /// One for each feature of the model, the greatest first, by size.
    pub parts: Vec<Part>,
}

/// What a feature adds to a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The feature.
    pub feature: &'static str,
    /// What it adds to the log odds of an empty shelf.
    pub part: f64,
    /// Its value; `None` if it is missing.
    pub value: Option<f32>,
    /// How old the newest fact behind it is; `None` if there is none, or it needs none.
    pub age: Option<Span>,
    /// Why it is missing, or its definition's default; `None` if it is not.
    pub fell_back: Option<FellBack>,
}

/// What an explanation is made of: what was read, without what follows from it.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// The row of the model.
    values: Vec<f32>,
    /// What each of its values stands on.
    standing: Vec<Standing>,
}

impl Scorer {
    /// A model as the compact bytes of an artefact, for a set of features.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn read(bytes: &[u8], name: &'static str, set: Arc<FeatureSet>) -> Result<Self, Unfit> {
        let artefact = Artefact::from_bytes(bytes)?;
        if artefact.name != name {
            return Err(Unfit::AnotherModel {
                found: artefact.name,
                wanted: name,
            });
        }
        Self::new(artefact, Self::version_of(bytes), set)
    }

    /// What a model's version is called: a hash of its bytes.
    pub fn version_of(bytes: &[u8]) -> String {
        format!("{:016x}", xxh3_64(bytes))
    }

    /// A model for a set of features; `version` is what answers call it.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn new(artefact: Artefact, version: String, set: Arc<FeatureSet>) -> Result<Self, Unfit> {
        if artefact.features.is_empty() {
            return Err(Unreadable::NoFeatures.into());
        }
        let (mut places, mut strangers) = (Vec::new(), Vec::new());
        for feature in &artefact.features {
            match set.defined(feature.bins.name(), &feature.definition) {
                Some(place) => places.push(place),
                None => strangers.push(feature.bins.name().to_owned()),
            }
        }
        if !strangers.is_empty() {
            return Err(Unfit::Definitions {
                features: strangers,
            });
        }
        Ok(Self {
            flat: FlatForest::new(&artefact.forest)?,
            hours: Hours::of(&artefact),
            name: artefact.name,
            version,
            set,
            places,
            forest: artefact.forest,
            calibration: artefact.calibration,
            recalibration: artefact.recalibration,
        })
    }

    /// What the model is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which one of that name: a hash of its bytes.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// About which hours of the day it was asked when it was trained; `None` if its file does not say.
    pub fn hours(&self) -> Option<Hours> {
        self.hours
    }

    /// Whether it was never asked about an hour of the day when it was trained. `false` if its file does not say.
    pub fn never_learned(&self, moment: Moment) -> bool {
        let hour = moment.hour_asked_about() as u32;
        self.hours.is_some_and(|hours| !hours.has(hour))
    }

    /// The features that it is served with.
    pub fn set(&self) -> &Arc<FeatureSet> {
        &self.set
    }

    /// The places of the model's features in a row of the set.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Adds a row of the set to rows of the model.
    pub fn pick(&self, row: &[f32], rows: &mut Vec<f32>) {
        rows.extend(self.places.iter().map(|place| row[*place]));
    }

    /// What the model's latest answers missed, if it was recalibrated.
    pub fn recalibration(&self) -> Option<&Recalibration> {
        self.recalibration.as_ref()
    }

    /// The probabilities that items are found, of rows made by [`Self::pick`], each with how it is moved.
    pub fn found(&self, rows: &[f32], lines: impl IntoIterator<Item = Line>) -> Vec<f64> {
        let mut scores = vec![0.0; rows.len() / self.places.len()];
        self.flat.score_batch(rows, &mut scores);
        let each = scores.iter().zip(lines);
        each.map(|(score, line)| self.found_at(*score, line))
            .collect()
    }

    /// The probability that an item of which nothing is known is found: the share of the rows trained on in which it was,
    /// whose log odds are what the forest starts from. (The mean of the rows' scores is something else: most shelves are
    /// nearly sure to be full, so its probability is far from their mean.) Neither calibrated nor recalibrated, for it is
    /// a count.
    pub fn usually_found(&self) -> f64 {
        1.0 - Calibration::None.probability(f64::from(self.forest.base))
    }

    /// The probability that an item is found, by its raw score and how that is moved.
    pub fn found_at(&self, score: f64, line: Line) -> f64 {
        1.0 - line.moved(self.calibration.probability(score))
    }

    /// What an explanation is made of. `row` is the one in a `place` of those that were read together last, at a moment.
    pub fn grounds(
        &self,
        reader: &Reader<'_>,
        place: usize,
        row: &[f32],
        moment: Moment,
    ) -> Grounds {
        let (store, subject) = (reader.store(), reader.subject());
        let standing = |feature: &usize| store.standing(subject, place, *feature, moment);
        let mut values = Vec::new();
        self.pick(row, &mut values);
        Grounds {
            values,
            standing: self.places.iter().map(standing).collect(),
        }
    }

    /// Why a score is what it is; `line` is how it is moved. It takes a thousand times as long as the score.
    pub fn explain(&self, grounds: &Grounds, line: Line) -> Explanation {
        let told = self.forest.explain(&grounds.values);
        let part = |(at, feature): (usize, &usize)| {
            let Standing { age, fell_back } = grounds.standing[at];
            Part {
                feature: self.set.features()[*feature].name,
                part: told.parts[at],
                value: Some(grounds.values[at]).filter(|value| !value.is_nan()),
                age,
                fell_back,
            }
        };
        let mut parts: Vec<_> = self.places.iter().enumerate().map(part).collect();
        parts.sort_by(|one, other| other.part.abs().total_cmp(&one.part.abs()));
        Explanation {
            expected: told.expected,
            score: self.flat.score(&grounds.values),
            calibration: self.said(line),
            parts,
        }
    }

    /// How the probability of an empty shelf, p, follows from the score.
    fn said(&self, line: Line) -> String {
        match &self.recalibration {
            None => said("p", &self.calibration),
            Some(_) => format!("{}; p = {line}", said("q", &self.calibration)),
        }
    }
}

/// A calibration as a formula for what is called `p`.
fn said(p: &str, calibration: &Calibration) -> String {
    match calibration {
        Calibration::None => format!("{p} = 1 / (1 + exp(-score))"),
        Calibration::Platt { slope, intercept } => {
            format!("{p} = 1 / (1 + exp(-({slope:.6} * score + {intercept:.6})))")
        }
        Calibration::Beta { a, b, c } => format!(
            "{p} = 1 / (1 + exp(-({a:.6} * ln(s) - {b:.6} * ln(1 - s) + {c:.6}))) with s = 1 / (1 + exp(-score))"
        ),
        Calibration::Isotonic { knots } => {
            let knots: Vec<_> = knots
                .iter()
                .map(|(score, p)| format!("({score:.3}, {p:.4})"))
                .collect();
            format!(
                "{p} by straight lines through (score, {p}): {}",
                knots.join(" ")
            )
        }
    }
}
