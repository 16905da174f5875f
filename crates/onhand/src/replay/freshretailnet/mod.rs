//! FreshRetailNet-50K as a ledger.

mod dataset;
mod published;
mod telling;

pub(crate) use published::Published;
pub(crate) use telling::Shelf;

use super::feeder::{FeedError, Feeder};
use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use dataset::Wanted;
use onhand_core::Timestamp;
use onhand_engine::{Clock, Engine, Options};
use prometheus_client::registry::Registry;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use telling::{Tally, Telling};

const DAY_MILLIS: u64 = 86_400_000;

/// Which part of the data set to replay.
#[derive(Args, Debug)]
pub(super) struct Part {
    /// Only so many stores, those with the lowest numbers.
    #[arg(long, value_name = "N", requires = "format", value_parser = clap::value_parser!(u32).range(1..))]
    stores: Option<u32>,
    /// Only these days, the first and the last included.
    #[arg(long, value_name = "A..B", requires = "format", value_parser = crate::dates::days)]
    days: Option<RangeInclusive<u32>>,
    /// No nightly feed: the shelf is known only where a shopper looked, so often in each store and hour. What sells is
    /// looked at, in proportion.
    #[arg(long, value_name = "N", requires = "format", value_parser = clap::value_parser!(u32).range(1..))]
    looks: Option<u32>,
}

impl Part {
    fn shelf(&self) -> Shelf {
        self.looks.map_or(Shelf::Nightly, Shelf::Looks)
    }
}

/// The clock of a replay stands before its data: all commands carry their own time.
struct Before(Timestamp);

impl Clock for Before {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// What became of the data set.
#[derive(Serialize)]
struct Report {
    stores: usize,
    series: usize,
    days: usize,
    rows: usize,
    #[serde(flatten)]
    told: Tally,
    ledger_entries: u64,
    seconds: f64,
    lines_per_second: f64,
}

/// Replays a part of the data set into a new data folder.
pub(super) fn run(path: &Path, data: &Path, part: &Part, json: bool) -> Result<(), Failure> {
    refuse_used(data)?;
    let wanted = Wanted {
        stores: part.stores.map_or(usize::MAX, |stores| stores as usize),
        days: part.days.clone().unwrap_or(0..=u32::MAX),
    };
    let dataset = published::read(path, &wanted)?;
    let Some(first) = dataset.rows.first() else {
        return Err(Failure::say(
            "the data set has no row of these stores and days",
        ));
    };
    let start = Instant::now();
    let engine = open(
        data,
        Timestamp::from_millis(u64::from(first.day) * DAY_MILLIS),
    )?;
    let bar = progress::bar("Replaying", dataset.rows.len() as u64);
    let mut telling = Telling::new(Feeder::new(Arc::clone(&engine)), &dataset, part.shelf());
    let told = telling.tell(&mut |rows| bar.inc(rows));
    bar.finish_and_clear();
    let told = told.map_err(|error: FeedError| Failure::say(error))?;
    let ledger_entries = engine.table(0).position().seq.0;
    engine.stop();
    let seconds = start.elapsed().as_secs_f64();
    let mut stores: Vec<u32> = dataset.series.iter().map(|one| one.store).collect();
    stores.dedup();
    let report = Report {
        stores: stores.len(),
        series: dataset.series.len(),
        days: told.days,
        rows: dataset.rows.len(),
        ledger_entries,
        seconds,
        lines_per_second: told.lines() as f64 / seconds.max(1e-9),
        told,
    };
    match json {
        true => output::json(&report),
        false => report.print(data),
    }
    Ok(())
}

/// A replay into a ledger that holds something would tell its past behind its back.
fn refuse_used(data: &Path) -> Result<(), Failure> {
    let is_used = data.read_dir().is_ok_and(|mut all| all.next().is_some());
    match is_used {
        false => Ok(()),
        true => Err(Failure::say(format!(
            "the data folder {} holds something already: pass another --data, or remove it",
            data.display()
        ))),
    }
}

fn open(data: &Path, before: Timestamp) -> Result<Arc<Engine>, Failure> {
    let options = Options {
        partitions: Some(1),
        clock: Arc::new(Before(before)),
        ..Options::default()
    };
    let opened = Engine::open(data, options, &mut Registry::default(), &mut |_, _, _| {});
    Ok(opened.map_err(Failure::say)?.0)
}

impl Report {
    fn print(&self, data: &Path) {
        let told = &self.told;
        output::text(format!(
            "{} stores, {} series, {} days, {} rows",
            self.stores, self.series, self.days, self.rows
        ));
        output::text(format!("  sales         {} lines", told.sales));
        output::text(format!("  looks         {} lines", told.looks));
        output::text(format!("  deliveries    {} lines", told.deliveries));
        output::text(format!("  facts         {} values", told.facts));
        output::text(format!(
            "  ledger        {} entries in {}",
            self.ledger_entries,
            data.display()
        ));
        output::text(format!(
            "  replayed in   {:.1} s, {:.0} lines a second, each durable",
            self.seconds, self.lines_per_second
        ));
    }
}
