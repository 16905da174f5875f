//! Reservations as a stream: many in flight on one call, answers as they come.
//!
//! A stream is one state machine without a task of its own: whoever sends the answers out asks it for the next ones
//! ([`Session::next`]), and it reads requests only while it is asked. From that follows the flow control. A client that does
//! not read its answers is not read from any more, and neither is one that has [`Options::stream_in_flight`] requests
//! waiting; HTTP/2 then lets it send no more than a window.
//!
//! Requests go into the engine's queue as they are read, each with its number, and the engine's appender puts the answers
//! into the stream's list ([`Arrivals`]). The first one wakes the stream, which takes all that are there, so one message
//! carries the answers of about one durable write; nothing is spawned and nothing wakes for each request. Only repeats, whose
//! entries are read from disk, take a task for all of those that came at once.
//!
//! - *The client ends its side*: what is in flight is answered, then the stream ends well.
//! - *The client vanishes*: nobody asks for answers any more and the session is dropped. What is in flight is done all the
//!   same; its answers are for whoever repeats the requests.
//! - *The server stops*: no more is read, what is in flight is answered, and the stream ends with a status that says so.
//! - *A message cannot be read*: the same, with the status of that.
//!
//! Each request has its own key, its own rules and its own problem. The one thing that ends the stream is a message with
//! more requests than one may have.
//!
//! [`Options::stream_in_flight`]: crate::Options::stream_in_flight

use super::call::Calls;
use super::reservations::result;
use super::status::shaped;
use crate::app::Shared;
use crate::history::entries;
use crate::names::TableNames;
use crate::problem::Denied;
use crate::problem::refused::{Fields, refused};
use crate::problem::unavailable::unavailable;
use crate::reservations::batch::{made, request};
use futures_util::{Stream, stream};
use onhand_core::{Entry, Seq};
use onhand_engine::{Answer, Origin, ReplyTo, Unavailable};
use onhand_wire::json::batch::{BatchItem, MOST};
use onhand_wire::json::problem::Kind;
use onhand_wire::proto::{
    NumberedReservation, ReserveResult, ReserveStreamRequest, ReserveStreamResponse,
};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tonic::{Status, Streaming};

/// The answers of a stream.
pub(super) type Answers =
    Pin<Box<dyn Stream<Item = Result<ReserveStreamResponse, Status>> + Send + 'static>>;

/// Opens a stream, if there is a place for one more.
pub(super) fn open(
    calls: &Calls,
    origin: Origin,
    input: Streaming<ReserveStreamRequest>,
) -> Result<Answers, Denied> {
    let place = Arc::clone(&calls.streams).try_acquire_owned();
    let place = place.map_err(|_| unavailable(&Unavailable::Busy { retry_after: 1 }))?;
    let session = Session {
        app: Arc::clone(&calls.app),
        stops: calls.stops.clone(),
        origin,
        input,
        end: None,
        in_flight: 0,
        sinks: Vec::new(),
        arrivals: Arc::default(),
        taken: VecDeque::new(),
        results: Vec::new(),
        _place: place,
    };
    Ok(Box::pin(stream::unfold(session, async |mut session| {
        let next = session.next().await?;
        Some((next, session))
    })))
}

/// What came back for a request: its number, its partition, and what became of it.
struct Arrival {
    number: u64,
    partition: u16,
    outcome: Outcome,
}

enum Outcome {
    Answered(Answer),
    /// What was made before, read from disk.
    Read(Result<Box<Entry>, Denied>),
}

/// Where the answers of a stream arrive.
#[derive(Default)]
struct Arrivals {
    list: Mutex<Vec<Arrival>>,
    news: Notify,
}

impl Arrivals {
    fn put(&self, arrival: Arrival) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = list.is_empty();
        list.push(arrival);
        drop(list);
        if was_empty {
            self.news.notify_one();
        }
    }

    fn take(&self, into: &mut VecDeque<Arrival>) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        into.extend(list.drain(..));
    }
}

type Sink = Arc<dyn Fn(u64, Answer) + Send + Sync>;

struct Session {
    app: Shared,
    stops: watch::Receiver<bool>,
    /// Where all its requests come from; its time is that of the stream.
    origin: Origin,
    input: Streaming<ReserveStreamRequest>,
    /// How the stream ends once nothing is in flight; `None` as long as more may come in.
    end: Option<Result<(), Status>>,
    /// Requests that are queued, or read from disk, and have not arrived.
    in_flight: usize,
    /// By partition.
    sinks: Vec<Option<Sink>>,
    arrivals: Arc<Arrivals>,
    /// Arrivals that did not fit into the last message.
    taken: VecDeque<Arrival>,
    /// The results of the next message.
    results: Vec<ReserveResult>,
    _place: OwnedSemaphorePermit,
}

impl Session {
    /// The next message; `None` at the end.
    async fn next(&mut self) -> Option<Result<ReserveStreamResponse, Status>> {
        loop {
            self.collect();
            if !self.results.is_empty() {
                let results = std::mem::take(&mut self.results);
                return Some(Ok(ReserveStreamResponse { results }));
            }
            if self.in_flight == 0
                && let Some(end) = &mut self.end
            {
                let end = std::mem::replace(end, Ok(()));
                return end.err().map(Err);
            }
            let reads = self.end.is_none();
            let has_room = self.in_flight < self.app.options.stream_in_flight;
            tokio::select! {
                biased;
                () = self.arrivals.news.notified() => {}
                message = self.input.message(), if reads && has_room => self.take(message),
                () = stopped(&mut self.stops), if reads => self.stop(),
            }
        }
    }

