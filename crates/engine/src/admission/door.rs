//! The door: what is refused before it is queued.
//!
//! Whoever comes reads a few numbers and takes no lock, so that a refusal costs next to nothing. The numbers may be a
//! few requests old; that many too many may get in.

use super::class::{Class, places};
use super::{Flow, Policy, Reason, Ticket};
use crate::clock::Moment;
use crate::machine::{Request, Unavailable};
use crate::metrics::PartitionMetrics;
use crate::origin::Origin;
use onhand_planted::Defect;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// So few places are no sign of anything: whoever finds them ahead waits for a thread to wake, not for its turn.
const NO_SIGN: u64 = 64;
/// So much waiting, in places, half settles what a place takes.
const EVIDENCE: u64 = 1 << 16;
/// How often the spread of retries is looked at.
const REVIEW: Duration = Duration::from_millis(250);
/// The longest that anybody is told to stay away, in seconds.
const LONGEST_RETRY: u64 = 30;

/// The right to one place in memory; given back when dropped.
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The door of a partition.
pub(crate) struct Door {
    policy: Policy,
    metrics: Arc<PartitionMetrics>,
    in_flight: Arc<AtomicUsize>,
    /// Places that wait for their turn, by flow.
    places: Box<[AtomicU32]>,
    /// All of them.
    all: AtomicU64,
    /// The weights of the flows that have something, together.
    weights: AtomicU32,
    /// What a place takes, in nanoseconds.
    pace: AtomicU64,
    /// How many were turned away so far.
    refused: AtomicU64,
    /// Over how many seconds retries are spread.
    spread: AtomicU32,
}

impl Door {
    pub(crate) fn new(policy: Policy, metrics: Arc<PartitionMetrics>) -> Self {
        let mut places = Vec::new();
        places.resize_with(Flow::COUNT, AtomicU32::default);
        Self {
            policy,
            metrics,
            in_flight: Arc::default(),
            places: places.into(),
            all: AtomicU64::new(0),
            weights: AtomicU32::new(0),
            pace: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            spread: AtomicU32::new(1),
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    /// How many requests are waiting for an answer.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Lets a request in, or says why not. It does not wait yet: see [`Door::queued`].
    pub(crate) fn admit(
        &self,
        origin: Origin,
        request: &Request,
        now: Moment,
    ) -> Result<(Ticket, Permit), Unavailable> {
        let class = Class::of(request);
        let flow = Flow::of(class, origin.tenant);
        let ticket = Ticket {
            flow: Some(flow),
            places: places(request),
            ahead: self.ahead(flow),
            came: now,
            deadline: origin.deadline,
        };
        if let Some(reason) = self.objection(flow, &ticket, now) {
            return Err(self.turn_away(class, reason));
        }
        let (before, permit) = self.permit();
        match before >= self.capacity() {
            true => Err(self.turn_away(class, Reason::Length)),
            false => Ok((ticket, permit)),
        }
    }

    /// Lets in what the engine asks of itself: it always gets in, or a spike of clients would keep it from snapshots and
    /// transfers. There is little of it at a time: one snapshot and one courier.
    pub(crate) fn admit_own(&self, request: &Request, now: Moment) -> (Ticket, Permit) {
        let ticket = Ticket {
            flow: None,
            places: places(request),
            ahead: 0,
            came: now,
            deadline: None,
        };
        (ticket, self.permit().1)
    }

    /// A permit, and how many had one before.
    fn permit(&self) -> (usize, Permit) {
        let before = self.in_flight.fetch_add(1, Ordering::AcqRel);
        (before, Permit(Arc::clone(&self.in_flight)))
    }

    /// How many may be in at once.
    fn capacity(&self) -> usize {
        match Defect::BusyWithRoom.is_on() {
            true => self.policy.capacity / 2,
            false => self.policy.capacity,
        }
    }

    fn objection(&self, flow: Flow, ticket: &Ticket, now: Moment) -> Option<Reason> {
        let is_long = self.is_long(flow);
        if self.in_flight() >= self.room(flow, is_long) {
            return Some(Reason::Length);
        }
        // The guess may be wrong after a stall. Who has few waiting gets in however long others keep him.
        let wait = match is_long {
            true => self.estimate(ticket.ahead),
            false => Duration::ZERO,
        };
        if ticket.is_past_deadline(now.plus(wait)) {
            return Some(Reason::Deadline);
        }
        // Half of the room is for those who have less than their share of it. A few long requests take many places, and
        // little of the room.
        let half = self.policy.capacity.div_ceil(2);
        let is_greedy = ticket.ahead > half as u64 && self.in_flight() > half;
        let is_late = self.policy.queue_time.is_some_and(|most| wait > most);
        (is_late || is_greedy).then_some(Reason::Wait)
    }

    /// How many may be in at once for a request of this flow to get in. The last quarter of the places is not for floods of
    /// new promises: what settles promises, and who has few, finds room beside them, whatever lies in the batches.
    fn room(&self, flow: Flow, is_long: bool) -> usize {
        match is_long && flow.class() == Class::New {
            true => self.capacity() - self.capacity() / 4,
            false => self.capacity(),
        }
    }

    /// Whether more of a flow wait for their turn than are decided in one go. Only then is anybody served sooner for
    /// another's being turned away.
    pub(crate) fn is_long(&self, flow: Flow) -> bool {
        self.waiting(flow) as usize > self.policy.slice
    }

    /// How many places will be served before a request that comes now: all of its own flow, and of the others as much
    /// as they get in the rounds that takes.
    fn ahead(&self, flow: Flow) -> u64 {
        let own = u64::from(self.waiting(flow));
        let others = self.all.load(Ordering::Relaxed).saturating_sub(own);
        let weight = u64::from(flow.weight());
        let mine = if own > 0 { weight } else { 0 };
        let weights = u64::from(self.weights.load(Ordering::Relaxed)).saturating_sub(mine);
        let rounds = own / weight + 1;
        own + others.min(rounds * weights)
    }

    fn estimate(&self, ahead: u64) -> Duration {
        Duration::from_nanos(ahead.saturating_mul(self.pace.load(Ordering::Relaxed)))
    }

    /// How long a new promise of a tenant that has nothing else would wait for its turn now, were it behind all.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.estimate(self.all.load(Ordering::Relaxed))
    }

    /// A request that was let in waits for its turn from now on.
    pub(crate) fn queued(&self, ticket: &Ticket) {
        let Some(flow) = ticket.flow else { return };
        let place = &self.places[flow.index()];
        if place.fetch_add(ticket.places, Ordering::Relaxed) == 0 {
            self.weights.fetch_add(flow.weight(), Ordering::Relaxed);
        }
        self.all.fetch_add(ticket.places.into(), Ordering::Relaxed);
    }

    /// How many places of a flow wait for their turn.
    fn waiting(&self, flow: Flow) -> u32 {
        self.places[flow.index()].load(Ordering::Relaxed)
    }

    /// It waits no more.
    pub(crate) fn left(&self, ticket: &Ticket) {
        let Some(flow) = ticket.flow else { return };
        let place = &self.places[flow.index()];
        if place.fetch_sub(ticket.places, Ordering::Relaxed) == ticket.places {
            self.weights.fetch_sub(flow.weight(), Ordering::Relaxed);
        }
        self.all.fetch_sub(ticket.places.into(), Ordering::Relaxed);
    }

    /// Counts a request that is turned away, and gives its answer.
    pub(crate) fn turn_away(&self, class: Class, reason: Reason) -> Unavailable {
        self.metrics.turned_away(class, reason);
        let retry_after = self.retry_after();
        match reason {
            Reason::Length | Reason::Wait => Unavailable::Busy { retry_after },
            Reason::Deadline | Reason::Waited => Unavailable::Late { retry_after },
        }
    }

    /// Seconds after which to ask again: as evenly spread as the multiples of the golden ratio are.
    fn retry_after(&self) -> u16 {
        const GOLDEN: u64 = 0x9e37_79b9;
        let number = self.refused.fetch_add(1, Ordering::Relaxed);
        let fraction = number.wrapping_mul(GOLDEN) & u64::from(u32::MAX);
        let spread = u64::from(self.spread.load(Ordering::Relaxed));
        (1 + ((fraction * spread) >> 32)) as u16
    }
}

/// What the writer learns from those who came to their turn, and tells the door.
#[derive(Debug, Default)]
pub(crate) struct Lesson {
    waited: Duration,
    ahead: u64,
    served: u64,
    reviewed: Moment,
    refused: u64,
}

impl Lesson {
    /// A request came to its turn, for which it has waited so long.
    pub(crate) fn hear(&mut self, ticket: &Ticket, waited: Duration) {
        if ticket.flow.is_some() {
            self.waited += waited;
            self.ahead += ticket.ahead + NO_SIGN;
            self.served += 1;
        }
    }

