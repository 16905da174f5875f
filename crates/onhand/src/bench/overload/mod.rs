//! `onhand bench overload`: what becomes of the engine when ten times as much is asked as it can do.
//!
//! The load is open: requests come when they are due, whatever became of those before, and each is timed from when it
//! was due. The generator shares the machine with the engine, so it asks as cheaply as it can ([`traffic`]); the report
//! says how much of a core it took.
//!
//! Holds end after a moment and their keys are forgotten, so that the engine is in a steady state and memory tells of
//! the overload alone.

mod report;
mod scene;
mod tally;
mod traffic;

use super::scratch::Scratch;
use super::shop::fill;
use super::stage::Stock;
use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use onhand_core::{Settings, Span};
use onhand_engine::{Engine, Options, Policy};
use prometheus_client::registry::Registry;
use report::Report;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Measures overload: many times the capacity offered, one tenant's spike beside others, a flood of holds beside
/// confirms and reads, one hot SKU beside its neighbours.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench overload                       # about two minutes
  onhand bench overload --seconds 10 --json
  onhand bench overload --queue-ms 0          # without a bound on waiting: what it would be without admission")]
pub(crate) struct Overload {
    /// Stock levels to run on.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1000..=10_000_000))]
    levels: u64,
    /// How many times the measured capacity is offered.
    #[arg(long, value_name = "TIMES", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    times: u32,
    /// Seconds of the overload. Each of the other scenes takes a sixth of it.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// As `onhand serve --queue-ms`.
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    queue_ms: u32,
    /// A folder to work in and keep; a temporary one, removed at the end, if not said.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What all scenes share.
struct Setting<'a> {
    engine: &'a Arc<Engine>,
    stock: Stock,
    times: f64,
    long: Duration,
    short: Duration,
}

impl Overload {
    /// Fills the stock and plays every scene.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let scratch = Scratch::new(self.data.clone());
        let opened = Engine::open(
            &scratch.path,
            self.options(),
            &mut Registry::default(),
            &mut |_, _, _| {},
        );
        let (engine, _) = opened.map_err(Failure::say)?;
        let report = self.measure(&engine);
        engine.stop();
        let report = report?;
        match self.json {
            true => output::json(&report),
            false => output::text(report.text()),
        }
        Ok(())
    }

    fn options(&self) -> Options {
        Options {
            admission: Policy {
                queue_time: (self.queue_ms > 0)
                    .then(|| Duration::from_millis(self.queue_ms.into())),
                ..Policy::default()
            },
            settings: Settings {
                key_retention: Span::from_secs(1),
                ended_retention: Span::from_secs(1),
                ..Settings::default()
            },
            keep_ledger: Some(Span::from_secs(1)),
            partitions: Some(1),
            ..Options::default()
        }
    }

    fn measure(&self, engine: &Arc<Engine>) -> Result<Report, Failure> {
        let stock = Stock {
            levels: self.levels,
        };
        fill(engine, stock)?;
        let long = Duration::from_secs(self.seconds);
        let setting = Setting {
            engine,
            stock,
            times: self.times.into(),
            long,
            short: (long / 6).max(Duration::from_secs(1)),
        };
        let spinner = progress::spinner("Playing the scenes");
        let report = Report {
            levels: self.levels,
            queue_ms: self.queue_ms,
            durability: super::DURABILITY,
            ..scene::all(&setting, |scene| spinner.set_message(scene))
        };
        spinner.finish_and_clear();
        Ok(report)
    }
}
