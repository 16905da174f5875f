//! What a model's latest answers missed, and the log odds moved by it.
//!
//! Trees and their calibration are made of days gone by, and the level of later days is in no feature: for a month of
//! rain, or a supplier who does not deliver, more shelves of a kind are empty than the model says. What it said and what
//! became of it tell so the morning after. A recalibration is a small logistic regression on top of the model's own log
//! odds: a [`Line`] for all, one more for each group, and an intercept for each hour of the day. Each term is drawn to
//! none by a normal prior (penalised likelihood), so that a group of which few rows are known moves little.
//!
//! **Rows of one day fail together.** A storm, or the day before a feast, moves all shelves at once, for a day or two: by
//! more than any level ever drifts. So each day learned from has an effect of its own, which is not carried on; all else
//! is fitted beside it, and the level of all moves by the mean of the days' effects, drawn to none by as many days as the
//! swings are larger than the drift. How strongly, and over how many days, is chosen by trying (`docs/decisions/0022`).

mod fit;

use crate::numeric::{logit, sigmoid_wide};
use fit::Fit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Hours of a day.
const HOURS: usize = 24;
/// Rounds of the fit at most. Each takes a Newton step in every term.
const ROUNDS: usize = 25;
/// A fit whose largest step is below this is at its end.
const SETTLED: f64 = 1e-6;
/// After all rounds a fit may still creep, where days and hours share what moves all. What steps further than this
/// found no end.
const CREEPING: f64 = 0.01;
/// Probabilities that are nearly sure have log odds of some size all the same.
const LEAST: f64 = 1e-6;
/// Where a slope leaves the log odds as they are, so that it says little of the level: a probability of 0.27.
const CENTRE: f64 = -1.0;
/// Log odds beyond this lean no further, so that what is nearly sure decides no slope.
const FAR: f64 = 6.0;
/// No term is larger: more than the rounds of a fit can step, and so little that sums of terms are numbers.
const LARGEST: f64 = 50.0;

/// What is added to log odds: `shift + slope * (log odds - centre)`. The default adds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// In the middle.
    pub shift: f64,
    /// Above 0 probabilities become more extreme.
    pub slope: f64,
}

impl Line {
    /// A probability moved.
    pub fn moved(&self, probability: f64) -> f64 {
        if *self == Self::default() {
            return probability;
        }
        let odds = odds(probability);
        sigmoid_wide(odds + self.shift + self.slope * leaning(odds))
    }

    fn is_bounded(&self) -> bool {
        self.shift.abs() <= LARGEST && self.slope.abs() <= LARGEST
    }

    fn plus(self, other: Self) -> Self {
        Self {
            shift: self.shift + other.shift,
            slope: self.slope + other.slope,
        }
    }
}

/// As a formula for the probability, of the one before, q.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shift, slope } = self;
        write!(
            f,
            "1 / (1 + exp(-(o + {shift:.6} + {slope:.6} * (o + {:.0})))) with o = ln(q / (1 - q)), in the brackets from \
             -{FAR:.0} to {FAR:.0}",
            -CENTRE
        )
    }
}

/// Moves calibrated probabilities by whom and when they are about. The default moves none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// For every row.
    pub all: Line,
    /// By group, on top.
    pub groups: BTreeMap<String, Line>,
    /// The shifts by the hour of the day asked about, on top.
    pub hours: [f64; HOURS],
}

impl Recalibration {
    /// How a row of a group is moved, for an hour of the day.
    pub fn line(&self, group: Option<&str>, hour: usize) -> Line {
        let own = group.and_then(|group| self.groups.get(group));
        self.usual(hour).plus(own.copied().unwrap_or_default())
    }

    /// Whether it makes a probability of every one, and leaves them in their order.
    pub(crate) fn is_sound(&self) -> bool {
        let none = Line::default();
        let mut groups = self.groups.values().chain([&none]);
        self.all.is_bounded()
            && groups.all(|own| own.is_bounded() && self.all.plus(*own).slope > -1.0)
            && self.hours.iter().all(|shift| shift.abs() <= LARGEST)
    }

    /// The same for a row of no group, or of one of which nothing is known.
    pub fn usual(&self, hour: usize) -> Line {
        self.all.plus(Line {
            shift: self.hours[hour % HOURS],
            slope: 0.0,
        })
    }
}

