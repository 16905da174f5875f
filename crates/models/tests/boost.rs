//! What must hold of every fit, on small frames made here.

#![allow(clippy::unwrap_used, reason = "test code")]

mod frame;

use frame::*;
use onhand_models::boost::{Booster, Loss, Monotone, Sampling};
use onhand_models::flat::FlatForest;
use onhand_models::{Dataset, Forest};

fn samplings() -> [Sampling; 3] {
    let goss = Sampling::Goss {
        top: 0.2,
        other: 0.2,
    };
    [Sampling::All, Sampling::Bagging { fraction: 0.5 }, goss]
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    // Enough rows for several chunks, and for leaves whose rows are brought together.
    let (rows, signal) = rows(60_000, 1);
    let data = frame(&rows, happened(&signal, 2));
    for sampling in samplings() {
        let fit = |threads, seed| {
            let booster = Booster {
                rounds: 2,
                max_leaves: 24,
                feature_fraction: 0.8,
                sampling,
                threads,
                seed,
                ..small()
            };
            serde_json::to_string(&fitted(&booster, &data)).unwrap()
        };
        let one = fit(1, 7);
        assert!(
            one == fit(2, 7),
            "{sampling:?}: two threads give another model"
        );
        assert!(
            one == fit(5, 7),
            "{sampling:?}: five threads give another model"
        );
        assert!(one != fit(1, 8), "{sampling:?}: the seed does nothing");
    }
}

#[test]
fn the_flat_forest_gives_the_same_scores() {
    let (rows, signal) = rows(3_000, 3);
    let data = frame(&rows, happened(&signal, 4));
    let large = Booster {
        max_leaves: 400,
        min_rows: 1,
        ..small()
    };
    for (booster, nodes) in [(small(), 0..256), (large, 257..2048)] {
        let forest = fitted(&booster, &data);
        assert!(nodes.contains(&forest.trees[0].nodes().len()));
        let flat = FlatForest::new(&forest).unwrap();
        let mut scores = vec![0.0; 1_003];
        flat.score_batch(&rows[..1_003].concat(), &mut scores);
        for (row, score) in rows.iter().zip(scores) {
            assert_eq!(forest.score(row), score);
            assert_eq!(flat.score(row), score);
        }
    }
}

#[test]
fn training_and_serving_agree_on_every_row() {
    let (rows, signal) = rows(3_000, 5);
    let data = frame(&rows, signal.clone());
    let booster = Booster {
        loss: Loss::Squared,
        ..small()
    };
    let fit = booster.fit(&data, None, |_| {}).unwrap();
    let errors = rows
        .iter()
        .zip(&signal)
        .map(|(row, label)| (fit.forest.score(row) - f64::from(*label)).powi(2) / 2.0);
    let loss = errors.sum::<f64>() / rows.len() as f64;
    assert!(
        (loss - fit.rounds[19].train).abs() < 1e-5,
        "{loss} {:?}",
        fit.rounds[19]
    );
    assert!(loss < 0.06, "{loss}");
}

#[test]
fn parts_add_up_to_the_score() {
    let (rows, signal) = rows(3_000, 6);
    for sampling in samplings() {
        let booster = Booster {
            sampling,
            ..small()
        };
        let forest = fitted(&booster, &frame(&rows, happened(&signal, 7)));
        for row in &rows[..200] {
            let parts = forest.explain(row);
            assert!((parts.score() - forest.score(row)).abs() < 1e-6);
        }
    }
}

/// The definition of a Shapley value, over all sets of the four features that a forest of stumps on them can use.
#[test]
fn parts_are_shapley_values() {
    let (mut rows, signal) = rows(2_000, 8);
    for row in &mut rows {
        for (column, value) in row.iter_mut().enumerate() {
            if ![0, 3, 9, 17].contains(&column) {
                *value = 0.0;
            }
        }
    }
    let forest = fitted(
        &Booster {
            rounds: 3,
            ..small()
        },
        &frame(&rows, happened(&signal, 9)),
    );
    let row = &rows[11];
    let parts = forest.explain(row);
    let used = [0, 3, 9, 17];
    for (place, &feature) in used.iter().enumerate() {
        let mut part = 0.0;
        for set in (0..16u32).filter(|set| set >> place & 1 == 0) {
            let size = set.count_ones() as usize;
            let weight = [6.0, 2.0, 2.0, 6.0][size] / 24.0;
            let value = |set: u32| expected(&forest, row, &used, set);
            part += weight * (value(set | 1 << place) - value(set));
        }
        assert!(
            (parts.parts[feature] - part).abs() < 1e-9,
            "{feature}: {parts:?} {part}"
        );
    }
}

