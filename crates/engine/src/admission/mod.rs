//! Admission: who gets in when there is more to do than can be done.
//!
//! The problem: a queue that is only bounded by its length is always full under overload, so everybody waits for all of
//! it, in turn, whoever he is. The answers come too late to be of use, and the work for them was done all the same.
//!
//! The rule has two halves, which fit together:
//!
//! - *Turns* ([`turns`]). The writer keeps a queue for each *flow*: a class of requests ([`class`]) of one tenant. It
//!   goes round the flows that have something, and does of each as much as its class weighs (deficit round robin). So
//!   what settles a promise comes before new promises, no tenant waits for another's spike, and nothing is kept back
//!   while nobody else wants it. Within a flow the order is that in which requests came.
//! - *The door* ([`door`]). A request that would wait longer than it may is refused at once, before any lock. How long
//!   it would wait is the number of places ahead of it, by the rule of the turns, times the time that a place takes.
//!   That time is measured on what came to its turn: how long it waited, by how many places were ahead of it. So it
//!   has everything in it that makes requests wait: deciding, the disk, the other threads. Who has few waiting is spared:
//!   only a flow with more than is decided in one go is judged by the guess. Room is kept, too: no flow fills more than
//!   half of it while it waits, and a flood of new promises not the last quarter.
//!
//! The estimate may be wrong when something stalls. So what has come past its deadline, and the new promises of a long
//! flow that have waited far too long, are turned away when their turn comes, undone, and what came after them is done in
//! time. What settles a promise and what asks is done however long it waited. One that came too late is never done and
//! refused, nor half done: it is refused before it is decided.
//!
//! What this is made of is known: deficit round robin (Shreedhar and Varghese 1995) over hashed flows (stochastic fair
//! queueing, McKenney 1990), shedding by queueing time and not by length (CoDel 2012, DAGOR 2018), and a short queue to
//! the device, so that order is still to be chosen as late as possible (byte queue limits).
//!
//! What fails: a tenant's place in the tables is its number modulo [`LANES`], so two tenants may share one share. And a
//! request is weighed by its lines, not by what it will really cost; the measured time of a place makes up for it.

pub(crate) mod class;
pub(crate) mod door;
pub(crate) mod turns;

pub use class::Class;

use crate::clock::Moment;
use crate::origin::Tenant;
use std::time::Duration;

/// Tenants that are told apart; more share shares.
const LANES: usize = 256;

/// One class of one tenant: those who wait behind each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow(u16);

impl Flow {
    /// How many there are.
    const COUNT: usize = Class::ALL.len() * LANES;

    fn of(class: Class, tenant: Tenant) -> Self {
        Self((class as usize * LANES + tenant.lane(LANES)) as u16)
    }

    fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn class(self) -> Class {
        Class::ALL[self.index() / LANES]
    }

    /// Places that it gets in each round.
    fn weight(self) -> u32 {
        self.class().weight()
    }
}

/// How much may wait, and how long; and how much is done in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Requests that may wait for an answer.
    pub capacity: usize,
    /// How long a request of a long flow (more of one tenant and class wait than a [`Policy::slice`]) may wait for its
    /// turn. One that would wait longer is refused at once, and a new promise that has waited twice as long when its turn
    /// comes is turned away. Short flows wait as long as it takes. `None`: so do all.
    pub queue_time: Option<Duration>,
    /// The most requests of an open batch. What is in a batch is past all choice: only what still waits for its turn
    /// can be overtaken, or turned away, but for the few whose names the writer has looked for already. More than the
    /// default of 2,048 would hardly make a sync cheaper.
    pub batch: usize,
    /// So many requests are decided before the writer looks up: for who came meanwhile, and for a log that is idle.
    pub slice: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            capacity: 16_384,
            queue_time: None,
            batch: 2048,
            slice: 256,
        }
    }
}

/// What a request got at the door.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// Whose turn it waits for; `None` for the engine's own work, which comes before all else.
    pub(crate) flow: Option<Flow>,
    /// How many places it takes.
    pub(crate) places: u32,
    /// How many places were ahead of it.
    ahead: u64,
    came: Moment,
    deadline: Option<Moment>,
}

impl Ticket {
    /// How long it has waited.
    pub(crate) fn waited(&self, now: Moment) -> Duration {
        now.since(self.came)
    }

    /// How long it has waited since then.
    pub(crate) fn waited_since(&self, then: Moment, now: Moment) -> Duration {
        now.since(self.came.max(then))
    }

    /// Whether its client has stopped waiting.
    pub(crate) fn is_past_deadline(&self, now: Moment) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// Why a request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// As many wait as may.
    Length,
    /// It would have waited longer than it may.
    Wait,
    /// Its deadline came first, or would have.
    Deadline,
    /// It had waited far longer than it may.
    Waited,
}

impl Reason {
    pub(crate) const ALL: [Self; 4] = [Self::Length, Self::Wait, Self::Deadline, Self::Waited];
}

#[cfg(test)]
mod tests;
