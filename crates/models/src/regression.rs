//! Logistic regression on up to three numbers a row, by Newton's method: what Platt's and beta calibration and the
//! calibration slope are made of.
//!
//! The likelihood is a hill with one top, but a step of Newton's takes its sides for a parabola's: from far away it may
//! leap over the top to where all is sure and the hill is flat, and the next one from there ever further. So a step is halved
//! that does not lead up by a quarter of what the slope at its beginning promises (Armijo, 1966).

use crate::metrics::Sample;
use crate::numeric::{sigmoid_wide, softplus_wide};

/// Numbers of a row that the label's log odds are linear in.
pub(crate) const TERMS: usize = 3;

/// Steps at most; Newton's method needs fewer than ten where there is a solution.
const STEPS: usize = 50;
/// Smaller steps are none.
const SETTLED: f64 = 1e-9;
/// How much sums over the rows may differ by rounding, of one.
const ROUNDING: f64 = 1e-12;
/// A sample that one number separates has no solution; a bound keeps the steps from running away.
const LARGEST: f64 = 100.0;

/// The coefficients that make the sample most likely, over those terms that are `used`; the others are 0. `terms` makes
/// a row's numbers from its predicted value.
pub(crate) fn fit(
    sample: &Sample,
    used: [bool; TERMS],
    terms: impl Fn(f64) -> [f64; TERMS],
) -> [f64; TERMS] {
    fit_from([0.0; TERMS], sample, used, terms)
}

/// The same from a start; a term that is not used keeps its coefficient.
pub(crate) fn fit_from(
    mut coefficients: [f64; TERMS],
    sample: &Sample,
    used: [bool; TERMS],
    terms: impl Fn(f64) -> [f64; TERMS],
) -> [f64; TERMS] {
    let mut here = Hill::at(&coefficients, sample, &terms);
    for _ in 0..STEPS {
        let mut step = solve(here.curve, here.slope, used);
        let (mut next, mut there);
        loop {
            next = moved(&coefficients, &step);
            there = Hill::at(&next, sample, &terms);
            let promised = dot(&here.slope, &step) / 4.0 - ROUNDING * here.height.abs();
            if is_none(&step) || there.height - here.height >= promised {
                break;
            }
            step = step.map(|step| step / 2.0);
        }
        (coefficients, here) = (next, there);
        if is_none(&step) {
            break;
        }
    }
    coefficients
}

/// The log likelihood around some coefficients.
struct Hill {
    height: f64,
    /// Its first derivatives.
    slope: [f64; TERMS],
    /// Its second ones, with the other sign.
    curve: [[f64; TERMS]; TERMS],
}

impl Hill {
    fn at(
        coefficients: &[f64; TERMS],
        sample: &Sample,
        terms: impl Fn(f64) -> [f64; TERMS],
    ) -> Self {
        let (mut slope, mut curve) = ([0.0; TERMS], [[0.0; TERMS]; TERMS]);
        let mut height = 0.0;
        for (value, label, weight) in sample.rows() {
            let terms = terms(value);
            let odds = dot(coefficients, &terms);
            let p = sigmoid_wide(odds);
            height += weight * (label * odds - softplus_wide(odds));
            let (error, spread) = (weight * (label - p), weight * p * (1.0 - p));
            for i in 0..TERMS {
                slope[i] += error * terms[i];
                for j in 0..TERMS {
                    curve[i][j] += spread * terms[i] * terms[j];
                }
            }
        }
        Self {
            height,
            slope,
            curve,
        }
    }
}

fn moved(coefficients: &[f64; TERMS], step: &[f64; TERMS]) -> [f64; TERMS] {
    std::array::from_fn(|term| (coefficients[term] + step[term]).clamp(-LARGEST, LARGEST))
}

fn is_none(step: &[f64; TERMS]) -> bool {
    step.iter().all(|step| step.abs() < SETTLED)
}

fn dot(a: &[f64; TERMS], b: &[f64; TERMS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves for the used terms by elimination; a term that says nothing new stays at 0.
fn solve(
    mut matrix: [[f64; TERMS]; TERMS],
    mut right: [f64; TERMS],
    used: [bool; TERMS],
) -> [f64; TERMS] {
    let mut free = used;
    for pivot in 0..TERMS {
        free[pivot] &= matrix[pivot][pivot] > 1e-12;
        if !free[pivot] {
            continue;
        }
        for row in (0..TERMS).filter(|&row| row != pivot) {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let taken = matrix[pivot];
            for (cell, taken) in matrix[row].iter_mut().zip(taken) {
                *cell -= factor * taken;
            }
            right[row] -= factor * right[pivot];
        }
    }
    std::array::from_fn(|term| {
        if free[term] {
            right[term] / matrix[term][term]
        } else {
            0.0
        }
    })
}
