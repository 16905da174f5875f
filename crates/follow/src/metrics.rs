//! What an operator watches of the features.

use onhand_core::Span;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// How far the features are behind, and how large they are.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    lag_entries: Gauge,
    lag_seconds: Gauge<f64, AtomicU64>,
    taken: Histogram,
    rows: Gauge,
    bytes: Gauge,
    pub(crate) failures: Counter,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            lag_entries: Gauge::default(),
            lag_seconds: Gauge::default(),
            taken: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            rows: Gauge::default(),
            bytes: Gauge::default(),
            failures: Counter::default(),
        };
        let own = registry.sub_registry_with_prefix("onhand_features");
        let lag = "Entries that the features do not show yet, of all partitions";
        own.register("lag_entries", lag, metrics.lag_entries.clone());
        let lag = "Age of the newest entry that they show, where there are newer ones; the longest of all partitions";
        own.register_with_unit("lag", lag, Unit::Seconds, metrics.lag_seconds.clone());
        let taken = "Time from an entry's stamp until the features show it, of entries recorded since the start";
        own.register_with_unit("entry", taken, Unit::Seconds, metrics.taken.clone());
        let rows = "SKUs at locations with features of their own";
        own.register("rows", rows, metrics.rows.clone());
        let bytes = "Memory of the features, without that of names";
        own.register_with_unit("memory", bytes, Unit::Bytes, metrics.bytes.clone());
        let failures = "Times that the ledger could not be followed";
        own.register("failures", failures, metrics.failures.clone());
        metrics
    }

    /// An entry so old is shown from now on.
    pub(crate) fn taken(&self, age: Span) {
        self.taken.observe(age.millis() as f64 / 1e3);
    }

    pub(crate) fn stand(&self, entries: u64, millis: u64) {
        self.lag_entries.set(entries as i64);
        self.lag_seconds.set(millis as f64 / 1e3);
    }

    pub(crate) fn weigh(&self, rows: usize, bytes: usize) {
        self.rows.set(rows as i64);
        self.bytes.set(bytes as i64);
    }
}
