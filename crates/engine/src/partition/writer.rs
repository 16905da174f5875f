//! The writer: takes requests from the inbox, decides them, and hands closed batches to the appender.

use super::appender::{Appender, Hands};
use super::{Job, Move, Step, refuse, reply};
use crate::admission::door::Lesson;
use crate::admission::turns::Turns;
use crate::admission::{Class, Policy, Reason, Ticket};
use crate::clock::{Clock, Moment};
use crate::inbox::{Envelope, Inbox, Waiting, Wake};
use crate::machine::{Machine, Request, Unavailable};
use crate::metrics::{PartitionMetrics, Sample};
use crate::table::ReadTable;
use onhand_core::{Ahead, Command, State, Timestamp};
use onhand_planted::Defect;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long the writer sleeps at most: so late can it notice a clock that does not run with the machine's.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// Of requests of so many places what they name is looked for at once: enough for a processor to wait for much at the
/// same time, few enough that all of it is still near when the last one is decided.
const AHEAD: u32 = 32;

/// Of fewer it is not worth the while.
const FEW: usize = 4;

pub(super) struct Writer {
    machine: Machine<Waiting>,
    inbox: Arc<Inbox>,
    policy: Policy,
    table: Arc<ReadTable>,
    clock: Arc<dyn Clock>,
    metrics: Arc<PartitionMetrics>,
    jobs: Hands,
    taken: Vec<Envelope>,
    turns: Turns,
    /// Their turn has come, and what they name was looked for.
    ahead: VecDeque<(Envelope, Ahead)>,
    lesson: Lesson,
    /// When it last came back to requests, having had none.
    woken: Moment,
    /// So many of those that it finds then would lie in the open batch, had it not been at the disk, or left them to
    /// become a [`BURST`]: what they waited before was not for their turn.
    ///
    /// [`BURST`]: crate::inbox::BURST
    spared: usize,
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
        jobs: Hands,
    ) -> Self {
        Self {
            machine,
            inbox: Arc::clone(inbox),
            policy: inbox.door().policy(),
            table: Arc::clone(table),
            clock,
            metrics,
            jobs,
            taken: Vec::new(),
            turns: Turns::default(),
            ahead: VecDeque::new(),
            lesson: Lesson::default(),
            woken: Moment::default(),
            spared: 0,
            outage: None,
            is_resting: false,
        }
    }

    /// From now on it may do the appender's work where that is small.
    pub(super) fn lend(&mut self, appender: Arc<Mutex<Appender>>) {
        self.jobs.lend(appender);
    }

    /// What the writer's thread does until it ends.
    pub(super) fn run(mut self) {
        loop {
            let wake = self.wait();
            if self.turn(wake, &mut |_| {}) == Step::Ended {
                return;
            }
        }
    }

    /// One turn without waiting; `watch` sees every request just before it is decided or turned away.
    pub(super) fn step(&mut self, watch: &mut dyn FnMut(Move<'_>)) -> Step {
        let wake = self.inbox.take(&mut self.taken);
        self.turn(wake, watch)
    }

    /// Whether the open batch is full: requests wait until it is handed over.
    pub(super) fn is_full(&self) -> bool {
        self.machine.is_full() || self.machine.answers() >= self.policy.batch
    }

    pub(super) fn state(&self) -> &State {
        self.machine.state()
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.machine.state().reservations().next_expiry()
    }

    fn waiting(&self) -> usize {
        self.turns.len() + self.ahead.len()
    }

    /// Takes what was queued, decides a slice of it, and hands a batch over if the log is idle.
    fn turn(&mut self, wake: Wake, watch: &mut dyn FnMut(Move<'_>)) -> Step {
        let had = (self.taken.len() + self.waiting(), self.machine.entries());
        for envelope in self.taken.drain(..) {
            self.turns.push(envelope);
        }
        self.outage = wake.outage;
        match self.outage.clone() {
            Some(outage) => {
                self.wake_table(self.clock.now());
                self.refuse_all(&outage);
            }
            None => self.work(watch),
        }
        let handed_over = wake.log_is_idle && self.hand_over();
        let is_lost = matches!(self.outage, Some(Unavailable::Stopped(_)));
        let is_done = wake.log_is_idle && self.waiting() == 0 && !self.machine.has_work();
        if wake.is_closing && (is_done || is_lost) {
            self.wake_table(self.clock.now());
            // Its last word: the appender carries out what it was given before, syncs, and ends as well.
            self.jobs.give(Job::Stop);
            return Step::Ended;
        }
        let has = (self.waiting(), self.machine.entries());
        if handed_over || has != had {
            Step::Done
        } else {
            Step::Idle
        }
    }

    /// Waits for something to do, not beyond the next expiry. While the batch is full, or the log out of order, only
    /// the log can bring it.
    fn wait(&mut self) -> Wake {
        let has_room = !self.is_full();
        if has_room && self.waiting() > 0 {
            return self.inbox.take(&mut self.taken);
        }
        let patience = self.patience(has_room && self.outage.is_none());
        let has_work = self.machine.has_work();
        let wake = self
            .inbox
            .wait(patience, has_work, has_room, &mut self.taken);
        if self.waiting() == 0 {
            (self.woken, self.spared) = (self.clock.moment(), self.policy.batch);
        }
        wake
    }

    fn patience(&self, minds_expiry: bool) -> Duration {
        let next = self.next_expiry().filter(|_| minds_expiry);
        next.map_or(LONGEST_SLEEP, |at| {
            Duration::from_millis(at.since(self.clock.now()).millis()).min(LONGEST_SLEEP)
        })
    }

    fn work(&mut self, watch: &mut dyn FnMut(Move<'_>)) {
        let (clock, moment) = (self.clock.now(), self.clock.moment());
        self.wake_table(clock);
        let mut sample = Sample::default();
        for _ in 0..self.policy.slice {
            let Some((next, ahead)) = self.next() else {
                break;
            };
            if let Some(reason) = self.too_late(&next.ticket, moment) {
                if !Defect::LeftStillCounted.is_on() {
                    self.leave(&next, moment, &mut sample);
                }
                watch(Move::TurnsAway(next.from.number()));
                if Defect::LateIsDone.is_on() && self.machine.advance(clock) {
                    self.machine.decide(clock, next.request.clone(), &ahead);
                }
                self.turn_away(next, reason);
                continue;
            }
            let now = time_of(&next.request).unwrap_or(clock);
            let is_full = self.is_full();
            if is_full || !(skips_expiry(&next.request) || self.machine.advance(now)) {
                if !is_full {
                    watch(Move::LetsWait(now));
                }
                self.ahead.push_front((next, ahead));
                break;
            }
            self.leave(&next, moment, &mut sample);
            watch(Move::Decides(&next.request, next.from.number()));
            self.machine
                .submit_ahead(now, next.request, next.from, &ahead);
        }
        self.lesson.tell(self.inbox.door(), moment);
        self.metrics.waited(&sample);
        if !Defect::LazyExpiry.is_on() {
            self.machine.advance(clock);
        }
        self.stop_if_broken();
    }

    /// The request whose turn it is, and what was found of it; nothing is looked for where few come.
    fn next(&mut self) -> Option<(Envelope, Ahead)> {
        if let Some(own) = self.turns.pop_own() {
            return Some((own, Ahead::default()));
        }
        if self.ahead.is_empty() {
            let mut places = 0;
            while places < AHEAD
                && let Some(next) = self.turns.pop()
            {
                places += next.ticket.places;
                self.ahead.push_back((next, Ahead::default()));
            }
            if self.ahead.len() >= FEW {
                let requests = self.ahead.iter().map(|(envelope, _)| &envelope.request);
                let found = self.machine.look_ahead(requests);
                let all = self.ahead.iter_mut().zip(found);
                all.for_each(|((_, ahead), found)| *ahead = found);
            }
        }
        self.ahead.pop_front()
    }

    /// Why a request whose turn has come is not to be done any more. Having waited is a reason against new promises of
    /// a long flow only: what settles one, or asks, is still of use after a stall, and asked again it costs more.
    fn too_late(&self, ticket: &Ticket, now: Moment) -> Option<Reason> {
        let flow = ticket.flow?;
        if ticket.is_past_deadline(now) && !Defect::DeadlineIgnored.is_on() {
            return Some(Reason::Deadline);
        }
        let most = self.policy.queue_time?;
        let is_late =
            flow.class() == Class::New && self.waited_for_its_turn(ticket, now) > most * 2;
        (is_late && self.inbox.door().is_long(flow)).then_some(Reason::Waited)
    }

    fn waited_for_its_turn(&self, ticket: &Ticket, now: Moment) -> Duration {
        match self.spared {
            0 => ticket.waited(now),
            _ => ticket.waited_since(self.woken, now),
        }
    }

    /// A request waits for its turn no more.
    fn leave(&mut self, envelope: &Envelope, now: Moment, sample: &mut Sample) {
        let ticket = &envelope.ticket;
        self.inbox.door().left(ticket);
        self.lesson
            .hear(ticket, self.waited_for_its_turn(ticket, now));
        self.spared = self.spared.saturating_sub(1);
        if let Some(flow) = ticket.flow {
            sample.see(flow.class(), ticket.waited(now));
        }
    }

    fn turn_away(&mut self, envelope: Envelope, reason: Reason) {
        let Some(flow) = envelope.ticket.flow else {
            return;
        };
        let why = self.inbox.door().turn_away(flow.class(), reason);
        refuse(&self.metrics, std::iter::once(envelope.from), &why);
    }

    /// Ends the rest of the read table: until now it showed all there is.
    fn wake_table(&mut self, clock: Timestamp) {
        if std::mem::take(&mut self.is_resting) && !Defect::AgeStaysZero.is_on() {
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

    /// Closes the open batch; `false` if there is none. What needs no append and no sync is carried out here: the log is
    /// idle, so all before it is as durable as an answer is.
    fn hand_over(&mut self) -> bool {
        if !self.machine.has_work() {
            // In an outage nothing is known of what comes: the table may show what the disk has lost.
            if self.machine.broken().is_none() && self.outage.is_none() {
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
        if effects.append.is_none() && !effects.needs_sync {
            self.table.touch(now);
            reply(&self.metrics, effects.replies);
            return true;
        }
        self.inbox.set_log_idle(false);
        self.jobs.give(Job::Carry(effects, now));
        true
    }

    fn refuse_all(&mut self, outage: &Unavailable) {
        let waiting = self
            .machine
            .take_replies()
            .into_iter()
            .map(|(from, _)| from);
        let mut pending = Vec::new();
        let ahead = self.ahead.drain(..).map(|(envelope, _)| envelope);
        for envelope in ahead.chain(std::iter::from_fn(|| self.turns.pop())) {
            self.inbox.door().left(&envelope.ticket);
            pending.push(envelope.from);
        }
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
