//! `onhand features frame`: a frame to train on.

use super::grid::Grid;
use super::ledger::{LedgerFile, in_order, set, store};
use super::pairs;
use super::table::Table;
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use clap::Args;
use onhand_core::Span;
use onhand_features::measure::Measure::{SecondsIn, SecondsOut};
use onhand_features::window::target_hour;
use onhand_features::{
    Entity, Feature, FeatureSet, FrameBuilder, FrameRow, Kind, Known, Limits, Questions, Store,
};
use parquet::errors::ParquetError;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Makes a frame to train on: for each SKU, location and time the values of all features, as they were known at that
/// time. The server must be stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand features frame --data ./shops --entities asked.csv --out frame.parquet
  onhand features frame --data ./shops --days 2024-05-01..2024-05-28 --rows 100000 --label-after 48 --out frame.parquet

In Python:  pandas.read_parquet(\"frame.parquet\")  or  polars.read_parquet(\"frame.parquet\")

Rows are in the order of their times. A value that is missing is NaN. The file carries the hash of every definition.")]
pub(super) struct Frame {
    #[command(flatten)]
    folder: DataFolder,
    /// A CSV file with the columns location, sku, at (RFC 3339) and, if wanted, target: the time asked about.
    #[arg(long, value_name = "FILE", required_unless_present = "days")]
    entities: Option<PathBuf>,
    #[command(flatten)]
    grid: Grid,
    /// Add the column label: the share of the hour asked about in which the shelf was empty, as known so many hours
    /// after it; missing where nothing is known.
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=48))]
    label_after: Option<u64>,
    /// The Parquet file to write.
    #[arg(long, value_name = "FRAME.parquet")]
    out: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Made {
    rows: u64,
    features: usize,
    set: String,
    seconds: f64,
}

impl Frame {
    pub(super) fn run(self) -> Result<(), Failure> {
        let start = Instant::now();
        let ledger = LedgerFile::open(&self.folder.data)?;
        let questions = match &self.entities {
            Some(path) => pairs::read(path)?,
            None => self.grid.questions(&ledger)?,
        };
        let labels = match self.label_after {
            Some(hours) => Some(labels(&ledger, &questions, Span::from_secs(hours * 3600))?),
            None => None,
        };
        let set = set();
        let rows = write(&ledger, &set, questions, labels, &self.out)?;
        let made = Made {
            rows,
            features: set.len(),
            set: format!("{:016x}", set.hash()),
            seconds: start.elapsed().as_secs_f64(),
        };
        match self.json {
            true => output::json(&made),
            false => output::text(format!(
                "{} rows of {} features in {} ({:.1} s)",
                made.rows,
                made.features,
                self.out.display(),
                made.seconds
            )),
        }
        Ok(())
    }
}

/// Reads the ledger once and hands every row on.
fn rows(
    ledger: &LedgerFile,
    what: &'static str,
    store: Store,
    questions: Questions,
    each: &mut dyn FnMut(FrameRow<'_>),
) -> Result<(), Failure> {
    let mut builder = FrameBuilder::new(store, questions);
    ledger.each(what, &mut |entry| {
        in_order(builder.take(entry, each));
        match builder.is_done() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    builder.finish(each);
    Ok(())
}

fn write(
    ledger: &LedgerFile,
    set: &Arc<FeatureSet>,
    questions: Questions,
    labels: Option<Vec<f32>>,
    out: &Path,
) -> Result<u64, Failure> {
    let say =
        |error: ParquetError| Failure::say(format!("cannot write {}: {error}", out.display()));
    let mut table = Table::create(out, set, &questions, labels).map_err(say)?;
    let mut written = Ok(());
    rows(
        ledger,
        "Making the frame",
        store(set),
        questions,
        &mut |row| {
            if written.is_ok() {
                written = table.add(row);
            }
        },
    )?;
    written.map_err(say)?;
    table.finish().map_err(say)
}

/// What became of each question: read from the same folds, as they were known later.
fn labels(ledger: &LedgerFile, questions: &Questions, after: Span) -> Result<Vec<f32>, Failure> {
    let mut later = questions.clone();
    for question in &mut later.rows {
        // What is known at the end of the hour asked about, and so much later.
        let known = question
            .moment
            .target
            .plus(Span::from_secs(3600))
            .plus(after);
        question.known = Known::At(known);
        question.moment.now = known;
    }
    let here = Entity::SkuAtLocation;
    let out = here.sum(SecondsOut, target_hour());
    let share = out.clone() / (out + here.sum(SecondsIn, target_hour()));
    let label = Feature::new("label", here, Kind::Share, share);
    let set = Arc::new(FeatureSet::new(vec![label]).expect("one name differs from no other"));
    let mut labels = vec![f32::NAN; later.rows.len()];
    let store = Store::new(set, Limits::default());
    rows(ledger, "Finding the labels", store, later, &mut |row| {
        labels[row.number] = row.values[0];
    })?;
    Ok(labels)
}
