use super::*;
use crate::random::{Purpose, Stream};

const FORMS: [Form; 4] = [Form::None, Form::Platt, Form::Beta, Form::Isotonic];

/// Scores from -4 to 4, and labels whose log odds are `odds` of the score.
fn drawn(seed: u64, odds: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f32>) {
    let stream = Stream::new(seed, Purpose::Rows, 0);
    let scores: Vec<f64> = (0..30_000)
        .map(|row| stream.unit(2 * row) * 8.0 - 4.0)
        .collect();
    let labels = (0u64..).zip(&scores).map(|(row, &score)| {
        let happens = stream.unit(2 * row + 1) < sigmoid_wide(odds(score));
        f32::from(u8::from(happens))
    });
    let labels = labels.collect();
    (scores, labels)
}

fn best_for(odds: impl Fn(f64) -> f64) -> Chosen {
    let (fit, later) = (drawn(1, &odds), drawn(2, &odds));
    Calibration::choose(
        &Sample::new(&fit.0, &fit.1, None).unwrap(),
        &Sample::new(&later.0, &later.1, None).unwrap(),
    )
}

#[test]
fn platt_finds_the_line() {
    let (scores, labels) = drawn(1, |score| 0.6 * score - 0.4);
    let sample = Sample::new(&scores, &labels, None).unwrap();
    let Calibration::Platt { slope, intercept } = Calibration::fit(Form::Platt, &sample) else {
        panic!("another form");
    };
    assert!(
        (slope - 0.6).abs() < 0.03 && (intercept + 0.4).abs() < 0.03,
        "{slope} {intercept}"
    );
}

#[test]
fn each_form_wins_where_it_fits() {
    let step = |score: f64| if score < 1.0 { -1.5 } else { 1.0 };
    let chosen = best_for(step);
    assert!(
        matches!(chosen.calibration, Calibration::Isotonic { .. }),
        "{chosen:?}"
    );
    let bent = |score: f64| {
        let (p, q) = parametric::logs(score);
        0.4 * p - 1.5 * q
    };
    let chosen = best_for(bent);
    assert!(
        matches!(chosen.calibration, Calibration::Beta { .. }),
        "{chosen:?}"
    );
    let drifted = best_for(|score| 0.7 * score - 0.5);
    let loss = |form| {
        drifted
            .log_losses
            .iter()
            .find(|tried| tried.0 == form)
            .unwrap()
            .1
    };
    assert!(loss(Form::Platt) + 0.01 < loss(Form::None), "{drifted:?}");
}

#[test]
fn probabilities_rise_with_the_score_and_stay_inside() {
    let (scores, labels) = drawn(3, |score| 2.0 * score.sin() + score);
    let sample = Sample::new(&scores, &labels, None).unwrap();
    for form in FORMS {
        let calibration = Calibration::fit(form, &sample);
        let grid: Vec<f64> = (-900..=900).map(|step| f64::from(step) / 100.0).collect();
        let curve = calibration.probabilities(&grid);
        assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]), "{form:?}");
        assert!(curve.iter().all(|p| *p > 0.0 && *p < 1.0), "{form:?}");
    }
}

#[test]
fn isotonic_pools_by_hand() {
    // Rates 0, 1, 0, 1: the middle pair is pooled. Blocks are drawn to 1/2 by one row each.
    let sample = Sample::new(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 0.0, 1.0], None).unwrap();
    let Calibration::Isotonic { knots } = Calibration::fit(Form::Isotonic, &sample) else {
        panic!("another form");
    };
    assert_eq!(knots, [(1.0, 0.25), (2.5, 0.5), (4.0, 0.75)]);
    let calibration = Calibration::Isotonic { knots };
    assert_eq!(calibration.probability(1.75), 0.375);
    assert_eq!(
        (calibration.probability(0.0), calibration.probability(9.0)),
        (0.25, 0.75)
    );
}

#[test]
fn a_falling_relation_becomes_level_not_reversed() {
    let (scores, labels) = drawn(4, |score| -score);
    let sample = Sample::new(&scores, &labels, None).unwrap();
    for form in [Form::Platt, Form::Beta, Form::Isotonic] {
        let calibration = Calibration::fit(form, &sample);
        let (low, high) = (calibration.probability(-3.0), calibration.probability(3.0));
        assert!(low <= high && high - low < 0.02, "{form:?}: {low} {high}");
    }
}
