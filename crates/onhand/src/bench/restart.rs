//! `onhand bench restart`: from the start of the engine to its first answer.

use super::scratch::Scratch;
use super::shop::{Load, Shop, with_room_for};
use super::stage::{Keys, Stock};
use crate::failure::Failure;
use crate::output;
use clap::Args;
use onhand_engine::{Answer, Options};
use serde::Serialize;
use std::cell::Cell;
use std::time::Instant;

const IN_FLIGHT: usize = 4096;

/// Measures a restart: a snapshot of so many levels is read, so many entries after it are replayed, and a reservation
/// is answered. The files may still lie in the system's cache.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench restart --levels 10000000 --entries 10000000
  onhand bench restart --levels 10000 --entries 10000 --runs 1 --json")]
pub(crate) struct Restart {
    /// Stock levels in the snapshot.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    levels: u64,
    /// Entries after it, each a reservation with a key; with 0, the snapshot alone is read.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    entries: u64,
    /// How many restarts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// One restart.
#[derive(Clone, Debug, Serialize)]
struct Started {
    levels: u64,
    /// Entries after the snapshot, the first answer of an earlier restart among them.
    replayed: u64,
    open_seconds: f64,
    first_answer_seconds: f64,
}

impl Restart {
    /// Fills a folder, and starts on it again and again.
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.levels == 0 || self.runs == 0 {
            return Err(Failure::say("--levels and --runs must be above zero"));
        }
        let scratch = Scratch::new(None);
        self.prepare(&scratch)?;
        let started = (0..self.runs).map(|run| self.start(&scratch, run));
        let started = started.collect::<Result<Vec<_>, _>>()?;
        match self.json {
            true => output::json(&started),
            false => {
                super::print_durability();
                started.iter().for_each(print);
            }
        }
        Ok(())
    }

    fn stock(&self) -> Stock {
        Stock {
            levels: self.levels,
        }
    }

    /// Leaves a folder as after a crash: a snapshot, and entries after it.
    fn prepare(&self, scratch: &Scratch) -> Result<(), Failure> {
        let shop = Shop::open(scratch, self.stock(), options(self.entries))?;
        shop.fill()?;
        for partition in 0..shop.engine.partitions() {
            shop.engine.snapshot(partition).map_err(Failure::say)?;
        }
        let left = Cell::new(self.entries);
        let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
        let load = Load {
            keys: Keys::Uniform,
            in_flight: IN_FLIGHT,
        };
        let gauge = shop.reserve_while(load, &goes_on)?;
        shop.crash();
        match gauge.failed {
            0 => Ok(()),
            some => Err(Failure::say(format!("{some} reservations were refused"))),
        }
    }

    fn start(&self, scratch: &Scratch, run: usize) -> Result<Started, Failure> {
        let start = Instant::now();
        let shop = Shop::open(scratch, self.stock(), options(self.entries))?;
        let open = start.elapsed();
        let (partition, request) = shop.reserve(0, &format!("restart-{run}"));
        let answer = shop.engine.call_blocking(partition, request);
        let first_answer = start.elapsed();
        let replayed = shop.replayed;
        shop.crash();
        match answer {
            Answer::Recorded(_) => Ok(Started {
                levels: self.levels,
                replayed,
                open_seconds: open.as_secs_f64(),
                first_answer_seconds: first_answer.as_secs_f64(),
            }),
            other => Err(Failure::say(format!("the first answer was {other:?}"))),
        }
    }
}

/// No snapshot but the one that is asked for, and room for every reservation.
fn options(entries: u64) -> Options {
    let mut options = Options {
        snapshot_bytes: u64::MAX,
        ..with_room_for(IN_FLIGHT)
    };
    let most = &mut options.settings.most_open_reservations;
    *most = (*most).max(entries + 1_000);
    options
}

fn print(started: &Started) {
    output::text(format!(
        "{} levels and {} entries since the snapshot: open after {:.2} s, first answer after {:.2} s",
        started.levels, started.replayed, started.open_seconds, started.first_answer_seconds
    ));
}
