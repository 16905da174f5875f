//! `onhand features check`: what is served and what is trained on are the same numbers.
//!
//! Once the way a server goes: entries one by one, rows read at any moment in between, the store written to bytes and
//! restored now and then. Once the way a training frame is made: one pass, rows as of positions. Every sampled value
//! must be the same to the last bit.

use super::ledger::{LedgerFile, in_order, set, store};
use super::served;
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use clap::Args;
use onhand_core::{LocationId, Sku, Span};
use onhand_features::{
    FeatureSet, FrameBuilder, Known, Moment, Question, Questions, Store, Subject,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Recomputes sampled feature values from the ledger and compares them, bit by bit, with those that a follower of the
/// same ledger would have served. The server must be stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand features check --data ./shops --samples 100000
  onhand features check --data ./shops --served served.jsonl")]
pub(super) struct Check {
    #[command(flatten)]
    folder: DataFolder,
    /// About how many rows to sample.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    samples: u64,
    /// How often the follower is stopped and started again from its snapshot.
    #[arg(long, value_name = "N", default_value_t = 3)]
    restarts: u64,
    /// The seed of the sample.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Compare what a server wrote down while it served (`onhand serve --features-sample`), instead of sampling.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["samples", "restarts", "seed"])]
    served: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    entries: u64,
    rows_compared: usize,
    values_compared: u64,
    differences: u64,
    /// Differences by feature, where there are any.
    by_feature: BTreeMap<&'static str, u64>,
    entities: usize,
    snapshot_bytes: usize,
    follow_seconds: f64,
    frame_seconds: f64,
}

/// What a follower served.
#[derive(Default)]
pub(super) struct Served {
    pub(super) questions: Questions,
    pub(super) bits: Vec<u32>,
    entries: u64,
    entities: usize,
    snapshot_bytes: usize,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let ledger = LedgerFile::open(&self.folder.data)?;
        let set = set();
        let start = Instant::now();
        let served = match &self.served {
            Some(path) => served::read(path, &set)?,
            None => self.follow(&ledger, &set)?,
        };
        let follow_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let by_feature = compare(&ledger, &set, &served)?;
        let report = Report {
            entries: served.entries,
            rows_compared: served.questions.rows.len(),
            values_compared: served.bits.len() as u64,
            differences: by_feature.values().sum(),
            by_feature,
            entities: served.entities,
            snapshot_bytes: served.snapshot_bytes,
            follow_seconds,
            frame_seconds: start.elapsed().as_secs_f64(),
        };
        match self.json {
            true => output::json(&report),
            false => report.print(),
        }
        match report.differences {
            0 if report.rows_compared == 0 => {
                Err(Failure::say("nothing was compared: no row was sampled"))
            }
            0 => Ok(()),
            many => Err(Failure::say(format!("{many} values differ"))),
        }
    }

    /// Follows the ledger, and samples what it would serve.
    fn follow(&self, ledger: &LedgerFile, set: &Arc<FeatureSet>) -> Result<Served, Failure> {
        let entries = ledger.entries()?;
        let mut store = store(set);
        let mut served = Served::default();
        let (mut subject, mut row) = (Subject::default(), vec![0.0; set.len()]);
        let stop_every = entries / (self.restarts + 1) + 1;
        ledger.each("Following", &mut |entry| {
            in_order(store.apply(entry));
            let openings = entry.openings.iter();
            served
                .questions
                .pairs
                .extend(openings.map(|one| (one.location.clone(), one.sku.clone())));
            served.entries += 1;
            if served.entries.is_multiple_of(stop_every) {
                restart(&mut store);
            }
            for draw in self.drawn(served.entries, entries) {
                let question = ask(draw, &store, served.questions.pairs.len() as u64);
                let Some(pair) = served.questions.pairs.get(question.pair as usize) else {
                    continue;
                };
                read(&store, pair, question.moment, &mut subject, &mut row);
                served.bits.extend(row.iter().map(|value| value.to_bits()));
                served.questions.rows.push(question);
            }
            ControlFlow::Continue(())
        })?;
        served.entities = store.rows();
        served.snapshot_bytes = restart(&mut store);
        Ok(served)
    }

    /// Random numbers, one for each row to sample after an entry.
    fn drawn(&self, position: u64, entries: u64) -> impl Iterator<Item = u64> + use<> {
        let seed = self.seed;
        let hash = move |number: u64, salt: u64| {
            let bytes = [
                position.to_le_bytes(),
                number.to_le_bytes(),
                salt.to_le_bytes(),
            ];
            xxh3_64_with_seed(bytes.as_flattened(), seed)
        };
        let (whole, rest) = (self.samples / entries.max(1), self.samples % entries.max(1));
        let one_more = u64::from(hash(0, 1) % entries.max(1) < rest);
        (0..whole + one_more).map(move |number| hash(number, 2))
    }
}

