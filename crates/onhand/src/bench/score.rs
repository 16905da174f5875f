//! `onhand bench score`: what a model takes of a row's time, alone: no features are read, and nothing is answered.

use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use onhand_models::boost::Booster;
use onhand_models::{Artefact, Dataset, FlatForest, Forest};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Rows of a batch: a page of a store.
const PAGE: usize = 1_000;
/// Rows that a made forest is grown on.
const GROWN_ON: usize = 20_000;
/// Columns of a made forest.
const COLUMNS: usize = 100;

/// Measures the scoring of rows in process: one at a time, in batches of 1,000 on one core, and explained. Without a
/// model a forest of the given size is grown on made-up rows.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench score
  onhand bench score --model availability.onhand --json")]
pub(crate) struct Score {
    /// A model as `onhand train` writes it.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Trees of the forest that is grown without a model.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trees: u32,
    /// Leaves of each of its trees.
    #[arg(long, value_name = "N", default_value_t = 127, value_parser = clap::value_parser!(u32).range(2..=1024))]
    leaves: u32,
    /// Seconds of each measurement.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Figures {
    trees: usize,
    leaves_a_tree: f64,
    /// Splits that a row meets in a tree, on average.
    splits_a_row_and_tree: f64,
    features: usize,
    /// Of one row at a time, each another.
    one_row_micros: f64,
    /// Of a row in a batch of 1,000 on one core.
    batch_row_micros: f64,
    /// Of the parts of one row's score.
    explained_row_micros: f64,
}

impl Score {
    /// Measures.
    pub(crate) fn run(self) -> Result<(), Failure> {
        if !(0.01..=600.0).contains(&self.seconds) {
            return Err(Failure::say("--seconds must be from 0.01 to 600"));
        }
        let forest = self.forest()?;
        let flat = FlatForest::new(&forest).map_err(Failure::say)?;
        let rows = rows(&forest, 8 * PAGE);
        let pages: Vec<&[f32]> = rows.chunks(PAGE * flat.features()).collect();
        let each: Vec<&[f32]> = rows.chunks(flat.features()).collect();
        let mut scores = vec![0.0; PAGE];
        let nodes = forest.trees.iter().map(|tree| tree.nodes().len());
        let figures = Figures {
            trees: forest.trees.len(),
            leaves_a_tree: nodes.map(|nodes| nodes.div_ceil(2)).sum::<usize>() as f64
                / forest.trees.len() as f64,
            splits_a_row_and_tree: splits(&forest, &each[..PAGE]),
            features: flat.features(),
            one_row_micros: self.micros(each.len(), |at| {
                black_box(flat.score(each[at]));
            }),
            batch_row_micros: self.micros(pages.len(), |at| {
                flat.score_batch(pages[at], &mut scores);
                black_box(&scores);
            }) / PAGE as f64,
            explained_row_micros: self.micros(each.len(), |at| {
                black_box(forest.explain(each[at]));
            }),
        };
        match self.json {
            true => output::json(&figures),
            false => print(&figures),
        }
        Ok(())
    }

    /// Mean time of a call, given the numbers up to `of` in turn.
    fn micros(&self, of: usize, mut call: impl FnMut(usize)) -> f64 {
        (0..of.min(100)).for_each(&mut call);
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs_f64(self.seconds) {
            (0..10).for_each(|more| call((calls + more) % of));
            calls += 10;
        }
        start.elapsed().as_secs_f64() * 1e6 / calls as f64
    }

    fn forest(&self) -> Result<Forest, Failure> {
        match &self.model {
            Some(path) => {
                let named = |error: &dyn std::fmt::Display| {
                    Failure::say(format!("{}: {error}", path.display()))
                };
                let bytes = std::fs::read(path).map_err(|error| named(&error))?;
                let artefact = Artefact::from_bytes(&bytes).map_err(|error| named(&error))?;
                Ok(artefact.forest)
            }
            None => self.grown(),
        }
    }

    /// A forest grown on rows whose label depends on many of their columns.
    fn grown(&self) -> Result<Forest, Failure> {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
        let columns: Vec<Vec<f32>> = (0..COLUMNS)
            .map(|_| (0..GROWN_ON).map(|_| dice.random::<f32>()).collect())
            .collect();
        let label = |row: usize| {
            let sum = columns.iter().enumerate();
            let sum: f32 = sum
                .map(|(at, column)| (column[row] - 0.5) / (1.0 + at as f32 / 8.0))
                .sum();
            f32::from(u8::from(sum > 0.0))
        };
        let labels = (0..GROWN_ON).map(label).collect();
        let mut builder = Dataset::builder(GROWN_ON, 255);
        for (at, column) in columns.iter().enumerate() {
            builder
                .column(&format!("column {at}"), column)
                .map_err(Failure::say)?;
        }
        let data = builder.labels(labels).map_err(Failure::say)?;
        let booster = Booster {
            rounds: self.trees as usize,
            max_leaves: self.leaves as usize,
            learning_rate: 0.02,
            threads: 2,
            ..Booster::default()
        };
        let bar = progress::bar("Growing a forest", self.trees.into());
        let fit = booster.fit(&data, None, |_| bar.inc(1));
        bar.finish_and_clear();
        Ok(fit.map_err(Failure::say)?.forest)
    }
}

/// Rows whose values are thresholds of the forest, or missing: they go everywhere.
fn rows(forest: &Forest, count: usize) -> Vec<f32> {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(2);
    let mut thresholds = vec![Vec::new(); forest.features as usize];
    for question in forest.trees.iter().flat_map(|tree| tree.questions()) {
        thresholds[question.feature as usize].push(question.threshold);
    }
    let mut rows = Vec::with_capacity(count * thresholds.len());
    for _ in 0..count {
        for known in &thresholds {
            rows.push(match known.len() {
                0 => f32::NAN,
                _ if dice.random_bool(0.05) => f32::NAN,
                some => known[dice.random_range(0..some)],
            });
        }
    }
    rows
}

/// Splits that rows meet in a tree.
fn splits(forest: &Forest, rows: &[&[f32]]) -> f64 {
    let met = |row: &&[f32]| {
        let trees = forest.trees.iter();
        trees.map(|tree| tree.splits_met(row)).sum::<usize>()
    };
    rows.iter().map(met).sum::<usize>() as f64 / (rows.len() * forest.trees.len()) as f64
}

fn print(figures: &Figures) {
    output::text(format!(
        "{} trees of {:.0} leaves, {} features; a row meets {:.1} splits in a tree",
        figures.trees, figures.leaves_a_tree, figures.features, figures.splits_a_row_and_tree
    ));
    let lines = [
        ("one row", figures.one_row_micros),
        (
            "a row of a batch of 1,000, one core",
            figures.batch_row_micros,
        ),
        ("one row explained", figures.explained_row_micros),
    ];
    for (what, micros) in lines {
        output::text(format!("{what:<40} {micros:>10.3} µs"));
    }
}
