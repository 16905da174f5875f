//! `onhand bench tradeoffs`: the price of each choice between consistency, availability and performance, in one run.
//!
//! One file for each choice. A new one is a file with a `measure`, a field of [`Report`] and a table in [`report`].

mod durability;
mod overload;
mod oversell;
mod plot;
mod reads;
mod report;

use super::scratch::Scratch;
use super::stage::Stock;
use crate::failure::Failure;
use crate::output;
use clap::Args;
use onhand_engine::{Engine, Options};
use prometheus_client::registry::Registry;
use report::Report;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Measures what each choice costs: durability before the answer or within N ms, strong or bounded reads, overselling
/// denied or allowed up to a limit, a queue bounded by length alone or by time too. In process, on a temporary folder, one choice after another.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench tradeoffs
  onhand bench tradeoffs --seconds 3 --into docs/trade-offs.md     # writes the page's tables, and its plot beside it

It takes about 25 times --seconds. Run it on a machine that does nothing else: the figures are of the moment.")]
pub(crate) struct Tradeoffs {
    /// Seconds of each measurement.
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,
    /// Stock levels to run on.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    levels: u64,
    /// Writes the tables into this file, between its marks, and the plot beside it as SVG.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What every measurement stands on.
#[derive(Clone, Copy)]
struct Ground {
    stock: Stock,
    time: Duration,
}

impl Tradeoffs {
    /// Measures one choice after another.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let ground = Ground {
            stock: Stock {
                levels: self.levels,
            },
            time: Duration::try_from_secs_f64(self.seconds).unwrap_or_default(),
        };
        if ground.time.is_zero() {
            return Err(Failure::say("--seconds must be above zero"));
        }
        if let Some(page) = &self.into {
            Report::check_page(page)?;
        }
        let report = Report {
            seconds: self.seconds,
            levels: self.levels,
            durability: durability::measure(ground)?,
            reads: reads::measure(ground)?,
            oversell: oversell::measure()?,
            overload: overload::measure(ground)?,
        };
        if let Some(page) = &self.into {
            report.write_into(page)?;
        }
        match self.json {
            true => output::json(&report),
            false => output::text(report.text()),
        }
        Ok(())
    }
}

/// An engine on a folder that is removed again.
struct Site {
    engine: Arc<Engine>,
    _folder: Scratch,
}

impl Site {
    fn open(options: Options) -> Result<Self, Failure> {
        let folder = Scratch::new(None);
        let mut registry = Registry::default();
        let opened = Engine::open(&folder.path, options, &mut registry, &mut |_, _, _| {});
        let (engine, _) = opened.map_err(Failure::say)?;
        Ok(Self {
            engine,
            _folder: folder,
        })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.engine.stop();
    }
}