/// A question that follows from a random number: whom, how long after the entry, and how far ahead.
fn ask(draw: u64, store: &Store, pairs: u64) -> Question {
    let minutes = |minutes: u64| Span::from_secs(minutes * 60);
    let now = store.last().at.plus(minutes(draw >> 32 & 127));
    Question {
        pair: (draw % pairs.max(1)) as u32,
        known: Known::To(store.last().seq),
        moment: Moment {
            now,
            target: now.plus(minutes((draw >> 40 & 7) * 60)),
        },
    }
}

fn read(
    store: &Store,
    (location, sku): &(LocationId, Sku),
    moment: Moment,
    subject: &mut Subject,
    row: &mut [f32],
) {
    store.find(location.as_str(), sku.as_str(), subject);
    store.read(subject, moment, row);
}

/// The store as its bytes say it, and how many they are. It may fill half of the memory, so there are never two of it beside them.
fn restart(kept: &mut Store) -> usize {
    let (set, snapshot) = (Arc::clone(kept.set()), kept.snapshot());
    *kept = store(&set);
    *kept = Store::restore(set, &snapshot).expect("it was written a moment ago");
    snapshot.len()
}

/// Makes the rows again as a frame; gives the differences by feature.
fn compare(
    ledger: &LedgerFile,
    set: &Arc<FeatureSet>,
    served: &Served,
) -> Result<BTreeMap<&'static str, u64>, Failure> {
    let mut differences = BTreeMap::new();
    let mut each = |row: onhand_features::FrameRow<'_>| {
        let served = &served.bits[row.number * set.len()..][..set.len()];
        for ((value, bits), feature) in row.values.iter().zip(served).zip(set.features()) {
            if value.to_bits() != *bits {
                *differences.entry(feature.name).or_default() += 1;
            }
        }
    };
    let mut builder = FrameBuilder::new(store(set), served.questions.clone());
    ledger.each("Making the rows again", &mut |entry| {
        in_order(builder.take(entry, &mut each));
        ControlFlow::Continue(())
    })?;
    builder.finish(&mut each);
    Ok(differences)
}

impl Report {
    fn print(&self) {
        if self.entities > 0 {
            self.print_followed();
        }
        output::text(format!("  made again in {:.1} s", self.frame_seconds));
        output::text(format!(
            "  compared      {} values of {} rows: {} differences",
            self.values_compared, self.rows_compared, self.differences
        ));
        for (feature, many) in &self.by_feature {
            output::text(format!("    {feature}: {many}"));
        }
    }

    fn print_followed(&self) {
        let bytes = self.snapshot_bytes / self.entities;
        output::text(format!(
            "{} entries, {} SKUs at locations",
            self.entries, self.entities
        ));
        output::text(format!(
            "  followed in   {:.1} s, {:.0} entries a second",
            self.follow_seconds,
            self.entries as f64 / self.follow_seconds.max(1e-9)
        ));
        output::text(format!(
            "  snapshot      {} bytes, {bytes} for each SKU at a location, all else included",
            self.snapshot_bytes
        ));
    }
}
