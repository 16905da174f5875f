//! A shop to measure in: an engine on a data folder, its shelves filled, and a load on it.

use super::scratch::Scratch;
use super::stage::{Gauge, Keys, Run, Stock};
use crate::failure::Failure;
use crate::progress;
use onhand_core::reservation::hold::{Hold, HoldLine};
use onhand_core::{Command, Few, Lines, Quantity, Span};
use onhand_engine::{Answer, Engine, Options, Policy, ReplyTo, Request};
use prometheus_client::registry::Registry;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Receipts that wait for the disk at once while the shelves are filled.
const FILLERS: usize = 16;

/// What is asked of a shop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) keys: Keys,
    pub(super) in_flight: usize,
}

/// How an engine is run that lets so many in, and one more for who asks beside them.
pub(super) fn with_room_for(in_flight: usize) -> Options {
    Options {
        admission: Policy {
            // A flow alone may take half of it.
            capacity: 4 * in_flight.max(FILLERS),
            ..Policy::default()
        },
        ..Options::default()
    }
}

/// An engine and the stock in it.
pub(super) struct Shop {
    pub(super) engine: Arc<Engine>,
    pub(super) stock: Stock,
    /// Entries that were replayed when it was opened.
    pub(super) replayed: u64,
    /// How many loads there were: no two use the same idempotency keys.
    loads: AtomicU64,
}

impl Shop {
    /// Opens the folder, or makes it.
    pub(super) fn open(scratch: &Scratch, stock: Stock, options: Options) -> Result<Self, Failure> {
        let mut registry = Registry::default();
        let opened = Engine::open(&scratch.path, options, &mut registry, &mut |_, _, _| {});
        let (engine, reports) = opened.map_err(Failure::say)?;
        Ok(Self {
            engine,
            stock,
            replayed: reports.iter().map(|report| report.replayed).sum(),
            loads: AtomicU64::new(0),
        })
    }

    /// Fills every level that is not there yet.
    pub(super) fn fill(&self) -> Result<(), Failure> {
        fill(&self.engine, self.stock)
    }

    /// Reserves for so long.
    pub(super) fn run(&self, load: Load, time: Duration) -> Result<Run, Failure> {
        let start = Instant::now();
        let gauge = self.reserve_while(load, &|| start.elapsed() < time)?;
        let (levels, in_flight) = (self.stock.levels, load.in_flight);
        Ok(gauge.run("in process", load.keys, levels, in_flight, start.elapsed()))
    }

    /// Reserves as long as `goes_on` says so, and waits for the answers.
    pub(super) fn reserve_while(
        &self,
        load: Load,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Gauge, Failure> {
        let session = self.session();
        let requests = (0..).take_while(|_| goes_on()).map(|request| {
            let level = self.stock.pick(load.keys, request);
            self.reserve(level, &format!("{session}-{request}"))
        });
        self.pipeline(requests, load.in_flight)
    }

    /// Stops as in a crash: without a last snapshot. The folder is free when this returns.
    pub(super) fn crash(self) {
        let mut engine = self.engine;
        // A round of the background work holds on to the engine until it is over.
        while let Err(shared) = Arc::try_unwrap(engine) {
            engine = shared;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A word that begins the keys of one load, and of no other on this folder.
    pub(super) fn session(&self) -> String {
        let load = self.loads.fetch_add(1, Ordering::Relaxed);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        format!("{}-{load}", since.unwrap_or_default().as_nanos())
    }

    /// A reservation of one unit, and the partition that it goes to.
    pub(super) fn reserve(&self, level: u64, key: &str) -> (u16, Request) {
        let partition = self.engine.partition_of(&Stock::location(level));
        (partition, reserve(level, key))
    }

    /// Sends requests one after the other, at most `in_flight` at once, and waits for all answers.
    pub(super) fn pipeline(
        &self,
        requests: impl Iterator<Item = (u16, Request)>,
        in_flight: usize,
    ) -> Result<Gauge, Failure> {
        pipeline(&self.engine, requests, in_flight)
    }
}

/// Fills every level of an engine that is not there yet.
pub(super) fn fill(engine: &Engine, stock: Stock) -> Result<(), Failure> {
    let bar = progress::bar("Filling the shelves", stock.levels);
    let missing = stock.receipts().filter(|receive| {
        let table = engine.table(engine.partition_of(&receive.location));
        table.location(&receive.location).is_none()
    });
    let requests = missing.map(|receive| {
        bar.inc(receive.lines.len() as u64);
        let partition = engine.partition_of(&receive.location);
        (partition, command(None, Command::Receive(receive)))
    });
    let gauge = pipeline(engine, requests, FILLERS)?;
    bar.finish_and_clear();
    match gauge.failed {
        0 => Ok(()),
        some => Err(Failure::say(format!("{some} receipts were refused"))),
    }
}

fn pipeline(
    engine: &Engine,
    requests: impl Iterator<Item = (u16, Request)>,
    in_flight: usize,
) -> Result<Gauge, Failure> {
    let gauge = Arc::new(Mutex::new(Gauge::new()));
    let open = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let sink = sink(&gauge, &open, start);
    for (partition, request) in requests {
        while open.load(Ordering::Acquire) >= in_flight {
            std::thread::yield_now();
        }
        open.fetch_add(1, Ordering::AcqRel);
        let asked = start.elapsed().as_nanos() as u64;
        let to = ReplyTo::Sink(Arc::clone(&sink), asked);
        engine
            .submit(partition, request, to)
            .map_err(Failure::say)?;
    }
    while open.load(Ordering::Acquire) > 0 {
        std::thread::yield_now();
    }
    drop(sink);
    let mut gauge = gauge.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::replace(&mut *gauge, Gauge::new()))
}

type Sink = Arc<dyn Fn(u64, Answer) + Send + Sync>;

/// Takes answers; a request's number is the time at which it was asked, in nanoseconds since the start.
fn sink(gauge: &Arc<Mutex<Gauge>>, open: &Arc<AtomicUsize>, start: Instant) -> Sink {
    let (gauge, open) = (Arc::clone(gauge), Arc::clone(open));
    Arc::new(move |asked, answer| {
        let took = start.elapsed().saturating_sub(Duration::from_nanos(asked));
        let is_good = matches!(answer, Answer::Recorded(_));
        gauge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(took, is_good);
        open.fetch_sub(1, Ordering::AcqRel);
    })
}

/// A hold of one unit of a level, for ten minutes.
pub(super) fn hold(level: u64) -> Command {
    let line = HoldLine {
        sku: Stock::sku(level),
        quantity: Quantity::new(1).expect("one is a quantity"),
    };
    Command::Hold(Hold {
        location: Stock::location(level),
        lines: Lines::new(Few::from_elem(line, 1)).expect("one line"),
        ttl: Span::from_secs(600),
        allow_partial: false,
        reference: None,
    })
}

/// A reservation of one unit of a level, for ten minutes, with a key.
pub(super) fn reserve(level: u64, key: &str) -> Request {
    command(Some(key), hold(level))
}

/// A request to do a command, once for its key.
pub(super) fn command(key: Option<&str>, command: Command) -> Request {
    Request::Command {
        key: key.map(|key| onhand_wire::key::key("", key, &command)),
        command,
        at: None,
    }
}
