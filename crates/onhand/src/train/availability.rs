//! `onhand train availability`.

use crate::entries::Entries;
use crate::failure::Failure;
use crate::folder::DataSource;
use crate::{memory, model, output, progress};
use clap::{Args, ValueEnum};
use onhand_models::artefact::Artefact;
use onhand_models::boost::Booster;
use onhand_train::availability::{Gathered, Plan, Questions};
use onhand_train::evaluate::Quality;
use onhand_train::outcome::Label;
use onhand_train::split::{HoldOut, Part};
use onhand_train::warning::Warning;
use serde::Serialize;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Trains the availability model: will the shelf be empty in the hour that begins now? Writes the model and, beside
/// it, its card (.md). The server must be stopped.
///
/// Trees are grown at most of the stores; others tell when to stop, and calibrate. The same ledger and seed give the
/// same bytes, on any number of threads.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand train availability --data ./shops --until 2024-05-28 --out model.onhand
  onhand train availability --data train.parquet --until 2024-05-28 --out model.onhand")]
pub(super) struct Availability {
    #[command(flatten)]
    source: DataSource,
    /// Picks only: the shelf is known only where shoppers looked, so often in each store and hour, and so are labels.
    /// For a published file.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    looks: Option<u32>,
    /// What labels are made of: of what a feed tells of the shelf, or of looks alone.
    #[arg(long, value_enum, default_value_t = Labels::Shelf, default_value_if("looks", clap::builder::ArgPredicate::IsPresent, "looks"))]
    labels: Labels,
    /// The first day to learn from; without it the ledger's first.
    #[arg(long, value_name = "DAY", value_parser = crate::dates::day, default_value = "1970-01-01")]
    from: u32,
    /// The last day to learn from.
    #[arg(long, value_name = "DAY", value_parser = crate::dates::day)]
    until: u32,
    /// About how many questions to grow trees on, drawn at random.
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    rows: usize,
    /// Share of the stores held out of all training, to see how good the model is where it has never been.
    #[arg(long, value_name = "SHARE", default_value = "20%", value_parser = share)]
    holdout_stores: f64,
    /// The seed of all chance.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Threads; the model does not depend on it. Without it as many as there are cores.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    #[command(flatten)]
    forest: ForestSettings,
    /// The model to write.
    #[arg(long, value_name = "model.onhand")]
    out: PathBuf,
    /// Also write the rows to this folder, a file of columns for each part: for bench/reference.
    #[arg(long, value_name = "DIR")]
    frames: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The forest's settings.
#[derive(Args, Debug)]
#[command(next_help_heading = "Forest")]
struct ForestSettings {
    /// Trees at most.
    #[arg(long, value_name = "N", default_value_t = 160)]
    rounds: usize,
    /// Leaves of a tree at most.
    #[arg(long, value_name = "N", default_value_t = 127)]
    leaves: usize,
    /// Share of a tree's values that is added.
    #[arg(long, value_name = "RATE", default_value_t = 0.12)]
    learning_rate: f32,
    /// Rows in a leaf at least.
    #[arg(long, value_name = "N", default_value_t = 100)]
    min_rows: usize,
    /// Share of the features that a tree may use.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    feature_fraction: f64,
    /// Keep the fewest features that together have this share of what a trial gains (as 99%): a row costs less, and the
    /// answers are a little less good. Without it all are kept.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    worth: Option<f64>,
    /// Pulls the values of leaves to zero.
    #[arg(long, value_name = "L2", default_value_t = 1.0)]
    l2: f64,
    /// Rounds without a better loss before the fit ends.
    #[arg(long, value_name = "N", default_value_t = 30)]
    patience: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Labels {
    /// The share of the hour in which the shelf was empty.
    Shelf,
    /// The share of the looks in the hour that did not find the item.
    Looks,
}

impl Labels {
    pub(super) fn label(self) -> Label {
        match self {
            Self::Shelf => Label::Shelf,
            Self::Looks => Label::Looks,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let rule = || "must be a share from 0 to under 1, as 20% or 0.2".to_owned();
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| rule());
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent)? / 100.0,
        None => number(text)?,
    };
    (0.0..1.0)
        .contains(&share)
        .then_some(share)
        .ok_or_else(rule)
}

#[derive(Serialize)]
struct Report {
    model: String,
    bytes: usize,
    rows: usize,
    features: usize,
    trees: usize,
    gather_seconds: f64,
    fit_seconds: f64,
    seconds: f64,
    peak_megabytes: Option<u64>,
    kept_back: Option<Quality>,
    unseen: Option<Quality>,
    /// What makes these figures too good.
    warnings: Vec<Warning>,
}

impl Availability {
    pub(super) fn run(self) -> Result<(), Failure> {
        let start = Instant::now();
        let plan = self.plan();
        plan.booster.check().map_err(Failure::say)?;
        model::expect_writable(&self.out)?;
        let mut entries = Entries::open(&self.source.data, self.until)?;
        if let Some(looks) = self.looks {
            entries = entries.looked(looks)?;
        }
        let questions = Questions::read(&entries, &plan).map_err(Failure::say)?;
        let warnings = questions.warnings().to_vec();
        // Before the long pass, so that whoever sees them may stop it.
        warnings.iter().for_each(output::warn);
        let gathered = questions.ask(&entries, plan.booster.threads);
        let mut gathered = gathered.map_err(Failure::say)?;
        drop(entries);
        let rows = gathered.rows(Part::Train);
        let gather_seconds = start.elapsed().as_secs_f64();
        let fitting = Instant::now();
        if let Some(share) = self.forest.worth {
            choose(&mut gathered, &plan, share)?;
        }
        if let Some(folder) = &self.frames {
            write_frames(folder, &gathered)?;
        }
        let fitted = fit(gathered, &plan)?;
        let fit_seconds = fitting.elapsed().as_secs_f64();
        let bytes = model::write(&self.out, &fitted)?;
        let quality = |name: &str| {
            let text = fitted.facts.get(&format!("quality.{name}"))?;
            serde_json::from_str(text).ok()
        };
        let report = Report {
            model: self.out.display().to_string(),
            bytes,
            rows,
            features: fitted.features.len(),
            trees: fitted.forest.trees.len(),
            gather_seconds,
            fit_seconds,
            seconds: start.elapsed().as_secs_f64(),
            peak_megabytes: memory::peak().map(|bytes| bytes / 1_000_000),
            kept_back: quality("kept back"),
            unseen: quality("unseen"),
            warnings,
        };
        match self.json {
            true => output::json(&report),
            false => report.print(),
        }
        Ok(())
    }

