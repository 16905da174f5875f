//! `onhand check`: proves a data folder sound, or says what is wrong with it.

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::{output, progress};
use clap::Args;
use onhand_core::{Bucket, Invariant};
use onhand_engine::verify::{PartitionReport, Reading};
use serde::Serialize;

/// Verifies a data folder: every checksum and the chain, a replay from the first entry, every invariant, every
/// snapshot against the replayed state. Changes nothing. The server must be stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand check --data ./onhand-data

Ends with code 0 only if everything holds.")]
pub(crate) struct Check {
    #[command(flatten)]
    folder: DataFolder,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What was found in one partition.
#[derive(Serialize)]
struct Finding {
    partition: u16,
    segments: usize,
    bytes: u64,
    entries: u64,
    torn_tail: Option<String>,
    replayed_from: u64,
    levels: usize,
    locations: usize,
    skus: usize,
    open_reservations: usize,
    keys: u64,
    on_hand: i64,
    reserved: i64,
    allocated: i64,
    levels_short: usize,
    snapshots: Vec<u64>,
    snapshots_left_over: Vec<u64>,
    state_hash: String,
    violations: Vec<String>,
}

impl Finding {
    fn of(report: &PartitionReport) -> Self {
        let state = &report.state;
        let units = |bucket| state.totals().units_in(bucket);
        let on_hand = Bucket::ALL
            .into_iter()
            .filter(|bucket| bucket.is_on_hand())
            .map(units)
            .sum();
        Self {
            partition: report.partition,
            segments: report.log.segments,
            bytes: report.log.bytes,
            entries: state.last().seq.0,
            torn_tail: report.log.torn.as_ref().map(|torn| {
                let (segment, offset, bytes) = (torn.segment.display(), torn.offset, torn.bytes);
                format!("{bytes} bytes in {segment} at byte {offset}: the next start cuts them back; they look like a write that was never finished")
            }),
            replayed_from: report.replayed_from.0,
            levels: state.directory().len(),
            locations: state.directory().locations(),
            skus: state.directory().skus(),
            open_reservations: state.reservations().open(),
            keys: state.keys(),
            on_hand,
            reserved: units(Bucket::Reserved),
            allocated: units(Bucket::Allocated),
            levels_short: state
                .directory()
                .iter()
                .filter(|(_, level)| level.free() < 0)
                .count(),
            snapshots: report.snapshots.iter().map(|(seq, _)| seq.0).collect(),
            snapshots_left_over: report.left_over.iter().map(|seq| seq.0).collect(),
            state_hash: format!("{:032x}", report.hash),
            violations: report.violations.iter().map(ToString::to_string).collect(),
        }
    }

    fn print(&self) {
        let Self {
            partition,
            segments,
            bytes,
            entries,
            levels,
            locations,
            skus,
            ..
        } = self;
        output::text(format!("Partition {partition}"));
        output::text(format!(
            "  log           {entries} entries, {bytes} bytes in {segments} segments: checksums and chain sound"
        ));
        if let Some(torn) = &self.torn_tail {
            output::text(format!("  torn tail     {torn}"));
        }
        match self.replayed_from {
            0 => output::text("  replay        from the first entry"),
            from => output::text(format!(
                "  replay        from the snapshot at {from}: the ledger before it was trimmed"
            )),
        }
        output::text(format!(
            "  stock         {levels} levels, {locations} locations, {skus} SKUs; on hand {}, reserved {}, allocated {}",
            self.on_hand, self.reserved, self.allocated
        ));
        output::text(format!(
            "  reservations  {} open; {} idempotency keys kept",
            self.open_reservations, self.keys
        ));
        if self.levels_short > 0 {
            output::text(format!(
                "  short         {} levels are promised beyond what is there (by policy, or because the shelf held less)",
                self.levels_short
            ));
        }
        output::text(format!("  snapshots     {:?}", self.snapshots));
        if !self.snapshots_left_over.is_empty() {
            output::text(format!(
                "  left over     {:?}: snapshots from before the ledger was trimmed, which nothing needs; the next snapshot removes them",
                self.snapshots_left_over
            ));
        }
        output::text(format!("  state hash    {}", self.state_hash));
        match &self.violations[..] {
            [] => output::text(format!(
                "  invariants    {} to {} hold",
                Invariant::ALL[0].code(),
                Invariant::ChainUnbroken.code()
            )),
            broken => broken
                .iter()
                .for_each(|one| output::text(format!("  BROKEN        {one}"))),
        }
    }
}

impl Check {
    /// Checks all partitions.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let reading = Reading::open(&self.folder.data).map_err(Failure::say)?;
        let bar = progress::bar("Checking", 0);
        let mut findings = Vec::new();
        for partition in 0..reading.partitions() {
            let mut show = |_, at, of| {
                bar.set_length(of);
                bar.set_position(at);
            };
            let report = reading.verify(partition, &mut show).map_err(Failure::say)?;
            findings.push(Finding::of(&report));
        }
        bar.finish_and_clear();
        match self.json {
            true => output::json(&findings),
            false => findings.iter().for_each(Finding::print),
        }
        let broken: usize = findings
            .iter()
            .map(|finding| finding.violations.len())
            .sum();
        match broken {
            0 => Ok(()),
            broken => Err(Failure::say(format!(
                "{broken} invariants are broken: do not serve from this folder; keep it, and restore a copy"
            ))),
        }
    }
}
