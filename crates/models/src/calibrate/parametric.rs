//! Platt's and beta calibration.

use super::Calibration;
use crate::metrics::Sample;
use crate::regression;

pub(super) fn platt(scores: &Sample) -> Calibration {
    let terms = |score: f64| [score, 0.0, 1.0];
    let mut found = regression::fit(scores, [true, false, true], terms);
    if found[0] < 0.0 {
        found = regression::fit(scores, [false, false, true], terms);
    }
    Calibration::Platt {
        slope: found[0],
        intercept: found[2],
    }
}

/// A negative coefficient would make the map fall somewhere: that term is left out, as the paper does.
pub(super) fn beta(scores: &Sample) -> Calibration {
    let mut used = [true; 3];
    let mut found = [0.0; 3];
    for _ in 0..3 {
        found = regression::fit(scores, used, |score| {
            let (p, q) = logs(score);
            [p, -q, 1.0]
        });
        match (0..2).min_by(|&i, &j| found[i].total_cmp(&found[j])) {
            Some(least) if found[least] < 0.0 => used[least] = false,
            _ => break,
        }
    }
    Calibration::Beta {
        a: found[0].max(0.0),
        b: found[1].max(0.0),
        c: found[2],
    }
}

/// ln p and ln(1 - p) of a raw score's own probability.
pub(super) fn logs(score: f64) -> (f64, f64) {
    let small = libm::log1p(libm::exp(-score.abs()));
    (-(small + (-score).max(0.0)), -(small + score.max(0.0)))
}
