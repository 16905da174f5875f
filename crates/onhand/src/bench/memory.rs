//! `onhand bench memory`: what a stock level, an open reservation and an idempotency key take.
//!
//! Measured from outside: how much of the process lies in memory before and after, divided by what was added. A tenth is
//! added before, so that queues and buffers, which do not grow with the stock, are there already. So the state, the read
//! table, every index and what the allocator loses between its blocks are in the figure. The ledger itself is on disk. The recent changes of on hand, which a count as of the past needs, are kept for a window of time
//! and not for each level: the window is set to nothing here.

use super::resident;
use super::scratch::Scratch;
use super::shop::{Shop, command, fill, hold, with_room_for};
use super::stage::Stock;
use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use onhand_core::stock::adjust::{Adjust, AdjustLine, Adjusts, Direction};
use onhand_core::{Command, Few, Label, Lines, Quantity, Settings, Span};
use onhand_engine::Options;
use serde::Serialize;
use std::ops::Range;
use std::path::PathBuf;

const IN_FLIGHT: usize = 4096;

/// Measures memory: bytes for each stock level, each open reservation and each idempotency key, all in.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench memory --levels 10000000
  onhand bench memory --levels 100000 --reservations 0 --keys 0 --json")]
pub(crate) struct Memory {
    /// Stock levels.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    levels: u64,
    /// Open reservations of one line.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    reservations: u64,
    /// Idempotency keys.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    keys: u64,
    /// A data folder to use and keep; it must be new. A temporary one, removed at the end, if not said.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// How many of each are weighed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) levels: u64,
    pub(super) reservations: u64,
    pub(super) keys: u64,
}

/// What one kind of thing takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Taken {
    what: &'static str,
    count: u64,
    bytes: u64,
    pub(super) bytes_each: f64,
}

impl Memory {
    /// Fills and measures.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let counts = Counts {
            levels: self.levels,
            reservations: self.reservations,
            keys: self.keys,
        };
        let taken = counts.weigh(&Scratch::new(self.data.clone()))?;
        match self.json {
            true => output::json(&taken),
            false => {
                super::print_durability();
                taken.iter().for_each(print);
            }
        }
        Ok(())
    }
}

impl Counts {
    /// Fills an engine with so many, and weighs them: a level, an open reservation, a key.
    pub(super) fn weigh(&self, scratch: &Scratch) -> Result<[Taken; 3], Failure> {
        let options = Options {
            settings: Settings {
                count_window: Span::default(),
                ..Settings::default()
            },
            snapshot_bytes: u64::MAX,
            ..with_room_for(IN_FLIGHT)
        };
        let stock = Stock {
            levels: self.levels,
        };
        let shop = Shop::open(scratch, stock, options)?;
        Ok([
            measure("stock level", self.levels, |numbers| {
                let levels = numbers.end;
                fill(&shop.engine, Stock { levels })
            })?,
            measure("open reservation", self.reservations, |numbers| {
                self.add(&shop, "Reserving", numbers, |_, level| (None, hold(level)))
            })?,
            measure("idempotency key", self.keys, |numbers| {
                self.add(&shop, "Using keys", numbers, |key, level| {
                    (Some(key), adjust(level))
                })
            })?,
        ])
    }

    /// Has the shop do a command for each number.
    fn add(
        &self,
        shop: &Shop,
        what: &'static str,
        numbers: Range<u64>,
        make: impl Fn(String, u64) -> (Option<String>, Command),
    ) -> Result<(), Failure> {
        let bar = progress::bar(what, numbers.end - numbers.start);
        let requests = numbers.map(|number| {
            bar.inc(1);
            let level = number % self.levels;
            let (key, what) = make(format!("key-{number}"), level);
            let partition = shop.engine.partition_of(&Stock::location(level));
            (partition, command(key.as_deref(), what))
        });
        let gauge = shop.pipeline(requests, IN_FLIGHT)?;
        bar.finish_and_clear();
        match gauge.failed {
            0 => Ok(()),
            some => Err(Failure::say(format!("{some} requests were refused"))),
        }
    }
}

/// One unit more of a level: it leaves nothing behind but its key.
fn adjust(level: u64) -> Command {
    let line = AdjustLine {
        sku: Stock::sku(level),
        direction: Direction::Down,
        quantity: Quantity::new(1).expect("one is a quantity"),
        reason: Label::new("bench").expect("a plain word"),
        of: Adjusts::OnHand,
    };
    Command::Adjust(Adjust {
        location: Stock::location(level),
        lines: Lines::new(Few::from_elem(line, 1)).expect("one line"),
        reference: None,
        occurred_at: None,
    })
}

/// Adds a tenth of `count`, then the rest, and weighs the rest.
fn measure(
    what: &'static str,
    count: u64,
    add: impl Fn(Range<u64>) -> Result<(), Failure>,
) -> Result<Taken, Failure> {
    let first = (count / 10).next_multiple_of(Stock::SKUS).min(count);
    add(0..first)?;
    let before = resident()?;
    add(first..count)?;
    let (bytes, count) = (resident()?.saturating_sub(before), count - first);
    Ok(Taken {
        what,
        count,
        bytes,
        bytes_each: bytes as f64 / count.max(1) as f64,
    })
}

fn print(taken: &Taken) {
    output::text(format!(
        "{:<16} {:>11} of them  {:>14} bytes  {:>6.1} bytes each",
        taken.what, taken.count, taken.bytes, taken.bytes_each
    ));
}

fn resident() -> Result<u64, Failure> {
    resident::bytes().map_err(|error| {
        Failure::say(format!(
            "how much memory the process has is not known: {error}; it needs Linux"
        ))
    })
}
