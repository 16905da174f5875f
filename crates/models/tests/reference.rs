//! A fixed small case, beside what LightGBM 4.7.0 and scikit-learn 1.9.1 made of it.
//!
//! Forty rows, two features; 3 rounds of 4 leaves with learning rate 0.5, l2 1, one row a leaf and a bin
//! (`objective=binary, num_leaves=4, learning_rate=0.5, lambda_l2=1, min_data_in_leaf=1, min_data_in_bin=1`), then
//! `predict(raw_score=True)` and `predict(pred_contrib=True)`. Slopes are rounded here and not there, hence 1e-3.

#![allow(clippy::unwrap_used, reason = "test code")]

use onhand_models::metrics::{self, Sample};
use onhand_models::tree::Kind;
use onhand_models::{Booster, Calibration, Dataset, Fit};

fn case() -> (Vec<[f32; 2]>, Vec<f32>) {
    let rows: Vec<[f32; 2]> = (0..40)
        .map(|i| [(i * 7 % 40) as f32, (i * 3 % 11) as f32])
        .collect();
    let labels = rows
        .iter()
        .map(|[a, b]| f32::from(u8::from((*a > 22.0) ^ (*b < 3.0))));
    let labels = labels.collect();
    (rows, labels)
}

fn fit() -> Fit {
    let (rows, labels) = case();
    let mut builder = Dataset::builder(40, 255);
    for (place, name) in ["a", "b"].into_iter().enumerate() {
        let values: Vec<f32> = rows.iter().map(|row| row[place]).collect();
        builder.column(name, &values).unwrap();
    }
    let booster = Booster {
        rounds: 3,
        max_leaves: 4,
        learning_rate: 0.5,
        l2: 1.0,
        min_rows: 1,
        ..Booster::default()
    };
    booster
        .fit(&builder.labels(labels).unwrap(), None, |_| {})
        .unwrap()
}

fn near(found: f64, expected: f64, within: f64) {
    assert!(
        (found - expected).abs() < within,
        "{found} is not {expected}"
    );
}

#[test]
fn the_first_tree_is_lightgbms() {
    let tree = &fit().forest.trees[0];
    let splits: Vec<(u32, f32, f32)> = tree
        .nodes()
        .iter()
        .filter_map(|node| match &node.kind {
            Kind::Split(question) => Some((question.feature, question.threshold, question.gain)),
            Kind::Leaf { .. } => None,
        })
        .collect();
    let expected = [(0, 21.5, 8.12683), (1, 2.5, 10.8926), (1, 2.5, 7.7338)];
    assert_eq!(splits.len(), 3);
    for (found, expected) in splits.iter().zip(expected) {
        assert_eq!(found.0, expected.0);
        // Where no row of the leaf lies between two cuts, either will do; LightGBM takes the upper one.
        assert!(
            found.1 == expected.1 || found.1 == expected.1 - 1.0,
            "{found:?}"
        );
        near(found.2.into(), expected.2, 0.01);
    }
}

#[test]
fn scores_are_lightgbms() {
    let forest = fit().forest;
    let expected = [
        1.228916, -1.917295, -1.917295, -1.917295, -0.984081, 1.635484, -1.917295, -1.917295,
        1.228916, 1.635484,
    ];
    for (row, expected) in case().0.iter().zip(expected) {
        near(forest.score(row), expected, 1e-3);
    }
}

#[test]
fn parts_are_lightgbms() {
    let forest = fit().forest;
    let (rows, _) = case();
    near(forest.expected(), -0.318203, 1e-3);
    for (row, expected) in rows
        .iter()
        .zip([[0.055902, 1.491217], [-1.241398, -0.357695]])
    {
        let parts = forest.explain(row).parts;
        near(parts[0], expected[0], 1e-3);
        near(parts[1], expected[1], 1e-3);
    }
}

#[test]
fn metrics_are_scikit_learns() {
    let forest = fit().forest;
    let (rows, labels) = case();
    let scores: Vec<f64> = rows.iter().map(|row| forest.score(row)).collect();
    let probabilities = Calibration::None.probabilities(&scores);
    let sample = Sample::new(&probabilities, &labels, None).unwrap();
    near(metrics::log_loss(&sample), 0.21601850951435586, 1e-3);
    near(
        metrics::average_precision(&sample),
        0.9879227053140096,
        1e-12,
    );
    near(metrics::roc_auc(&sample), 0.9936868686868686, 1e-12);
}
