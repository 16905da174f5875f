//! Numbers computed by hand, or once by scikit-learn 1.9 (`average_precision_score`, `roc_auc_score`, `log_loss`,
//! `brier_score_loss`) on the same five rows.

use super::*;

const P: [f64; 5] = [0.1, 0.4, 0.4, 0.8, 0.3];
const Y: [f32; 5] = [0.0, 1.0, 0.0, 1.0, 0.0];
const W: [f32; 5] = [1.0, 2.0, 1.0, 0.5, 3.0];

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

fn plain() -> Sample<'static> {
    Sample::new(&P, &Y, None).unwrap()
}

fn weighted() -> Sample<'static> {
    Sample::new(&P, &Y, Some(&W)).unwrap()
}

#[test]
fn order() {
    // Thresholds 0.8: precision 1, recall 1/2; 0.4: precision 2/3, recall 1.
    near(average_precision(&plain()), 0.5 + 0.5 * 2.0 / 3.0);
    // Six pairs: five won, one tied.
    near(roc_auc(&plain()), 5.5 / 6.0);
    // By weight: 0.8: 0.5 of 0.5; 0.4: 2.5 of 3.5.
    near(average_precision(&weighted()), 0.2 + 0.8 * 2.5 / 3.5);
    near(
        roc_auc(&weighted()),
        (0.5 * 5.0 + 2.0 * (4.0 + 0.5)) / (2.5 * 5.0),
    );
}

#[test]
fn order_of_samples_of_one_kind() {
    let sample = Sample::new(&P, &[0.0; 5], None).unwrap();
    near(roc_auc(&sample), 0.5);
    near(average_precision(&sample), 0.0);
}

#[test]
fn proper_scores() {
    let nats = -(0.9f64.ln() + 0.4f64.ln() + 0.6f64.ln() + 0.8f64.ln() + 0.7f64.ln()) / 5.0;
    near(log_loss(&plain()), nats);
    let base = -(0.4 * 0.4f64.ln() + 0.6 * 0.6f64.ln());
    near(skill(&plain()).unwrap(), 1.0 - nats / base);
    let brier = brier(&plain(), 5);
    near(brier.score, (0.01 + 0.36 + 0.16 + 0.04 + 0.09) / 5.0);
    near(brier.uncertainty, 0.24);
    // Bins {0.1}, {0.3}, {0.4, 0.4}, {0.8}.
    near(brier.reliability, (0.01 + 0.09 + 2.0 * 0.01 + 0.04) / 5.0);
    near(brier.resolution, (0.16 + 0.16 + 2.0 * 0.01 + 0.36) / 5.0);
    near(brier.within, 0.0);
}

#[test]
fn where_nothing_happened_there_is_no_skill() {
    assert_eq!(skill(&Sample::new(&P, &[0.0; 5], None).unwrap()), None);
    assert_eq!(skill(&Sample::new(&P, &[1.0; 5], None).unwrap()), None);
}

#[test]
fn a_sure_mistake_is_not_infinite() {
    assert!(log_loss(&Sample::new(&[0.0], &[1.0], None).unwrap()) < 40.0);
}

#[test]
fn bins_have_equal_mass_and_do_not_part_ties() {
    let predicted: Vec<f64> = (0..100).map(|row| f64::from(row / 2) / 50.0).collect();
    let labels = vec![0.0; 100];
    let table = Reliability::of(&Sample::new(&predicted, &labels, None).unwrap(), 10);
    assert!(table.bins.iter().all(|bin| bin.weight == 10.0), "{table:?}");
    near(table.ece(), 0.49);
}

/// Labels drawn from the probabilities themselves, pushed by `shift` on the log odds.
fn drawn(rows: usize, shift: f64) -> (Vec<f64>, Vec<f32>) {
    use crate::random::{Purpose, Stream};
    let stream = Stream::new(5, Purpose::Rows, 0);
    let said: Vec<f64> = (0..rows as u64)
        .map(|row| 0.02 + 0.96 * stream.unit(2 * row))
        .collect();
    let happened = said.iter().enumerate().map(|(row, &p)| {
        let p = crate::numeric::sigmoid_wide(crate::numeric::logit(p) + shift);
        if stream.unit(2 * row as u64 + 1) < p {
            1.0
        } else {
            0.0
        }
    });
    let happened = happened.collect();
    (said, happened)
}

#[test]
fn the_line_finds_a_shift() {
    let (said, happened) = drawn(40_000, 0.5);
    let line = line(&Sample::new(&said, &happened, None).unwrap());
    assert!((line.slope - 1.0).abs() < 0.03, "{line:?}");
    assert!((line.shift - 0.5).abs() < 0.03, "{line:?}");
}

#[test]
fn the_shift_of_what_is_far_off_is_found_too() {
    let logit = |p: f64| (p / (1.0 - p)).ln();
    for (told, tenths) in [(0.1, 5), (0.9, 4), (0.05, 3), (0.001, 9), (0.999, 1)] {
        let happened: Vec<f32> = (0..10)
            .map(|row| f32::from(u8::from(row < tenths)))
            .collect();
        let line = line(&Sample::new(&[told; 10], &happened, None).unwrap());
        let wanted = logit(f64::from(tenths) / 10.0) - logit(told);
        assert!(
            (line.shift - wanted).abs() < 1e-6,
            "{told}: {line:?}, not {wanted}"
        );
    }
}

#[test]
fn intervals_hold_what_was_measured_and_come_again() {
    let (said, happened) = drawn(20_000, 0.3);
    let sample = Sample::new(&said, &happened, None).unwrap();
    let ece = Reliability::of(&sample, 15).ece();
    let interval = || Reliability::ece_interval(&sample, 15, None, 200, 0.95, 1);
    assert!(
        interval().low < ece && ece < interval().high,
        "{:?} {ece}",
        interval()
    );
    assert!(interval().high - interval().low < 0.03);
    assert_eq!(interval(), interval());
}

#[test]
fn clusters_that_fail_together_widen_the_interval() {
    let (said, mut happened) = drawn(10_000, 0.0);
    let clusters: Vec<u32> = (0..10_000).map(|row| row / 500).collect();
    for (row, label) in happened
        .iter_mut()
        .enumerate()
        .filter(|(row, _)| row / 500 % 4 == 0)
    {
        *label = if row / 500 % 8 == 0 { 1.0 } else { 0.0 };
    }
    let sample = Sample::new(&said, &happened, None).unwrap();
    let width = |clusters| {
        let interval = Reliability::ece_interval(&sample, 1, clusters, 100, 0.9, 1);
        interval.high - interval.low
    };
    assert!(width(Some(&clusters)) > 3.0 * width(None));
}

#[test]
fn bad_samples_are_refused() {
    assert!(Sample::new(&P, &Y[1..], None).is_err());
    assert!(Sample::new(&[f64::NAN], &[1.0], None).is_err());
    assert!(Sample::new(&[0.5], &[2.0], None).is_err());
    assert!(Sample::new(&[0.5], &[1.0], Some(&[-1.0])).is_err());
}
