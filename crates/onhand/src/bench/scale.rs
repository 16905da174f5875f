//! `onhand bench scale`: whether the rate holds when there is more stock.

use super::scratch::Scratch;
use super::shop::{Load, Shop, with_room_for};
use super::stage::{Keys, Run, Stock};
use crate::failure::Failure;
use crate::output;
use clap::Args;
use std::time::Duration;

/// Measures reservations on a small, a middling and a large stock, one after the other.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench scale
  onhand bench scale --levels 1000,10000 --seconds 0.5 --runs 1")]
pub(crate) struct Scale {
    /// Stock levels of each size, the first being what the others are held against.
    #[arg(
        long,
        value_name = "N,N,…",
        value_delimiter = ',',
        default_values_t = [100_000, 1_000_000, 10_000_000]
    )]
    levels: Vec<u64>,
    /// Requests in flight at once.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    in_flight: usize,
    /// Seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    seconds: f64,
    /// How many runs of each size; the one in the middle counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Print the runs as JSON.
    #[arg(long)]
    json: bool,
}

impl Scale {
    /// Measures each size.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let time = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        if self.levels.contains(&0) || self.in_flight == 0 || self.runs == 0 || time.is_zero() {
            return Err(Failure::say(
                "--levels, --in-flight, --runs and --seconds must be above zero",
            ));
        }
        let medians = self.levels.iter().map(|levels| self.one(*levels, time));
        let medians = medians.collect::<Result<Vec<_>, _>>()?;
        if self.json {
            output::json(&medians);
            return Ok(());
        }
        super::print_durability();
        for run in &medians {
            run.print();
            let ratio = run.per_second / medians[0].per_second.max(1e-9);
            output::text(format!("{:>20} {ratio:.2} of the rate of the first", ""));
        }
        Ok(())
    }

    /// The run in the middle, by its rate, of one size.
    fn one(&self, levels: u64, time: Duration) -> Result<Run, Failure> {
        let scratch = Scratch::new(None);
        let shop = Shop::open(&scratch, Stock { levels }, with_room_for(self.in_flight))?;
        shop.fill()?;
        let load = Load {
            keys: Keys::Uniform,
            in_flight: self.in_flight,
        };
        let runs = (0..self.runs).map(|_| shop.run(load, time));
        let mut runs = runs.collect::<Result<Vec<_>, _>>()?;
        runs.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
        Ok(runs.swap_remove(self.runs / 2))
    }
}