    fn plan(&self) -> Plan {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let forest = &self.forest;
        Plan {
            from: self.from,
            until: self.until,
            rows: self.rows,
            hold_out: HoldOut {
                share: self.holdout_stores,
                seed: self.seed,
            },
            label: self.labels.label(),
            booster: Booster {
                rounds: forest.rounds,
                max_leaves: forest.leaves,
                learning_rate: forest.learning_rate,
                min_rows: forest.min_rows,
                feature_fraction: forest.feature_fraction,
                l2: forest.l2,
                patience: forest.patience,
                seed: self.seed,
                threads: self.threads.unwrap_or_else(cores),
                ..Booster::default()
            },
        }
    }
}

fn choose(gathered: &mut Gathered, plan: &Plan, share: f64) -> Result<(), Failure> {
    let bar = progress::bar("Trying the features", plan.trial() as u64);
    let chosen = gathered.choose::<Failure>(plan, share, |_| bar.inc(1));
    bar.finish_and_clear();
    chosen.map_err(Failure::say)
}

fn fit(gathered: Gathered, plan: &Plan) -> Result<Artefact, Failure> {
    let bar = progress::bar("Growing trees", plan.booster.rounds as u64);
    let model = gathered.fit::<Failure>(plan, |round| {
        bar.inc(1);
        if let Some(loss) = round.valid {
            bar.set_message(format!("Growing trees, {loss:.4}"));
        }
    });
    bar.finish_and_clear();
    model.map_err(Failure::say)
}

fn write_frames(folder: &Path, gathered: &Gathered) -> Result<(), Failure> {
    let say = |error| Failure::say(format!("cannot write to {}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(say)?;
    for (part, name) in [
        (Part::Train, "train.cols"),
        (Part::Stop, "stop.cols"),
        (Part::Fit, "fit.cols"),
        (Part::Choose, "choose.cols"),
        (Part::Unseen, "unseen.cols"),
    ] {
        if let Some(frame) = gathered.frame(part) {
            let mut out = BufWriter::new(File::create(folder.join(name)).map_err(say)?);
            frame.write(&gathered.names(), &mut out).map_err(say)?;
        }
    }
    Ok(())
}

impl Report {
    fn print(&self) {
        output::text(format!(
            "{}: {} trees of {} features, from {} questions ({:.0} s asking, {:.0} s fitting, {} MB at most)",
            self.model,
            self.trees,
            self.features,
            self.rows,
            self.gather_seconds,
            self.fit_seconds,
            self.peak_megabytes
                .map_or("unknown".to_owned(), |peak| peak.to_string())
        ));
        for (stores, quality) in [("kept back", &self.kept_back), ("unseen", &self.unseen)] {
            if let Some(quality) = quality {
                output::text(format!(
                    "  {stores:<9} stores: PR-AUC {:.4} (base rate {:.3}), log loss {:.4}, ECE {:.4}",
                    quality.pr_auc, quality.base_rate, quality.log_loss, quality.ece
                ));
            }
        }
    }
}
