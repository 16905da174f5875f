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

/// So many requests wake the writer while the log is busy. Fewer wait until it is idle: none of them could be answered
/// before, and to decide them takes less than to wake a thread for them.
pub(crate) const BURST: usize = 32;

/// The writer is not waiting for requests.
const NOT_AWAITED: usize = usize::MAX;

struct Inner {
    queue: Vec<Envelope>,
    /// How many requests must be there for the writer to be woken.
    awaited: usize,
    /// Whether the writer is waiting, for whatever.
    waits: bool,
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
            queue: Vec::new(),
            awaited: NOT_AWAITED,
            waits: false,
            log_is_idle: true,
            is_closing: false,
            outage: None,
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
        let admitted = self.door.admit(origin, &request, self.clock.moment())?;
        self.queue(admitted, request, to)
    }

    /// Queues what the engine asks of itself, before all else; or says that nothing is taken now.
    pub(crate) fn send_own(&self, request: Request, to: ReplyTo) -> Result<(), Unavailable> {
        let admitted = self.door.admit_own(&request, self.clock.moment());
        self.queue(admitted, request, to)
    }

    fn queue(
        &self,
        (ticket, permit): (Ticket, Permit),
        request: Request,
        to: ReplyTo,
    ) -> Result<(), Unavailable> {
        let mut inner = self.lock();
        if let Some(outage) = &inner.outage {
            return Err(outage.clone());
        }
        if inner.is_closing {
            return Err(Unavailable::Stopped("the server is stopping".into()));
        }
        // Before the writer can see it.
        self.door.queued(&ticket);
        let from = Waiting::new(to, permit);
        inner.queue.push(Envelope {
            ticket,
            request,
            from,
        });
        let is_awaited = inner.queue.len() == inner.awaited;
        drop(inner);
        if is_awaited {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something to do for the writer, at most until `timeout`, and moves what is queued into
    /// `into`. With `has_work`, or when closing, an idle log is something to do. Without `has_room`, requests are not;
    /// while the log is busy, a [`BURST`] of them is.
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
            inner.awaited = match has_room {
                false => NOT_AWAITED,
                true if inner.log_is_idle || inner.is_closing || inner.outage.is_some() => 1,
                true => BURST,
            };
            inner.queue.len() < inner.awaited && !may_go_on && !is_lost
        };
        let mut inner = self.lock();
        inner.waits = true;
        let (mut inner, _) = self
            .changed
            .wait_timeout_while(inner, timeout, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        (inner.awaited, inner.waits) = (NOT_AWAITED, false);
        inner.hand_out(into)
    }

    /// Moves what is queued into `into`, without waiting.
    pub(crate) fn take(&self, into: &mut Vec<Envelope>) -> Wake {
        self.lock().hand_out(into)
    }

    /// Says that the log has begun, or has done, an append.
    pub(crate) fn set_log_idle(&self, is_idle: bool) {
        let mut inner = self.lock();
        inner.log_is_idle = is_idle;
        if is_idle {
            self.wake(inner);
        }
    }

    /// Refuses everything from now on, or takes requests again. What stopped the partition stays: nothing takes it
    /// back, and nothing takes its place. Gives whether this is news.
    pub(crate) fn set_outage(&self, outage: Option<Unavailable>) -> bool {
        let mut inner = self.lock();
        let is_news = !inner.is_stopped() && inner.outage != outage;
        if is_news {
            inner.outage = outage;
            self.wake(inner);
        }
        is_news
    }

    /// Lets the writer look what has changed, if it waits: to wake nobody costs a call of the system as well.
    fn wake(&self, inner: MutexGuard<'_, Inner>) {
        let waits = inner.waits;
        drop(inner);
        if waits {
            self.changed.notify_one();
        }
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
        self.wake(inner);
    }

    /// A panic elsewhere does not make the queue unsound: every change to it is one assignment.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "this test waits on a thread of its own"
)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::metrics::Metrics;
    use crate::query::Query;
    use prometheus_client::registry::Registry;
    use std::sync::mpsc::{Receiver, channel};

    const A_WHILE: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(30);

    fn inbox() -> Arc<Inbox> {
        let metrics = Metrics::register(&mut Registry::default()).of(0);
        let inbox = Inbox::new(Policy::default(), Arc::new(SystemClock), Arc::new(metrics));
        Arc::new(inbox)
    }

    fn send(inbox: &Inbox, count: usize) {
        for _ in 0..count {
            let question = Request::Query(Query::Levels(Vec::new()));
            let to = ReplyTo::Once(oneshot::channel().0, None);
            inbox.send(Origin::default(), question, to).unwrap();
        }
    }

    /// Waits as the writer does, once; tells how many requests it was woken for.
    fn wait(inbox: &Arc<Inbox>) -> Receiver<usize> {
        let (tell, told) = channel();
        let inbox = Arc::clone(inbox);
        std::thread::spawn(move || {
            let mut taken = Vec::new();
            inbox.wait(LONG, false, true, &mut taken);
            tell.send(taken.len()).unwrap();
        });
        told
    }

    #[test]
    fn an_idle_log_wakes_the_writer_for_one_request_and_a_busy_one_for_a_burst() {
        let inbox = inbox();
        let woken = wait(&inbox);
        assert!(woken.recv_timeout(A_WHILE).is_err());
        send(&inbox, 1);
        assert_eq!(woken.recv_timeout(LONG), Ok(1));

        inbox.set_log_idle(false);
        let woken = wait(&inbox);
        send(&inbox, BURST - 1);
        assert!(woken.recv_timeout(A_WHILE).is_err());
        send(&inbox, 1);
        assert_eq!(woken.recv_timeout(LONG), Ok(BURST));
    }

    #[test]
    fn what_waits_for_a_burst_is_taken_when_the_log_is_idle_or_out_of_order() {
        for outage in [None, Some(Unavailable::StorageFull)] {
            let inbox = inbox();
            inbox.set_log_idle(false);
            send(&inbox, 3);
            let woken = wait(&inbox);
            assert!(woken.recv_timeout(A_WHILE).is_err());
            match outage {
                None => inbox.set_log_idle(true),
                outage => drop(inbox.set_outage(outage)),
            }
            assert_eq!(woken.recv_timeout(LONG), Ok(3));
        }
    }
}
