//! What an operator watches: counters and timings of each partition, for Prometheus.

use crate::admission::{Class, Reason};
use crate::machine::Answer;
use onhand_core::{Entry, Event, Invariant};
use onhand_log::Batch;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPartition {
    partition: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByInvariant {
    invariant: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAnswer {
    answer: AnswerKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum AnswerKind {
    Recorded,
    Repeated,
    Nothing,
    Refused,
    Found,
    Unavailable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByClass {
    class: ClassName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRefusal {
    class: ClassName,
    reason: ReasonName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum ClassName {
    Settle,
    Read,
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum ReasonName {
    Length,
    Wait,
    Deadline,
    Waited,
}

/// All metrics of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    violations: Family<ByInvariant, Counter>,
    answers: Family<ByAnswer, Counter>,
    entries: Family<ByPartition, Counter>,
    batches: Family<ByPartition, Counter>,
    bytes: Family<ByPartition, Counter>,
    failures: Family<ByPartition, Counter>,
    snapshots: Family<ByPartition, Counter>,
    not_found: Counter,
    in_flight: Family<ByPartition, Gauge>,
    queue_estimate: Family<ByPartition, Gauge<f64, AtomicU64>>,
    queue_seconds: Family<ByClass, Histogram, fn() -> Histogram>,
    turned_away: Family<ByRefusal, Counter>,
    levels: Family<ByPartition, Gauge>,
    undelivered: Family<ByPartition, Gauge>,
    append_seconds: Histogram,
    in_doubt_seconds: Histogram,
    batch_entries: Histogram,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            violations: Family::default(),
            answers: Family::default(),
            entries: Family::default(),
            batches: Family::default(),
            bytes: Family::default(),
            failures: Family::default(),
            snapshots: Family::default(),
            not_found: Counter::default(),
            in_flight: Family::default(),
            queue_estimate: Family::default(),
            queue_seconds: Family::new_with_constructor(queue_buckets),
            turned_away: Family::default(),
            levels: Family::default(),
            undelivered: Family::default(),
            append_seconds: Histogram::new(exponential_buckets(20e-6, 2.0, 18)),
            in_doubt_seconds: Histogram::new(exponential_buckets(500e-6, 2.0, 16)),
            batch_entries: Histogram::new(exponential_buckets(1.0, 2.0, 16)),
        };
        metrics.describe(registry);
        // Every invariant shows from the start, at zero: an alert needs a series to watch.
        for invariant in Invariant::ALL {
            metrics
                .violations
                .get_or_create(&by_invariant(invariant))
                .inc_by(0);
        }
        metrics
    }

    fn describe(&self, registry: &mut Registry) {
        let own = registry.sub_registry_with_prefix("onhand");
        let violations =
            "Times that a numbered invariant was found broken; anything but 0 is a defect";
        own.register("invariant_violations", violations, self.violations.clone());
        own.register("answers", "Answers by kind", self.answers.clone());
        own.register(
            "entries",
            "Ledger entries written to the log",
            self.entries.clone(),
        );
        own.register(
            "batches",
            "Batches written to the log, each at once",
            self.batches.clone(),
        );
        own.register_with_unit(
            "log_written",
            "Payload bytes written to the log",
            Unit::Bytes,
            self.bytes.clone(),
        );
        own.register(
            "append_failures",
            "Times that the log began to refuse writes",
            self.failures.clone(),
        );
        own.register("snapshots", "Snapshots written", self.snapshots.clone());
        own.register(
            "not_found_units",
            "Units that pickers did not find",
            self.not_found.clone(),
        );
        own.register(
            "in_flight",
            "Requests that wait for an answer",
            self.in_flight.clone(),
        );
        self.describe_queue(own);
        own.register("levels", "Stock levels", self.levels.clone());
        own.register(
            "transfers_undelivered",
            "Transfers sent from here that could not be delivered at the last try; they are on no level until they are",
            self.undelivered.clone(),
        );
        let append = "Time from handing a batch to the log until its answers could leave";
        own.register_with_unit("append", append, Unit::Seconds, self.append_seconds.clone());
        let in_doubt =
            "Time from the first answer that was not durable until it was, for each late sync";
        own.register_with_unit(
            "in_doubt",
            in_doubt,
            Unit::Seconds,
            self.in_doubt_seconds.clone(),
        );
        own.register(
            "batch_entries",
            "Entries that shared one batch",
            self.batch_entries.clone(),
        );
    }

    fn describe_queue(&self, own: &mut Registry) {
        own.register_with_unit(
            "queue_estimate",
            "How long the last in the queue will wait for its turn",
            Unit::Seconds,
            self.queue_estimate.clone(),
        );
        own.register_with_unit(
            "queue",
            "How long requests waited for their turn, by class; one is looked at each time the writer looks up",
            Unit::Seconds,
            self.queue_seconds.clone(),
        );
        own.register(
            "turned_away",
            "Requests that were not done, by class and reason: Length, Wait (both at the door), Deadline, Waited",
            self.turned_away.clone(),
        );
    }

    pub(crate) fn of(&self, partition: u16) -> PartitionMetrics {
        PartitionMetrics {
            all: self.clone(),
            queue_seconds: Class::ALL.map(|class| {
                let class = class_name(class);
                self.queue_seconds.get_or_create_owned(&ByClass { class })
            }),
            turned_away: Class::ALL.map(|class| {
                Reason::ALL.map(|reason| {
                    let (class, reason) = (class_name(class), reason_name(reason));
                    self.turned_away
                        .get_or_create_owned(&ByRefusal { class, reason })
                })
            }),
            partition: ByPartition {
                partition: u32::from(partition),
            },
        }
    }
}

fn by_invariant(invariant: Invariant) -> ByInvariant {
    ByInvariant {
        invariant: invariant.code(),
    }
}

/// The metrics of one partition.
#[derive(Clone, Debug)]
pub(crate) struct PartitionMetrics {
    all: Metrics,
    partition: ByPartition,
    // Looked up once, for what happens to every request.
    queue_seconds: [Histogram; 3],
    turned_away: [[Counter; 4]; 3],
}

/// How long some of the requests of one turn waited: the first of each class.
#[derive(Debug, Default)]
pub(crate) struct Sample([Option<Duration>; 3]);

impl Sample {
    pub(crate) fn see(&mut self, class: Class, waited: Duration) {
        self.0[class as usize].get_or_insert(waited);
    }
}

fn queue_buckets() -> Histogram {
    Histogram::new(exponential_buckets(20e-6, 2.0, 16))
}

fn class_name(class: Class) -> ClassName {
    match class {
        Class::Settle => ClassName::Settle,
        Class::Read => ClassName::Read,
        Class::New => ClassName::New,
    }
}

fn reason_name(reason: Reason) -> ReasonName {
    match reason {
        Reason::Length => ReasonName::Length,
        Reason::Wait => ReasonName::Wait,
        Reason::Deadline => ReasonName::Deadline,
        Reason::Waited => ReasonName::Waited,
    }
}

impl PartitionMetrics {
    pub(crate) fn violation(&self, invariant: Invariant) {
        self.all
            .violations
            .get_or_create(&by_invariant(invariant))
            .inc();
    }

    pub(crate) fn appended(&self, batch: &Batch, took: Duration) {
        let entries = u64::from(batch.records);
        self.all
            .entries
            .get_or_create(&self.partition)
            .inc_by(entries);
        self.all.batches.get_or_create(&self.partition).inc();
        self.all
            .bytes
            .get_or_create(&self.partition)
            .inc_by(batch.payload.len() as u64);
        self.all.append_seconds.observe(took.as_secs_f64());
        self.all.batch_entries.observe(f64::from(batch.records));
    }

    /// The log was not done with a write or a sync for so long.
    pub(crate) fn stood_still(&self, took: Duration) {
        let (partition, millis) = (self.partition.partition, took.as_millis() as u64);
        tracing::warn!(
            partition,
            millis,
            "the disk stood still: all that asked this partition waited for it"
        );
    }

    /// What was written has become durable so long after the first of it.
    pub(crate) fn was_in_doubt(&self, waited: Duration) {
        self.all.in_doubt_seconds.observe(waited.as_secs_f64());
    }

    pub(crate) fn append_failed(&self) {
        self.all.failures.get_or_create(&self.partition).inc();
    }

    pub(crate) fn snapshot_written(&self) {
        self.all.snapshots.get_or_create(&self.partition).inc();
    }

    /// Tells how many transfers could not be delivered at the last try.
    pub(crate) fn undelivered(&self, transfers: usize) {
        self.all
            .undelivered
            .get_or_create(&self.partition)
            .set(transfers as i64);
    }

    /// Counts the answers of one batch.
    pub(crate) fn answered<'a>(&self, answers: impl Iterator<Item = &'a Answer>) {
        let mut kinds = [0; 6];
        for answer in answers {
            kinds[kind(answer) as usize] += 1;
            if let Answer::Recorded(entry) = answer {
                self.recorded(entry);
            }
        }
        let all = [
            AnswerKind::Recorded,
            AnswerKind::Repeated,
            AnswerKind::Nothing,
            AnswerKind::Refused,
            AnswerKind::Found,
            AnswerKind::Unavailable,
        ];
        for (answer, count) in all.into_iter().zip(kinds).filter(|(_, count)| *count > 0) {
            self.all
                .answers
                .get_or_create(&ByAnswer { answer })
                .inc_by(count);
        }
    }

    fn recorded(&self, entry: &Entry) {
        if let Event::Fulfilled(pick) = &entry.event {
            let units = pick
                .lines
                .iter()
                .map(|line| u64::from(line.not_found))
                .sum();
            self.all.not_found.inc_by(units);
        }
    }

    /// Counts a request that was not done.
    pub(crate) fn turned_away(&self, class: Class, reason: Reason) {
        self.turned_away[class as usize][reason as usize].inc();
    }

    /// Tells how long requests waited.
    pub(crate) fn waited(&self, sample: &Sample) {
        for (histogram, waited) in self.queue_seconds.iter().zip(sample.0) {
            if let Some(waited) = waited {
                histogram.observe(waited.as_secs_f64());
            }
        }
    }

    pub(crate) fn gauges(&self, in_flight: usize, longest_wait: Duration, levels: usize) {
        self.all
            .queue_estimate
            .get_or_create(&self.partition)
            .set(longest_wait.as_secs_f64());
        self.all
            .in_flight
            .get_or_create(&self.partition)
            .set(in_flight as i64);
        self.all
            .levels
            .get_or_create(&self.partition)
            .set(levels as i64);
    }
}

fn kind(answer: &Answer) -> AnswerKind {
    match answer {
        Answer::Recorded(_) => AnswerKind::Recorded,
        Answer::Repeated(_) => AnswerKind::Repeated,
        Answer::Nothing => AnswerKind::Nothing,
        Answer::Refused(_) => AnswerKind::Refused,
        Answer::Found(_) => AnswerKind::Found,
        Answer::Unavailable(_) => AnswerKind::Unavailable,
    }
}
