//! The appender: append, publish, reply, in this order; and the sync that comes later, where it may.

use super::{Job, Step, refuse, reply};
use crate::clock::{Clock, Moment};
use crate::durability::Durability;
use crate::inbox::{BURST, Inbox, Waiting};
use crate::machine::{Answer, Publish, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::table::ReadTable;
use onhand_core::Timestamp;
use onhand_log::{AppendError, Batch, Log};
use onhand_planted::Defect;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait before an append is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// A write that takes so long is told: whoever looks for what made answers late should not have to guess.
const STANDSTILL: Duration = Duration::from_millis(250);

type Replies = Vec<(Waiting, Answer)>;

/// How long the appender waits for a job at a time where nothing waits for a sync.
const LONG: Duration = Duration::from_secs(3600);

/// What the appender has in hand.
enum Task {
    Append(ToAppend, Publish, Replies, Timestamp),
    Publish(Publish, Replies, Timestamp),
    Reply(Replies),
    Trim(u64),
    Stop,
}

/// What comes before the answers.
struct ToAppend {
    batch: Option<Batch>,
    needs_sync: bool,
}

pub(super) struct Appender {
    log: Box<dyn Log>,
    durability: Durability,
    clock: Arc<dyn Clock>,
    /// When the oldest batch was written that is not synced.
    written_at: Option<Moment>,
    inbox: Arc<Inbox>,
    table: Arc<ReadTable>,
    metrics: Arc<PartitionMetrics>,
    task: Option<Task>,
}

impl Appender {
    pub(super) fn new(
        log: Box<dyn Log>,
        durability: Durability,
        clock: &Arc<dyn Clock>,
        inbox: &Arc<Inbox>,
        table: &Arc<ReadTable>,
        metrics: &Arc<PartitionMetrics>,
    ) -> Self {
        Self {
            log,
            durability,
            clock: Arc::clone(clock),
            written_at: None,
            inbox: Arc::clone(inbox),
            table: Arc::clone(table),
            metrics: Arc::clone(metrics),
            task: None,
        }
    }

    /// Goes on with what it has in hand until that is done, however long it takes.
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver is where the time is spent"
    )]
    fn finish(&mut self) -> Step {
        while !self.is_free() || self.is_sync_due() {
            match self.step() {
                Step::Later => std::thread::sleep(
                    self.patience()
                        .map_or(RETRY, |patience| RETRY.min(patience)),
                ),
                Step::Ended => return Step::Ended,
                Step::Done | Step::Idle => {}
            }
        }
        Step::Done
    }

    /// Whether a job is one for the writer's own thread: a small one, whose answers wait for the sync.
    fn is_small(&self, job: &Job) -> bool {
        let Job::Carry(effects, _) = job else {
            return false;
        };
        let waits_for_sync = self.durability.patience().is_none();
        effects.replies.len() < BURST && waits_for_sync && self.is_free()
    }

    /// Does a job once; what cannot be done now stays in hand.
    fn do_at_once(&mut self, job: Job) -> Step {
        self.take(job);
        self.believe_the_append();
        while !self.is_free() {
            if self.step() == Step::Later {
                return Step::Later;
            }
        }
        Step::Done
    }

    /// A planted defect: what comes after the append is done, whatever came of it.
    fn believe_the_append(&mut self) {
        if !Defect::OwnBatchBelieved.is_on() {
            return;
        }
        if let Some(Task::Append(append, publish, replies, closed_at)) = self.task.take() {
            drop(self.try_append(&append));
            self.task = Some(Task::Publish(publish, replies, closed_at));
        }
    }

    /// How long what was written may still wait for its sync; `None` if all is synced.
    fn patience(&self) -> Option<Duration> {
        let waits = self.clock.moment().since(self.written_at?);
        Some(self.durability.patience()?.saturating_sub(waits))
    }

    pub(super) fn is_sync_due(&self) -> bool {
        self.patience() == Some(Duration::ZERO) && !Defect::TimerNeverSyncs.is_on()
    }

    /// Whether it can take another job.
    pub(super) fn is_free(&self) -> bool {
        self.task.is_none()
    }

    pub(super) fn take(&mut self, job: Job) {
        self.task = Some(match job {
            Job::Carry(effects, closed_at) => {
                let append = ToAppend {
                    batch: effects.append,
                    needs_sync: effects.needs_sync,
                };
                Task::Append(append, effects.publish, effects.replies, closed_at)
            }
            Job::Trim(before) => Task::Trim(before),
            Job::Stop => Task::Stop,
            Job::GoOn => return,
        });
    }

    /// Does the next thing.
    pub(super) fn step(&mut self) -> Step {
        if self.is_sync_due() {
            self.sync();
            return Step::Done;
        }
        match self.task.take() {
            None => return Step::Idle,
            Some(Task::Append(append, publish, replies, closed_at)) => {
                return self.append(append, publish, replies, closed_at);
            }
            Some(Task::Publish(publish, mut replies, closed_at)) => {
                if Defect::AnswerBeforePublish.is_on() && !replies.is_empty() {
                    reply(&self.metrics, std::mem::take(&mut replies));
                    self.task = Some(Task::Publish(publish, replies, closed_at));
                    return Step::Done;
                }
                if !Defect::TableNotPublished.is_on() {
                    self.table.publish(&publish);
                }
                self.table.touch(closed_at);
                self.task = Some(Task::Reply(replies));
            }
            Some(Task::Reply(replies)) => {
                reply(&self.metrics, replies);
                self.inbox.set_log_idle(true);
            }
            Some(Task::Trim(before)) => self.trim(before),
            Some(Task::Stop) => {
                if !Defect::StopWithoutSync.is_on() {
                    self.sync();
                }
                return Step::Ended;
            }
        }
        Step::Done
    }

    /// Tries the append once. The batch is kept until it is in the log, or until it never will be.
    fn append(
        &mut self,
        append: ToAppend,
        publish: Publish,
        mut replies: Replies,
        closed_at: Timestamp,
    ) -> Step {
        let error = match self.try_append(&append) {
            Ok(()) => {
                self.task = Some(Task::Publish(publish, replies, closed_at));
                return Step::Done;
            }
            Err(error) => error,
        };
        let outage = outage_of(&error);
        self.fail(&error, &outage, &mut replies);
        if matches!(outage, Unavailable::Stopped(_)) || self.is_abandoned() {
            return Step::Done;
        }
        if Defect::FullDiskDropsTheBatch.is_on() {
            self.recovered();
            self.inbox.set_log_idle(true);
            return Step::Done;
        }
        self.task = Some(Task::Append(append, publish, replies, closed_at));
        Step::Later
    }

    /// Does something with the log, says how long it took, and tells the operator if the disk stood still.
    #[expect(
        clippy::disallowed_methods,
        reason = "a metric: nothing is decided by it"
    )]
    fn timed<T>(&mut self, work: impl FnOnce(&mut dyn Log) -> T) -> (T, Duration) {
        let start = std::time::Instant::now();
        let done = work(&mut *self.log);
        let took = start.elapsed();
        if took >= STANDSTILL {
            self.metrics.stood_still(took);
        }
        (done, took)
    }

    fn try_append(&mut self, append: &ToAppend) -> Result<(), AppendError> {
        let waits_for_sync = append.needs_sync || self.durability.patience().is_none();
        let now = self.clock.moment();
        let (done, took) = self.timed(|log| match &append.batch {
            Some(batch) if waits_for_sync => log.append(batch).map(drop),
            Some(batch) => log.write(batch).map(drop),
            None if waits_for_sync => log.sync(),
            None => Ok(()),
        });
        done?;
        if waits_for_sync {
            self.synced();
        } else if append.batch.is_some() {
            self.written_at.get_or_insert(now);
        }
        if let Some(batch) = &append.batch {
            self.metrics.appended(batch, took);
            self.recovered();
        }
        Ok(())
    }

    /// Syncs what was written. After a failure the partition has stopped: it is not known what is on disk.
    fn sync(&mut self) {
        match self.timed(|log| log.sync()).0 {
            Ok(()) => self.synced(),
            Err(error) => {
                self.written_at = None;
                self.fail(&error, &outage_of(&error), &mut Vec::new());
            }
        }
    }

    /// All that was written is durable.
    fn synced(&mut self) {
        if let Some(written_at) = self.written_at.take() {
            let waited = self.clock.moment().since(written_at);
            self.metrics.was_in_doubt(waited);
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

    fn fail(&self, error: &AppendError, outage: &Unavailable, replies: &mut Replies) {
        if self.inbox.set_outage(Some(outage.clone())) {
            tracing::error!(%error, "writes are refused");
            self.metrics.append_failed();
        }
        let waiting = replies.drain(..).map(|(from, _)| from);
        refuse(&self.metrics, waiting, outage);
    }

    fn recovered(&self) {
        if Defect::OutageStays.is_on() {
            return;
        }
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

/// The way of jobs to the appender.
pub(super) struct Hands {
    /// There where the writer may lend a hand.
    appender: Option<Arc<Mutex<Appender>>>,
    jobs: Sender<Job>,
}

impl Hands {
    pub(super) fn new(jobs: Sender<Job>) -> Self {
        let appender = None;
        Self { appender, jobs }
    }

    /// The writer may do from now on what is small.
    pub(super) fn lend(&mut self, appender: Arc<Mutex<Appender>>) {
        self.appender = Some(appender);
    }

    /// Has a job done: here if it is small, by the appender's thread if not.
    pub(super) fn give(&self, job: Job) {
        // This planted defect is seen by the time that the appender takes: it gets all of the work.
        let lent = self
            .appender
            .as_ref()
            .filter(|_| !Defect::AnswerBeforeSync.is_on());
        let job = match lent.map(|appender| appender.try_lock()) {
            Some(Ok(mut appender)) if appender.is_small(&job) => match appender.do_at_once(job) {
                Step::Later => Job::GoOn,
                _ => return,
            },
            _ => job,
        };
        // The appender ends only after the writer.
        drop(self.jobs.send(job));
    }
}

/// What the appender's thread does until it ends. What the writer left comes before the next job.
pub(super) fn run(appender: &Mutex<Appender>, jobs: &Receiver<Job>) {
    let lock = || appender.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let patience = lock().patience().unwrap_or(LONG);
        let job = match jobs.recv_timeout(patience) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => Job::GoOn,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a planted defect must be given the time to be seen"
        )]
        if Defect::AnswerBeforeSync.is_on() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut appender = lock();
        if appender.finish() == Step::Ended {
            return;
        }
        appender.take(job);
        if appender.finish() == Step::Ended {
            return;
        }
    }
}

fn outage_of(error: &AppendError) -> Unavailable {
    match error {
        AppendError::Full { .. } if Defect::FullDiskStops.is_on() => {
            Unavailable::Stopped(error.to_string())
        }
        AppendError::Full { .. } => Unavailable::StorageFull,
        AppendError::Unavailable(cause) => Unavailable::LogUnavailable(cause.to_string()),
        AppendError::Fenced(_) | AppendError::Broken(_) | AppendError::Invalid(_) => {
            Unavailable::Stopped(error.to_string())
        }
    }
}
