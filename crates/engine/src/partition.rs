//! The driver of a partition: the only place where its threads meet.
//!
//! Two threads. The *writer* takes requests from the inbox and steps the machine; whenever the log is idle it closes
//! the open batch and hands it over. The *appender* appends it (one write, one sync), then publishes, then replies. So
//! many requests share one sync, the next batch fills while the last one syncs, and a batch is as large as the disk is
//! slow.
//!
//! When the log fails:
//! - *full or unavailable*: nothing was appended, but the machine has run ahead. The appender answers "unavailable,
//!   not known whether it was done" to all who wait, refuses new requests through the inbox, keeps the batch and tries
//!   it again until it goes through. Readers go on with the read table. A client that asks again with the same key
//!   afterwards gets the one answer.
//! - *fenced or broken*: the partition stops for good. It must be opened again, from what is durable.
//!
//! The age of a read: while nothing is under way the read table *rests*, which means that it shows all there is. The
//! writer wakes it before it decides anything, and from then on it is as old as the last batch that was published,
//! through an outage as well.

use crate::clock::Clock;
use crate::inbox::{Envelope, Inbox, Waiting};
use crate::machine::{Answer, Effects, Machine, Request, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::table::ReadTable;
use onhand_core::Timestamp;
use onhand_log::{AppendError, Batch, Log, LogReader};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often an append is tried again when there was no room.
const RETRY: Duration = Duration::from_millis(200);
/// How long the writer sleeps at most: so late can it notice a clock that does not run with the machine's.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// What the appender is asked to do.
enum Job {
    /// Carry out the effects of a batch that was closed at a time.
    Carry(Effects<Waiting>, Timestamp),
    Trim(u64),
    Stop,
}

/// A running partition.
pub(crate) struct Partition {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) table: Arc<ReadTable>,
    pub(crate) reader: Arc<dyn LogReader>,
    jobs: Sender<Job>,
    /// The writer and the appender, until they are stopped.
    threads: Mutex<Option<[JoinHandle<()>; 2]>>,
}

impl Partition {
    /// Starts the two threads.
    pub(crate) fn start(
        machine: Machine<Waiting>,
        log: Box<dyn Log>,
        clock: Arc<dyn Clock>,
        capacity: usize,
        metrics: Arc<PartitionMetrics>,
    ) -> std::io::Result<Self> {
        let inbox = Arc::new(Inbox::new(capacity));
        let table = Arc::new(ReadTable::of(machine.state(), clock.now()));
        let reader = log.reader();
        let (jobs, todo) = channel();
        let number = machine.state().partition();
        let appender = Appender {
            log,
            inbox: Arc::clone(&inbox),
            table: Arc::clone(&table),
            metrics: Arc::clone(&metrics),
        };
        let writer = Writer {
            machine,
            inbox: Arc::clone(&inbox),
            table: Arc::clone(&table),
            clock,
            metrics,
            jobs: jobs.clone(),
            pending: VecDeque::new(),
            is_resting: false,
        };
        let appender = spawn(format!("appender-{number}"), &inbox, move || {
            appender.run(&todo)
        })?;
        let writer = spawn(format!("writer-{number}"), &inbox, move || writer.run())?;
        Ok(Self {
            inbox,
            table,
            reader,
            jobs,
            threads: Mutex::new(Some([writer, appender])),
        })
    }

    /// Lets the log go of what lies before `before`, when the appender comes to it.
    pub(crate) fn trim(&self, before: u64) {
        // An appender that has ended trims nothing any more.
        drop(self.jobs.send(Job::Trim(before)));
    }

