//! The driver of a partition: the only place where its two workers meet.
//!
//! The *writer* takes requests from the inbox in turns ([`crate::admission`]) and steps the machine; whenever the log is
//! idle it closes the open batch and hands it over. The *appender* appends it (one write, one sync), then publishes, then
//! replies. So many requests
//! share one sync, the next batch fills while the last one syncs, and a batch is as large as the disk is slow.
//!
//! A batch of few answers ([`crate::inbox::BURST`]) the writer's own thread takes through the appender's steps: to wake
//! another thread for it would take longer than to decide what comes meanwhile.
//!
//! Where answers may be durable a little later ([`crate::durability`]), the appender writes, publishes and replies, and
//! syncs when what was written first has waited for half of its time. It does nothing else meanwhile, so no answer leaves
//! while an older one has waited longer than that, however slow the disk is. A batch in which the engine asked itself
//! something is synced first.
//!
//! Each worker is a row of steps that never wait ([`writer`], [`appender`]). In a server each has a thread, which steps
//! it and waits between the steps; a simulator steps both from one thread, in any order it likes ([`Workers`]).
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
//! through an outage as well. When a late sync fails, the writer wakes it too: what it shows may be lost.

mod appender;
mod writer;

use crate::admission::Policy;
use crate::clock::Clock;
use crate::durability::Durability;
use crate::inbox::{Inbox, Waiting};
use crate::machine::{Answer, Effects, Machine, Request, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::table::ReadTable;
use appender::{Appender, Hands};
use onhand_core::{State, Timestamp};
use onhand_log::{Log, LogReader};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use writer::Writer;

/// What the appender is asked to do.
enum Job {
    /// Carry out the effects of a batch that was closed at a time.
    Carry(Effects<Waiting>, Timestamp),
    Trim(u64),
    /// What the writer began for the appender, and could not do.
    GoOn,
    Stop,
}

/// A partition as its callers see it.
pub(crate) struct Partition {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) table: Arc<ReadTable>,
    pub(crate) reader: Arc<dyn LogReader>,
    jobs: Sender<Job>,
    /// The writer's and the appender's, while they run.
    threads: Mutex<Option<[JoinHandle<()>; 2]>>,
}

/// The two workers of a partition, not yet running. Each of their steps ends at once and says whether there is more.
pub struct Workers {
    number: u16,
    inbox: Arc<Inbox>,
    writer: Writer,
    appender: Arc<Mutex<Appender>>,
    jobs: Receiver<Job>,
}

/// What the writer does with a request.
#[derive(Debug)]
pub enum Move<'a> {
    /// It decides it now. The number is that of [`ReplyTo`](crate::ReplyTo).
    Decides(&'a Request, Option<u64>),
    /// It turns it away, undone.
    TurnsAway(Option<u64>),
    /// It lets it wait: the batch had no room for all that must expire before it, at this time.
    LetsWait(Timestamp),
}

/// What a worker has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It did something; there may be more.
    Done,
    /// It has nothing to do until somebody else does something.
    Idle,
    /// The log could not be written; it is to be tried again after [`appender::RETRY`].
    Later,
    /// It has ended, and is not to be stepped any more.
    Ended,
}

impl Partition {
    /// A partition and its workers.
    pub(crate) fn new(
        machine: Machine<Waiting>,
        log: Box<dyn Log>,
        clock: Arc<dyn Clock>,
        policy: Policy,
        durability: Durability,
        metrics: Arc<PartitionMetrics>,
    ) -> (Self, Workers) {
        let inbox = Inbox::new(policy, Arc::clone(&clock), Arc::clone(&metrics));
        let inbox = Arc::new(inbox);
        let table = Arc::new(ReadTable::of(machine.state(), clock.now()));
        let reader = log.reader();
        let (jobs, todo) = channel();
        let appender = Appender::new(log, durability, &clock, &inbox, &table, &metrics);
        let workers = Workers {
            number: machine.state().partition(),
            inbox: Arc::clone(&inbox),
            appender: Arc::new(Mutex::new(appender)),
            writer: Writer::new(
                machine,
                &inbox,
                &table,
                clock,
                metrics,
                Hands::new(jobs.clone()),
            ),
            jobs: todo,
        };
        let partition = Self {
            inbox,
            table,
            reader,
            jobs,
            threads: Mutex::default(),
        };
        (partition, workers)
    }

    /// Gives each worker a thread.
    pub(crate) fn run(&self, mut workers: Workers) -> std::io::Result<()> {
        workers.lend();
        let Workers {
            number,
            inbox,
            writer,
            appender,
            jobs,
        } = workers;
        let appender = spawn(format!("appender-{number}"), &inbox, move || {
            appender::run(&appender, &jobs)
        })?;
        let writer = spawn(format!("writer-{number}"), &inbox, move || writer.run())?;
        *self.threads() = Some([writer, appender]);
        Ok(())
    }

    /// Lets the log go of what lies before `before`, when the appender comes to it.
    pub(crate) fn trim(&self, before: u64) {
        // An appender that has ended trims nothing any more.
        drop(self.jobs.send(Job::Trim(before)));
    }

    /// Takes no more requests; the writer ends when it has done what it has.
    pub(crate) fn close(&self) {
        self.inbox.close();
    }

    /// Answers what is queued, then stops.
    pub(crate) fn stop(&self) {
        self.close();
        if let Some([writer, appender]) = self.threads().take() {
            // A thread that panicked has said so already; a writer that did has not told the appender to stop.
            drop(writer.join());
            drop(self.jobs.send(Job::Stop));
            drop(appender.join());
        }
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Option<[JoinHandle<()>; 2]>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Workers {
    /// The partition's number.
    pub fn partition(&self) -> u16 {
        self.number
    }

    /// Lets the writer take small batches through the appender's steps itself, as one with a thread does: its own step
    /// then ends when their answers have left.
    pub fn lend(&mut self) {
        self.writer.lend(Arc::clone(&self.appender));
    }

    /// The writer takes what is queued, decides some of it, and hands a batch over if the log is idle. `watch` sees
    /// every request just before it is decided or turned away.
    pub fn write(&mut self, watch: &mut dyn FnMut(Move<'_>)) -> Step {
        self.writer.step(watch)
    }

    /// Whether the open batch is full: requests, and expiries that are due, wait until it is handed over.
    pub fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    /// What the writer knows, durable or not.
    pub fn state(&self) -> &State {
        self.writer.state()
    }

    /// When the next hold expires, if nothing happens before.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.writer.next_expiry()
    }

    /// The appender does the next of: sync what has waited, take a job, append, publish, reply, trim.
    pub fn append(&mut self) -> Step {
        let appender = self.appender.lock();
        let mut appender = appender.unwrap_or_else(PoisonError::into_inner);
        // What the writer left to go on with may be done by now.
        while appender.is_free() && !appender.is_sync_due() {
            match self.jobs.try_recv() {
                Ok(job) => appender.take(job),
                Err(_) => return Step::Idle,
            }
        }
        appender.step()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the driver is where the threads are"
)]
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

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "these tests run the two threads, and wait for them"
)]
mod tests;