    fn stop(&mut self) {
        let why = Unavailable::Stopped("the server is stopping".into());
        self.end = Some(Err(unavailable(&why).into()));
    }

    fn take(&mut self, message: Result<Option<ReserveStreamRequest>, Status>) {
        match message {
            Ok(Some(message)) if message.reservations.len() > MOST => {
                self.end = Some(Err(too_many(message.reservations.len()).into()));
            }
            Ok(Some(message)) => message
                .reservations
                .into_iter()
                .for_each(|one| self.ask(one)),
            Ok(None) => self.end = Some(Ok(())),
            Err(status) => {
                let limit = self.app.options.body_limit;
                self.end = Some(Err(shaped(status, limit)));
            }
        }
    }

    fn ask(
        &mut self,
        NumberedReservation {
            number,
            reservation,
        }: NumberedReservation,
    ) {
        let asked = BatchItem::try_from(reservation.unwrap_or_default()).map_err(Denied::from);
        let queued = asked.and_then(|item| {
            let partition = self.app.engine.partition_of(&item.location.0);
            let to = ReplyTo::Sink(self.sink(partition), number);
            let queued = self
                .app
                .engine
                .submit_from(self.origin, partition, request(item), to);
            queued.map_err(|why| unavailable(&why))
        });
        match queued {
            Ok(()) => self.in_flight += 1,
            Err(denied) => self.results.push(result(number, Err(denied))),
        }
    }

    fn sink(&mut self, partition: u16) -> Sink {
        let at = usize::from(partition);
        if self.sinks.len() <= at {
            self.sinks.resize(at + 1, None);
        }
        let arrivals = &self.arrivals;
        let sink = self.sinks[at].get_or_insert_with(|| {
            let arrivals = Arc::clone(arrivals);
            Arc::new(move |number, answer| {
                let outcome = Outcome::Answered(answer);
                arrivals.put(Arrival {
                    number,
                    partition,
                    outcome,
                });
            })
        });
        Arc::clone(sink)
    }

    /// Makes results of what has arrived, as many as fit into a message.
    fn collect(&mut self) {
        self.arrivals.take(&mut self.taken);
        let mut repeats = Vec::new();
        let mut lines = 0;
        while self.results.len() < MOST && lines < MOST_LINES {
            let Some(arrival) = self.taken.pop_front() else {
                break;
            };
            let Arrival {
                number,
                partition,
                outcome,
            } = arrival;
            let settled = match outcome {
                Outcome::Answered(Answer::Repeated(seq)) => {
                    repeats.push((number, partition, seq));
                    continue;
                }
                Outcome::Answered(answer) => recorded(answer).map(|entry| (entry, false)),
                Outcome::Read(read) => read.map(|entry| (entry, true)),
            };
            self.in_flight -= 1;
            let names = TableNames::of(&self.app.engine, partition);
            let reserved = match &settled {
                Ok((entry, replayed)) => made(entry, &names).map(|answer| (answer, *replayed)),
                Err(denied) => Err(denied.clone()),
            };
            lines += reserved
                .as_ref()
                .map_or(0, |(answer, _)| answer.lines.len());
            self.results.push(result(number, reserved));
        }
        if !repeats.is_empty() {
            self.read(repeats);
        }
    }

    /// Reads the entries of repeats; they arrive like answers.
    fn read(&self, repeats: Vec<(u64, u16, Seq)>) {
        let (app, arrivals) = (Arc::clone(&self.app), Arc::clone(&self.arrivals));
        tokio::spawn(async move {
            let places = repeats.iter().map(|(_, partition, seq)| (*partition, *seq));
            let read = entries(&app, places.collect()).await;
            let read = read.unwrap_or_else(|denied| vec![Err(denied); repeats.len()]);
            for ((number, partition, _), read) in repeats.into_iter().zip(read) {
                let outcome = Outcome::Read(read);
                arrivals.put(Arrival {
                    number,
                    partition,
                    outcome,
                });
            }
        });
    }
}

/// Waits until the server stops.
async fn stopped(stops: &mut watch::Receiver<bool>) {
    // Who could have said it is gone: that is a stop as well.
    drop(stops.wait_for(|stops| *stops).await);
}

/// The entry of a reservation that was made now.
fn recorded(answer: Answer) -> Result<Box<Entry>, Denied> {
    match answer {
        Answer::Recorded(entry) => Ok(entry),
        Answer::Refused(refusal) => Err(refused(refusal, &Fields::USUAL)),
        Answer::Unavailable(why) => Err(unavailable(&why)),
        other => Err(Denied::internal(&format!(
            "a command was answered with {other:?}"
        ))),
    }
}

fn too_many(count: usize) -> Denied {
    let detail = format!(
        "A message has {count} reservations, and one may have {MOST}. None of them was done; send them in several messages."
    );
    let message = format!("invalid length: more than {MOST}, expected at most {MOST} items");
    Denied::new(Kind::InvalidRequest, detail).at("/reservations", message)
}

/// A message takes no more results when it has so many lines: it must fit into what clients take.
const MOST_LINES: usize = 10_000;
