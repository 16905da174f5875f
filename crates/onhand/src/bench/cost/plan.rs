//! From prices to machines, disks and memory: arithmetic, and what it assumes.

use super::prices::Prices;
use crate::failure::Failure;
use clap::Args;
use serde::Serialize;

const DAY: f64 = 24.0 * 60.0 * 60.0;
/// The log grows by so much from one snapshot to the next, as `onhand serve` has it.
pub(super) const SNAPSHOT_EVERY: f64 = (256 << 20) as f64;

/// What is assumed of the shops, and of who runs the machines.
#[derive(Args, Clone, Copy, Debug, Serialize)]
pub(super) struct Assumed {
    /// Requests that are reads of 100 levels, in percent. The others are reservations; a confirm or a release counts as
    /// one.
    #[arg(long, value_name = "PERCENT", default_value_t = 90.0)]
    pub(super) reads: f64,
    /// Stock levels of the plan.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(super) plan_levels: u64,
    /// Cores of a machine.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(super) cores: u32,
    /// Hours that a key and a reservation are kept, from when they were made.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(super) keep_hours: u32,
    /// Days that the ledger is kept.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(super) keep_days: u32,
}

impl Assumed {
    pub(super) fn check(&self) -> Result<(), Failure> {
        match (0.0..=100.0).contains(&self.reads) {
            true => Ok(()),
            false => Err(Failure::say("--reads is a share in percent, from 0 to 100")),
        }
    }

    /// Reads and reservations a second of so many requests a second.
    fn split(&self, requests: f64) -> (f64, f64) {
        let reads = requests * self.reads / 100.0;
        (reads, requests - reads)
    }
}

/// A rate of requests.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Demand {
    pub(super) name: &'static str,
    pub(super) requests_per_second: f64,
}

/// A billion a day, its peak, and ten times the peak.
pub(super) const DEMANDS: [Demand; 3] = [
    Demand {
        name: "average",
        requests_per_second: 12_000.0,
    },
    Demand {
        name: "peak",
        requests_per_second: 36_000.0,
    },
    Demand {
        name: "spike",
        requests_per_second: 360_000.0,
    },
];

/// What a rate needs, with reservations that cost so much.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Need {
    pub(super) demand: Demand,
    pub(super) reads_per_second: f64,
    pub(super) reservations_per_second: f64,
    /// Cores that are busy all the time.
    pub(super) cores: f64,
    /// Machines of which half the CPU time is used.
    pub(super) machines_at_50: u64,
    /// Machines of which 70 % of the CPU time is used.
    pub(super) machines_at_70: u64,
    /// To all disks; a sync adds up to a page.
    pub(super) log_bytes_per_second: f64,
}

impl Need {
    /// `reserve` and `read`: CPU µs of one.
    pub(super) fn of(
        demand: Demand,
        assumed: Assumed,
        prices: &Prices,
        reserve: f64,
        read: f64,
    ) -> Self {
        let (reads, reservations) = assumed.split(demand.requests_per_second);
        let cores = (reads * read + reservations * reserve) / 1e6;
        let machines =
            |share: f64| (cores / (f64::from(assumed.cores) * share)).ceil().max(1.0) as u64;
        Self {
            demand,
            reads_per_second: reads,
            reservations_per_second: reservations,
            cores,
            machines_at_50: machines(0.5),
            machines_at_70: machines(0.7),
            log_bytes_per_second: reservations * prices.log_bytes,
        }
    }
}

/// What a day leaves behind, in bytes, over all machines. Nothing is replicated in these figures.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Day {
    pub(super) reservations: f64,
    pub(super) log_bytes: f64,
    pub(super) snapshot_bytes: f64,
    /// The ledger for as long as it is kept, and two snapshots.
    pub(super) disk_bytes: f64,
    /// Levels, and what is kept of reservations and keys.
    pub(super) memory_bytes: f64,
}

impl Day {
    /// At the average rate, on so many machines with one partition each.
    pub(super) fn of(assumed: Assumed, prices: &Prices, machines: u64) -> Self {
        let (_, per_second) = assumed.split(DEMANDS[0].requests_per_second);
        let reservations = per_second * DAY;
        let kept = per_second * f64::from(assumed.keep_hours) * 3600.0;
        let levels = assumed.plan_levels as f64;
        let snapshot =
            levels * prices.snapshot_level_bytes + kept * prices.snapshot_reservation_bytes;
        let log_bytes = reservations * prices.log_bytes;
        Self {
            reservations,
            log_bytes,
            // Each partition writes its own, and each has its own share of the log.
            snapshot_bytes: log_bytes / SNAPSHOT_EVERY * snapshot / machines.max(1) as f64,
            disk_bytes: log_bytes * f64::from(assumed.keep_days) + 2.0 * snapshot,
            memory_bytes: levels * prices.level_bytes
                + kept * (prices.reservation_bytes + prices.key_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSUMED: Assumed = Assumed {
        reads: 90.0,
        plan_levels: 1_000_000,
        cores: 2,
        keep_hours: 24,
        keep_days: 10,
    };

    const PRICES: Prices = Prices {
        in_process_cpu_us: 3.0,
        http_cpu_us: Some(50.0),
        batch_cpu_us: Some(5.0),
        grpc_cpu_us: Some(60.0),
        read_cpu_us: Some(100.0),
        log_bytes: 100.0,
        snapshot_level_bytes: 20.0,
        snapshot_reservation_bytes: 50.0,
        level_bytes: 80.0,
        reservation_bytes: 150.0,
        key_bytes: 50.0,
    };

    #[test]
    fn machines_come_from_the_cores_that_are_busy() {
        let [average, peak, spike] =
            DEMANDS.map(|demand| Need::of(demand, ASSUMED, &PRICES, 50.0, 100.0));
        // 10,800 reads of 100 µs and 1,200 reservations of 50 µs.
        assert!((average.cores - 1.14).abs() < 1e-9, "{average:?}");
        assert_eq!((average.machines_at_50, average.machines_at_70), (2, 1));
        assert_eq!((peak.machines_at_50, peak.machines_at_70), (4, 3));
        assert_eq!((spike.machines_at_50, spike.machines_at_70), (35, 25));
        assert!((spike.log_bytes_per_second - 36_000.0 * 100.0).abs() < 1e-6);
    }

    #[test]
    fn a_day_is_written_once_to_the_log_and_again_by_snapshots() {
        let day = Day::of(ASSUMED, &PRICES, 4);
        let close = |one: f64, other: f64| (one / other - 1.0).abs() < 1e-9;
        assert!(close(day.reservations, 103_680_000.0), "{day:?}");
        assert!(close(day.log_bytes, 10_368_000_000.0), "{day:?}");
        let snapshot = 1e6 * 20.0 + 103_680_000.0 * 50.0;
        let snapshots = 10_368_000_000.0 / 268_435_456.0;
        assert!(
            close(day.snapshot_bytes, snapshots * snapshot / 4.0),
            "{day:?}"
        );
        assert!(
            close(day.disk_bytes, 103_680_000_000.0 + 2.0 * snapshot),
            "{day:?}"
        );
        assert!(
            close(day.memory_bytes, 80e6 + 103_680_000.0 * 200.0),
            "{day:?}"
        );
    }

    #[test]
    fn a_share_is_from_nothing_to_all() {
        for (reads, is_good) in [
            (0.0, true),
            (100.0, true),
            (-1.0, false),
            (101.0, false),
            (f64::NAN, false),
        ] {
            assert_eq!(
                Assumed { reads, ..ASSUMED }.check().is_ok(),
                is_good,
                "{reads}"
            );
        }
    }
}
