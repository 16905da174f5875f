//! `onhand bench reserve`: durable reservations, in process. Over the network they are measured by `onhand-load`.

use super::scratch::Scratch;
use super::shop::{Load, Shop, with_room_for};
use super::stage::{Keys, Run, Stock};
use crate::failure::Failure;
use crate::output;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Measures reservations: an idempotency key and one line each, checked, held with an expiry, written to the ledger,
/// answered after the disk sync.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench reserve --levels 1000000 --in-flight 4096
  onhand bench reserve --keys hot
  onhand-load run --in-flight 128                                # a running server, over the network")]
pub(crate) struct Reserve {
    /// Stock levels to run on.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    levels: u64,
    /// Which levels are asked for.
    #[arg(long, value_enum, default_value_t = Keys::Uniform)]
    keys: Keys,
    /// Requests in flight at once.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    in_flight: usize,
    /// Seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    seconds: f64,
    /// How many runs.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// A data folder to use and keep; a temporary one, removed at the end, if not said.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the runs as JSON.
    #[arg(long)]
    json: bool,
}

impl Reserve {
    /// Fills the stock and runs.
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.levels == 0 || self.in_flight == 0 || self.runs == 0 || self.time().is_zero() {
            return Err(Failure::say(
                "--levels, --in-flight, --runs and --seconds must be above zero",
            ));
        }
        let runs = self.in_process()?;
        match self.json {
            true => output::json(&runs),
            false => {
                super::print_durability();
                runs.iter().for_each(Run::print);
            }
        }
        Ok(())
    }

    fn stock(&self) -> Stock {
        Stock {
            levels: self.levels,
        }
    }

    fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }

    fn in_process(&self) -> Result<Vec<Run>, Failure> {
        let scratch = Scratch::new(self.data.clone());
        let options = with_room_for(self.in_flight);
        let shop = Shop::open(&scratch, self.stock(), options)?;
        shop.fill()?;
        let load = Load {
            keys: self.keys,
            in_flight: self.in_flight,
        };
        let runs = (0..self.runs)
            .map(|_| shop.run(load, self.time()))
            .collect();
        shop.engine.stop();
        runs
    }
}
