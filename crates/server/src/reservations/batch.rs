//! `POST /v1/reservations/batch`.
//!
//! The whole batch is queued before the first answer is waited for, so its reservations share the engine's durable
//! writes. The engine's appender puts the answers into one collector, and the last one wakes the request: one wake
//! for a batch, not one for each reservation.

use crate::app::{App, Shared};
use crate::body;
use crate::history::entries;
use crate::json;
use crate::key::key;
use crate::names::TableNames;
use crate::openapi::Caller;
use crate::problem::Denied;
use crate::problem::described::BatchProblems;
use crate::problem::refused::{Fields, Place, refused};
use crate::problem::unavailable::{no_answer, unavailable};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;
use onhand_core::{Command, Entry, Event, Seq};
use onhand_engine::{Answer, Origin, ReplyTo, Request as Asked};
use onhand_wire::json::batch::{BatchAnswer, BatchItem, BatchRequest, BatchResult};
use onhand_wire::json::reservations::ReservationAnswer;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Up to 1,000 independent reservations, each with its own key and its own answer. The batch itself needs no
/// `Idempotency-Key`: repeat it as a whole, and every reservation that was made gives its answer again. If some are worth
/// trying again, `Retry-After` is the longest of their `retry_after_seconds`.
#[utoipa::path(
    post,
    path = "/v1/reservations/batch",
    operation_id = "reserve_batch",
    tag = "reservations",
    params(Caller),
    request_body = BatchRequest,
    responses(
        (status = 200, description = "One result for each reservation, in order.", body = BatchAnswer),
        BatchProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Question::<BatchRequest> {
        origin,
        request,
        room: _room,
    } = body::question(&app, request).await?;
    reserve_all(&app, origin, request, |all| {
        let results: Vec<_> = all.into_iter().map(result).collect();
        let retries = results.iter().filter_map(|one| one.problem.as_ref());
        let longest = retries.filter_map(|one| one.retry_after_seconds).max();
        let mut response = json::ok(&BatchAnswer { results });
        if let Some(seconds) = longest {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    })
    .await
}

/// A reservation that was made, and whether it was made before; or why it was not.
pub(crate) type Reserved<'a> = Result<(ReservationAnswer<'a>, bool), Denied>;

/// Has all reservations of a batch made or refused, and shows what became of each, in order.
pub(crate) async fn reserve_all<T>(
    app: &Shared,
    origin: Origin,
    request: BatchRequest,
    show: impl FnOnce(Vec<Reserved<'_>>) -> T,
) -> Result<T, Denied> {
    let items = request.reservations.into_inner();
    let partitions: Vec<u16> = items
        .iter()
        .map(|item| app.engine.partition_of(&item.location.0))
        .collect();
    let outcomes = ask(
        app,
        origin,
        items.into_iter().zip(partitions.iter().copied()),
    )
    .await;
    let outcomes = with_repeats(app, outcomes, &partitions).await;
    if let Some(denied) = none_was_taken(&outcomes) {
        return Err(denied);
    }
    let names: Vec<TableNames<'_>> = (0..app.engine.partitions())
        .map(|partition| TableNames::of(&app.engine, partition))
        .collect();
    let outcomes = outcomes.into_iter().zip(&partitions);
    let all = outcomes.map(|(outcome, no)| reserved(outcome, &names[usize::from(*no)]));
    Ok(show(all.collect()))
}

/// What became of one reservation.
enum Outcome {
    Made(Box<Entry>),
    MadeBefore(Box<Entry>),
    /// Made before; its entry is to be read.
    At(Seq),
    /// Not made, or not known. `true` if it was not even queued.
    Denied(Denied, bool),
}

/// Collects the answers of a batch; `done` goes out with the last one, or with the collector itself.
struct Collector {
    answers: Arc<Mutex<Vec<Option<Answer>>>>,
    left: Mutex<(usize, Option<oneshot::Sender<()>>)>,
}

impl Collector {
    fn take(&self, at: u64, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = answers.get_mut(at as usize) {
            *slot = Some(answer);
        }
        drop(answers);
        self.count_down();
    }

    fn count_down(&self) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.0 -= 1;
        if left.0 == 0
            && let Some(done) = left.1.take()
        {
            // A client that has gone away does not matter.
            done.send(()).ok();
        }
    }
}

