//! Reads under a write load: strong, through the writer; or bounded, from the read table.

use super::{Ground, Site};
use crate::bench::closed_loop::closed_loop;
use crate::bench::shop::{fill, reserve};
use crate::bench::stage::{Keys, Stock};
use crate::failure::Failure;
use hdrhistogram::Histogram;
use onhand_engine::{Answer, Engine, Options, Query, Request};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Reservations in flight meanwhile.
pub(super) const WRITES_IN_FLIGHT: usize = 64;

/// How a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reading {
    /// Not at all, for comparison.
    None,
    Strong,
    Bounded,
}

/// What one reader met, one read after another.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) reading: Reading,
    pub(super) reads_per_second: f64,
    pub(super) p50_nanos: u64,
    pub(super) p99_nanos: u64,
    /// How old the answers were, as they say themselves.
    pub(super) age_p99_millis: u64,
    pub(super) age_most_millis: u64,
    pub(super) writes_per_second: f64,
    pub(super) writes_p99_micros: u64,
}

/// Each way of reading, beside the same writes.
pub(super) fn measure(ground: Ground) -> Result<Vec<Row>, Failure> {
    let site = Site::open(Options::default())?;
    fill(&site.engine, ground.stock)?;
    [Reading::None, Reading::Strong, Reading::Bounded]
        .into_iter()
        .map(|reading| one(&site.engine, ground, reading))
        .collect()
}

fn one(engine: &Engine, ground: Ground, reading: Reading) -> Result<Row, Failure> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(engine, ground.stock, reading, &is_over));
        let start = Instant::now();
        let writes = closed_loop(engine, WRITES_IN_FLIGHT, |number| {
            let level = ground.stock.pick(Keys::Uniform, number);
            let partition = engine.partition_of(&Stock::location(level));
            let request = reserve(level, &format!("{reading:?}-{number}"));
            (start.elapsed() < ground.time).then_some((partition, request))
        });
        is_over.store(true, Ordering::Release);
        let seen = reader
            .join()
            .map_err(|_| Failure::say("the reader failed"))??;
        let writes = writes?;
        Ok(Row {
            reading,
            reads_per_second: seen.nanos.len() as f64 / seen.took.as_secs_f64().max(1e-9),
            p50_nanos: seen.nanos.value_at_quantile(0.5),
            p99_nanos: seen.nanos.value_at_quantile(0.99),
            age_p99_millis: seen.ages.value_at_quantile(0.99),
            age_most_millis: seen.ages.max(),
            writes_per_second: writes.per_second,
            writes_p99_micros: writes.p99_micros,
        })
    })
}

struct Seen {
    nanos: Histogram<u64>,
    ages: Histogram<u64>,
    took: Duration,
}

fn read(
    engine: &Engine,
    stock: Stock,
    reading: Reading,
    is_over: &AtomicBool,
) -> Result<Seen, Failure> {
    let histogram = || Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(Failure::say);
    let (mut nanos, mut ages) = (histogram()?, histogram()?);
    let begin = Instant::now();
    for number in 0.. {
        if is_over.load(Ordering::Acquire) {
            break;
        }
        let level = stock.pick(Keys::Uniform, number);
        let start = Instant::now();
        let age = match reading {
            Reading::None => {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            Reading::Strong => strong(engine, level)?,
            Reading::Bounded => bounded(engine, level),
        };
        nanos.saturating_record(start.elapsed().as_nanos() as u64);
        ages.saturating_record(age);
    }
    Ok(Seen {
        nanos,
        ages,
        took: begin.elapsed(),
    })
}

/// Reads through the writer; what it says has no age.
fn strong(engine: &Engine, level: u64) -> Result<u64, Failure> {
    let (location, sku) = (Stock::location(level), Stock::sku(level));
    let partition = engine.partition_of(&location);
    let query = Query::Levels(vec![(location, sku)]);
    match engine.call_blocking(partition, Request::Query(query)) {
        Answer::Unavailable(why) => Err(Failure::say(why)),
        _ => Ok(0),
    }
}

/// Reads the table, and gives its age in milliseconds.
fn bounded(engine: &Engine, level: u64) -> u64 {
    let (location, sku) = (Stock::location(level), Stock::sku(level));
    let partition = engine.partition_of(&location);
    let age = engine.age(partition).millis();
    let table = engine.table(partition);
    let found = table
        .location(&location)
        .and_then(|no| table.find(no, &sku));
    std::hint::black_box(found);
    age
}
