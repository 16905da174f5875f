//! The bounded queue in front of a partition's writer.
//!
//! A request first takes a permit; without one it is refused at once and costs the writer nothing. With one it always
//! finds room. The permit goes back just before the answer goes out, so requests waiting for the disk count as well,
//! memory stays bounded whatever is slow, and who has an answer may ask again.
//!
//! The writer takes the whole queue in one swap, so a lock is held for nanoseconds a request.

use crate::machine::{Answer, Request, Unavailable};
use crate::origin::Origin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Where an answer goes.
pub enum ReplyTo {
    /// To one waiting task or thread.
    Once(oneshot::Sender<Answer>),
    /// To a function that takes all answers of a caller, with the number that the caller gave the request.
    Sink(Arc<dyn Fn(u64, Answer) + Send + Sync>, u64),
}

/// The right to one place in the queue; given back when dropped.
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Who is waiting for an answer.
pub(crate) struct Waiting {
    to: ReplyTo,
    permit: Permit,
}

impl Waiting {
    /// Sends the answer; a client that has gone away does not matter.
    pub(crate) fn answer(self, answer: Answer) {
        drop(self.permit);
        match self.to {
            ReplyTo::Once(sender) => drop(sender.send(answer)),
            ReplyTo::Sink(sink, number) => sink(number, answer),
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// A request and who waits for it.
pub(crate) struct Envelope {
    pub(crate) origin: Origin,
    pub(crate) request: Request,
    pub(crate) from: Waiting,
}

#[derive(Default)]
struct Inner {
    queue: Vec<Envelope>,
    log_is_idle: bool,
    is_closing: bool,
    outage: Option<Unavailable>,
}

impl Inner {
    fn is_stopped(&self) -> bool {
        matches!(self.outage, Some(Unavailable::Stopped(_)))
    }

    fn hand_out(&mut self, into: &mut Vec<Envelope>) -> Wake {
        if into.is_empty() {
            std::mem::swap(&mut self.queue, into);
        } else {
            into.append(&mut self.queue);
        }
        Wake {
            log_is_idle: self.log_is_idle,
            is_closing: self.is_closing,
            outage: self.outage.clone(),
        }
    }
}

/// The queue.
pub(crate) struct Inbox {
    inner: Mutex<Inner>,
    changed: Condvar,
    taken: Arc<AtomicUsize>,
    capacity: usize,
}

/// What the writer finds when it wakes.
pub(crate) struct Wake {
    pub(crate) log_is_idle: bool,
    pub(crate) is_closing: bool,
    pub(crate) outage: Option<Unavailable>,
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Self {
        let inner = Inner {
            log_is_idle: true,
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            taken: Arc::new(AtomicUsize::new(0)),
            capacity,
        }
    }

    /// How many requests are waiting for an answer.
    pub(crate) fn in_flight(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A permit, if there is a place; the engine's own work always gets one, or a spike of clients would keep it from
    /// snapshots and transfers.
    fn permit(&self, is_internal: bool) -> Option<Permit> {
        let before = self.taken.fetch_add(1, Ordering::AcqRel);
        let permit = Permit(Arc::clone(&self.taken));
        (is_internal || before < self.capacity).then_some(permit)
    }

    /// Queues a request, or says at once why not.
    pub(crate) fn send(
        &self,
        origin: Origin,
        request: Request,
        to: ReplyTo,
    ) -> Result<(), Unavailable> {
        let permit = self
            .permit(request.is_internal())
            .ok_or(Unavailable::Busy { retry_after: 1 })?;
        let mut inner = self.lock();
        if let Some(outage) = &inner.outage {
            return Err(outage.clone());
        }
        if inner.is_closing {
            return Err(Unavailable::Stopped("the server is stopping".into()));
        }
        let was_empty = inner.queue.is_empty();
        let from = Waiting { to, permit };
        inner.queue.push(Envelope {
            origin,
            request,
            from,
        });
        drop(inner);
        if was_empty {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something to do for the writer, at most until `timeout`, and moves what is queued into
    /// `into`. With `has_work`, or when closing, an idle log is something to do.
    pub(crate) fn wait(&self, timeout: Duration, has_work: bool, into: &mut Vec<Envelope>) -> Wake {
        let is_idle = |inner: &mut Inner| {
            let may_go_on = inner.log_is_idle && (has_work || inner.is_closing);
            let is_lost = inner.is_closing && inner.is_stopped();
            inner.queue.is_empty() && !may_go_on && !is_lost
        };
        let (mut inner, _) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        inner.hand_out(into)
    }

    /// Moves what is queued into `into`, without waiting.
    pub(crate) fn take(&self, into: &mut Vec<Envelope>) -> Wake {
        self.lock().hand_out(into)
    }

    /// Says that the log has begun, or has done, an append.
    pub(crate) fn set_log_idle(&self, is_idle: bool) {
        self.lock().log_is_idle = is_idle;
        if is_idle {
            self.changed.notify_one();
        }
    }

    /// Refuses everything from now on, or takes requests again. What stopped the partition stays: nothing takes it
    /// back, and nothing takes its place. Gives whether this is news.
    pub(crate) fn set_outage(&self, outage: Option<Unavailable>) -> bool {
        let mut inner = self.lock();
        let is_news = !inner.is_stopped() && inner.outage != outage;
        if is_news {
            inner.outage = outage;
            self.changed.notify_one();
        }
        is_news
    }

    /// Stops for good when a thread of the partition is gone: nobody shall wait for it.
    pub(crate) fn abandon(&self) {
        let why = Unavailable::Stopped("a thread of the partition panicked".into());
        self.set_outage(Some(why.clone()));
        let queued = std::mem::take(&mut self.lock().queue);
        for envelope in queued {
            envelope.from.answer(Answer::Unavailable(why.clone()));
        }
    }

    /// Why requests are refused, if they are.
    pub(crate) fn outage(&self) -> Option<Unavailable> {
        self.lock().outage.clone()
    }

    /// Whether the partition is to stop.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().is_closing
    }

    /// Takes no more requests; the writer ends when it has done what it has.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_one();
    }

    /// A panic elsewhere does not make the queue unsound: every change to it is one assignment.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