/// The score where only the features of `set` are known: others go both ways, by the rows that did.
fn expected(forest: &Forest, row: &[f32], used: &[usize], set: u32) -> f64 {
    use onhand_models::tree::{Kind, Tree};
    fn node(tree: &Tree, at: usize, row: &[f32], known: &dyn Fn(usize) -> bool) -> f64 {
        let rows = |node: usize| f64::from(tree.nodes()[node].rows);
        match &tree.nodes()[at].kind {
            Kind::Leaf { value } => f64::from(*value),
            Kind::Split(question) => {
                let (left, right) = (question.left as usize, question.right as usize);
                let feature = question.feature as usize;
                let share = match (known(feature), question.goes_left(row[feature])) {
                    (false, _) => rows(left) / rows(at),
                    (true, goes_left) => f64::from(u8::from(goes_left)),
                };
                share * node(tree, left, row, known) + (1.0 - share) * node(tree, right, row, known)
            }
        }
    }
    let known = |feature: usize| {
        used.iter()
            .position(|&f| f == feature)
            .is_some_and(|p| set >> p & 1 == 1)
    };
    let trees = forest.trees.iter().map(|tree| node(tree, 0, row, &known));
    f64::from(forest.base) + trees.sum::<f64>()
}

#[test]
fn monotone_rules_hold_on_a_grid() {
    let (rows, signal) = rows(4_000, 10);
    // The truth breaks both rules: column 9 falls and rises, and column 3 falls.
    let mut monotone = vec![Monotone::Free; COLUMNS];
    (monotone[9], monotone[3]) = (Monotone::Rising, Monotone::Falling);
    let booster = Booster {
        monotone,
        rounds: 40,
        ..small()
    };
    let data = frame(&rows, happened(&signal, 11));
    let (ruled, free) = (
        fitted(&booster, &data),
        fitted(
            &Booster {
                rounds: 40,
                ..small()
            },
            &data,
        ),
    );
    let breaks = |forest: &Forest, column: usize, sign: f64| {
        let along = |row: &Vec<f32>| {
            let mut row = row.clone();
            let scores: Vec<f64> = (-25..=25)
                .map(|step| {
                    row[column] = step as f32 / 25.0;
                    forest.score(&row)
                })
                .collect();
            scores
                .windows(2)
                .any(|pair| sign * (pair[1] - pair[0]) < -1e-9)
        };
        rows[..200].iter().filter(|row| along(row)).count()
    };
    assert_eq!(breaks(&ruled, 9, 1.0), 0);
    assert_eq!(breaks(&ruled, 3, -1.0), 0);
    assert!(breaks(&free, 9, 1.0) > 100, "the rule had nothing to do");
}

#[test]
fn monotone_rules_hold_for_quantiles() {
    let (rows, signal) = rows(4_000, 12);
    let mut monotone = vec![Monotone::Free; COLUMNS];
    monotone[9] = Monotone::Rising;
    let booster = Booster {
        loss: Loss::Quantile { level: 0.7 },
        monotone,
        ..small()
    };
    let forest = fitted(&booster, &frame(&rows, signal));
    for row in &rows[..200] {
        let mut row = row.clone();
        let mut last = f64::NEG_INFINITY;
        for step in -25..=25 {
            row[9] = step as f32 / 25.0;
            let score = forest.score(&row);
            assert!(score >= last - 1e-6);
            last = score;
        }
    }
}

#[test]
fn a_quantile_covers_its_share() {
    let (train, signal) = rows(8_000, 13);
    let mut numbers = Numbers(14);
    let labels: Vec<f32> = signal.iter().map(|s| s + numbers.next() * 2.0).collect();
    for level in [0.1, 0.5, 0.9] {
        let booster = Booster {
            loss: Loss::Quantile { level },
            ..small()
        };
        let forest = fitted(&booster, &frame(&train, labels.clone()));
        let below = train
            .iter()
            .zip(&labels)
            .filter(|(row, y)| f64::from(**y) <= forest.score(row));
        let share = below.count() as f32 / 8_000.0;
        assert!((share - level).abs() < 0.03, "{level}: {share}");
    }
}

#[test]
fn ranking_learns_the_order_in_groups() {
    let (train, signal) = rows(4_000, 15);
    // A grade says only how a row stands in its group of ten; the groups differ by more than the rows do.
    let grades = signal.chunks(10).flat_map(|group| {
        group
            .iter()
            .map(|s| (group.iter().filter(|other| *other < s).count() / 2) as f32)
    });
    let mut builder = columns(Dataset::builder(train.len(), 255), &train);
    builder.groups(&[10; 400]).unwrap();
    let data = builder.labels(grades.collect()).unwrap();
    let booster = Booster {
        loss: Loss::Ranking { places: 5 },
        ..small()
    };
    let fit = booster.fit(&data, None, |_| {}).unwrap();
    let (first, last) = (fit.rounds[0].train, fit.rounds[19].train);
    assert!(
        last < 0.08 && last < first * 0.7,
        "1 - NDCG from {first} to {last}"
    );
    let again = Booster {
        threads: 3,
        ..booster
    }
    .fit(&data, None, |_| {})
    .unwrap();
    assert_eq!(again.forest, fit.forest);
}