/// What a model said, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The calibrated probability, not moved.
    pub said: f64,
    /// What happened, 0 to 1.
    pub label: f32,
    /// The group's number, if there is one.
    pub group: Option<u32>,
    /// The hour of the day asked about.
    pub hour: u8,
    /// The day's number, from 0 on, one after the other.
    pub day: u32,
}

/// How strongly each term is drawn to none: so much information speaks for none before any row does. A row's
/// information is p (1 - p), for a slope times its distance from the centre squared. A term with an infinite one is
/// left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// The shift of all, which is in days without an effect; and the slope of all.
    pub all: (f64, f64),
    /// The shift and the slope of a group.
    pub group: (f64, f64),
    /// The shift of an hour.
    pub hour: f64,
}

/// A fit that found no end: answers that a term parts without rest, and nothing draws it to none.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the recalibration did not settle: after {ROUNDS} rounds a term still moved by {step:.3}")]
pub struct Unsettled {
    /// The largest step of the last round.
    pub step: f64,
}

/// Fits a recalibration to answers; `groups` has the names of their groups. Of no answers it is none.
///
/// # Errors
/// See [`Unsettled`].
pub fn fit(
    answers: &[Answer],
    groups: &[String],
    drawn: &Drawn,
) -> Result<Recalibration, Unsettled> {
    let mut fit = Fit::new(answers, groups.len());
    let mut step = f64::INFINITY;
    for _ in 0..ROUNDS {
        step = fit.round(drawn);
        if step < SETTLED {
            break;
        }
    }
    match step < CREEPING {
        true => Ok(fit.found(groups, drawn)),
        false => Err(Unsettled { step }),
    }
}

fn odds(probability: f64) -> f64 {
    logit(probability.clamp(LEAST, 1.0 - LEAST))
}

