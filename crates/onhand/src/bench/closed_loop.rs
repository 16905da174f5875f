//! A closed loop: so many requests are with the engine, and the next is asked when one is answered.

use crate::bench::stage::Gauge;
use crate::failure::Failure;
use onhand_engine::{Answer, Engine, ReplyTo, Request};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a loop came to.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measured {
    pub(super) in_flight: usize,
    pub(super) recorded: u64,
    pub(super) refused: u64,
    pub(super) per_second: f64,
    pub(super) p50_micros: u64,
    pub(super) p99_micros: u64,
    /// Of the engine and the loop together, for each answer.
    pub(super) cpu_micros: f64,
}

/// Asks what `next` says, the request of each number and its partition, until it says no more.
pub(super) fn closed_loop(
    engine: &Engine,
    in_flight: usize,
    mut next: impl FnMut(u64) -> Option<(u16, Request)>,
) -> Result<Measured, Failure> {
    let gauge = Arc::new(Mutex::new(Gauge::new()));
    let (give_back, places) = sync_channel(in_flight);
    for _ in 0..in_flight {
        // There is room for all of them.
        let _ = give_back.send(());
    }
    let (start, cpu) = (Instant::now(), cpu_time());
    let sink: Arc<dyn Fn(u64, Answer) + Send + Sync> = {
        let gauge = Arc::clone(&gauge);
        Arc::new(move |asked, answer| {
            let took = start.elapsed().saturating_sub(Duration::from_nanos(asked));
            let is_good = matches!(answer, Answer::Recorded(_));
            let mut gauge = gauge.lock().unwrap_or_else(PoisonError::into_inner);
            gauge.add(took, is_good);
            drop(gauge);
            // Nobody takes places back once the loop has failed.
            let _ = give_back.send(());
        })
    };
    for number in 0.. {
        let Some((partition, request)) = next(number) else {
            break;
        };
        places.recv().map_err(Failure::say)?;
        let asked = start.elapsed().as_nanos() as u64;
        let to = ReplyTo::Sink(Arc::clone(&sink), asked);
        engine
            .submit(partition, request, to)
            .map_err(Failure::say)?;
    }
    for _ in 0..in_flight {
        places.recv().map_err(Failure::say)?;
    }
    let (took, cpu) = (start.elapsed(), cpu_time().saturating_sub(cpu));
    let gauge = gauge.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(measured(&gauge, in_flight, took, cpu))
}

fn measured(gauge: &Gauge, in_flight: usize, took: Duration, cpu: Duration) -> Measured {
    let answers = gauge.micros.len();
    Measured {
        in_flight,
        recorded: answers - gauge.failed,
        refused: gauge.failed,
        per_second: answers as f64 / took.as_secs_f64().max(1e-9),
        p50_micros: gauge.micros.value_at_quantile(0.5),
        p99_micros: gauge.micros.value_at_quantile(0.99),
        cpu_micros: cpu.as_secs_f64() * 1e6 / answers.max(1) as f64,
    }
}

/// What this process has used of the processors.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec as u32)
}
