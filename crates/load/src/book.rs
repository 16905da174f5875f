//! What became of the requests: latencies and counts, kept apart by what was asked, for whom, and whether it was done.

use crate::arrivals::Nanos;
use crate::work::Operation;
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};

/// The longest latency that is told apart, in microseconds: ten minutes.
const LONGEST: u64 = 600_000_000;
const SECOND: Nanos = 1_000_000_000;

/// Why a unit of work was not done: the HTTP status (0 if there was no answer), and the problem's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reason {
    pub(crate) status: u16,
    pub(crate) name: String,
}

impl Reason {
    pub(crate) fn new(status: u16, name: impl Into<String>) -> Self {
        Self {
            status,
            name: name.into(),
        }
    }

    /// There was no answer.
    pub(crate) fn silence(why: &str) -> Self {
        Self::new(0, why)
    }

    /// Whether it is an answer that a healthy server gives: no stock, or too much load and nothing done. Anything else is an
    /// error, also a 503 of a server that cannot write, or does not know whether it did.
    pub(crate) fn is_refusal(&self) -> bool {
        match self.status {
            409 | 429 => true,
            503 => matches!(self.name.as_str(), "late" | "full"),
            _ => false,
        }
    }
}

/// What an answer says, unit by unit: reservations, or levels read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) accepted: u64,
    /// Why the other units were not done, and how many.
    pub(crate) denied: Vec<(Reason, u64)>,
    /// The reservation that was made, if it was asked for.
    pub(crate) reservation: Option<Box<str>>,
}

impl Verdict {
    pub(crate) fn accepted(units: u64) -> Self {
        Self {
            accepted: units,
            ..Self::default()
        }
    }

    pub(crate) fn denied(why: Reason, units: u64) -> Self {
        Self {
            denied: vec![(why, units)],
            ..Self::default()
        }
    }

    /// Levels that were read, so many of them unknown to the server: those are no work that is of use to anybody.
    pub(crate) fn read(units: u64, unknown: u64) -> Self {
        let mut verdict = Self::accepted(units.saturating_sub(unknown));
        if unknown > 0 {
            let why = Reason::new(404, "unknown-level");
            verdict.denied.push((why, unknown.min(units)));
        }
        verdict
    }

    /// Counts one unit more that was not done.
    pub(crate) fn deny(&mut self, status: u16, name: &str) {
        let same = |(why, _): &&mut (Reason, u64)| why.status == status && why.name == name;
        match self.denied.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => self.denied.push((Reason::new(status, name), 1)),
        }
    }
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) due: Nanos,
    pub(crate) operation: Operation,
    pub(crate) tenant: usize,
    pub(crate) is_neighbour: bool,
}

/// Requests of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Latencies in microseconds: of requests of which at least one unit was done, …
    pub(crate) accepted: Histogram<u64>,
    /// … of requests that were refused as a whole, …
    pub(crate) refused: Histogram<u64>,
    /// … and of requests with a wrong answer or none.
    pub(crate) failed: Histogram<u64>,
    pub(crate) units: u64,
    pub(crate) denied: BTreeMap<Reason, u64>,
}

impl Series {
    pub(crate) fn new() -> Self {
        let histogram =
            || Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order");
        Self {
            accepted: histogram(),
            refused: histogram(),
            failed: histogram(),
            units: 0,
            denied: BTreeMap::new(),
        }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.accepted.len() + self.refused.len() + self.failed.len()
    }

    fn record(&mut self, micros: u64, verdict: &Verdict) {
        self.units += verdict.accepted;
        for (why, units) in &verdict.denied {
            match self.denied.get_mut(why) {
                Some(count) => *count += units,
                None => drop(self.denied.insert(why.clone(), *units)),
            }
        }
        let histogram = match verdict.denied.iter().all(|(why, _)| why.is_refusal()) {
            false => &mut self.failed,
            true if verdict.accepted > 0 => &mut self.accepted,
            true => &mut self.refused,
        };
        histogram.saturating_record(micros.max(1));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.accepted, &other.accepted),
            (&mut self.refused, &other.refused),
            (&mut self.failed, &other.failed),
        ] {
            mine.add(theirs).expect("all have the same bounds");
        }
        self.units += other.units;
        for (why, count) in &other.denied {
            *self.denied.entry(why.clone()).or_default() += count;
        }
    }
}

