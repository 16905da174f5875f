//! Trains on a frame, scores another, and says how long it took and how good it is: the other side of
//! `bench/reference/lightgbm_frame.py`, whose `--columns` writes the files that this reads from Parquet.
//!
//!     cargo run --release -p onhand-models --example train_frame -- TRAIN [test=PATH] [valid=PATH] [name=value ...]

#![allow(clippy::print_stdout, reason = "an example talks to its user")]

use onhand_models::boost::{Booster, Fit, Sampling};
use onhand_models::dataset::{Builder, Dataset};
use onhand_models::metrics::{self, Reliability, Sample};
use onhand_models::{Calibration, FlatForest};
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let options = Options::read()?;
    let started = Instant::now();
    let train = Frame::open(&options.train)?.binned(|rows| Dataset::builder(rows, options.bins))?;
    println!(
        "read and binned {} rows in {:.1?}",
        train.rows(),
        started.elapsed()
    );
    let valid = options.valid.as_deref().map(Frame::open).transpose()?;
    let valid = valid
        .map(|frame| frame.binned(|rows| train.like(rows)))
        .transpose()?;

    let started = Instant::now();
    let fit = options.booster.fit(&train, valid.as_ref(), |_| {})?;
    let took = started.elapsed();
    println!(
        "trained {} rounds in {took:.2?}; peak {} MB",
        fit.rounds.len(),
        peak()
    );
    println!(
        "train log loss {:.5}",
        fit.rounds[fit.rounds.len() - 1].train
    );
    match &options.test {
        Some(path) => score(&fit, Frame::open(path)?.rows()?),
        None => Ok(()),
    }
}

/// What the command line says.
struct Options {
    booster: Booster,
    bins: usize,
    train: String,
    valid: Option<String>,
    test: Option<String>,
}

impl Options {
    fn read() -> Outcome<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut options = Self {
            booster: Booster::default(),
            bins: 255,
            train: arguments.next().ok_or("which frame?")?,
            valid: None,
            test: None,
        };
        for argument in arguments {
            let (name, value) = argument.split_once('=').ok_or("a setting is name=value")?;
            options.set(name, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Outcome<()> {
        let booster = &mut self.booster;
        match name {
            "valid" => self.valid = Some(value.to_owned()),
            "test" => self.test = Some(value.to_owned()),
            "bins" => self.bins = value.parse()?,
            "threads" => booster.threads = value.parse()?,
            "rounds" => booster.rounds = value.parse()?,
            "leaves" => booster.max_leaves = value.parse()?,
            "rate" => booster.learning_rate = value.parse()?,
            "l2" => booster.l2 = value.parse()?,
            "min_rows" => booster.min_rows = value.parse()?,
            "features" => booster.feature_fraction = value.parse()?,
            "patience" => booster.patience = value.parse()?,
            "seed" => booster.seed = value.parse()?,
            "bagging" => {
                booster.sampling = Sampling::Bagging {
                    fraction: value.parse()?,
                }
            }
            "goss" => {
                booster.sampling = Sampling::Goss {
                    top: value.parse()?,
                    other: 0.1,
                }
            }
            _ => return Err(format!("there is no setting {name}").into()),
        }
        Ok(())
    }
}

fn score(fit: &Fit, (rows, labels): (Vec<f32>, Vec<f32>)) -> Outcome<()> {
    let flat = FlatForest::new(&fit.forest)?;
    let mut scores = vec![0.0; labels.len()];
    let started = processor();
    flat.score_batch(&rows, &mut scores);
    let batch = (processor() - started) / 1e3 / labels.len() as f64;

    // Rows far apart, as requests are.
    let few = labels.len().min(50_000);
    let started = processor();
    let scattered = (0..few).map(|index| row(&rows, &flat, index * 7919 % labels.len()));
    let sum: f64 = scattered.map(|row| flat.score(row)).sum();
    let one = (processor() - started) / 1e3 / few as f64;

    let started = processor();
    let explained = (0..100).map(|index| fit.forest.explain(row(&rows, &flat, index)));
    let sum = sum + explained.map(|parts| parts.score()).sum::<f64>();
    let parts = (processor() - started) / 1e5;
    assert!(sum.is_finite());
    println!(
        "{} trees; processor time: one row {one:.2} us, batch {batch:.3} us a row, parts {parts:.0} us a row",
        fit.forest.trees.len()
    );

    let probabilities = Calibration::None.probabilities(&scores);
    let sample = Sample::new(&probabilities, &labels, None)?;
    println!(
        "base rate {:.5}, log loss {:.5}, PR-AUC {:.5}, ROC-AUC {:.5}, Brier {:.5}, ECE {:.4}",
        metrics::base_rate(&sample),
        metrics::log_loss(&sample),
        metrics::average_precision(&sample),
        metrics::roc_auc(&sample),
        metrics::brier(&sample, 15).score,
        Reliability::of(&sample, 15).ece(),
    );
    Ok(())
}

fn row<'a>(rows: &'a [f32], flat: &FlatForest, index: usize) -> &'a [f32] {
    &rows[index * flat.features()..][..flat.features()]
}

/// Nanoseconds of processor time of this thread, where the system tells: others' work does not count.
fn processor() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = times.split(' ').next();
    first.and_then(|time| time.parse().ok()).unwrap_or(0.0)
}

/// The most memory that this process had, in MB, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// A line of JSON (`rows`, `features`), then each column and the labels as little-endian `f32`.
struct Frame {
    file: BufReader<File>,
    rows: usize,
    features: Vec<String>,
}

impl Frame {
    fn open(path: &str) -> Outcome<Self> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut head = String::new();
        file.read_line(&mut head)?;
        let head: serde_json::Value = serde_json::from_str(&head)?;
        Ok(Self {
            file,
            rows: head["rows"].as_u64().ok_or("the head has no rows")? as usize,
            features: serde_json::from_value(head["features"].clone())?,
        })
    }

    fn column(&mut self) -> Outcome<Vec<f32>> {
        let mut bytes = vec![0; self.rows * 4];
        self.file.read_exact(&mut bytes)?;
        let values = bytes.as_chunks::<4>().0.iter();
        Ok(values.map(|&value| f32::from_le_bytes(value)).collect())
    }

    fn binned(mut self, start: impl Fn(usize) -> Builder) -> Outcome<Dataset> {
        let mut builder = start(self.rows);
        for name in self.features.clone() {
            builder.column(&name, &self.column()?)?;
        }
        Ok(builder.labels(self.column()?)?)
    }

    /// The rows one after the other, and their labels.
    fn rows(mut self) -> Outcome<(Vec<f32>, Vec<f32>)> {
        let count = self.features.len();
        let mut rows = vec![0.0; self.rows * count];
        for feature in 0..count {
            for (row, value) in self.column()?.into_iter().enumerate() {
                rows[row * count + feature] = value;
            }
        }
        Ok((rows, self.column()?))
    }
}