#[test]
fn a_weight_counts_as_so_many_rows() {
    let (mut train, mut labels) = rows(2_000, 16);
    let weight = |row: usize| [1.0, 1.0, 2.0, 0.0][row % 4];
    let mut builder = columns(Dataset::builder(train.len(), 255), &train);
    builder.weights((0..2_000).map(weight).collect()).unwrap();
    let weighted = builder.labels(labels.clone()).unwrap();
    let probes = train[..100].to_vec();
    for row in 0..2_000 {
        match row % 4 {
            2 => train.push(train[row].clone()),
            3 => train[row] = vec![f32::NAN; COLUMNS],
            _ => continue,
        }
        labels.extend((row % 4 == 2).then_some(labels[row]));
    }
    let kept = |row: &usize| *row >= 2_000 || row % 4 != 3;
    let (train, labels): (Vec<_>, Vec<_>) = (0..train.len())
        .filter(kept)
        .map(|row| (train[row].clone(), labels[row]))
        .unzip();
    let booster = Booster {
        loss: Loss::Squared,
        rounds: 2,
        max_leaves: 6,
        min_rows: 1,
        ..small()
    };
    let (a, b) = (
        fitted(&booster, &weighted),
        fitted(&booster, &frame(&train, labels)),
    );
    for row in &probes {
        assert!((a.score(row) - b.score(row)).abs() < 1e-3);
    }
}

#[test]
fn a_fit_stops_early_and_keeps_the_best() {
    let (train, signal) = rows(1_500, 18);
    let data = frame(&train, happened(&signal, 19));
    let (later, signal) = rows(1_500, 20);
    let builder = columns(data.like(later.len()), &later);
    let valid = builder.labels(happened(&signal, 21)).unwrap();
    let booster = Booster {
        rounds: 300,
        patience: 10,
        ..small()
    };
    let mut seen = 0;
    let fit = booster.fit(&data, Some(&valid), |_| seen += 1).unwrap();
    let losses: Vec<f64> = fit.rounds.iter().filter_map(|round| round.valid).collect();
    let best = fit.forest.trees.len() - 1;
    assert!(losses.iter().all(|&loss| loss >= losses[best]));
    assert_eq!((fit.rounds.len(), seen), (best + 11, best + 11));
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let (train, signal) = rows(100, 22);
    let data = frame(&train, signal);
    let refused = |booster: Booster| booster.fit(&data, None, |_| {}).is_err();
    assert!(refused(small()), "labels beyond 0 to 1");
    let squared = Booster {
        loss: Loss::Squared,
        ..small()
    };
    assert!(!refused(squared.clone()));
    assert!(refused(Booster {
        loss: Loss::Quantile { level: 1.0 },
        ..small()
    }));
    assert!(refused(Booster {
        loss: Loss::Ranking { places: 5 },
        ..small()
    }));
    assert!(refused(Booster {
        max_leaves: 1,
        ..squared.clone()
    }));
    assert!(refused(Booster {
        monotone: vec![Monotone::Rising],
        ..squared
    }));
}

#[test]
fn leaves_keep_the_limits() {
    use onhand_models::tree::Kind;
    let (train, signal) = rows(3_000, 23);
    let booster = Booster {
        loss: Loss::Squared,
        min_rows: 60,
        max_depth: 4,
        ..small()
    };
    let forest = fitted(&booster, &frame(&train, signal));
    for tree in &forest.trees {
        let leaves: Vec<_> = tree
            .nodes()
            .iter()
            .filter(|n| matches!(n.kind, Kind::Leaf { .. }))
            .collect();
        assert!(leaves.len() <= 15);
        assert!(leaves.iter().all(|leaf| leaf.rows >= 60));
        assert_eq!(leaves.iter().map(|leaf| leaf.rows).sum::<u32>(), 3_000);
    }
}

#[test]
fn labels_of_one_kind_give_a_level_forest() {
    let (train, _) = rows(500, 24);
    let forest = fitted(&small(), &frame(&train, vec![0.0; 500]));
    let score = forest.score(&train[0]);
    assert!(score < -10.0 && score.is_finite(), "{score}");
}
