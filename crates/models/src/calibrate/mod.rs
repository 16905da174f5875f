//! From a raw score to a probability that holds.
//!
//! A forest trained on log loss is nearly calibrated on its own rows, and less so on others. So a map from score to
//! probability is fitted on a slice that it did not learn from, and which map is decided on another, by log loss: none at
//! all, Platt's (two numbers), beta (three), or isotonic (as many as the slice supports). Which slices those are is for
//! whoever trains to say (`docs/decisions/0020`). All rise with the score, so calibration turns no order round; isotonic
//! is level below its first knot and beyond its last, where scores that differ become equal.

mod isotonic;
mod parametric;

use crate::metrics::{Sample, log_loss};
use crate::numeric::sigmoid_wide;
use serde::{Deserialize, Serialize};

/// A rising map from a raw score (a log odds) to a probability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Calibration {
    /// The score's own probability, 1 / (1 + e^-score).
    #[default]
    None,
    /// 1 / (1 + e^-(slope * score + intercept)) (Platt, *Probabilistic outputs for support vector machines*, 1999).
    Platt {
        /// 0 or more.
        slope: f64,
        /// Log odds at score 0.
        intercept: f64,
    },
    /// Log odds a ln p - b ln(1 - p) + c (Kull, Silva Filho, Flach, *Beta calibration*, 2017).
    Beta {
        /// 0 or more.
        a: f64,
        /// 0 or more.
        b: f64,
        /// Log odds of a score in the middle.
        c: f64,
    },
    /// Straight lines between the centres of the blocks of an isotonic regression (Zadrozny, Elkan, 2002).
    Isotonic {
        /// Score and probability, both ascending.
        knots: Vec<(f64, f64)>,
    },
}

/// The forms of [`Calibration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// See [`Calibration::None`].
    None,
    /// See [`Calibration::Platt`].
    Platt,
    /// See [`Calibration::Beta`].
    Beta,
    /// See [`Calibration::Isotonic`].
    Isotonic,
}

/// A calibration and how each form did on the slice that chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The best one.
    pub calibration: Calibration,
    /// Log loss of each form on it.
    pub log_losses: Vec<(Form, f64)>,
}

impl Calibration {
    /// Fits a form to raw scores.
    pub fn fit(form: Form, scores: &Sample) -> Self {
        match form {
            Form::None => Self::None,
            Form::Platt => parametric::platt(scores),
            Form::Beta => parametric::beta(scores),
            Form::Isotonic => isotonic::fit(scores),
        }
    }

    /// Fits each form to `fit`, and takes the one with the least log loss on `other`; of equal ones the simplest.
    pub fn choose(fit: &Sample, other: &Sample) -> Chosen {
        let forms = [Form::None, Form::Platt, Form::Beta, Form::Isotonic];
        let tried = forms.map(|form| {
            let calibration = Self::fit(form, fit);
            let loss = log_loss(&other.with(&calibration.probabilities(other.predicted())));
            (form, calibration, loss)
        });
        let log_losses = tried.iter().map(|(form, _, loss)| (*form, *loss)).collect();
        let best = tried
            .into_iter()
            .reduce(|best, next| if next.2 < best.2 { next } else { best });
        Chosen {
            calibration: best.map_or(Self::None, |best| best.1),
            log_losses,
        }
    }

    /// Whether it makes a probability of every score.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::None => true,
            Self::Platt { slope, intercept } => are_finite(&[*slope, *intercept]),
            Self::Beta { a, b, c } => are_finite(&[*a, *b, *c]),
            Self::Isotonic { knots } => {
                let is_probability = |p: f64| (0.0..=1.0).contains(&p);
                let each = |(score, p): &(f64, f64)| score.is_finite() && is_probability(*p);
                knots.iter().all(each) && knots.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1)
            }
        }
    }

    /// The probability of a raw score.
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Self::None => sigmoid_wide(score),
            Self::Platt { slope, intercept } => sigmoid_wide(slope * score + intercept),
            Self::Beta { a, b, c } => {
                let (p, q) = parametric::logs(score);
                sigmoid_wide(a * p - b * q + c)
            }
            Self::Isotonic { knots } => isotonic::between(knots, score),
        }
    }

    /// The probabilities of raw scores.
    pub fn probabilities(&self, scores: &[f64]) -> Vec<f64> {
        scores
            .iter()
            .map(|&score| self.probability(score))
            .collect()
    }
}

fn are_finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

#[cfg(test)]
mod tests;