/// What was answered within one second of the measured time.
#[derive(Clone, Debug)]
pub(crate) struct Second {
    /// Latencies of accepted requests, in microseconds, to two digits.
    pub(crate) accepted: Histogram<u32>,
    pub(crate) units: u64,
    pub(crate) denied: u64,
}

impl Second {
    fn new() -> Self {
        Self {
            accepted: Histogram::new_with_bounds(1, LONGEST, 2).expect("the bounds are in order"),
            units: 0,
            denied: 0,
        }
    }
}

/// Which requests are of one kind: what was asked, the tenant's place, and whether it was a neighbour of the hot SKU.
pub(crate) type Kind = (usize, Operation, bool);

/// The book of one thread, or of all.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    /// Requests that were due before this are not counted.
    warmup: Nanos,
    series: Vec<Series>,
    pub(crate) seconds: Vec<Second>,
    /// Requests of the warm-up that were answered after it: not counted, though the server was busy with them.
    pub(crate) left_over: u64,
    /// When the last counted answer came.
    pub(crate) last: Nanos,
    /// How late the generator itself sent what was due, in microseconds: its own slowness, not the server's.
    pub(crate) lateness: Histogram<u64>,
    /// Requests that were due while every connection was busy.
    pub(crate) waited: u64,
    /// What the answers said of their durability.
    pub(crate) durability: BTreeSet<String>,
}

impl Book {
    pub(crate) fn new(warmup: Nanos, tenants: usize) -> Self {
        Self {
            warmup,
            series: vec![Series::new(); tenants * Operation::ALL.len() * 2],
            seconds: Vec::new(),
            left_over: 0,
            last: warmup,
            lateness: Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order"),
            waited: 0,
            durability: BTreeSet::new(),
        }
    }

    fn place((tenant, operation, is_neighbour): Kind) -> usize {
        (tenant * Operation::ALL.len() + operation as usize) * 2 + usize::from(is_neighbour)
    }

    /// Enters an answer that came at `now`, or the end of the patience for one.
    pub(crate) fn answered(&mut self, pending: Pending, now: Nanos, verdict: &Verdict) {
        if pending.due < self.warmup {
            self.left_over += u64::from(now > self.warmup);
            return;
        }
        let micros = now.saturating_sub(pending.due) / 1_000;
        let kind = (pending.tenant, pending.operation, pending.is_neighbour);
        self.series[Self::place(kind)].record(micros, verdict);
        self.last = self.last.max(now);
        let second = (now.saturating_sub(self.warmup) / SECOND) as usize;
        while self.seconds.len() <= second {
            self.seconds.push(Second::new());
        }
        let second = &mut self.seconds[second];
        second.units += verdict.accepted;
        second.denied += verdict.denied.iter().map(|(_, units)| units).sum::<u64>();
        if verdict.accepted > 0 {
            second.accepted.saturating_record(micros.max(1));
        }
    }

    /// Enters how late a request was sent by the generator's own fault.
    pub(crate) fn sent(&mut self, due: Nanos, late_by: Nanos, has_waited: bool) {
        if due >= self.warmup {
            self.lateness.saturating_record((late_by / 1_000).max(1));
            self.waited += u64::from(has_waited);
        }
    }

    /// Enters what an answer said of its durability.
    pub(crate) fn heard_of_durability(&mut self, said: &str) {
        if !self.durability.contains(said) {
            self.durability.insert(said.into());
        }
    }

