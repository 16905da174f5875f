//! Traffic: streams of requests at a rate each, and what became of them.
//!
//! One thread asks, and it must ask millions of times a second beside the engine on the same cores. So requests are
//! made in advance and only copied, with a key of their own each; the thread sleeps when nothing is due; and what an
//! answer is counted into lies with the thread that brings it.

use super::super::stage::{Keys, Stock};
use super::tally::Tally;
use crate::bench::resident;
use onhand_core::reservation::confirm::Confirm;
use onhand_core::reservation::hold::{Hold, HoldLine};
use onhand_core::{Command, Event, Few, Key, Lines, Quantity, ReservationNo, Span};
use onhand_engine::{Answer, Engine, Origin, Query, ReplyTo, Request, Tenant};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Holds that are made in advance; a power of two.
const READY: usize = 1 << 14;
/// The newest reservations, kept for confirms: older ones may have expired.
const FOR_CONFIRMS: usize = 4096;
/// How long to sleep when nothing is due.
const NAP: Duration = Duration::from_micros(50);
/// As many of one stream at once before the next one has its turn.
const BURST: u64 = 64;
/// How often memory is looked at.
const GLANCE: Duration = Duration::from_millis(200);
/// The number of a request: its stream, and when it was due in nanoseconds since the start.
const STREAM_SHIFT: u32 = 56;

/// A stream of requests.
pub(super) struct Stream {
    pub(super) name: &'static str,
    pub(super) tenant: Tenant,
    pub(super) what: What,
    pub(super) per_second: f64,
}

/// What a stream asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Holds of one unit, spread over all levels or all of one.
    Holds(Keys),
    /// Confirms of reservations that were just made.
    Confirms,
    /// Strong reads of one level.
    Reads,
}

/// How requests come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    /// When they are due.
    Open,
    /// As soon as fewer than so many wait for an answer.
    Closed(u64),
}

/// How long requests come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lasts {
    For(Duration),
    /// Until nothing was refused, or slow, for so long; at most for so long altogether.
    UntilCalm {
        quiet: Duration,
        at_most: Duration,
    },
}

/// Requests that came, and may still wait for their answers.
pub(super) struct Playing {
    run: Run,
    own: Vec<Tally>,
    took: Duration,
    most_mib: u64,
    generator: Duration,
}

impl Playing {
    /// Waits for the answers, up to 30 s. What has none by then counts as failed.
    pub(super) fn end(self) -> Played {
        self.run.wait_for(&self.own);
        let mut tallies = lock(&self.run.tray).tallies.clone();
        for (tally, own) in tallies.iter_mut().zip(&self.own) {
            tally.add(own);
        }
        Played {
            tallies,
            took: self.took,
            most_mib: self.most_mib,
            generator: self.generator,
        }
    }
}

/// What became of all.
pub(super) struct Played {
    pub(super) tallies: Vec<Tally>,
    /// How long requests came.
    pub(super) took: Duration,
    pub(super) most_mib: u64,
    /// Processor time of the thread that asked.
    pub(super) generator: Duration,
}

/// What the answers are counted into.
struct Tray {
    tallies: Vec<Tally>,
    reservations: VecDeque<ReservationNo>,
}

/// Asks one engine; keys are new in each run.
pub(super) struct Generator<'a> {
    engine: &'a Arc<Engine>,
    uniform: Vec<Request>,
    hot: Request,
    read: Request,
    keys: u64,
}

impl<'a> Generator<'a> {
    pub(super) fn new(engine: &'a Arc<Engine>, stock: Stock) -> Self {
        let ready = (0..READY as u64).map(|number| hold(stock.pick(Keys::Uniform, number)));
        let level = stock.pick(Keys::Uniform, 7);
        Self {
            engine,
            uniform: ready.collect(),
            hot: hold(0),
            read: Request::Query(Query::Levels(vec![(
                Stock::location(level),
                Stock::sku(level),
            )])),
            keys: 0,
        }
    }

    /// Lets the streams come for a time, and waits for the answers.
    pub(super) fn play(&mut self, streams: &[Stream], flow: Flow, time: Duration) -> Played {
        self.begin(streams, flow, Lasts::For(time)).end()
    }

    /// Lets the streams come, and does not wait for the last answers.
    pub(super) fn begin(&mut self, streams: &[Stream], flow: Flow, lasts: Lasts) -> Playing {
        let tallies: Vec<Tally> = streams.iter().map(|one| Tally::new(one.name)).collect();
        let tray = Arc::new(Mutex::new(Tray {
            tallies: tallies.clone(),
            reservations: VecDeque::with_capacity(FOR_CONFIRMS),
        }));
        let run = Run {
            start: Instant::now(),
            answered: Arc::default(),
            tray,
        };
        let processor = processor_time();
        let (own, most_mib, took) = self.ask(streams, flow, lasts, &run, tallies);
        Playing {
            run,
            own,
            took,
            most_mib,
            generator: processor_time().saturating_sub(processor),
        }
    }

