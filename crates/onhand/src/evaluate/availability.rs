//! `onhand evaluate availability`.

use crate::entries::Entries;
use crate::failure::Failure;
use crate::folder::DataSource;
use crate::{memory, model, output};
use clap::Args;
use onhand_core::{LocationId, Sku};
use onhand_modelops::Scorer;
use onhand_models::Artefact;
use onhand_train::evaluate::{self, Asking, FIGURES, Report, Row, Sources};
use onhand_train::frame::Frame;
use onhand_train::outcome::Label;
use onhand_train::recalibrate;
use onhand_train::split::{HoldOut, Trained};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Share of the items that begin late, where a cold start is asked for.
const COLD_ITEMS: f64 = 0.05;
/// Questions that are written for another tool.
const FRAME_ROWS: usize = 500_000;

/// Asks, for every SKU at every location and every hour from 8 to 21 of some days, whether the shelf was empty in the
/// next hour, with what was known then; and says how good the model's answers were. The server must be stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand evaluate availability --data ./shops --model model.onhand --from 2024-05-29 --to 2024-06-11 --html report.html
  onhand evaluate availability --data train.parquet --from 2024-05-29 --to 2024-06-11 --json

Without a model the baselines are told alone. Stores that the model was not trained on are told apart.")]
pub(super) struct Availability {
    #[command(flatten)]
    source: DataSource,
    /// The model.
    #[arg(long, value_name = "model.onhand")]
    model: Option<PathBuf>,
    /// The first day to ask about.
    #[arg(long, value_name = "DAY", value_parser = crate::dates::day)]
    from: u32,
    /// The last.
    #[arg(long, value_name = "DAY", value_parser = crate::dates::day)]
    to: u32,
    /// Picks only: the shelf is known only where shoppers looked, so often in each store and hour. For a published file.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    looks: Option<u32>,
    /// What became of it, if --data does not know: another folder or file. A folder of looks needs it.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["looks", "cold_from"])]
    truth: Option<PathBuf>,
    /// Cold start: the stores that the model was not trained on, and 5 % of the items, begin on this day; of what was
    /// before nothing is told. For a published file.
    #[arg(long, value_name = "DAY", value_parser = crate::dates::day, requires = "model")]
    cold_from: Option<u32>,
    /// Recalibrate before each day on so many days before it, as `onhand train recalibrate` would every night. Only
    /// where what is known is the truth: nobody could learn from a truth that was not known.
    #[arg(long, value_name = "DAYS", requires = "model", conflicts_with_all = ["looks", "truth"], value_parser = clap::value_parser!(u32).range(1..=365))]
    recalibrate: Option<u32>,
    /// More lines for the table, from another tool: what bench/reference prints.
    #[arg(long, value_name = "FILE.json")]
    reference: Vec<PathBuf>,
    /// Also write 500,000 of the questions to this file of columns, for bench/reference to answer.
    #[arg(long, value_name = "FILE.cols", requires = "model")]
    frame: Option<PathBuf>,
    /// Write a page with plots, which needs no network.
    #[arg(long, value_name = "report.html")]
    html: Option<PathBuf>,
    /// About so many of the questions, drawn at random; without it all.
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Threads; the result does not depend on it. Without it as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    report: Report,
    seconds: f64,
    peak_megabytes: Option<u64>,
}

impl Availability {
    pub(super) fn run(self) -> Result<(), Failure> {
        let start = Instant::now();
        if self.from > self.to {
            return Err(Failure::say("--from must not be after --to"));
        }
        let model = self.model.as_deref().map(model::read);
        let (mut model, bytes) = model.transpose()?.unzip();
        if let (Some(model), Some(_)) = (&mut model, self.recalibrate) {
            model.recalibration = None;
        }
        let references = self.references()?;
        let sources = self.sources(bytes.as_deref());
        let mut report = self.report(model.as_ref(), sources)?;
        report.table.extend(references);
        report.warnings.iter().for_each(output::warn);
        if let Some(path) = &self.html {
            let page = evaluate::page(&report).map_err(Failure::say)?;
            let say = |error| Failure::say(format!("cannot write {}: {error}", path.display()));
            fs::write(path, page).map_err(say)?;
        }
        let told = Told {
            report,
            seconds: start.elapsed().as_secs_f64(),
            peak_megabytes: memory::peak().map(|bytes| bytes / 1_000_000),
        };
        match self.json {
            true => output::json(&told),
            false => told.print(),
        }
        Ok(())
    }

