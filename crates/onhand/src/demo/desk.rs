//! The desk between the demo and the engine: gives requests in with their own time, and takes answers as they come.

use onhand_core::{Command, Entry, Key, Refusal, Timestamp};
use onhand_engine::{Answer, Engine, ReplyTo, Request, Unavailable};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// The engine takes no requests.
    #[error("the engine takes no requests: {0}")]
    Unavailable(#[from] Unavailable),
    /// The engine answered what cannot be.
    #[error("unexpected answer to {what}: {answer}")]
    Unexpected {
        /// What was asked.
        what: &'static str,
        /// What came.
        answer: String,
    },
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Box<Entry>),
    Refused(Refusal),
}

/// A command that was given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u64);

#[derive(Default)]
struct Tray {
    answers: HashMap<u64, (Answer, Instant)>,
    waiting: usize,
}

/// The desk.
pub(crate) struct Desk {
    engine: Arc<Engine>,
    tray: Arc<(Mutex<Tray>, Condvar)>,
    next: u64,
    started: HashMap<u64, Instant>,
}

impl Desk {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            tray: Arc::default(),
            next: 0,
            started: HashMap::new(),
        }
    }

    /// Gives a command in, to happen at `at`.
    pub(crate) fn give(
        &mut self,
        at: Timestamp,
        key: &str,
        command: Command,
    ) -> Result<Ticket, DeskError> {
        let key: Key = onhand_wire::key::key("", key, &command);
        let request = Request::Command {
            key: Some(key),
            command,
            at: Some(at),
        };
        let ticket = self.next;
        self.next += 1;
        lock(&self.tray.0).waiting += 1;
        let tray = Arc::clone(&self.tray);
        let sink = move |ticket, answer| {
            let mut inner = lock(&tray.0);
            inner.answers.insert(ticket, (answer, Instant::now()));
            inner.waiting -= 1;
            tray.1.notify_one();
        };
        self.started.insert(ticket, Instant::now());
        self.engine
            .submit(0, request, ReplyTo::Sink(Arc::new(sink), ticket))?;
        Ok(Ticket(ticket))
    }

    /// Waits for the outcome of a command; gives it with the time from giving it in to the answer.
    pub(crate) fn take(
        &mut self,
        ticket: Ticket,
        what: &'static str,
    ) -> Result<(Outcome, Duration), DeskError> {
        let (answer, at) = self.wait_for(ticket.0);
        let started = self.started.remove(&ticket.0).unwrap_or(at);
        let outcome = match answer {
            Answer::Recorded(entry) => Outcome::Done(entry),
            Answer::Refused(refusal) => Outcome::Refused(refusal),
            Answer::Unavailable(why) => return Err(why.into()),
            other => {
                return Err(DeskError::Unexpected {
                    what,
                    answer: format!("{other:?}"),
                });
            }
        };
        Ok((outcome, at.duration_since(started)))
    }

    fn wait_for(&self, ticket: u64) -> (Answer, Instant) {
        let (tray, changed) = &*self.tray;
        let mut inner = lock(tray);
        loop {
            if let Some(answer) = inner.answers.remove(&ticket) {
                return answer;
            }
            inner = changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until every command is answered.
    pub(crate) fn drain(&self) {
        let (tray, changed) = &*self.tray;
        let inner = lock(tray);
        drop(changed.wait_while(inner, |inner| inner.waiting > 0));
    }
}

fn lock(tray: &Mutex<Tray>) -> MutexGuard<'_, Tray> {
    tray.lock().unwrap_or_else(PoisonError::into_inner)
}
