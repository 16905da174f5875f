//! Overload: twice as much is offered as can be done, and the queue is bounded by its length alone, or by time too.

use super::{Ground, Site};
use crate::bench::closed_loop::closed_loop;
use crate::bench::shop::{fill, reserve};
use crate::bench::stage::{Gauge, Keys, Stock};
use crate::failure::Failure;
use onhand_engine::{Answer, Engine, Options, Policy, ReplyTo, Unavailable};
use serde::Serialize;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests in flight while the capacity is looked for.
pub(super) const IN_FLIGHT: usize = 4_096;

/// How much more is offered than can be done.
const TIMES: f64 = 2.0;

/// The share of that which must really have been offered.
const LEAST_OFFERED: f64 = 0.9;

/// How long a request may wait where time counts: what `onhand serve` is set to by default.
const QUEUE_TIME: Duration = Duration::from_millis(20);

/// The shortest pause of the generator: shorter ones are late anyway.
const TICK: Duration = Duration::from_micros(200);

/// How a queue is bounded.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Row {
    /// The longest that a request may wait for its turn; `None` where the length alone counts.
    pub(super) queue_millis: Option<u64>,
    pub(super) capacity_per_second: f64,
    pub(super) offered_per_second: f64,
    /// Answered with an entry while it lasted, a second.
    pub(super) good_per_second: f64,
    /// Of those, from when each was to be asked.
    pub(super) p50_micros: u64,
    pub(super) p99_micros: u64,
    /// Refused at once, or turned away when their turn came.
    pub(super) refused: u64,
}

/// The same overload under each bound.
pub(super) fn measure(ground: Ground) -> Result<Vec<Row>, Failure> {
    let capacity = capacity(ground)?;
    let bounds = [None, Some(QUEUE_TIME)];
    bounds
        .into_iter()
        .map(|bound| one(ground, capacity, bound))
        .collect()
}

/// Answers a second with a full queue and nobody refused.
fn capacity(ground: Ground) -> Result<f64, Failure> {
    let site = open(ground, None)?;
    let begin = Instant::now();
    let calm = closed_loop(&site.engine, IN_FLIGHT, |number| {
        let level = ground.stock.pick(Keys::Uniform, number);
        let partition = site.engine.partition_of(&Stock::location(level));
        let request = reserve(level, &format!("calm-{number}"));
        (begin.elapsed() < ground.time).then_some((partition, request))
    })?;
    Ok(calm.per_second)
}

fn open(ground: Ground, queue_time: Option<Duration>) -> Result<Site, Failure> {
    let site = Site::open(Options {
        admission: Policy {
            queue_time,
            ..Policy::default()
        },
        ..Options::default()
    })?;
    fill(&site.engine, ground.stock)?;
    Ok(site)
}

fn one(ground: Ground, capacity: f64, queue_time: Option<Duration>) -> Result<Row, Failure> {
    let site = open(ground, queue_time)?;
    let told = flood(&site.engine, ground, capacity * TIMES)?;
    let seconds = ground.time.as_secs_f64();
    let offered = told.asked as f64 / seconds;
    check_offered(offered, capacity)?;
    Ok(Row {
        queue_millis: queue_time.map(|time| time.as_millis() as u64),
        capacity_per_second: capacity,
        offered_per_second: offered,
        good_per_second: told.good_in_time as f64 / seconds,
        p50_micros: told.good.micros.value_at_quantile(0.5),
        p99_micros: told.good.micros.value_at_quantile(0.99),
        refused: told.refused,
    })
}

/// The generator shares the cores with the engine. Where it could not ask for as much as it should, the row would be
/// another one than it says.
fn check_offered(offered: f64, capacity: f64) -> Result<(), Failure> {
    let times = offered / capacity;
    match times >= TIMES * LEAST_OFFERED {
        true => Ok(()),
        false => Err(Failure::say(format!(
            "the generator could only ask for {times:.1} times the capacity, and {TIMES} times was to be measured: run it \
             on a machine that does nothing else"
        ))),
    }
}

/// What became of a flood.
struct Flooded {
    /// The good answers.
    good: Gauge,
    /// Of these, how many came while it lasted.
    good_in_time: u64,
    refused: u64,
    /// How many requests were really asked.
    asked: u64,
}

impl Default for Flooded {
    fn default() -> Self {
        Self {
            good: Gauge::new(),
            good_in_time: 0,
            refused: 0,
            asked: 0,
        }
    }
}

type Told = Arc<Mutex<Flooded>>;

/// Asks at a rate, whether answers come or not.
fn flood(engine: &Engine, ground: Ground, rate: f64) -> Result<Flooded, Failure> {
    let told: Told = Arc::new(Mutex::new(Flooded::default()));
    let (done, is_done) = channel();
    let start = Instant::now();
    let sink = sink(&told, done, (start, ground.time));
    let (mut number, mut queued) = (0, 0);
    while start.elapsed() < ground.time {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        while number < due {
            let level = ground.stock.pick(Keys::Uniform, number);
            let partition = engine.partition_of(&Stock::location(level));
            let request = reserve(level, &format!("flood-{number}"));
            let intended = (number as f64 / rate * 1e9) as u64;
            let to = ReplyTo::Sink(Arc::clone(&sink), intended);
            number += 1;
            match engine.submit(partition, request, to) {
                Ok(()) => queued += 1,
                Err(Unavailable::Busy { .. } | Unavailable::Late { .. }) => {
                    lock(&told).refused += 1;
                }
                Err(why) => return Err(Failure::say(why)),
            }
        }
        std::thread::sleep(TICK);
    }
    for _ in 0..queued {
        is_done.recv().map_err(Failure::say)?;
    }
    let mut told = lock(&told);
    told.asked = number;
    let empty = Flooded::default();
    Ok(std::mem::replace(&mut *told, empty))
}

type Sink = Arc<dyn Fn(u64, Answer) + Send + Sync>;

/// Takes answers; a request's number is when it was to be asked, in nanoseconds since the start.
fn sink(told: &Told, done: Sender<()>, (start, lasts): (Instant, Duration)) -> Sink {
    let told = Arc::clone(told);
    Arc::new(move |intended, answer| {
        let intended = Duration::from_nanos(intended);
        let at = start.elapsed();
        let mut told = lock(&told);
        match answer {
            Answer::Recorded(_) => {
                told.good.add(at.saturating_sub(intended), true);
                told.good_in_time += u64::from(at <= lasts);
            }
            _ => told.refused += 1,
        }
        drop(told);
        // Whoever counts them may have stopped.
        let _ = done.send(());
    })
}

fn lock(told: &Told) -> MutexGuard<'_, Flooded> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
