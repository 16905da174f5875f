//! Rebuilds a state from the ledger alone, up to a position or a time.

use crate::failure::Failure;
use crate::{output, progress};
use clap::Args;
use onhand_core::{Bucket, Seq, State, Timestamp};
use onhand_engine::verify::Reading;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// How far to replay.
#[derive(Args, Debug)]
pub(super) struct Until {
    /// Stop after this position of each partition.
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// Stop after the last entry recorded at or before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    at: Option<jiff::Timestamp>,
}

/// The state of one partition at the end of a replay.
#[derive(Serialize)]
struct Replayed {
    partition: u16,
    position: u64,
    recorded_at: String,
    levels: usize,
    open_reservations: usize,
    on_hand: i64,
    reserved: i64,
    allocated: i64,
    state_hash: String,
    seconds: f64,
}

impl Replayed {
    fn of(partition: u16, state: &State, seconds: f64) -> Self {
        let units = |bucket| state.totals().units_in(bucket);
        let at = jiff::Timestamp::from_millisecond(state.last().at.millis() as i64);
        Self {
            partition,
            position: state.last().seq.0,
            recorded_at: at.map(|at| at.to_string()).unwrap_or_default(),
            levels: state.directory().len(),
            open_reservations: state.reservations().open(),
            on_hand: Bucket::ALL
                .into_iter()
                .filter(|bucket| bucket.is_on_hand())
                .map(units)
                .sum(),
            reserved: units(Bucket::Reserved),
            allocated: units(Bucket::Allocated),
            state_hash: format!("{:032x}", onhand_wire::state_hash(&state.freeze())),
            seconds,
        }
    }

    fn print(&self) {
        let rate = self.position as f64 / self.seconds.max(1e-9);
        output::text(format!("Partition {}", self.partition));
        output::text(format!(
            "  position      {}, recorded at {}",
            self.position, self.recorded_at
        ));
        output::text(format!(
            "  stock         {} levels; on hand {}, reserved {}, allocated {}",
            self.levels, self.on_hand, self.reserved, self.allocated
        ));
        output::text(format!("  reservations  {} open", self.open_reservations));
        output::text(format!("  state hash    {}", self.state_hash));
        output::text(format!(
            "  replayed in   {:.2} s, {rate:.0} entries a second",
            self.seconds
        ));
    }
}

/// Replays all partitions, and tells the state.
pub(super) fn run(data: &Path, until: &Until, json: bool) -> Result<(), Failure> {
    let until = (Seq(until.to.unwrap_or(u64::MAX)), until.time());
    let reading = Reading::open(data).map_err(Failure::say)?;
    let bar = progress::bar("Replaying", 0);
    let mut all = Vec::new();
    for partition in 0..reading.partitions() {
        let mut show = |_, at, of| {
            bar.set_length(of);
            bar.set_position(at);
        };
        let start = Instant::now();
        let state = reading
            .replay_to(partition, until, &mut show)
            .map_err(Failure::say)?;
        all.push(Replayed::of(
            partition,
            &state,
            start.elapsed().as_secs_f64(),
        ));
    }
    bar.finish_and_clear();
    match json {
        true => output::json(&all),
        false => all.iter().for_each(Replayed::print),
    }
    Ok(())
}

impl Until {
    fn time(&self) -> Timestamp {
        self.at.map_or(Timestamp::MAX, |at| {
            Timestamp::from_millis(at.as_millisecond().max(0) as u64)
        })
    }
}