    fn ask(
        &mut self,
        streams: &[Stream],
        flow: Flow,
        lasts: Lasts,
        run: &Run,
        mut own: Vec<Tally>,
    ) -> (Vec<Tally>, u64, Duration) {
        let sink = run.sink();
        let (mut most_mib, mut glanced) = (resident::mib(), Duration::ZERO);
        loop {
            let now = run.start.elapsed();
            if run.is_over(lasts, now, &own) {
                return (own, most_mib, now);
            }
            let mut is_idle = true;
            for (number, (stream, tally)) in streams.iter().zip(&mut own).enumerate() {
                let due = match flow {
                    Flow::Open => (now.as_secs_f64() * stream.per_second) as u64,
                    Flow::Closed(most) => {
                        let open = run.open(tally);
                        tally.offered + most.saturating_sub(open)
                    }
                };
                let until = due.min(tally.offered + BURST);
                is_idle &= until == due;
                while tally.offered < until {
                    let due = match flow {
                        Flow::Open => {
                            Duration::from_secs_f64(tally.offered as f64 / stream.per_second)
                        }
                        Flow::Closed(_) => now,
                    };
                    self.submit(stream, number, due, run, &sink, tally);
                }
            }
            if is_idle {
                std::thread::sleep(NAP);
            }
            if now - glanced >= GLANCE {
                (most_mib, glanced) = (most_mib.max(resident::mib()), now);
            }
        }
    }

    fn submit(
        &mut self,
        stream: &Stream,
        number: usize,
        due: Duration,
        run: &Run,
        sink: &Sink,
        tally: &mut Tally,
    ) {
        tally.offered += 1;
        let Some(request) = self.request(stream.what, run) else {
            tally.skipped += 1;
            return;
        };
        let token = (number as u64) << STREAM_SHIFT | due.as_nanos() as u64;
        let origin = Origin {
            tenant: stream.tenant,
            deadline: None,
        };
        let to = ReplyTo::Sink(Arc::clone(sink), token);
        // The benches have one partition.
        if let Err(why) = self.engine.submit_from(origin, 0, request, to) {
            tally.turned_away(&why, run.start.elapsed());
        }
    }

    fn request(&mut self, what: What, run: &Run) -> Option<Request> {
        let mut request = match what {
            What::Holds(Keys::Uniform) => self.uniform[self.keys as usize % READY].clone(),
            What::Holds(Keys::Hot) => self.hot.clone(),
            What::Reads => return Some(self.read.clone()),
            What::Confirms => {
                let reservation = lock(&run.tray).reservations.pop_back()?;
                command(Command::Confirm(Confirm { reservation }))
            }
        };
        if let Request::Command { key, .. } = &mut request {
            *key = Some(self.new_key());
        }
        Some(request)
    }

    /// A key that was not used before, spread as a hash of a text would be.
    fn new_key(&mut self) -> Key {
        self.keys += 1;
        let spread = |odd: u64| self.keys.wrapping_mul(odd).rotate_left(32) ^ self.keys;
        Key {
            hash: [spread(0x9e37_79b9_7f4a_7c15), spread(0xbf58_476d_1ce4_e5b9)],
            fingerprint: self.keys,
        }
    }
}

type Sink = Arc<dyn Fn(u64, Answer) + Send + Sync>;

/// What the thread that asks and the threads that answer share.
struct Run {
    start: Instant,
    answered: Arc<AtomicU64>,
    tray: Arc<Mutex<Tray>>,
}

impl Run {
    fn sink(&self) -> Sink {
        let (start, answered) = (self.start, Arc::clone(&self.answered));
        let tray = Arc::clone(&self.tray);
        Arc::new(move |token, answer| {
            let due = Duration::from_nanos(token & ((1 << STREAM_SHIFT) - 1));
            let stream = (token >> STREAM_SHIFT) as usize;
            let mut tray = lock(&tray);
            tray.tallies[stream].heard(&answer, due, start.elapsed());
            if let Answer::Recorded(entry) = &answer
                && let Event::Held(held) = &entry.event
            {
                if tray.reservations.len() == FOR_CONFIRMS {
                    tray.reservations.pop_front();
                }
                tray.reservations.push_back(held.reservation);
            }
            answered.fetch_add(1, Ordering::Release);
        })
    }

    /// How many of a stream wait, if it is the only one.
    fn open(&self, own: &Tally) -> u64 {
        queued(own) - self.answered.load(Ordering::Acquire)
    }

    fn is_over(&self, lasts: Lasts, now: Duration, own: &[Tally]) -> bool {
        match lasts {
            Lasts::For(time) => now >= time,
            Lasts::UntilCalm { at_most, .. } if now >= at_most => true,
            Lasts::UntilCalm { quiet, .. } if now < quiet => false,
            Lasts::UntilCalm { quiet, .. } => {
                let answered = lock(&self.tray);
                let tallies = answered.tallies.iter().chain(own);
                tallies.map(|one| one.last_trouble + quiet).max() <= Some(now)
            }
        }
    }

    fn wait_for(&self, own: &[Tally]) {
        let queued: u64 = own.iter().map(queued).sum();
        let patience = Instant::now() + Duration::from_secs(30);
        while self.answered.load(Ordering::Acquire) < queued && Instant::now() < patience {
            std::thread::sleep(NAP);
        }
    }
}

/// How many of a stream were let in, by the tally of who asked.
fn queued(own: &Tally) -> u64 {
    own.offered - own.skipped - own.busy - own.late - own.other
}

fn lock(tray: &Mutex<Tray>) -> MutexGuard<'_, Tray> {
    tray.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A hold that soon expires.
fn hold(level: u64) -> Request {
    let line = HoldLine {
        sku: Stock::sku(level),
        quantity: Quantity::new(1).expect("one is a quantity"),
    };
    command(Command::Hold(Hold {
        location: Stock::location(level),
        lines: Lines::new(Few::from_elem(line, 1)).expect("one line"),
        ttl: Span::from_secs(1),
        allow_partial: false,
        reference: None,
    }))
}

fn command(command: Command) -> Request {
    let (key, at) = (None, None);
    Request::Command { key, command, at }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
