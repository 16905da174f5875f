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
    /// Stock levels, more than 1,000: a tenth, and at least 1,000, is added before and not weighed.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    levels: u64,
    /// Open reservations of one line: more than 1,000, for the same reason, or 0 to leave them out.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    reservations: u64,
    /// Idempotency keys: more than 1,000, or 0 to leave them out.
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
        counts.check()?;
        let mut taken = counts.weigh(&Scratch::new(self.data.clone()))?.to_vec();
        taken.retain(|taken| taken.count > 0);
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
    /// Refuses numbers of which nothing would be left to weigh.
    fn check(&self) -> Result<(), Failure> {
        let is_enough = |count| count > Stock::SKUS;
        let others = [self.reservations, self.keys];
        let mut asked = others.into_iter().filter(|count| *count > 0);
        match is_enough(self.levels) && asked.all(is_enough) {
            true => Ok(()),
            false => Err(Failure::say(format!(
                "--levels, --reservations and --keys must be above {}, as so many of each are added before and not weighed; \
                 0 leaves reservations or keys out",
                Stock::SKUS
            ))),
        }
    }

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

/// How many of them are added before: whole locations.
fn before(count: u64) -> u64 {
    (count / 10).max(1).next_multiple_of(Stock::SKUS).min(count)
}

/// Adds a tenth of `count`, then the rest, and weighs the rest.
fn measure(
    what: &'static str,
    count: u64,
    add: impl Fn(Range<u64>) -> Result<(), Failure>,
) -> Result<Taken, Failure> {
    let first = before(count);
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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test says what it met and fails where it stands"
    )]

    use super::*;

    fn check(levels: u64, reservations: u64, keys: u64) -> Result<(), String> {
        let counts = Counts {
            levels,
            reservations,
            keys,
        };
        counts.check().map_err(|failure| failure.to_string())
    }

    #[test]
    fn numbers_that_leave_nothing_to_weigh_are_refused() {
        for (levels, reservations, keys) in [
            (0, 2_000, 2_000),
            (1_000, 2_000, 2_000),
            (2_000, 1_000, 2_000),
            (2_000, 2_000, 1),
        ] {
            let said = check(levels, reservations, keys).unwrap_err();
            assert!(said.contains("must be above 1000"), "{said}");
        }
        assert_eq!(check(1_001, 1_001, 1_001), Ok(()));
        assert_eq!(check(2_000, 0, 0), Ok(()));
    }

    #[test]
    fn what_passes_leaves_something_to_weigh() {
        for count in [1_001, 10_000, 10_001, 123_456] {
            assert!(before(count) < count, "{count}");
        }
    }
}
