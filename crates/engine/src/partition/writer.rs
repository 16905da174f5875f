//! The writer: takes requests from the inbox, decides them, and hands closed batches to the appender.

use super::{Job, Step, refuse, reply};
use crate::clock::Clock;
use crate::inbox::{Envelope, Inbox, Waiting, Wake};
use crate::machine::{Answer, Machine, Request, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::table::ReadTable;
use onhand_core::{Command, State, Timestamp};
use onhand_planted::Defect;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How long the writer sleeps at most: so late can it notice a clock that does not run with the machine's.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

pub(super) struct Writer {
    machine: Machine<Waiting>,
    inbox: Arc<Inbox>,
    table: Arc<ReadTable>,
    clock: Arc<dyn Clock>,
    metrics: Arc<PartitionMetrics>,
    jobs: Sender<Job>,
    taken: Vec<Envelope>,
    pending: VecDeque<Envelope>,
    /// Why requests are refused, as far as the writer knows.
    outage: Option<Unavailable>,
    /// Whether the read table rests: it shows all there is, as long as nothing is decided.
    is_resting: bool,
}

impl Writer {
    pub(super) fn new(
        machine: Machine<Waiting>,
        inbox: &Arc<Inbox>,
        table: &Arc<ReadTable>,
        clock: Arc<dyn Clock>,
        metrics: Arc<PartitionMetrics>,
        jobs: Sender<Job>,
    ) -> Self {
        Self {
            machine,
            inbox: Arc::clone(inbox),
            table: Arc::clone(table),
            clock,
            metrics,
            jobs,
            taken: Vec::new(),
            pending: VecDeque::new(),
            outage: None,
            is_resting: false,
        }
    }

    /// What the writer's thread does until it ends.
    pub(super) fn run(mut self) {
        loop {
            let patience = self.patience();
            let has_work = self.machine.has_work();
            let wake = self.inbox.wait(patience, has_work, &mut self.taken);
            if self.turn(wake, &mut |_| {}) == Step::Ended {
                return;
            }
        }
    }

    /// One turn without waiting; `watch` sees every request just before it is decided.
    pub(super) fn step(&mut self, watch: &mut dyn FnMut(&Request)) -> Step {
        let wake = self.inbox.take(&mut self.taken);
        self.turn(wake, watch)
    }

    /// Whether the open batch is full: requests wait until it is handed over.
    pub(super) fn is_full(&self) -> bool {
        self.machine.is_full()
    }

    pub(super) fn state(&self) -> &State {
        self.machine.state()
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.machine.state().reservations().next_expiry()
    }

    /// Takes what was queued, decides it, and hands a batch over if the log is idle.
    fn turn(&mut self, wake: Wake, watch: &mut dyn FnMut(&Request)) -> Step {
        let had = (
            self.taken.len() + self.pending.len(),
            self.machine.entries(),
        );
        self.pending.extend(self.taken.drain(..));
        self.outage = wake.outage;
        match self.outage.clone() {
            Some(outage) => self.refuse_all(&outage),
            None => self.work(watch),
        }
        let handed_over = wake.log_is_idle && self.hand_over();
        let is_lost = matches!(self.outage, Some(Unavailable::Stopped(_)));
        let is_done = wake.log_is_idle && self.pending.is_empty() && !self.machine.has_work();
        if wake.is_closing && (is_done || is_lost) {
            self.wake_table(self.clock.now());
            return Step::Ended;
        }
        let has = (self.pending.len(), self.machine.entries());
        if handed_over || has != had {
            Step::Done
        } else {
            Step::Idle
        }
    }

    /// How long to wait for requests: not at all if some are pending, and not beyond the next expiry.
    fn patience(&self) -> Duration {
        if self.outage.is_some() || self.machine.is_full() {
            return LONGEST_SLEEP;
        }
        if !self.pending.is_empty() {
            return Duration::ZERO;
        }
        self.next_expiry().map_or(LONGEST_SLEEP, |at| {
            Duration::from_millis(at.since(self.clock.now()).millis()).min(LONGEST_SLEEP)
        })
    }

    fn work(&mut self, watch: &mut dyn FnMut(&Request)) {
        let clock = self.clock.now();
        self.wake_table(clock);
        let moment = self.clock.moment();
        while let Some(next) = self.pending.pop_front() {
            if next.origin.deadline.is_some_and(|until| until <= moment) {
                let late = Answer::Unavailable(Unavailable::Late { retry_after: 1 });
                reply(&self.metrics, vec![(next.from, late)]);
                continue;
            }
            let now = time_of(&next.request).unwrap_or(clock);
            if self.machine.is_full() || !(skips_expiry(&next.request) || self.machine.advance(now))
            {
                self.pending.push_front(next);
                return;
            }
            watch(&next.request);
            self.machine.submit(now, next.request, next.from);
        }
        if !Defect::LazyExpiry.is_on() {
            self.machine.advance(clock);
        }
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

    /// Closes the open batch; `false` if there is none. What needs no append is carried out here: the log is idle, so
    /// all before it is durable.
    fn hand_over(&mut self) -> bool {
        if !self.machine.has_work() {
            if self.machine.broken().is_none() {
                self.table.rest();
                self.is_resting = true;
            }
            return false;
        }
        let now = self.clock.now();
        let mut effects = self.machine.close();
        if Defect::AnswerBeforeSync.is_on() {
            reply(&self.metrics, std::mem::take(&mut effects.replies));
        }
        if Defect::ReadTableEarly.is_on() {
            self.table.publish(&effects.publish);
        }
        if effects.append.is_none() {
            self.table.touch(now);
            reply(&self.metrics, effects.replies);
            return true;
        }
        self.inbox.set_log_idle(false);
        // The appender ends only after the writer.
        drop(self.jobs.send(Job::Carry(effects, now)));
        true
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

/// A planted defect: a confirm does not wait for the expiries of its time.
fn skips_expiry(request: &Request) -> bool {
    let is_confirm = matches!(
        request,
        Request::Command {
            command: Command::Confirm(_),
            ..
        }
    );
    is_confirm && Defect::ConfirmAfterExpiry.is_on()
}

fn time_of(request: &Request) -> Option<Timestamp> {
    match request {
        Request::Command { at, .. } => *at,
        Request::Query(_) => None,
    }
}
