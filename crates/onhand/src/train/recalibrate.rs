//! `onhand train recalibrate`.

use super::availability::Labels;
use crate::entries::Entries;
use crate::failure::Failure;
use crate::folder::DataSource;
use crate::{model, output};
use clap::Args;
use onhand_modelops::Scorer;
use onhand_models::Artefact;
use onhand_models::recalibrate::Line;
use onhand_train::evaluate::Quality;
use onhand_train::outcome::Label;
use onhand_train::recalibrate::{self, DAYS, Plan};
use onhand_train::warning::Warning;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

/// Makes a model follow the level of the last days: holds what it says of them against what became of them, and moves
/// its probabilities by that, for all, by category and by hour. For a job that runs every night; trees stay as they are.
/// The server must be stopped, or --data a copy.
///
/// The model beneath is recalibrated, whether it was before or not. The same ledger and model give the same bytes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand train recalibrate --data ./shops --model model.onhand --until 2024-06-11 --out tomorrow.onhand")]
pub(super) struct Recalibrate {
    #[command(flatten)]
    source: DataSource,
    /// The model, as `onhand train availability` or this command writes it.
    #[arg(long, value_name = "model.onhand")]
    model: PathBuf,
    /// The last day to learn from: yesterday.
    #[arg(long, value_name = "DAY", value_parser = crate::dates::day)]
    until: u32,
    /// How many days to learn from.
    #[arg(long, value_name = "N", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=365))]
    days: u32,
    /// Picks only: the shelf is known only where shoppers looked, so often in each store and hour, and so are labels.
    /// For a published file.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    looks: Option<u32>,
    /// What labels are made of: of what a feed tells of the shelf, or of looks alone. Without it what the model's were.
    #[arg(
        long,
        value_enum,
        default_value_if("looks", clap::builder::ArgPredicate::IsPresent, "looks")
    )]
    labels: Option<Labels>,
    /// Threads; the model does not depend on it. Without it as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// The model to write; its card (.md) is written beside it.
    #[arg(long, value_name = "model.onhand")]
    out: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    seconds: f64,
    all: Line,
    /// By hour of the day, from 0.
    hours: Vec<f64>,
    /// By category, the largest first.
    categories: Vec<(String, Line)>,
    before: Quality,
    after: Quality,
    /// What makes these figures, and what was learned, too good.
    warnings: Vec<Warning>,
}

/// Categories that are named.
const NAMED: usize = 5;

impl Recalibrate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let start = Instant::now();
        model::expect_writable(&self.out)?;
        let (artefact, bytes) = model::read(&self.model)?;
        let label = self.label(&artefact)?;
        let mut entries = Entries::open(&self.source.data, self.until)?;
        if let Some(looks) = self.looks {
            entries = entries.looked(looks)?;
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let plan = Plan {
            until: self.until,
            days: self.days,
            threads: self.threads.unwrap_or_else(cores),
            label,
        };
        let parent = Scorer::version_of(&bytes);
        let found = recalibrate::latest(&entries, &entries, artefact, parent, plan);
        let found = found.map_err(Failure::say)?;
        found.warnings.iter().for_each(output::warn);
        model::write(&self.out, &found.model)?;
        let terms = found.model.recalibration.unwrap_or_default();
        let mut categories: Vec<_> = terms.groups.into_iter().collect();
        categories.sort_by(|one, other| other.1.shift.abs().total_cmp(&one.1.shift.abs()));
        let report = Report {
            model: self.out.display().to_string(),
            seconds: start.elapsed().as_secs_f64(),
            all: terms.all,
            hours: terms.hours.to_vec(),
            categories,
            before: found.before,
            after: found.after,
            warnings: found.warnings,
        };
        match self.json {
            true => output::json(&report),
            false => report.print(),
        }
        Ok(())
    }

    /// A model is held against labels of the kind that it was trained on.
    fn label(&self, model: &Artefact) -> Result<Label, Failure> {
        let learned = Label::of(model).unwrap_or(Label::Shelf);
        match self.labels.map(Labels::label) {
            Some(said) if said != learned => Err(Failure::say(format!(
                "the model was trained on the {}, not on the {}",
                learned.text(),
                said.text()
            ))),
            _ => Ok(learned),
        }
    }
}

impl Report {
    fn print(&self) {
        output::text(format!(
            "{}: log odds moved by so much, and made steeper by so much ({:.0} s)",
            self.model, self.seconds
        ));
        line("all", &self.all);
        for (name, own) in self.categories.iter().take(NAMED) {
            line(name, own);
        }
        for (when, quality) in [("before", &self.before), ("after", &self.after)] {
            output::text(format!(
                "  on these {} questions, {when:<6}: log loss {:.4}, ECE {:.4}, slope {:.3}",
                quality.rows, quality.log_loss, quality.ece, quality.slope
            ));
        }
    }
}

fn line(name: &str, line: &Line) {
    output::text(format!(
        "  {name:<24} {:+.3} {:+.3}",
        line.shift, line.slope
    ));
}
