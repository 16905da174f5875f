//! The bounded queue in front of a partition's writer.
//!
//! A request first passes the door ([`crate::admission`]) and takes a permit; without one it is refused at once and
//! costs the writer nothing. With one it always finds room. The permit goes back just before the answer goes out, so
//! requests waiting for the disk count as well, memory stays bounded whatever is slow, and who has an answer may ask
//! again.
//!
//! The writer takes all that came in one swap, so a lock is held for nanoseconds a request, and sorts it into turns by
//! itself.

use crate::admission::door::{Door, Permit};
use crate::admission::{Policy, Ticket};
use crate::clock::Clock;
use crate::machine::{Answer, Request, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::origin::Origin;
use onhand_planted::Defect;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Where an answer goes.
pub enum ReplyTo {
    /// To one waiting task or thread, with the number that the caller gave the request, if it gave one.
    Once(oneshot::Sender<Answer>, Option<u64>),
    /// To a function that takes all answers of a caller, with the number that the caller gave the request.
    Sink(Arc<dyn Fn(u64, Answer) + Send + Sync>, u64),
}

/// Who is waiting for an answer.
pub(crate) struct Waiting {
    to: ReplyTo,
    permit: Permit,
}

impl Waiting {
    pub(crate) fn new(to: ReplyTo, permit: Permit) -> Self {
        Self { to, permit }
    }

    /// The number that the caller gave the request, if it gave one.
    pub(crate) fn number(&self) -> Option<u64> {
        match self.to {
            ReplyTo::Once(_, number) => number,
            ReplyTo::Sink(_, number) => Some(number),
        }
    }

    /// Sends the answer; a client that has gone away does not matter.
    pub(crate) fn answer(self, answer: Answer) {
        match &self.to {
            ReplyTo::Once(sender, _)
                if Defect::GoneKeepTheirPlace.is_on() && sender.is_closed() =>
            {
                std::mem::forget(self.permit);
            }
            _ => drop(self.permit),
        }
        match self.to {
            ReplyTo::Once(sender, _) => drop(sender.send(answer)),
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
    pub(crate) ticket: Ticket,
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
    door: Door,
    clock: Arc<dyn Clock>,
}

/// What the writer finds when it wakes.
pub(crate) struct Wake {
    pub(crate) log_is_idle: bool,
    pub(crate) is_closing: bool,
    pub(crate) outage: Option<Unavailable>,
}

impl Inbox {
    pub(crate) fn new(
        policy: Policy,
        clock: Arc<dyn Clock>,
        metrics: Arc<PartitionMetrics>,
    ) -> Self {
        let inner = Inner {
            log_is_idle: true,
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            door: Door::new(policy, metrics),
            clock,
        }
    }

    /// Who lets requests in.
    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// Queues a request, or says at once why not.
    pub(crate) fn send(
        &self,
        origin: Origin,
        request: Request,
        to: ReplyTo,
    ) -> Result<(), Unavailable> {
        let (ticket, permit) = self.door.admit(origin, &request, self.clock.moment())?;
        let mut inner = self.lock();
        if let Some(outage) = &inner.outage {
            return Err(outage.clone());
        }
        if inner.is_closing {
            return Err(Unavailable::Stopped("the server is stopping".into()));
        }
        // Before the writer can see it.
        self.door.queued(&ticket);
        let was_empty = inner.queue.is_empty();
        let from = Waiting::new(to, permit);
        inner.queue.push(Envelope {
            ticket,
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
    /// `into`. With `has_work`, or when closing, an idle log is something to do. Without `has_room`, requests are not.
    pub(crate) fn wait(
        &self,
        timeout: Duration,
        has_work: bool,
        has_room: bool,
        into: &mut Vec<Envelope>,
    ) -> Wake {
        let is_idle = |inner: &mut Inner| {
            let may_go_on = inner.log_is_idle && (has_work || inner.is_closing);
            let is_lost = inner.is_closing && inner.is_stopped();
            let has_request = has_room && !inner.queue.is_empty();
            !has_request && !may_go_on && !is_lost
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
        let mut inner = self.lock();
        inner.is_closing = true;
        if Defect::StopDropsTheQueue.is_on() {
            inner.queue.clear();
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// A panic elsewhere does not make the queue unsound: every change to it is one assignment.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