fn leaning(odds: f64) -> f64 {
    odds.clamp(-FAR, FAR) - CENTRE
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;
    const NONE: Drawn = Drawn {
        all: (INF, INF),
        group: (INF, INF),
        hour: INF,
    };

    /// So many answers of a probability, of which so many were empty.
    fn answers(said: f64, group: u32, hour: u8, (all, empty): (usize, usize)) -> Vec<Answer> {
        let answer = |at| Answer {
            said,
            label: if at < empty { 1.0 } else { 0.0 },
            group: Some(group),
            hour,
            day: 0,
        };
        (0..all).map(answer).collect()
    }

    fn names() -> Vec<String> {
        vec!["dairy".into(), "bread".into()]
    }

    /// So many answers of no group that are right that the day has no effect.
    fn right() -> Vec<Answer> {
        let mut answers = answers(0.2, 0, 12, (2_000_000, 400_000));
        answers.iter_mut().for_each(|answer| answer.group = None);
        answers
    }

    #[test]
    fn the_level_of_all_moves_by_the_mean_of_its_days_however_many_rows_they_have() {
        let of_day = |day, rows| {
            let mut answers = answers(0.2, 0, 9, rows);
            answers.iter_mut().for_each(|answer| answer.day = day);
            answers
        };
        // One day a third is empty, on three others what was said.
        let days = [(9_000, 3_000), (500, 100), (500, 100), (500, 100)];
        let days = (0..).zip(days).flat_map(|(day, rows)| of_day(day, rows));
        let answers: Vec<Answer> = days.collect();
        let swing = logit(1.0 / 3.0) - logit(0.2);
        for (drawn, share) in [(0.0, 4.0), (4.0, 8.0), (INF, INF)] {
            let all = (drawn, INF);
            let found = fit(&answers, &names(), &Drawn { all, ..NONE }).unwrap();
            let told = found.line(Some("dairy"), 9).shift;
            assert!((told - swing / share).abs() < 1e-3, "{drawn}: {told}");
            assert!(found.groups.is_empty() && found.all.slope == 0.0);
        }
    }

    #[test]
    fn a_group_moves_by_how_much_is_known_of_it() {
        let much = answers(0.2, 0, 9, (20_000, 6_000));
        let little = answers(0.2, 1, 9, (50, 15));
        let all = [much, little, right()].concat();
        let group = (100.0, INF);
        let found = fit(&all, &names(), &Drawn { group, ..NONE }).unwrap();
        let told = |group| found.line(Some(group), 9).moved(0.2);
        assert!((0.29..0.3).contains(&told("dairy")), "{}", told("dairy"));
        assert!((0.2..0.22).contains(&told("bread")), "{}", told("bread"));
        assert_eq!(told("unheard of"), 0.2);
    }

    #[test]
    fn an_hour_moves_alone() {
        let day = answers(0.2, 0, 9, (900, 180));
        let evening = answers(0.2, 0, 21, (900, 90));
        let found = fit(
            &[day, evening, right()].concat(),
            &names(),
            &Drawn { hour: 1.0, ..NONE },
        )
        .unwrap();
        assert!(found.line(None, 9).shift.abs() < 0.01);
        assert!(found.line(None, 21).shift < -0.5);
    }

    #[test]
    fn a_group_that_is_less_sure_than_it_says_gets_flatter_and_keeps_its_order() {
        let high = answers(0.9, 0, 9, (5_000, 3_500));
        let low = answers(0.05, 0, 9, (5_000, 750));
        let all = [high, low, right()].concat();
        let group = (0.0, 0.0);
        let found = fit(&all, &names(), &Drawn { group, ..NONE }).unwrap();
        let line = found.line(Some("dairy"), 9);
        assert!((line.moved(0.9) - 0.7).abs() < 1e-3, "{line:?}");
        assert!((line.moved(0.05) - 0.15).abs() < 1e-3, "{line:?}");
        // The other way round is no line that rises: it stays one.
        let group = (100.0, 100.0);
        let turned = [
            answers(0.9, 0, 9, (5_000, 0)),
            answers(0.05, 0, 9, (5_000, 5_000)),
        ];
        let found = fit(&turned.concat(), &names(), &Drawn { group, ..NONE }).unwrap();
        let line = found.line(Some("dairy"), 9);
        assert!(line.moved(0.9) > line.moved(0.05), "{line:?}");
    }

    #[test]
    fn of_nothing_nothing_is_learned() {
        let drawn = Drawn {
            all: (0.0, 0.0),
            group: (0.0, 0.0),
            hour: 0.0,
        };
        assert_eq!(fit(&[], &names(), &drawn), Ok(Recalibration::default()));
    }

    #[test]
    fn what_happened_ten_times_as_often_as_was_said_is_found_without_a_leap() {
        let answers = answers(0.03, 0, 9, (50_000, 15_000));
        let all = (0.0, INF);
        let found = fit(&answers, &names(), &Drawn { all, ..NONE }).unwrap();
        let told = found.usual(9).shift;
        assert!((told - (logit(0.3) - logit(0.03))).abs() < 1e-3, "{told}");
        assert!(found.is_sound());
    }

    #[test]
    fn a_fit_that_has_no_end_is_refused() {
        let parted = [
            answers(0.9, 0, 9, (5_000, 5_000)),
            answers(0.05, 0, 9, (5_000, 0)),
        ];
        let group = (0.0, 0.0);
        let refused = fit(&parted.concat(), &names(), &Drawn { group, ..NONE }).unwrap_err();
        assert!(refused.to_string().contains("did not settle"), "{refused}");
    }

    #[test]
    fn terms_that_turn_an_order_round_or_sum_to_no_number_are_not_sound() {
        let line = |shift, slope| Line { shift, slope };
        let of = |all, own| Recalibration {
            all,
            groups: BTreeMap::from([("dairy".to_owned(), own)]),
            ..Recalibration::default()
        };
        assert!(of(line(3.0, -0.5), line(-2.0, 0.5)).is_sound());
        assert!(!of(line(0.0, -0.5), line(0.0, -0.5)).is_sound());
        assert!(!of(line(0.0, -1.0), line(0.0, 0.5)).is_sound());
        assert!(!of(line(f64::MAX, 0.0), line(f64::MAX, 0.0)).is_sound());
        assert!(!of(line(0.0, f64::NAN), Line::default()).is_sound());
        let mut late = Recalibration::default();
        late.hours[23] = -51.0;
        assert!(!late.is_sound());
    }
}
