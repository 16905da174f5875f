//! `onhand bench cost`: what one reservation costs, and what a billion requests a day need.
//!
//! First the prices, on this machine: processor time, bytes written, bytes of memory ([`prices`], and over the network
//! [`network`]). Then arithmetic, with everything that it assumes said beside the result ([`plan`]).

mod network;
mod plan;
mod prices;
mod report;

use super::memory::Counts;
use crate::failure::Failure;
use crate::output;
use clap::Args;
use plan::Assumed;
use prices::{Ground, Prices};
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

/// Measures what a durable reservation and a read cost (processor, bytes written, memory), and computes from it the
/// machines, disks and memory for a billion requests a day, for its peak, and for ten times the peak.
///
/// Over the network, it starts a server and asks it with the `onhand-load` that lies beside this program.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench cost                                      # about a minute
  onhand bench cost --seconds 10 --into docs/performance.md
  onhand bench cost --reads 70 --keep-days 365           # another mix, a longer ledger
  onhand bench cost --http-cpu-us 25 --batch-cpu-us 4 --grpc-cpu-us 30 --read-cpu-us 60    # as onhand-load found them elsewhere")]
pub(crate) struct Cost {
    /// Seconds of each measurement.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    seconds: f64,
    /// Requests in flight.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    in_flight: u32,
    /// Stock levels, reservations and keys to measure with.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1001..=10_000_000))]
    levels: u64,
    /// CPU µs of the server for a reservation over HTTP, one a request. Measured, if not said.
    #[arg(long, value_name = "MICROS")]
    http_cpu_us: Option<f64>,
    /// The same in batches of 100.
    #[arg(long, value_name = "MICROS")]
    batch_cpu_us: Option<f64>,
    /// The same over gRPC, one a call.
    #[arg(long, value_name = "MICROS")]
    grpc_cpu_us: Option<f64>,
    /// CPU µs of the server for a read of 100 levels over HTTP. Measured, if not said.
    #[arg(long, value_name = "MICROS")]
    read_cpu_us: Option<f64>,
    #[command(flatten)]
    assumed: Assumed,
    /// Writes the tables into this file, between its marks.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Cost {
    /// Measures, computes, and says both.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let ground = self.ground()?;
        if let Some(page) = &self.into {
            Report::check_page(page)?;
        }
        // Memory first: what was freed before would be taken again, and not be seen.
        let counts = Counts {
            levels: self.levels,
            reservations: self.levels,
            keys: self.levels,
        };
        let mut prices = Prices::measure(ground, counts)?;
        prices.http_cpu_us = self.http_cpu_us;
        prices.batch_cpu_us = self.batch_cpu_us;
        prices.grpc_cpu_us = self.grpc_cpu_us;
        prices.read_cpu_us = self.read_cpu_us;
        network::complete(ground, &mut prices)?;
        let report = Report::new(ground, prices, self.assumed)?;
        if let Some(page) = &self.into {
            report.write_into(page)?;
        }
        match self.json {
            true => output::json(&report),
            false => output::text(report.text()),
        }
        Ok(())
    }

    fn ground(&self) -> Result<Ground, Failure> {
        let time = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        if time.is_zero() {
            return Err(Failure::say("--seconds must be above zero"));
        }
        self.assumed.check()?;
        Ok(Ground {
            levels: self.levels,
            in_flight: self.in_flight as usize,
            time,
        })
    }
}
