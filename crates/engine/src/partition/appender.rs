//! The appender: append, publish, reply, in this order.

use super::{Job, Step, refuse, reply};
use crate::inbox::{Inbox, Waiting};
use crate::machine::{Answer, Publish, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::table::ReadTable;
use onhand_core::Timestamp;
use onhand_log::{AppendError, Batch, Log};
use onhand_planted::Defect;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How long to wait before an append is tried again.
const RETRY: Duration = Duration::from_millis(200);

type Replies = Vec<(Waiting, Answer)>;

/// What the appender has in hand.
enum Task {
    Append(Option<Batch>, Publish, Replies, Timestamp),
    Publish(Publish, Replies, Timestamp),
    Reply(Replies),
    Trim(u64),
    Stop,
}

pub(super) struct Appender {
    log: Box<dyn Log>,
    inbox: Arc<Inbox>,
    table: Arc<ReadTable>,
    metrics: Arc<PartitionMetrics>,
    task: Option<Task>,
}

impl Appender {
    pub(super) fn new(
        log: Box<dyn Log>,
        inbox: &Arc<Inbox>,
        table: &Arc<ReadTable>,
        metrics: &Arc<PartitionMetrics>,
    ) -> Self {
        Self {
            log,
            inbox: Arc::clone(inbox),
            table: Arc::clone(table),
            metrics: Arc::clone(metrics),
            task: None,
        }
    }

    /// What the appender's thread does until it ends.
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver is where the time is spent"
    )]
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            self.take(job);
            if Defect::AnswerBeforeSync.is_on() {
                std::thread::sleep(Duration::from_millis(5));
            }
            while !self.is_free() {
                match self.step() {
                    Step::Later => std::thread::sleep(RETRY),
                    Step::Ended => return,
                    Step::Done | Step::Idle => {}
                }
            }
        }
    }

    /// Whether it can take another job.
    pub(super) fn is_free(&self) -> bool {
        self.task.is_none()
    }

    pub(super) fn take(&mut self, job: Job) {
        self.task = Some(match job {
            Job::Carry(effects, closed_at) => {
                Task::Append(effects.append, effects.publish, effects.replies, closed_at)
            }
            Job::Trim(before) => Task::Trim(before),
            Job::Stop => Task::Stop,
        });
    }

    /// Does the next thing.
    pub(super) fn step(&mut self) -> Step {
        match self.task.take() {
            None => return Step::Idle,
            Some(Task::Append(batch, publish, replies, closed_at)) => {
                return self.append(batch, publish, replies, closed_at);
            }
            Some(Task::Publish(publish, replies, closed_at)) => {
                self.table.publish(&publish);
                self.table.touch(closed_at);
                self.task = Some(Task::Reply(replies));
            }
            Some(Task::Reply(replies)) => {
                reply(&self.metrics, replies);
                self.inbox.set_log_idle(true);
            }
            Some(Task::Trim(before)) => self.trim(before),
            Some(Task::Stop) => return Step::Ended,
        }
        Step::Done
    }

    /// Tries the append once. The batch is kept until it is durable, or until it never will be.
    fn append(
        &mut self,
        batch: Option<Batch>,
        publish: Publish,
        mut replies: Replies,
        closed_at: Timestamp,
    ) -> Step {
        let error = match batch.as_ref().map(|batch| self.try_append(batch)) {
            None | Some(Ok(())) => {
                self.task = Some(Task::Publish(publish, replies, closed_at));
                return Step::Done;
            }
            Some(Err(error)) => error,
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
        self.task = Some(Task::Append(batch, publish, replies, closed_at));
        Step::Later
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a metric: nothing is decided by it"
    )]
    fn try_append(&mut self, batch: &Batch) -> Result<(), AppendError> {
        let start = std::time::Instant::now();
        self.log.append(batch)?;
        self.metrics.appended(batch, start.elapsed());
        self.recovered();
        Ok(())
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
