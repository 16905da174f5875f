//! All lanes together: threads that ask, while this one watches.

use crate::arrivals::Nanos;
use crate::book::Book;
use crate::cpu;
use crate::failure::Failure;
use crate::lane::{Carrier, Lane, Place, Target};
use crate::summary::Cpu;
use crate::{grpc, http};
use indicatif::ProgressBar;
use std::io;
use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often progress is shown.
const GLANCE: Duration = Duration::from_millis(100);

/// Whose CPU time is measured, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) server: Option<u32>,
    pub(crate) from: Nanos,
    pub(crate) until: Nanos,
}

/// Runs all lanes to their end. `show` is called with the bar, the time and the requests answered so far.
///
/// # Errors
/// The server cannot be reached.
pub(crate) fn run(
    target: &Target,
    lanes: Vec<Lane>,
    watch: Watch,
    bar: &ProgressBar,
    show: impl Fn(&ProgressBar, Nanos, u64),
) -> Result<(Book, Cpu), Failure> {
    let gate = &Barrier::new(lanes.len());
    let (books, cpu) = std::thread::scope(|scope| {
        let threads: Vec<_> = lanes
            .into_iter()
            .map(|lane| {
                let place = target.place(gate);
                scope.spawn(move || drive(target, lane, place))
            })
            .collect();
        let mut meter = Meter::new(watch);
        while threads.iter().any(|thread| !thread.is_finished()) {
            let now = target.now();
            show(bar, now, target.answered.load(Ordering::Relaxed));
            if target.has_started() {
                meter.look(now);
            }
            std::thread::sleep(meter.until_next(now).min(GLANCE));
        }
        let books: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        (books, meter.read(target.now()))
    });
    bar.finish_and_clear();
    let mut all: Option<Book> = None;
    for book in books {
        let book = book.map_err(|_| Failure::say("a thread of the generator panicked"))?;
        let book = book.map_err(|error| unreachable_server(target, &error))?;
        match &mut all {
            Some(all) => all.add(&book),
            None => all = Some(book),
        }
    }
    let all = all.ok_or_else(|| Failure::say("a run has at least one thread"))?;
    Ok((all, cpu))
}

fn drive(target: &Target, lane: Lane, place: Place<'_>) -> io::Result<Book> {
    match target.carrier {
        Carrier::Http => http::drive(target, lane, place),
        Carrier::Grpc | Carrier::GrpcStream => grpc::drive(target, lane, place),
    }
}

fn unreachable_server(target: &Target, error: &io::Error) -> Failure {
    Failure::say(format!(
        "the server at {} cannot be reached: {error}. Is it running there?",
        target.host
    ))
}

/// CPU time so far, at a moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Nanos,
    generator: f64,
    server: Option<f64>,
}

/// Measures CPU time from the one moment to the other.
struct Meter {
    watch: Watch,
    first: Option<Sample>,
    last: Option<Sample>,
}

impl Meter {
    fn new(watch: Watch) -> Self {
        Self {
            watch,
            first: None,
            last: None,
        }
    }

    fn sample(&self, at: Nanos) -> Sample {
        let server = self.watch.server;
        Sample {
            at,
            generator: cpu::seconds_of("self").unwrap_or_default(),
            server: server.and_then(|process| cpu::seconds_of(&process.to_string())),
        }
    }

    fn look(&mut self, now: Nanos) {
        if self.first.is_none() && now >= self.watch.from {
            self.first = Some(self.sample(now));
        }
        if self.last.is_none() && now >= self.watch.until {
            self.last = Some(self.sample(now));
        }
    }

    fn until_next(&self, now: Nanos) -> Duration {
        let next = match (self.first, self.last) {
            (None, _) => self.watch.from,
            (_, None) => self.watch.until,
            _ => Nanos::MAX,
        };
        Duration::from_nanos(next.saturating_sub(now))
    }

    fn read(&self, now: Nanos) -> Cpu {
        let last = self.last.unwrap_or_else(|| self.sample(now));
        let first = self.first.unwrap_or(last);
        let server = first.server.zip(last.server);
        Cpu {
            measured_seconds: last.at.saturating_sub(first.at) as f64 / 1e9,
            generator_seconds: last.generator - first.generator,
            server_seconds: server.map(|(first, last)| last - first),
        }
    }
}