    /// Tells the door what a place takes now, and over how long retries are to be spread.
    pub(crate) fn tell(&mut self, door: &Door, now: Moment) {
        if let Some(found) = (self.waited.as_nanos() as u64).checked_div(self.ahead) {
            let before = door.pace.load(Ordering::Relaxed);
            // Nobody waits: what made others wait before is over, and need not be unlearned bit by bit.
            let is_over = door.all.load(Ordering::Relaxed) == 0;
            let pace = match is_over && found < before {
                true => found,
                false => mixed(before, found, self.ahead),
            };
            door.pace.store(pace, Ordering::Relaxed);
            (self.waited, self.ahead) = (Duration::ZERO, 0);
        }
        if now.since(self.reviewed) >= REVIEW {
            self.review(door, now);
        }
    }

    /// Were all who were turned away to come back at once, they would be turned away again. So they are spread over as
    /// many seconds as it would take to serve those of one second.
    fn review(&mut self, door: &Door, now: Moment) {
        let refused = door.refused.load(Ordering::Relaxed);
        let ratio = (refused - self.refused).div_ceil(self.served.max(1));
        let spread = ratio.clamp(1, LONGEST_RETRY);
        door.spread.store(spread as u32, Ordering::Relaxed);
        (self.refused, self.served, self.reviewed) = (refused, 0, now);
    }
}

/// A mean that follows what was found last, the more so the more waiting it rests on, but by a quarter at most.
fn mixed(before: u64, found: u64, evidence: u64) -> u64 {
    let evidence = evidence.min(EVIDENCE / 3);
    let whole = u128::from(EVIDENCE + evidence);
    let sum = u128::from(before) * u128::from(EVIDENCE) + u128::from(found) * u128::from(evidence);
    (sum / whole) as u64
}
