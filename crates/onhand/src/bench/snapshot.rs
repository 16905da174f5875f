//! `onhand bench snapshot`: what requests notice of a snapshot.

use super::scratch::Scratch;
use super::shop::{Load, Shop, with_room_for};
use super::stage::{Gauge, Keys, Stock};
use crate::failure::Failure;
use crate::output;
use clap::Args;
use onhand_engine::Options;
use onhand_engine::priority::give_way;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Measures how long requests take while a snapshot is written, beside how long they take when none is.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench snapshot --levels 10000000 --in-flight 64
  onhand bench snapshot --levels 10000 --rounds 1 --seconds 0.5 --json")]
pub(crate) struct Snapshot {
    /// Stock levels.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    levels: u64,
    /// Requests in flight at once.
    #[arg(long, value_name = "N", default_value_t = 64)]
    in_flight: usize,
    /// Seconds without a snapshot before each one.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    seconds: f64,
    /// How many snapshots.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// How long requests took in one stretch of time.
#[derive(Clone, Debug, Serialize)]
struct Stretch {
    what: &'static str,
    levels: u64,
    in_flight: usize,
    seconds: f64,
    requests: u64,
    per_second: f64,
    p50_micros: u64,
    p99_micros: u64,
    p999_micros: u64,
    longest_micros: u64,
}

impl Snapshot {
    /// Fills the stock and measures.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let time = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        if self.levels == 0 || self.in_flight == 0 || self.rounds == 0 || time.is_zero() {
            return Err(Failure::say(
                "--levels, --in-flight, --rounds and --seconds must be above zero",
            ));
        }
        let scratch = Scratch::new(None);
        let options = Options {
            snapshot_bytes: u64::MAX,
            ..with_room_for(self.in_flight)
        };
        let stock = Stock {
            levels: self.levels,
        };
        let shop = Shop::open(&scratch, stock, options)?;
        shop.fill()?;
        let mut stretches = Vec::new();
        for _ in 0..self.rounds {
            stretches.push(self.calm(&shop, time)?);
            stretches.push(self.disturbed(&shop)?);
        }
        match self.json {
            true => output::json(&stretches),
            false => {
                super::print_durability();
                stretches.iter().for_each(print);
            }
        }
        Ok(())
    }

    fn load(&self) -> Load {
        Load {
            keys: Keys::Uniform,
            in_flight: self.in_flight,
        }
    }

    fn calm(&self, shop: &Shop, time: Duration) -> Result<Stretch, Failure> {
        let start = Instant::now();
        let gauge = shop.reserve_while(self.load(), &|| start.elapsed() < time)?;
        Ok(self.stretch("no snapshot", &gauge, start))
    }

    fn disturbed(&self, shop: &Shop) -> Result<Stretch, Failure> {
        let (start, is_written) = (Instant::now(), AtomicBool::new(false));
        let goes_on = || !is_written.load(Ordering::Acquire);
        std::thread::scope(|scope| {
            let snapshot = scope.spawn(|| {
                // As the engine's own snapshotter does.
                give_way();
                let written = (0..shop.engine.partitions())
                    .try_for_each(|partition| shop.engine.snapshot(partition).map(drop));
                is_written.store(true, Ordering::Release);
                written
            });
            let gauge = shop.reserve_while(self.load(), &goes_on);
            let written = snapshot.join().expect("its thread does not panic");
            written.map_err(Failure::say)?;
            Ok(self.stretch("snapshot", &gauge?, start))
        })
    }

    fn stretch(&self, what: &'static str, gauge: &Gauge, start: Instant) -> Stretch {
        let seconds = start.elapsed().as_secs_f64();
        let quantile = |quantile| gauge.micros.value_at_quantile(quantile);
        Stretch {
            what,
            levels: self.levels,
            in_flight: self.in_flight,
            seconds,
            requests: gauge.micros.len(),
            per_second: gauge.micros.len() as f64 / seconds.max(1e-9),
            p50_micros: quantile(0.5),
            p99_micros: quantile(0.99),
            p999_micros: quantile(0.999),
            longest_micros: gauge.micros.max(),
        }
    }
}

fn print(stretch: &Stretch) {
    output::text(format!(
        "{:<12} {:>6.2} s  {:>6} in flight  {:>9.0} requests/s  p50 {:>6} µs  p99 {:>6} µs  p99.9 {:>6} µs  longest {:>7} µs",
        stretch.what,
        stretch.seconds,
        stretch.in_flight,
        stretch.per_second,
        stretch.p50_micros,
        stretch.p99_micros,
        stretch.p999_micros,
        stretch.longest_micros
    ));
}
