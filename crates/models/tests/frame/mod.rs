//! Small frames with a signal in them, made from a seed.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "test code")]

use onhand_models::boost::Booster;
use onhand_models::dataset::Builder;
use onhand_models::{Dataset, Forest};

pub const COLUMNS: usize = 20;

/// A small generator of numbers from 0 to 1 (xorshift, Marsaglia 2003).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }
}

/// Rows of 20 columns, of which four matter and one in ten values is missing, and a signal.
pub fn rows(count: usize, seed: u64) -> (Vec<Vec<f32>>, Vec<f32>) {
    let mut numbers = Numbers(seed);
    let rows: Vec<Vec<f32>> = (0..count)
        .map(|_| {
            let value = |numbers: &mut Numbers| match numbers.next() {
                chance if chance < 0.1 => f32::NAN,
                _ => (numbers.next() * 50.0).round() / 25.0 - 1.0,
            };
            (0..COLUMNS).map(|_| value(&mut numbers)).collect()
        })
        .collect();
    let known = |value: f32| if value.is_nan() { 0.3 } else { value };
    let signal = rows.iter().map(|row| {
        let (a, b, c, d) = (known(row[0]), known(row[3]), known(row[17]), known(row[9]));
        2.0 * a - b + 1.5 * (a * c) + d.abs()
    });
    let signal = signal.collect();
    (rows, signal)
}

pub fn columns(mut builder: Builder, rows: &[Vec<f32>]) -> Builder {
    for column in 0..COLUMNS {
        let values: Vec<f32> = rows.iter().map(|row| row[column]).collect();
        let name = format!("column {column}");
        builder.column(&name, &values).unwrap();
    }
    builder
}

pub fn frame(rows: &[Vec<f32>], labels: Vec<f32>) -> Dataset {
    let builder = columns(Dataset::builder(rows.len(), 255), rows);
    builder.labels(labels).unwrap()
}

pub fn happened(signal: &[f32], seed: u64) -> Vec<f32> {
    let mut numbers = Numbers(seed);
    let labels = signal
        .iter()
        .map(|s| (numbers.next() < 1.0 / (1.0 + (0.5 - s).exp())) as u8);
    labels.map(f32::from).collect()
}

pub fn small() -> Booster {
    Booster {
        rounds: 20,
        max_leaves: 15,
        learning_rate: 0.2,
        ..Booster::default()
    }
}

pub fn fitted(booster: &Booster, data: &Dataset) -> Forest {
    booster.fit(data, None, |_| {}).unwrap().forest
}
