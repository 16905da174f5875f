//! What the scenes came to, as a table and as JSON.

use super::tally::{SLOW, Tally};
use serde::Serialize;
use std::fmt::Write;

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) levels: u64,
    pub(super) queue_ms: u32,
    pub(super) durability: &'static str,
    /// The median of all runs; a hold and its expiry, with 4,096 in flight.
    pub(super) capacity_per_second: f64,
    pub(super) capacities_per_second: Vec<f64>,
    pub(super) overload: Spike,
    pub(super) tenants: Vec<Row>,
    pub(super) classes: Vec<Row>,
    pub(super) neighbours: Vec<Row>,
}

/// One stream of a scene. Latency is that of what was answered, from when it was due.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) offered_per_second: f64,
    pub(super) answered_per_second: f64,
    pub(super) refused_percent: f64,
    /// Neither answered nor refused.
    pub(super) failed: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
}

impl Row {
    pub(super) fn of(tally: &Tally, seconds: f64) -> Self {
        let millis = |quantile| tally.micros.value_at_quantile(quantile) as f64 / 1000.0;
        let refused = tally.busy + tally.late;
        Self {
            name: tally.name,
            offered_per_second: tally.offered as f64 / seconds,
            answered_per_second: tally.answered() as f64 / seconds,
            refused_percent: 100.0 * refused as f64 / tally.offered.max(1) as f64,
            failed: tally.failed(),
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
            p999_ms: millis(0.999),
        }
    }
}

/// What became of the overload.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Spike {
    pub(super) seconds: f64,
    /// Offered, in capacities.
    pub(super) times: f64,
    pub(super) all: Row,
    pub(super) goodput_per_second: f64,
    pub(super) goodput_of_capacity: f64,
    /// Refused at the door (429).
    pub(super) refused_busy: u64,
    /// Refused at their turn (503).
    pub(super) refused_late: u64,
    /// Neither answered nor refused: told something else, or let in and not answered within 30 s.
    pub(super) failed: u64,
    pub(super) longest_retry_after_seconds: u16,
    /// When, after the load fell to a half, the last was refused or took longer than 50 ms; `None` if there was no whole
    /// second without that.
    pub(super) recovered_after_ms: Option<u64>,
    /// How long it was looked for at most.
    pub(super) recovery_seconds: u64,
    pub(super) memory: Memory,
    /// Processor time of the generator, in cores.
    pub(super) generator_cores: f64,
}

/// Resident memory of the process. At its capacity it has kept all that is kept at such a rate, and snapshots were
/// written: what overload has more is what waits.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Memory {
    /// The most while the capacity was measured, before the overload.
    pub(super) at_capacity_mib: u64,
    /// The most while it lasted.
    pub(super) most_mib: u64,
    pub(super) after_mib: u64,
}

impl Report {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let spike = &self.overload;
        let lowest = self.capacities_per_second.first().unwrap_or(&0.0);
        let highest = self.capacities_per_second.last().unwrap_or(&0.0);
        let recovered = match spike.recovered_after_ms {
            Some(millis) => format!("{millis:>10} ms after the spike"),
            None => format!("not within {} s", spike.recovery_seconds),
        };
        // A string takes all.
        let _ = writeln!(
            text,
            "{} levels, {} ms in the queue at most, {}\n\
             capacity             {:>10.0} holds/s ({lowest:.0} to {highest:.0} by run)\n\n\
             {:.1} times that for {:.0} s\n\
             goodput              {:>10.0} holds/s, {:.0} % of the capacity\n\
             p50, p99, p99.9      {:>10.1} ms, {:.1} ms, {:.1} ms\n\
             refused at the door  {:>10}   (429, Retry-After 1 to {} s)\n\
             refused at its turn  {:>10}   (503)\n\
             failed               {:>10}\n\
             memory               {:>10} MiB at most at capacity, {} at most in the overload, {} after\n\
             recovered            {recovered} (nothing refused, nothing over {} ms)\n\
             generator            {:>10.2} cores",
            self.levels,
            self.queue_ms,
            self.durability,
            self.capacity_per_second,
            spike.times,
            spike.seconds,
            spike.goodput_per_second,
            100.0 * spike.goodput_of_capacity,
            spike.all.p50_ms,
            spike.all.p99_ms,
            spike.all.p999_ms,
            spike.refused_busy,
            spike.longest_retry_after_seconds,
            spike.refused_late,
            spike.failed,
            spike.memory.at_capacity_mib,
            spike.memory.most_mib,
            spike.memory.after_mib,
            SLOW.as_millis(),
            spike.generator_cores,
        );
        table(&mut text, "one tenant's spike", &self.tenants);
        table(&mut text, "a flood of holds", &self.classes);
        table(&mut text, "one hot SKU", &self.neighbours);
        text.trim_end().into()
    }
}

fn table(text: &mut String, title: &str, rows: &[Row]) {
    let _ = writeln!(
        text,
        "\n{title:<22} {:>11} {:>11} {:>9} {:>7} {:>9} {:>9} {:>9}",
        "offered/s", "answered/s", "refused", "failed", "p50 ms", "p99 ms", "p99.9 ms"
    );
    for row in rows {
        let _ = writeln!(
            text,
            "{:<22} {:>11.0} {:>11.0} {:>7.1} % {:>7} {:>9.2} {:>9.2} {:>9.2}",
            row.name,
            row.offered_per_second,
            row.answered_per_second,
            row.refused_percent,
            row.failed,
            row.p50_ms,
            row.p99_ms,
            row.p999_ms,
        );
    }
}
