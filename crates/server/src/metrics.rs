//! What an operator watches of the calls.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStatus {
    route: Arc<str>,
    status: u16,
}

/// The metrics of the calls of one protocol. The status is that of the protocol.
#[derive(Clone, Debug)]
pub(crate) struct CallMetrics {
    requests: Family<ByStatus, Counter>,
    seconds: Family<ByRoute, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl CallMetrics {
    pub(crate) fn register(registry: &mut Registry, prefix: &str) -> Self {
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            in_flight: Gauge::default(),
        };
        let own = registry.sub_registry_with_prefix(prefix);
        own.register(
            "requests",
            "Requests answered, by route and status",
            metrics.requests.clone(),
        );
        let seconds = "Time from the head of a request until its answer, by route";
        own.register_with_unit("request", seconds, Unit::Seconds, metrics.seconds.clone());
        own.register(
            "in_flight",
            "Requests being answered",
            metrics.in_flight.clone(),
        );
        metrics
    }

    /// The metrics of one route; what lies on the path of every request is looked up here, once.
    pub(crate) fn of(&self, route: &str) -> RouteMetrics {
        let route: Arc<str> = route.into();
        let seconds = self.seconds.get_or_create_owned(&ByRoute {
            route: Arc::clone(&route),
        });
        RouteMetrics {
            route,
            seconds,
            requests: self.requests.clone(),
            in_flight: self.in_flight.clone(),
        }
    }
}

/// From 50 microseconds to 26 seconds, each bucket twice the one before.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(50e-6, 2.0, 20))
}

/// The metrics of one route.
#[derive(Clone, Debug)]
pub(crate) struct RouteMetrics {
    route: Arc<str>,
    seconds: Histogram,
    requests: Family<ByStatus, Counter>,
    in_flight: Gauge,
}

impl RouteMetrics {
    /// A request begins; it ends when what is given back is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// A request was answered.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        let by_status = ByStatus {
            route: Arc::clone(&self.route),
            status,
        };
        self.requests.get_or_create(&by_status).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn route(&self) -> &str {
        &self.route
    }
}

/// A request that is being answered.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
