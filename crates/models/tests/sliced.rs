//! Large batches are scored another way than single rows: the sums must be the same to the last bit.

#![allow(clippy::unwrap_used, reason = "test code")]

mod frame;

use frame::Numbers;
use onhand_models::{FlatForest, Forest};
use serde_json::{Value, json};

const FEATURES: usize = 7;

fn below(numbers: &mut Numbers, count: usize) -> usize {
    (numbers.next() * count as f32) as usize
}

/// Values that a forest may be asked about: both zeros, neighbours, huge and tiny ones, and numbers between.
fn value(numbers: &mut Numbers) -> f32 {
    let special = [
        0.0,
        -0.0,
        f32::from_bits(1),
        -f32::from_bits(1),
        f32::MAX,
        f32::MIN,
        1.0,
        1.0_f32.next_up(),
        1.0_f32.next_down(),
    ];
    match below(numbers, 20) {
        at if at < special.len() => special[at],
        9..15 => (numbers.next() * 40.0).round() / 8.0 - 2.0,
        _ => (numbers.next() - 0.5) * 1e6,
    }
}

/// A tree grown by splitting leaves: the newest ones if it is to be deep, any if not.
fn tree(leaves: usize, is_deep: bool, numbers: &mut Numbers, values: &[f32]) -> Value {
    let mut kinds = vec![Value::Null];
    let mut open = vec![0];
    while open.len() < leaves {
        let last = open.len() - 1;
        let place = if is_deep {
            last - below(numbers, 2.min(open.len()))
        } else {
            below(numbers, open.len())
        };
        let node = open.swap_remove(place);
        let (left, right) = (kinds.len(), kinds.len() + 1);
        kinds.extend([Value::Null, Value::Null]);
        open.extend([left, right]);
        kinds[node] = json!({"Split": {
            "feature": below(numbers, FEATURES),
            "threshold": values[below(numbers, values.len())],
            "bin": 0,
            "missing_left": numbers.next() < 0.5,
            "gain": 1.0,
            "left": left,
            "right": right,
        }});
    }
    for node in open {
        kinds[node] = json!({"Leaf": {"value": numbers.next() - 0.5}});
    }
    let nodes = kinds
        .into_iter()
        .map(|kind| json!({"rows": 1, "kind": kind}));
    json!({"nodes": nodes.collect::<Vec<Value>>()})
}

fn forest(trees: usize, leaves: usize, numbers: &mut Numbers, values: &[f32]) -> Forest {
    let trees = (0..trees).map(|at| {
        let leaves = 1 + below(numbers, leaves);
        tree(leaves, at % 2 == 1, numbers, values)
    });
    let trees: Vec<Value> = trees.collect();
    serde_json::from_value(json!({"base": 0.125, "features": FEATURES, "trees": trees})).unwrap()
}

/// Thresholds themselves, their neighbours, and what is no number or has no end.
fn rows(count: usize, numbers: &mut Numbers, values: &[f32]) -> Vec<f32> {
    let one = |numbers: &mut Numbers| {
        let threshold = values[below(numbers, values.len())];
        match below(numbers, 12) {
            0 | 1 => f32::NAN,
            2 => f32::INFINITY,
            3 => f32::NEG_INFINITY,
            4 | 5 => threshold.next_up(),
            6 | 7 => threshold.next_down(),
            8 => value(numbers),
            _ => threshold,
        }
    };
    (0..count * FEATURES).map(|_| one(numbers)).collect()
}

fn hold_same(forest: &Forest, rows: &[f32], name: &str) {
    let flat = FlatForest::new(forest).unwrap();
    let mut scores = vec![f64::NAN; rows.len() / FEATURES];
    flat.score_batch(rows, &mut scores);
    for (at, (row, score)) in rows.chunks(FEATURES).zip(&scores).enumerate() {
        assert_eq!(
            score.to_bits(),
            forest.score(row).to_bits(),
            "{name}: row {at}, {row:?}"
        );
        assert_eq!(
            score.to_bits(),
            flat.score(row).to_bits(),
            "{name}: row {at}, alone"
        );
    }
}

#[test]
fn a_batch_has_the_scores_of_its_rows() {
    let mut numbers = Numbers(17);
    // Few thresholds a feature and many; up to the 254 that have room, and beyond.
    for distinct in [1, 2, 15, 16, 17, 100, 254, 255, 600] {
        let mut values = Vec::new();
        for at in 0..distinct {
            // Each another: how many thresholds there are is what the test is about.
            let drawn = value(&mut numbers);
            let is_there = values.contains(&drawn);
            values.push(if is_there { 0.37 * at as f32 } else { drawn });
        }
        for (trees, leaves) in [
            (0, 1),
            (1, 2),
            (8, 30),
            (13, 127),
            (9, 256),
            (40, 256),
            (3, 400),
        ] {
            let forest = forest(trees, leaves, &mut numbers, &values);
            for count in [1, 71, 72, 511, 513, 1_100] {
                let rows = rows(count, &mut numbers, &values);
                let name = format!("{distinct} values, {trees} trees of {leaves}, {count} rows");
                hold_same(&forest, &rows, &name);
            }
        }
    }
}
