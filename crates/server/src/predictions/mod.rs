//! What models foretell, beside the stock and never in its way: on threads that may block, only so many at once, from
//! the features that follow the ledger.

pub(crate) mod availability;

use onhand_core::Timestamp;
use onhand_engine::Engine;
use onhand_features::{Reader, Store};
use onhand_follow::Follower;
use onhand_modelops::{Fallback, Prediction, Predictor, Stores};
use onhand_wire::json::predictions as json;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The availability model at work on a server's features.
pub type AvailabilityModel = Predictor<Followed>;

/// The features that follow the ledger of an engine.
pub struct Followed {
    /// Who follows.
    pub follower: Arc<Follower>,
    /// Whose ledger.
    pub engine: Arc<Engine>,
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.follower.fmt(f)
    }
}

impl Stores for Followed {
    fn partitions(&self) -> u16 {
        self.engine.partitions()
    }

    fn read(&self, partition: u16, with: &mut dyn FnMut(Reader<'_>)) {
        with(self.follower.reader(partition).rows());
    }

    fn as_of(&self, partition: u16, store: &Store, now: Timestamp) -> Timestamp {
        let last = store.last();
        match self.engine.table(partition).position().seq <= last.seq {
            true => now,
            false => last.at.min(now),
        }
    }
}

/// What the calls ask.
pub(crate) struct Predictions {
    pub(crate) model: Arc<AvailabilityModel>,
    /// Places for predicting: as many as there are cores.
    pub(crate) turns: Arc<Semaphore>,
    told: Family<Told, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    fallback: &'static str,
    reason: &'static str,
}

impl Predictions {
    pub(crate) fn new(model: Arc<AvailabilityModel>, registry: &mut Registry) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let told = Family::default();
        let own = registry.sub_registry_with_prefix("onhand_predictions");
        let help = "Items predicted, by fallback and its reason: none where it was what the model said then";
        own.register("items", help, told.clone());
        Self {
            model,
            turns: Arc::new(Semaphore::new(cores)),
            told,
        }
    }

    fn count(&self, predictions: &[Prediction]) {
        for (of, fallback, reason) in [
            (None, "none", "none"),
            (Some(Fallback::Cached), "cached", "no_time"),
            (Some(Fallback::New), "prior", "new_item"),
            (Some(Fallback::Unasked), "prior", "no_time"),
        ] {
            let told = predictions.iter().filter(|one| one.fallback == of);
            let told = told.count() as u64;
            if told > 0 {
                let of = Told { fallback, reason };
                self.told.get_or_create(&of).inc_by(told);
            }
        }
    }
}

/// How a fallback is shown, and why it is one.
pub(crate) fn shown(
    fallback: Option<Fallback>,
) -> (Option<json::Fallback>, Option<json::FallbackReason>) {
    let Some(fallback) = fallback else {
        return (None, None);
    };
    let (shown, reason) = match fallback {
        Fallback::Cached => (json::Fallback::Cached, json::FallbackReason::NoTime),
        Fallback::New => (json::Fallback::Prior, json::FallbackReason::NewItem),
        Fallback::Unasked => (json::Fallback::Prior, json::FallbackReason::NoTime),
    };
    (Some(shown), Some(reason))
}

/// How a probability is shown: to a millionth.
pub(crate) fn rounded(probability: f64) -> f64 {
    (probability * 1e6).round() / 1e6
}
