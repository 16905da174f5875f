//! What one thing costs, measured in this process.

use crate::bench::closed_loop::{Measured, closed_loop};
use crate::bench::memory::Counts;
use crate::bench::scratch::Scratch;
use crate::bench::shop::{Shop, with_room_for};
use crate::bench::stage::{Keys, Stock};
use crate::bench::written;
use crate::failure::Failure;
use crate::progress;
use onhand_engine::Options;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What every measurement stands on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    pub(super) levels: u64,
    pub(super) in_flight: usize,
    pub(super) time: Duration,
}

/// What one thing costs. CPU is user and system time in microseconds; all else is in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Prices {
    /// A reservation in process: engine and load together.
    pub(super) in_process_cpu_us: f64,
    /// A reservation over the network: the server's alone.
    pub(super) http_cpu_us: Option<f64>,
    pub(super) batch_cpu_us: Option<f64>,
    pub(super) grpc_cpu_us: Option<f64>,
    /// A read of 100 levels over HTTP: the server's alone.
    pub(super) read_cpu_us: Option<f64>,
    /// A reservation in the log.
    pub(super) log_bytes: f64,
    /// A level in a snapshot.
    pub(super) snapshot_level_bytes: f64,
    /// A reservation and its key in a snapshot.
    pub(super) snapshot_reservation_bytes: f64,
    /// A level in memory.
    pub(super) level_bytes: f64,
    /// An open reservation in memory.
    pub(super) reservation_bytes: f64,
    /// An idempotency key in memory.
    pub(super) key_bytes: f64,
}

impl Prices {
    /// Measures all that needs no network; memory first.
    pub(super) fn measure(ground: Ground, counts: Counts) -> Result<Self, Failure> {
        let [level, reservation, key] =
            counts.weigh(&Scratch::new(None))?.map(|one| one.bytes_each);
        let scratch = Scratch::new(None);
        let options = Options {
            snapshot_bytes: u64::MAX,
            ..with_room_for(ground.in_flight)
        };
        let stock = Stock {
            levels: ground.levels,
        };
        let shop = Shop::open(&scratch, stock, options)?;
        shop.fill()?;
        let empty = snapshot(&shop)?;
        let spinner = progress::spinner("Reserving in process");
        let before = so_far()?;
        let run = reserve(&shop, ground)?;
        let logged = so_far()? - before;
        spinner.finish_and_clear();
        let full = snapshot(&shop)?;
        shop.engine.stop();
        let each = |bytes: u64| bytes as f64 / run.recorded.max(1) as f64;
        Ok(Self {
            in_process_cpu_us: run.cpu_micros,
            http_cpu_us: None,
            batch_cpu_us: None,
            grpc_cpu_us: None,
            read_cpu_us: None,
            log_bytes: each(logged),
            snapshot_level_bytes: empty as f64 / ground.levels as f64,
            snapshot_reservation_bytes: each(full.saturating_sub(empty)),
            level_bytes: level,
            reservation_bytes: reservation,
            key_bytes: key,
        })
    }
}

fn reserve(shop: &Shop, ground: Ground) -> Result<Measured, Failure> {
    let (session, start) = (shop.session(), Instant::now());
    let run = closed_loop(&shop.engine, ground.in_flight, |number| {
        let level = shop.stock.pick(Keys::Uniform, number);
        let goes_on = start.elapsed() < ground.time;
        goes_on.then(|| shop.reserve(level, &format!("{session}-{number}")))
    })?;
    match run.refused {
        0 => Ok(run),
        some => Err(Failure::say(format!("{some} reservations were refused"))),
    }
}

/// Takes a snapshot of everything; gives its bytes.
fn snapshot(shop: &Shop) -> Result<u64, Failure> {
    let before = so_far()?;
    for partition in 0..shop.engine.partitions() {
        shop.engine.snapshot(partition).map_err(Failure::say)?;
    }
    Ok(so_far()? - before)
}

fn so_far() -> Result<u64, Failure> {
    written::bytes().map_err(|error| {
        let what = "how much the process has written is not known";
        Failure::say(format!("{what}: {error}; it needs Linux"))
    })
}