    /// Every kind of requests that was asked.
    pub(crate) fn series(&self) -> impl Iterator<Item = (Kind, &Series)> {
        let tenants = self.series.len() / Operation::ALL.len() / 2;
        let kinds = (0..tenants).flat_map(|tenant| {
            Operation::ALL.into_iter().flat_map(move |operation| {
                [false, true].map(|is_neighbour| (tenant, operation, is_neighbour))
            })
        });
        kinds
            .map(|kind| (kind, &self.series[Self::place(kind)]))
            .filter(|(_, series)| series.requests() > 0)
    }

    /// All requests together.
    pub(crate) fn total(&self) -> Series {
        self.series.iter().fold(Series::new(), |mut total, series| {
            total.add(series);
            total
        })
    }

    /// Adds the book of another thread.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.series.iter_mut().zip(&other.series) {
            mine.add(theirs);
        }
        while self.seconds.len() < other.seconds.len() {
            self.seconds.push(Second::new());
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.accepted
                .add(&theirs.accepted)
                .expect("all have the same bounds");
            mine.units += theirs.units;
            mine.denied += theirs.denied;
        }
        self.last = self.last.max(other.last);
        self.lateness
            .add(&other.lateness)
            .expect("all have the same bounds");
        self.waited += other.waited;
        self.left_over += other.left_over;
        self.durability.extend(other.durability.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(due: Nanos) -> Pending {
        Pending {
            due,
            operation: Operation::Reserve,
            tenant: 0,
            is_neighbour: false,
        }
    }

    #[test]
    fn what_is_done_refused_and_wrong_is_kept_apart() {
        let mut book = Book::new(0, 1);
        book.answered(pending(0), 1_000_000, &Verdict::accepted(1));
        let busy = Verdict::denied(Reason::new(429, "busy"), 1);
        book.answered(pending(0), 2_000_000, &busy);
        book.answered(pending(0), 2_000_000, &busy);
        let broken = Verdict::denied(Reason::new(503, "no-answer"), 1);
        book.answered(pending(0), 3_000_000, &broken);
        let total = book.total();
        assert_eq!((total.requests(), total.units), (4, 1));
        assert_eq!(
            (
                total.accepted.len(),
                total.refused.len(),
                total.failed.len()
            ),
            (1, 2, 1)
        );
        assert_eq!(total.denied[&Reason::new(429, "busy")], 2);
        assert_eq!(book.seconds[0].denied, 3);
    }

    #[test]
    fn what_may_have_been_done_and_a_server_that_cannot_write_are_no_refusals() {
        for (status, name, is_refusal) in [
            (409, "insufficient-stock", true),
            (429, "busy", true),
            (503, "late", true),
            (503, "full", true),
            (503, "no-answer", false),
            (503, "storage-full", false),
            (503, "unavailable", false),
            (503, "stopped", false),
            (503, "", false),
            (500, "internal", false),
        ] {
            let reason = Reason::new(status, name);
            assert_eq!(reason.is_refusal(), is_refusal, "{reason:?}");
        }
    }

    #[test]
    fn the_warm_up_is_not_counted() {
        let mut book = Book::new(SECOND, 1);
        book.answered(pending(SECOND - 1), 5 * SECOND, &Verdict::accepted(1));
        assert_eq!(book.total().requests(), 0);
        book.answered(pending(SECOND), 5 * SECOND, &Verdict::accepted(1));
        assert_eq!(book.total().requests(), 1);
        assert_eq!(book.seconds.len(), 5);
    }

    #[test]
    fn books_of_two_threads_make_one() {
        let mut one = Book::new(0, 2);
        let mut other = one.clone();
        one.answered(pending(0), 1_000, &Verdict::accepted(1));
        let neighbour = Pending {
            tenant: 1,
            is_neighbour: true,
            ..pending(0)
        };
        other.answered(neighbour, 3 * SECOND, &Verdict::accepted(1));
        one.add(&other);
        let kinds: Vec<Kind> = one.series().map(|(kind, _)| kind).collect();
        assert_eq!(
            kinds,
            [
                (0, Operation::Reserve, false),
                (1, Operation::Reserve, true)
            ]
        );
        assert_eq!(
            (one.total().units, one.seconds.len(), one.last),
            (2, 4, 3 * SECOND)
        );
    }
}
