//! What the benches share: the stock they run on, which level comes next, and what a run came to.

use hdrhistogram::Histogram;
use onhand_core::stock::receive::{Receive, ReceiveLine};
use onhand_core::{Few, Lines, LocationId, Quantity, Sku};
use serde::Serialize;
use std::time::Duration;

/// SKUs in all: a hundred locations after one another share none.
const ASSORTMENT: u64 = 100 * Stock::SKUS;

/// Which levels are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Keys {
    /// Every level alike.
    Uniform,
    /// One level only.
    Hot,
}

/// Stock levels by number: 1,000 of 100,000 SKUs at each location.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stock {
    pub(crate) levels: u64,
}

impl Stock {
    /// SKUs of each location.
    pub(crate) const SKUS: u64 = 1000;

    pub(crate) fn location(level: u64) -> LocationId {
        LocationId::new(&format!("store-{:04}", level / Self::SKUS))
            .expect("a number makes a valid name")
    }

    pub(crate) fn sku(level: u64) -> Sku {
        Sku::new(&format!("sku-{:07}", level % ASSORTMENT)).expect("a number makes a valid name")
    }

    /// Receipts that fill every level so full that a bench never empties it.
    pub(crate) fn receipts(self) -> impl Iterator<Item = Receive> {
        let locations = self.levels.div_ceil(Self::SKUS);
        (0..locations).map(move |location| {
            let levels = location * Self::SKUS..((location + 1) * Self::SKUS).min(self.levels);
            let line = |level| ReceiveLine {
                sku: Self::sku(level),
                quantity: Quantity::new(Quantity::MAX).expect("the bound is a quantity"),
                lot: None,
                expires_on: None,
            };
            Receive {
                location: Self::location(location * Self::SKUS),
                lines: Lines::new(Few::from_vec(levels.map(line).collect()))
                    .expect("1 to 1,000 lines"),
                reference: None,
                occurred_at: None,
            }
        })
    }

    /// The level of the request with this number: spread evenly, the same in every run.
    pub(crate) fn pick(self, keys: Keys, request: u64) -> u64 {
        match keys {
            Keys::Hot => 0,
            Keys::Uniform => {
                let mut hash = request.wrapping_add(0x9e37_79b9_7f4a_7c15);
                hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (hash ^ (hash >> 31)) % self.levels
            }
        }
    }
}

/// What one run came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) what: &'static str,
    pub(crate) keys: Keys,
    pub(crate) levels: u64,
    pub(crate) in_flight: usize,
    pub(crate) durability: &'static str,
    pub(crate) reserves: u64,
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    pub(crate) p50_micros: u64,
    pub(crate) p99_micros: u64,
    pub(crate) p999_micros: u64,
}

impl Run {
    pub(crate) fn print(&self) {
        crate::output::text(format!(
            "{:<10} {:<8} {:>9} levels  {:>6} in flight  {:>9.0} reserves/s  p50 {:>6} µs  p99 {:>6} µs  p99.9 {:>6} µs  {} failed",
            self.what,
            format!("{:?}", self.keys).to_lowercase(),
            self.levels,
            self.in_flight,
            self.per_second,
            self.p50_micros,
            self.p99_micros,
            self.p999_micros,
            self.failed
        ));
    }
}

/// Latencies and failures of a run, in microseconds.
pub(crate) struct Gauge {
    pub(crate) micros: Histogram<u64>,
    pub(crate) failed: u64,
}

impl Gauge {
    pub(crate) fn new() -> Self {
        Self {
            micros: Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order"),
            failed: 0,
        }
    }

    pub(crate) fn add(&mut self, took: Duration, is_good: bool) {
        self.micros.saturating_record(took.as_micros() as u64);
        self.failed += u64::from(!is_good);
    }

    pub(crate) fn run(
        &self,
        what: &'static str,
        keys: Keys,
        levels: u64,
        in_flight: usize,
        took: Duration,
    ) -> Run {
        let reserves = self.micros.len() - self.failed;
        let seconds = took.as_secs_f64();
        Run {
            what,
            keys,
            levels,
            in_flight,
            durability: "fdatasync before every answer",
            reserves,
            failed: self.failed,
            seconds,
            per_second: reserves as f64 / seconds.max(1e-9),
            p50_micros: self.micros.value_at_quantile(0.5),
            p99_micros: self.micros.value_at_quantile(0.99),
            p999_micros: self.micros.value_at_quantile(0.999),
        }
    }
}