async fn ask(
    app: &App,
    origin: Origin,
    items: impl ExactSizeIterator<Item = (BatchItem, u16)>,
) -> Vec<Outcome> {
    let count = items.len();
    let answers = Arc::new(Mutex::new(vec![None; count]));
    let (done, is_done) = oneshot::channel();
    let collector = Arc::new(Collector {
        answers: Arc::clone(&answers),
        left: Mutex::new((count, Some(done))),
    });
    let sink: Arc<dyn Fn(u64, Answer) + Send + Sync> = {
        let collector = Arc::clone(&collector);
        Arc::new(move |at, answer| collector.take(at, answer))
    };
    let mut refused_early: Vec<Option<Denied>> = Vec::with_capacity(count);
    for (at, (item, partition)) in items.enumerate() {
        let to = ReplyTo::Sink(Arc::clone(&sink), at as u64);
        let submitted = app.engine.submit_from(origin, partition, request(item), to);
        if submitted.is_err() {
            collector.count_down();
        }
        refused_early.push(submitted.err().map(|why| unavailable(&why)));
    }
    // The collector lives on in the requests that wait; when none is left, nothing more can come.
    drop((sink, collector));
    let waited = timeout(app.options.answer_timeout, is_done).await;
    tracing::trace!(?waited, count, "a batch was waited for");
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    let answers = std::mem::take(&mut *answers)
        .into_iter()
        .enumerate()
        .zip(refused_early);
    answers
        .map(|((at, answer), early)| outcome(at, answer, early))
        .collect()
}

/// What a partition is asked for one reservation.
pub(crate) fn request(item: BatchItem) -> Asked {
    let (key_text, request) = item.split();
    let command = Command::from(request);
    Asked::Command {
        key: Some(key(key_text.0.as_str(), &command)),
        command,
        at: None,
    }
}

fn outcome(at: usize, answer: Option<Answer>, early: Option<Denied>) -> Outcome {
    let fields = Fields {
        at: Place::InBatch(at),
        ..Fields::USUAL
    };
    match (early, answer) {
        (Some(denied), _) => Outcome::Denied(denied, true),
        (None, Some(Answer::Recorded(entry))) => Outcome::Made(entry),
        (None, Some(Answer::Repeated(seq))) => Outcome::At(seq),
        (None, Some(Answer::Refused(refusal))) => Outcome::Denied(refused(refusal, &fields), false),
        (None, Some(Answer::Unavailable(why))) => Outcome::Denied(unavailable(&why), false),
        (None, None) => Outcome::Denied(no_answer(), false),
        (None, Some(other)) => Outcome::Denied(
            Denied::internal(&format!("a command was answered with {other:?}")),
            false,
        ),
    }
}

/// Reads the entries of what was made before, all in one visit to the disk. What cannot be read is a failure of its own:
/// the others have their answers.
async fn with_repeats(
    app: &Shared,
    mut outcomes: Vec<Outcome>,
    partitions: &[u16],
) -> Vec<Outcome> {
    let (mut repeats, mut places) = (Vec::new(), Vec::new());
    for (outcome, partition) in outcomes.iter_mut().zip(partitions) {
        if let Outcome::At(seq) = *outcome {
            places.push((*partition, seq));
            repeats.push(outcome);
        }
    }
    if repeats.is_empty() {
        return outcomes;
    }
    let read = entries(app, places).await;
    let read = read.unwrap_or_else(|denied| vec![Err(denied); repeats.len()]);
    for (outcome, read) in repeats.into_iter().zip(read) {
        *outcome = match read {
            Ok(entry) => Outcome::MadeBefore(entry),
            Err(denied) => Outcome::Denied(denied, false),
        };
    }
    outcomes
}

/// If not one could be queued, the batch as a whole was not taken.
fn none_was_taken(outcomes: &[Outcome]) -> Option<Denied> {
    let early = outcomes.iter().map(|outcome| match outcome {
        Outcome::Denied(denied, true) => Some(denied),
        _ => None,
    });
    let early: Option<Vec<&Denied>> = early.collect();
    early?.first().map(|denied| (*denied).clone())
}

fn reserved<'a>(outcome: Outcome, names: &'a TableNames<'a>) -> Reserved<'a> {
    match outcome {
        Outcome::Made(entry) => Ok((made(&entry, names)?, false)),
        Outcome::MadeBefore(entry) => Ok((made(&entry, names)?, true)),
        Outcome::Denied(denied, _) => Err(denied),
        Outcome::At(seq) => Err(Denied::internal(&format!("entry {seq} was not read"))),
    }
}

/// The answer of an entry that must be that of a reservation.
pub(crate) fn made<'a>(
    entry: &Entry,
    names: &'a TableNames<'a>,
) -> Result<ReservationAnswer<'a>, Denied> {
    match &entry.event {
        Event::Held(event) => Ok(ReservationAnswer::of(entry.stamp, event, names)),
        other => Err(Denied::internal(&format!(
            "a reservation was answered with {}",
            other.name()
        ))),
    }
}

fn result(reserved: Reserved<'_>) -> BatchResult<'_> {
    match reserved {
        Ok((reservation, replayed)) => BatchResult {
            status: 201,
            replayed,
            reservation: Some(reservation),
            problem: None,
        },
        Err(denied) => BatchResult {
            status: denied.problem.status,
            replayed: false,
            reservation: None,
            problem: Some(*denied.problem),
        },
    }
}

#[cfg(test)]
mod tests;
