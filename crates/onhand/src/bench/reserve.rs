//! `onhand bench reserve`: durable reservations, in process or over HTTP.

use super::http;
use super::scratch::Scratch;
use super::stage::{Gauge, Keys, Run, Stock};
use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use onhand_core::reservation::hold::{Hold, HoldLine};
use onhand_core::{Command, Few, Lines, Quantity, Span};
use onhand_engine::{Answer, Engine, Options, Policy, ReplyTo, Request};
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Measures reservations: an idempotency key and one line each, checked, held with an expiry, written to the ledger,
/// answered after the disk sync.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onhand bench reserve --levels 1000000 --in-flight 4096
  onhand bench reserve --keys hot
  onhand bench reserve --http 127.0.0.1:7780 --in-flight 128     # against a running server")]
pub(crate) struct Reserve {
    /// Stock levels to run on.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    levels: u64,
    /// Which levels are asked for.
    #[arg(long, value_enum, default_value_t = Keys::Uniform)]
    keys: Keys,
    /// Requests in flight at once (connections, over HTTP).
    #[arg(long, value_name = "N", default_value_t = 4096)]
    in_flight: usize,
    /// Seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    seconds: f64,
    /// How many runs.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// A data folder to use and keep; a temporary one, removed at the end, if not said.
    #[arg(long, value_name = "DIR", conflicts_with = "http")]
    data: Option<PathBuf>,
    /// Measure a running server instead, one reservation a request.
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Print the runs as JSON.
    #[arg(long)]
    json: bool,
}

impl Reserve {
    /// Fills the stock and runs.
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.levels == 0 || self.in_flight == 0 || self.runs == 0 || self.time().is_zero() {
            return Err(Failure::say(
                "--levels, --in-flight, --runs and --seconds must be above zero",
            ));
        }
        let runs = match self.http {
            Some(address) => http::run(address, &self.plan())?,
            None => self.in_process()?,
        };
        match self.json {
            true => output::json(&runs),
            false => runs.iter().for_each(Run::print),
        }
        Ok(())
    }

    fn plan(&self) -> http::Plan {
        http::Plan {
            stock: self.stock(),
            keys: self.keys,
            connections: self.in_flight,
            time: self.time(),
            runs: self.runs,
        }
    }

    fn stock(&self) -> Stock {
        Stock {
            levels: self.levels,
        }
    }

    fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }

    fn in_process(&self) -> Result<Vec<Run>, Failure> {
        let scratch = Scratch::new(self.data.clone());
        let options = Options {
            admission: Policy {
                capacity: self.in_flight + 1,
                ..Policy::default()
            },
            ..Options::default()
        };
        let opened = Engine::open(
            &scratch.path,
            options,
            &mut Registry::default(),
            &mut |_, _, _| {},
        );
        let (engine, _) = opened.map_err(Failure::say)?;
        fill(&engine, self.stock())?;
        let session = Instant::now().elapsed().as_nanos() as u64 + std::process::id() as u64;
        let runs = (0..self.runs)
            .map(|number| self.one(&engine, &format!("{session}-{number}")))
            .collect();
        engine.stop();
        runs
    }

    fn one(&self, engine: &Arc<Engine>, session: &str) -> Result<Run, Failure> {
        let gauge = Arc::new(Mutex::new(Gauge::new()));
        let open = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let sink = sink(&gauge, &open, start);
        let mut request = 0;
        while start.elapsed() < self.time() {
            if open.load(Ordering::Acquire) >= self.in_flight {
                std::thread::yield_now();
                continue;
            }
            open.fetch_add(1, Ordering::AcqRel);
            let level = self.stock().pick(self.keys, request);
            let asked = start.elapsed().as_nanos() as u64;
            let to = ReplyTo::Sink(Arc::clone(&sink), asked);
            let hold = reserve(level, &format!("{session}-{request}"));
            engine
                .submit(engine.partition_of(&Stock::location(level)), hold, to)
                .map_err(Failure::say)?;
            request += 1;
        }
        while open.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        let took = start.elapsed();
        let gauge = gauge.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(gauge.run("in process", self.keys, self.levels, self.in_flight, took))
    }
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

/// One unit of a level for ten minutes.
pub(super) fn reserve(level: u64, key: &str) -> Request {
    let line = HoldLine {
        sku: Stock::sku(level),
        quantity: Quantity::new(1).expect("one is a quantity"),
    };
    let command = Command::Hold(Hold {
        location: Stock::location(level),
        lines: Lines::new(Few::from_elem(line, 1)).expect("one line"),
        ttl: Span::from_secs(600),
        allow_partial: false,
        reference: None,
    });
    Request::Command {
        key: Some(onhand_wire::key::key("", key, &command)),
        command,
        at: None,
    }
}

/// Fills the stock, where it is not there yet.
pub(super) fn fill(engine: &Engine, stock: Stock) -> Result<(), Failure> {
    let bar = progress::bar("Filling the shelves", stock.levels);
    for receive in stock.receipts() {
        let (partition, lines) = (engine.partition_of(&receive.location), receive.lines.len());
        let is_there = engine
            .table(partition)
            .location(&receive.location)
            .is_some();
        if !is_there {
            let request = Request::Command {
                key: None,
                command: Command::Receive(receive),
                at: None,
            };
            if let Answer::Unavailable(why) = engine.call_blocking(partition, request) {
                return Err(Failure::say(why));
            }
        }
        bar.inc(lines as u64);
    }
    bar.finish_and_clear();
    Ok(())
}
