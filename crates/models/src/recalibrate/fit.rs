//! The fit: a Newton step in every term, one kind after the other, until none moves.

use super::{Answer, Drawn, HOURS, Line, Recalibration, leaning, odds};
use crate::numeric::sigmoid_wide;

/// A day's effect is hardly drawn to none: so much information.
const A_DAY: f64 = 1.0;
/// No slope turns an order round.
const FLATTEST: f64 = -0.9;

/// The terms as they are, and each answer's log odds with them.
pub(super) struct Fit<'a> {
    answers: &'a [Answer],
    /// What a slope is multiplied with.
    leaning: Vec<f64>,
    now: Vec<f64>,
    /// The effects of the days.
    days: Vec<f64>,
    slope: Vec<f64>,
    groups: [Vec<f64>; 2],
    hours: Vec<f64>,
}

impl<'a> Fit<'a> {
    pub(super) fn new(answers: &'a [Answer], groups: usize) -> Self {
        let now: Vec<f64> = answers.iter().map(|answer| odds(answer.said)).collect();
        let days = answers.iter().map(|answer| answer.day as usize + 1).max();
        let days = days.unwrap_or_default();
        Self {
            answers,
            leaning: now.iter().map(|odds| leaning(*odds)).collect(),
            now,
            days: vec![0.0; days],
            slope: vec![0.0],
            groups: [vec![0.0; groups], vec![0.0; groups]],
            hours: vec![0.0; HOURS],
        }
    }

    /// A step in every term, one kind after the other; the largest of them.
    pub(super) fn round(&mut self, drawn: &Drawn) -> f64 {
        let (answers, leaning) = (self.answers, &self.leaning);
        let group = |row: usize| answers[row].group.map(|group| group as usize);
        let hour = |row: usize| Some(usize::from(answers[row].hour) % HOURS);
        let day = |row: usize| Some(answers[row].day as usize);
        let (one, lean) = (|_: usize| 1.0, |row: usize| leaning[row]);
        let [shifts, slopes] = &mut self.groups;
        let mut step = Step {
            answers,
            now: &mut self.now,
            most: 0.0,
        };
        step.take(&mut self.days, A_DAY, day, one);
        step.take(&mut self.slope, drawn.all.1, |_| Some(0), lean);
        step.take(shifts, drawn.group.0, group, one);
        step.take(slopes, drawn.group.1, group, lean);
        step.take(&mut self.hours, drawn.hour, hour, one);
        step.most
    }

    pub(super) fn found(self, groups: &[String], drawn: &Drawn) -> Recalibration {
        let days = self.days.len() as f64 + drawn.all.0;
        let level = match days > 0.0 && days.is_finite() {
            true => self.days.iter().sum::<f64>() / days,
            false => 0.0,
        };
        let all = Line {
            shift: level,
            slope: self.slope[0].max(FLATTEST),
        };
        let line = |shift: f64, slope: f64| Line {
            shift,
            slope: slope.max(FLATTEST - all.slope),
        };
        let [shifts, slopes] = &self.groups;
        let own = groups.iter().zip(shifts.iter().zip(slopes));
        let lines = own.map(|(name, (shift, slope))| (name.clone(), line(*shift, *slope)));
        Recalibration {
            all,
            groups: lines.filter(|(_, line)| *line != Line::default()).collect(),
            hours: std::array::from_fn(|hour| self.hours[hour]),
        }
    }
}

/// Newton steps, none so long that it moves the log odds of a row by more than 1: within that the curvature changes by
/// less than e, so that each step makes the fit better. A longer one may leap over the best to where all is sure, and
/// from there ever further.
struct Step<'a> {
    answers: &'a [Answer],
    now: &'a mut [f64],
    /// The largest so far.
    most: f64,
}

impl Step<'_> {
    /// A step in the terms of one kind: no row has more than one of them. `term` says which, `factor` what it is
    /// multiplied with.
    fn take(
        &mut self,
        terms: &mut [f64],
        drawn: f64,
        term: impl Fn(usize) -> Option<usize>,
        factor: impl Fn(usize) -> f64,
    ) {
        if drawn.is_infinite() {
            return;
        }
        let mut sums = vec![(0.0, 0.0, 1.0_f64); terms.len()];
        for (row, (answer, odds)) in self.answers.iter().zip(&*self.now).enumerate() {
            if let Some(at) = term(row) {
                let (p, factor) = (sigmoid_wide(*odds), factor(row));
                sums[at].0 += (f64::from(answer.label) - p) * factor;
                sums[at].1 += p * (1.0 - p) * factor * factor;
                sums[at].2 = sums[at].2.max(factor.abs());
            }
        }
        let step = |((slope, curve, most), value): (&(f64, f64, f64), &f64)| match curve + drawn {
            none if none <= 0.0 => 0.0,
            curve => ((slope - drawn * value) / curve).clamp(-1.0 / most, 1.0 / most),
        };
        let steps: Vec<f64> = sums.iter().zip(&*terms).map(step).collect();
        for (value, step) in terms.iter_mut().zip(&steps) {
            *value += step;
            self.most = self.most.max(step.abs());
        }
        for (row, odds) in self.now.iter_mut().enumerate() {
            if let Some(at) = term(row) {
                *odds += steps[at] * factor(row);
            }
        }
    }
}