    /// Answers what is queued, then stops.
    pub(crate) fn stop(&self) {
        self.inbox.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some([writer, appender]) = threads.take() {
            // A thread that panicked has said so already.
            drop(writer.join());
            drop(self.jobs.send(Job::Stop));
            drop(appender.join());
        }
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(
    name: String,
    inbox: &Arc<Inbox>,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let last_will = LastWill(Arc::clone(inbox));
    std::thread::Builder::new().name(name).spawn(move || {
        let _last_will = last_will;
        run();
    })
}

/// A thread that panics takes the partition with it, and nobody waits in vain.
struct LastWill(Arc<Inbox>);

impl Drop for LastWill {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}

struct Writer {
    machine: Machine<Waiting>,
    inbox: Arc<Inbox>,
    table: Arc<ReadTable>,
    clock: Arc<dyn Clock>,
    metrics: Arc<PartitionMetrics>,
    jobs: Sender<Job>,
    pending: VecDeque<Envelope>,
    /// Whether the read table rests: it shows all there is, as long as nothing is decided.
    is_resting: bool,
}

impl Writer {
    fn run(mut self) {
        let mut taken = Vec::new();
        let mut outage = None;
        loop {
            let patience = self.patience(outage.is_some());
            let wake = self
                .inbox
                .wait(patience, self.machine.has_work(), &mut taken);
            self.pending.extend(taken.drain(..));
            outage = wake.outage;
            match &outage {
                Some(outage) => self.refuse_all(outage),
                None => self.work(),
            }
            if wake.log_is_idle {
                self.hand_over();
            }
            let is_lost = matches!(outage, Some(Unavailable::Stopped(_)));
            let is_done = wake.log_is_idle && self.pending.is_empty() && !self.machine.has_work();
            if wake.is_closing && (is_done || is_lost) {
                self.wake_table(self.clock.now());
                return;
            }
        }
    }

    /// How long to wait for requests: not at all if some are pending, and not beyond the next expiry.
    fn patience(&self, is_out: bool) -> Duration {
        if is_out || self.machine.is_full() {
            return LONGEST_SLEEP;
        }
        if !self.pending.is_empty() {
            return Duration::ZERO;
        }
        let next_expiry = self.machine.state().reservations().next_expiry();
        next_expiry.map_or(LONGEST_SLEEP, |at| {
            Duration::from_millis(at.since(self.clock.now()).millis()).min(LONGEST_SLEEP)
        })
    }

    fn work(&mut self) {
        let clock = self.clock.now();
        self.wake_table(clock);
        while let Some(next) = self.pending.pop_front() {
            let now = time_of(&next.request).unwrap_or(clock);
            if self.machine.is_full() || !self.machine.advance(now) {
                self.pending.push_front(next);
                return;
            }
            self.machine.submit(now, next.request, next.from);
        }
        self.machine.advance(clock);
        self.stop_if_broken();
    }

    /// Ends the rest of the read table: until now it showed all there is.
    fn wake_table(&mut self, clock: Timestamp) {
        if std::mem::take(&mut self.is_resting) {
            self.table.touch(clock);
        }
    }

    fn stop_if_broken(&self) {
        if let Some(violation) = self.machine.broken() {
            tracing::error!(%violation, "an invariant does not hold: the partition stops");
            self.metrics.violation(violation.invariant);
            self.inbox
                .set_outage(Some(Unavailable::Stopped(violation.to_string())));
        }
    }

    /// Closes the open batch. What needs no append is carried out here: the log is idle, so all before it is durable.
    fn hand_over(&mut self) {
        if !self.machine.has_work() {
            if self.machine.broken().is_none() {
                self.table.rest();
                self.is_resting = true;
            }
            return;
        }
        let now = self.clock.now();
        let mut effects = self.machine.close();
        if cfg!(feature = "planted-answer-before-sync") {
            reply(&self.metrics, std::mem::take(&mut effects.replies));
        }
        if effects.append.is_none() {
            self.table.touch(now);
            reply(&self.metrics, effects.replies);
            return;
        }
        self.inbox.set_log_idle(false);
        // The appender ends only after the writer.
        drop(self.jobs.send(Job::Carry(effects, now)));
    }

    fn refuse_all(&mut self, outage: &Unavailable) {
        let waiting = self
            .machine
            .take_replies()
            .into_iter()
            .map(|(from, _)| from);
        let pending = self.pending.drain(..).map(|envelope| envelope.from);
        refuse(&self.metrics, waiting.chain(pending), outage);
    }
}

fn refuse(metrics: &PartitionMetrics, waiting: impl Iterator<Item = Waiting>, why: &Unavailable) {
    let answer = |from| (from, Answer::Unavailable(why.clone()));
    reply(metrics, waiting.map(answer).collect());
}

fn reply(metrics: &PartitionMetrics, replies: Vec<(Waiting, Answer)>) {
    metrics.answered(replies.iter().map(|(_, answer)| answer));
    for (from, answer) in replies {
        from.answer(answer);
    }
}

fn time_of(request: &Request) -> Option<Timestamp> {
    match request {
        Request::Command { at, .. } => *at,
        Request::Query(_) => None,
    }
}

struct Appender {
    log: Box<dyn Log>,
    inbox: Arc<Inbox>,
    table: Arc<ReadTable>,
    metrics: Arc<PartitionMetrics>,
}

impl Appender {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Carry(effects, closed_at) => self.carry_out(effects, closed_at),
                Job::Trim(before) => self.trim(before),
                Job::Stop => return,
            }
        }
    }

    /// Append, publish, reply: in this order.
    fn carry_out(&mut self, effects: Effects<Waiting>, closed_at: Timestamp) {
        let Effects {
            append,
            publish,
            mut replies,
        } = effects;
        if let Some(batch) = &append
            && !self.append(batch, &mut replies)
        {
            return;
        }
        self.table.publish(&publish);
        self.table.touch(closed_at);
        reply(&self.metrics, replies);
        self.inbox.set_log_idle(true);
    }

    /// Appends until it is durable; `false` if it never will be.
    fn append(&mut self, batch: &Batch, replies: &mut Vec<(Waiting, Answer)>) -> bool {
        if cfg!(feature = "planted-answer-before-sync") {
            std::thread::sleep(Duration::from_millis(5));
        }
        loop {
            let start = Instant::now();
            let error = match self.log.append(batch) {
                Ok(_) => {
                    self.metrics.appended(batch, start.elapsed());
                    self.recovered();
                    return true;
                }
                Err(error) => error,
            };
            let outage = outage_of(&error);
            self.fail(&error, &outage, replies);
            if matches!(outage, Unavailable::Stopped(_)) || self.is_abandoned() {
                return false;
            }
            std::thread::sleep(RETRY);
        }
    }

    /// A server that is stopping does not wait for room: nobody was promised what is in the batch.
    fn is_abandoned(&self) -> bool {
        let is_closing = self.inbox.is_closing();
        if is_closing {
            let why = "the server stopped while the log could not be written".into();
            self.inbox.set_outage(Some(Unavailable::Stopped(why)));
        }
        is_closing
    }

    fn fail(
        &self,
        error: &AppendError,
        outage: &Unavailable,
        replies: &mut Vec<(Waiting, Answer)>,
    ) {
        if self.inbox.set_outage(Some(outage.clone())) {
            tracing::error!(%error, "writes are refused");
            self.metrics.append_failed();
        }
        refuse(
            &self.metrics,
            replies.drain(..).map(|(from, _)| from),
            outage,
        );
    }

    fn recovered(&self) {
        if self.inbox.set_outage(None) {
            tracing::info!("the log can be written again: writes are taken");
        }
    }

    fn trim(&mut self, before: u64) {
        if let Err(error) = self.log.trim(before) {
            tracing::warn!(%error, before, "the log could not be trimmed");
        }
    }
}

fn outage_of(error: &AppendError) -> Unavailable {
    match error {
        AppendError::Full { .. } => Unavailable::StorageFull,
        AppendError::Unavailable(cause) => Unavailable::LogUnavailable(cause.to_string()),
        AppendError::Fenced(_) | AppendError::Broken(_) | AppendError::Invalid(_) => {
            Unavailable::Stopped(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
