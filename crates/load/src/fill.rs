//! `onhand-load fill`: the stock that load runs on, through receipts.

use crate::arrivals::{Arrivals, Pace};
use crate::book::Book;
use crate::campaign::{self, Watch};
use crate::failure::Failure;
use crate::keys::Keys;
use crate::lane::{Lane, Target};
use crate::levels::Levels;
use crate::tenants::Tenants;
use crate::work::{Recipe, Work, Workload};
use crate::{output, progress};
use clap::Args;
use indicatif::HumanCount;
use serde::Serialize;

/// Fills stock levels through receipts, one request for each location. Asked for again with the same numbers, it
/// changes nothing: its idempotency keys are the same.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand-load fill --to 127.0.0.1:7780 --levels 1000000")]
pub(crate) struct Fill {
    /// The server's HTTP address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7780")]
    to: String,
    /// Stock levels.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    levels: u64,
    /// SKUs at each location, which is also the lines of a request: up to 10,000.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    skus: u64,
    /// Units received at each level.
    #[arg(long, value_name = "N", default_value_t = 500_000_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    units: u32,
    /// The tenant whose stock it is.
    #[arg(long, value_name = "NAME", default_value = "")]
    tenant: String,
    /// Requests in flight at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    in_flight: u16,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Serialize)]
struct Filled {
    levels: u64,
    locations: u64,
    seconds: f64,
    levels_per_second: f64,
}

impl Fill {
    /// Fills the levels.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let levels = Levels::new(self.levels, self.skus).map_err(Failure::say)?;
        let tenants: Tenants = match self.tenant.is_empty() {
            true => Tenants::default(),
            false => self.tenant.parse().map_err(Failure::say)?,
        };
        let mut target = Target::find(&self.to)?;
        target.units = self.units;
        fill(&target, levels, tenants, usize::from(self.in_flight))?;
        let seconds = target.now() as f64 / 1e9;
        let filled = Filled {
            levels: levels.count,
            locations: levels.locations(),
            seconds,
            levels_per_second: levels.count as f64 / seconds,
        };
        match self.json {
            true => output::json(&filled),
            false => output::text(format!(
                "{} levels at {} locations filled in {seconds:.1} s, {} levels a second",
                HumanCount(filled.levels),
                HumanCount(filled.locations),
                HumanCount(filled.levels_per_second as u64)
            )),
        }
        Ok(())
    }
}

/// Receives the target's units at every level.
///
/// # Errors
/// The server cannot be reached, or does not take one of the receipts.
pub(crate) fn fill(
    target: &Target,
    levels: Levels,
    tenants: Tenants,
    in_flight: usize,
) -> Result<(), Failure> {
    let recipe = Recipe {
        work: Work::Fill,
        keys: Keys::Uniform,
        levels,
        batch: None,
        items: 1,
        tenants,
        seed: 0,
    };
    let lane = Lane {
        workload: Workload::new(recipe, 0, 0),
        arrivals: Arrivals::new(Pace::Closed, 0, u64::MAX, levels.locations()),
        connections: in_flight.min(levels.locations() as usize),
        depth: 1,
    };
    let watch = Watch {
        server: None,
        from: u64::MAX,
        until: u64::MAX,
    };
    let bar = progress::bar("Filling the shelves", levels.count);
    let (book, _) = campaign::run(target, vec![lane], watch, &bar, |bar, _, answered| {
        bar.set_position((answered * levels.skus).min(levels.count));
    })?;
    is_complete(&book, levels)
}

fn is_complete(book: &Book, levels: Levels) -> Result<(), Failure> {
    let total = book.total();
    if let Some((why, count)) = total.denied.iter().next() {
        let (status, name) = (why.status, &why.name);
        return Err(Failure::say(format!(
            "{count} receipts were not taken, first: {status} {name}"
        )));
    }
    match total.units == levels.locations() {
        true => Ok(()),
        false => Err(Failure::say(format!(
            "{} of {} receipts were answered",
            total.units,
            levels.locations()
        ))),
    }
}
