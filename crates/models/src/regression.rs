//! Logistic regression on up to three numbers a row, by Newton's method: what Platt's and beta calibration and the
//! calibration slope are made of.

use crate::metrics::Sample;
use crate::numeric::sigmoid_wide;

/// Numbers of a row that the label's log odds are linear in.
pub(crate) const TERMS: usize = 3;

/// Steps at most; Newton's method needs fewer than ten where there is a solution.
const STEPS: usize = 50;

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
    for _ in 0..STEPS {
        let (mut slope, mut curve) = ([0.0; TERMS], [[0.0; TERMS]; TERMS]);
        for (value, label, weight) in sample.rows() {
            let terms = terms(value);
            let p = sigmoid_wide(dot(&coefficients, &terms));
            let (error, spread) = (weight * (label - p), weight * p * (1.0 - p));
            for i in 0..TERMS {
                slope[i] += error * terms[i];
                for j in 0..TERMS {
                    curve[i][j] += spread * terms[i] * terms[j];
                }
            }
        }
        let step = solve(curve, slope, used);
        for (coefficient, step) in coefficients.iter_mut().zip(step) {
            // A sample that one number separates has no solution; a bound keeps the steps from running away.
            *coefficient = (*coefficient + step).clamp(-100.0, 100.0);
        }
        if step.iter().all(|step| step.abs() < 1e-9) {
            break;
        }
    }
    coefficients
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
