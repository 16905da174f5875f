//! Gives commands to an engine in the time of the data, and waits for their answers.
//!
//! The ledger's time is that of the data: what is said at an hour must be recorded before anything of the next hour is
//! given in, or it would be known later than it was. So commands of one time share syncs, and the next time waits.

use onhand_core::{Command, Timestamp};
use onhand_engine::{Answer, Engine, ReplyTo, Request, Unavailable};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Commands that may wait for an answer: less than an engine has room for.
const IN_FLIGHT: usize = 4096;

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// The engine takes no requests.
    #[error("the engine takes no requests: {0}")]
    Unavailable(#[from] Unavailable),
    /// Whoever listens needs no more.
    #[error("whoever listens needs no more")]
    Enough,
    /// It did not record what the data says.
    #[error("the engine did not record what the data says at {at} ms: {answer}")]
    NotRecorded {
        /// The time of the data, in milliseconds since the epoch.
        at: u64,
        /// What it answered.
        answer: String,
    },
}

/// Whoever is told commands, each with the time at which it happens.
pub(crate) trait Takes {
    /// Takes a command that happens at `at`; what was given for an earlier time is recorded first.
    fn give(&mut self, at: Timestamp, command: Command) -> Result<(), FeedError>;

    /// Waits until everything that was given is recorded.
    fn settle(&self) -> Result<(), FeedError>;
}

#[derive(Default)]
struct Open {
    waiting: usize,
    failed: Option<String>,
}

/// Gives commands in.
pub(crate) struct Feeder {
    engine: Arc<Engine>,
    open: Arc<(Mutex<Open>, Condvar)>,
    now: Timestamp,
}

impl Feeder {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            open: Arc::default(),
            now: Timestamp::default(),
        }
    }

    fn wait_until(&self, most: usize) -> Result<(), FeedError> {
        let (open, changed) = &*self.open;
        let inner = changed
            .wait_while(lock(open), |inner| inner.waiting > most)
            .unwrap_or_else(PoisonError::into_inner);
        match &inner.failed {
            None => Ok(()),
            Some(answer) => Err(FeedError::NotRecorded {
                at: self.now.millis(),
                answer: answer.clone(),
            }),
        }
    }
}

impl Takes for Feeder {
    fn give(&mut self, at: Timestamp, command: Command) -> Result<(), FeedError> {
        match at == self.now {
            true => self.wait_until(IN_FLIGHT - 1)?,
            false => self.settle()?,
        }
        self.now = at;
        lock(&self.open.0).waiting += 1;
        let open = Arc::clone(&self.open);
        let sink = move |_, answer: Answer| {
            let mut inner = lock(&open.0);
            inner.waiting -= 1;
            if !matches!(answer, Answer::Recorded(_)) {
                inner.failed.get_or_insert(format!("{answer:?}"));
            }
            open.1.notify_one();
        };
        let request = Request::Command {
            key: None,
            command,
            at: Some(at),
        };
        self.engine
            .submit(0, request, ReplyTo::Sink(Arc::new(sink), 0))?;
        Ok(())
    }

    fn settle(&self) -> Result<(), FeedError> {
        self.wait_until(0)
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