    fn sources(&self, model: Option<&[u8]>) -> Sources {
        // Where it lies concerns nobody who reads the page.
        let name = |path: &Path| {
            let whole = path.canonicalize();
            let name = whole.as_deref().unwrap_or(path).file_name();
            name.unwrap_or_default().to_string_lossy().into_owned()
        };
        Sources {
            data: name(&self.source.data),
            truth: self.truth.as_deref().map(name),
            looks: self.looks,
            version: model.map(Scorer::version_of),
            nights: self.recalibrate,
        }
    }

    fn report(&self, model: Option<&Artefact>, sources: Sources) -> Result<Report, Failure> {
        let told = self.entries(model)?;
        let looked = self.looks.map(|looks| told.looked(looks)).transpose()?;
        let truth = self.truth.as_deref();
        let truth = truth.map(|path| Entries::open(path, self.to)).transpose()?;
        let (entries, truth) = (
            looked.as_ref().unwrap_or(&told),
            truth.as_ref().unwrap_or(&told),
        );
        let days = self.from..=self.to;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or_else(cores);
        let asking = Asking {
            first: self.from,
            before: self.recalibrate.unwrap_or_default(),
            rows: self.rows,
            baselines: true,
            threads,
        };
        let outcomes = evaluate::outcomes(truth, &days, asking.before, Label::Shelf)?;
        let mut scored =
            evaluate::score(entries, &outcomes, asking, model).map_err(Failure::say)?;
        if let Some(days) = self.recalibrate {
            scored = recalibrate::as_each_night(scored, &outcomes, self.from, days)
                .map_err(Failure::say)?;
        }
        if let (Some(path), Some(model)) = (&self.frame, model) {
            let frame = evaluate::frame(entries, &outcomes, self.from, model, FRAME_ROWS)
                .map_err(Failure::say)?;
            write_frame(path, &frame, model)?;
        }
        let days = self.from..=self.to;
        let report = Report::of(&outcomes, &scored, model, sources, days, self.cold_from);
        report.map_err(Failure::say)
    }

    fn entries(&self, model: Option<&Artefact>) -> Result<Entries, Failure> {
        let (Some(day), Some(model)) = (self.cold_from, model) else {
            return Entries::open(&self.source.data, self.to);
        };
        let trained = Trained::of(model);
        let items = HoldOut {
            share: COLD_ITEMS,
            seed: 1,
        };
        let is_cold =
            |location: &LocationId, sku: &Sku| !trained.knows(location) || items.holds_sku(sku);
        let begins = |location: &LocationId, sku: &Sku| match is_cold(location, sku) {
            true => day,
            false => 0,
        };
        Entries::beginning(&self.source.data, self.to, &begins)
    }

    fn references(&self) -> Result<Vec<Row>, Failure> {
        let read = |path: &PathBuf| {
            let say = |error: String| {
                Failure::say(format!(
                    "cannot read the reference {}: {error}",
                    path.display()
                ))
            };
            let text = fs::read_to_string(path).map_err(|error| say(error.to_string()))?;
            serde_json::from_str(&text).map_err(|error| say(error.to_string()))
        };
        let lines = self.reference.iter().map(read);
        let lines: Vec<Lines> = lines.collect::<Result<_, _>>()?;
        Ok(lines.into_iter().flat_map(Lines::all).collect())
    }
}

/// One line, or many.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    Many(Vec<Row>),
    One(Box<Row>),
}

impl Lines {
    fn all(self) -> Vec<Row> {
        match self {
            Self::Many(rows) => rows,
            Self::One(row) => vec![*row],
        }
    }
}

fn write_frame(path: &Path, frame: &Frame, model: &Artefact) -> Result<(), Failure> {
    let names: Vec<&str> = model.features.iter().map(|one| one.bins.name()).collect();
    let say = |error| Failure::say(format!("cannot write {}: {error}", path.display()));
    let mut out = BufWriter::new(File::create(path).map_err(say)?);
    frame.write(&names, &mut out).map_err(say)
}

impl Told {
    fn print(&self) {
        let report = &self.report;
        output::text(format!(
            "{}: {} questions at {} stores, {} of which the model knows ({:.0} s)",
            report.days, report.rows, report.locations, report.known_locations, self.seconds
        ));
        line("", "stores", &FIGURES);
        for row in &report.table {
            line(&row.what, row.stores.name(), &row.quality.figures());
        }
        for worst in &report.worst {
            output::text(format!(
                "worst segment, {} stores: {} {}: ECE {:.4}, {} questions",
                worst.stores.name(),
                worst.by.name(),
                worst.name,
                worst.quality.ece,
                worst.quality.rows
            ));
        }
    }
}

/// A line of the table.
fn line(what: &str, stores: &str, figures: &[impl AsRef<str>]) {
    let figures: String = figures
        .iter()
        .map(|figure| format!(" {:>9}", figure.as_ref()))
        .collect();
    output::text(format!("{what:<22} {stores:<7}{figures}"));
}
