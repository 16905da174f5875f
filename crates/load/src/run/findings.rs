//! What a summary's reader should not have to find out alone.

use crate::summary::Summary;
use crate::table::{count, time};

/// The generator used so much of its threads' time that it may have been what was measured.
const BUSY: f64 = 0.9;
/// Sent so late by the generator's own fault, in microseconds, that latencies are wrong.
const LATE: u64 = 1_000;
/// Less than this of what an open loop offers was accepted.
const BEHIND: f64 = 0.95;

/// What puts the figures in doubt, or explains them.
pub(super) fn warnings(summary: &Summary) -> Vec<String> {
    [
        generator_is_busy(summary),
        generator_is_late(summary),
        server_is_behind(summary),
        warmup_is_left_over(summary),
        connections_are_few(summary),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn generator_is_busy(summary: &Summary) -> Option<String> {
    let cpu = summary.cpu;
    let used =
        cpu.generator_seconds / cpu.measured_seconds.max(1e-9) / summary.setting.threads as f64;
    (used > BUSY).then(|| {
        format!(
            "The generator used {:.0} % of its {} thread(s): it may have been the bottleneck. Try --threads {}.",
            used * 100.0,
            summary.setting.threads,
            summary.setting.threads + 1
        )
    })
}

fn generator_is_late(summary: &Summary) -> Option<String> {
    (summary.late_p99_micros > LATE).then(|| {
        format!(
            "The generator fell behind its own schedule (p99 {} late, without a connection to wait for): the \
             latencies hold its delay too.",
            time(summary.late_p99_micros)
        )
    })
}

fn server_is_behind(summary: &Summary) -> Option<String> {
    let offered = summary.setting.open_rate?;
    let accepted = summary.total.accepted.requests as f64 / summary.took_seconds;
    (accepted < offered * BEHIND).then(|| {
        format!(
            "{} requests a second were offered, {} accepted.",
            count(offered),
            count(accepted)
        )
    })
}

fn warmup_is_left_over(summary: &Summary) -> Option<String> {
    let left_over = summary.left_over;
    // As many as were in flight when the warm-up ended are nothing strange.
    let is_strange = left_over > 2 * summary.setting.in_flight as u64;
    (is_strange && left_over * 100 > summary.total.requests).then(|| {
        format!(
            "{} requests of the warm-up were answered in the measured time: the server did more than is counted. With \
             more load than it bears say --warmup 0.",
            count(left_over as f64)
        )
    })
}

fn connections_are_few(summary: &Summary) -> Option<String> {
    let waited = summary.waited_for_a_connection;
    (waited * 100 > summary.total.requests).then(|| {
        format!(
            "{} of {} requests were due while all {} places in flight were taken; their wait is counted.",
            count(waited as f64),
            count(summary.total.requests as f64),
            summary.setting.in_flight
        )
    })
}

/// What makes the run fail.
pub(super) fn wrong(summary: &Summary) -> Option<String> {
    if let Some(sale) = &summary.sale
        && !sale.faults.is_empty()
    {
        return Some(format!(
            "the flash sale went wrong: {}",
            sale.faults.join("; ")
        ));
    }
    if summary.total.requests == 0 {
        return Some(
            "nothing was asked in the measured time; measure longer, or offer more".into(),
        );
    }
    let errors: Vec<String> = summary
        .total
        .denied
        .iter()
        .filter(|denied| denied.is_error)
        .map(|denied| match (denied.status, denied.name.as_str()) {
            (404, "no-model") => {
                format!(
                    "{} with 404 no-model (start the server with --model)",
                    denied.units
                )
            }
            (0, name) => format!("{} with {name}", denied.units),
            (404, name) => format!(
                "{} with 404 {name} (fill with the same --levels and --skus first)",
                denied.units
            ),
            (status, name) => format!("{} with {status} {name}", denied.units),
        })
        .collect();
    (!errors.is_empty())
        .then(|| format!("{} wrong answers: {}", summary.errors(), errors.join(", ")))
}
