//! Deals the requests of a lane, and enters what becomes of them: the same over every protocol.

use crate::arrivals::{Arrivals, Nanos};
use crate::book::{Book, Pending, Reason, Verdict};
use crate::lane::Target;
use crate::work::{Ask, Workload};
use std::sync::atomic::Ordering;

/// Keeps the book of a lane.
pub(crate) struct Clerk<'a> {
    target: &'a Target,
    pub(crate) workload: Workload,
    pub(crate) book: Book,
}

impl<'a> Clerk<'a> {
    pub(crate) fn new(target: &'a Target, workload: Workload) -> Self {
        let tenants = workload.recipe().tenants.names().len();
        Self {
            target,
            workload,
            book: Book::new(target.warmup, tenants),
        }
    }

    /// The next request, which was due at this moment.
    pub(crate) fn next(&mut self, due: Nanos) -> (Ask, Pending) {
        let ask = self.workload.next();
        let pending = Pending {
            due,
            operation: ask.operation,
            tenant: ask.tenant,
            is_neighbour: self.workload.is_neighbour(&ask),
        };
        (ask, pending)
    }

    /// Enters an answer, and what it says of its durability.
    pub(crate) fn settle(
        &mut self,
        pending: Pending,
        mut verdict: Verdict,
        durability: Option<&str>,
    ) {
        if let Some(reservation) = verdict.reservation.take() {
            self.workload.keep(reservation);
        }
        if let Some(said) = durability {
            self.book.heard_of_durability(said);
        }
        self.book.answered(pending, self.target.now(), &verdict);
        self.target.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Enters that no answer came.
    pub(crate) fn none_came(&mut self, requests: impl IntoIterator<Item = Pending>, why: &str) {
        let now = self.target.now();
        for pending in requests {
            let units = self.workload.recipe().units(pending.operation);
            let verdict = Verdict::denied(Reason::silence(why), units);
            self.book.answered(pending, now, &verdict);
        }
    }

    /// Enters what was due and never had its turn.
    pub(crate) fn never_sent(&mut self, arrivals: &mut Arrivals) {
        let now = self.target.now();
        while let Some(due) = arrivals.take(now) {
            let (_, pending) = self.next(due);
            self.none_came([pending], "never sent: no connection was free");
        }
    }
}
