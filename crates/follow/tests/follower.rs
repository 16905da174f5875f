//! A follower of a ledger in memory, against a store that was given the same entries.

#![allow(clippy::unwrap_used, reason = "a test")]

use onhand_core::stock::sell::{Sell, SellLine};
use onhand_core::{
    Command, Decision, Entry, Few, Lines, LocationId, Quantity, Seq, Sku, Span, State, Timestamp,
};
use onhand_features::{FeatureSet, Limits, Moment, Store, Subject, catalog};
use onhand_follow::{Follower, Plan, Sample, Sampler, Source};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const HOUR: u64 = 3_600_000;
/// When the clock of a ledger begins.
const BEGINNING: u64 = 19_723 * 24 * HOUR;

/// A ledger in memory, of one partition.
#[derive(Clone, Default)]
struct Ledger {
    entries: Arc<Mutex<Vec<Entry>>>,
    is_broken: Arc<AtomicBool>,
    /// Milliseconds since the beginning.
    clock: Arc<AtomicU64>,
}

impl Source for Ledger {
    fn partitions(&self) -> u16 {
        1
    }

    fn last(&self, _: u16) -> Seq {
        Seq(self.entries.lock().unwrap().len() as u64)
    }

    fn read(
        &self,
        _: u16,
        from: Seq,
        most: usize,
    ) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err("the disk is gone".into());
        }
        let entries = self.entries.lock().unwrap();
        let from = entries.iter().filter(|entry| entry.stamp.seq >= from);
        Ok(from.take(most).cloned().collect())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(BEGINNING + self.clock.load(Ordering::Relaxed))
    }
}

/// So many sales, one an hour.
fn sales(many: u64) -> Vec<Entry> {
    let mut state = State::default();
    let sale = |number: u64| {
        let at = Timestamp::from_millis((19_000 * 24 + number) * HOUR);
        let line = SellLine {
            sku: Sku::new(&format!("sku-{}", number % 7)).unwrap(),
            quantity: Quantity::new(1 + number as u32 % 3).unwrap(),
        };
        let sell = Sell {
            location: LocationId::new("north").unwrap(),
            lines: Lines::new(Few::from_vec(vec![line])).unwrap(),
            reference: None,
            sold_at: Some(at),
        };
        let Decision::Record(entry) = state.decide(at, None, &Command::Sell(sell)) else {
            panic!("not recorded");
        };
        state.apply(&entry).unwrap();
        *entry
    };
    (0..many).map(sale).collect()
}

fn start(ledger: &Ledger, folder: &Path) -> Follower {
    start_sampled(ledger, folder, None)
}

fn start_sampled(ledger: &Ledger, folder: &Path, sampler: Option<Sampler>) -> Follower {
    start_watched(ledger, folder, sampler, &mut Registry::default())
}

fn start_watched(
    ledger: &Ledger,
    folder: &Path,
    sampler: Option<Sampler>,
    registry: &mut Registry,
) -> Follower {
    let plan = Plan {
        set: Arc::new(catalog::availability()),
        limits: Limits::default(),
        folder: folder.to_owned(),
        save_every: Duration::from_secs(3600),
        sampler,
    };
    Follower::start(ledger.clone(), plan, registry).unwrap()
}

/// Waits until everything is shown.
fn caught_up(follower: &Follower, ledger: &Ledger) {
    let begun = Instant::now();
    while follower.reader(0).last().seq < ledger.last(0) {
        assert!(begun.elapsed() < Duration::from_secs(30), "it stands still");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The bytes of a store that was given the entries of a ledger.
fn replayed(ledger: &Ledger) -> Vec<u8> {
    let mut store = Store::new(Arc::new(catalog::availability()), Limits::default());
    for entry in ledger.entries.lock().unwrap().iter() {
        store.apply(entry).unwrap();
    }
    store.snapshot()
}

#[test]
fn it_follows_goes_on_after_a_stop_and_shows_what_a_replay_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, all) = (Ledger::default(), sales(900));
    for part in all.chunks(300) {
        ledger.entries.lock().unwrap().extend_from_slice(part);
        let follower = start(&ledger, dir.path());
        caught_up(&follower, &ledger);
        assert_eq!(follower.reader(0).snapshot(), replayed(&ledger));
        follower.stop();
    }
    // What is saved is taken up: the ledger need not be read at all.
    ledger.is_broken.store(true, Ordering::Relaxed);
    let follower = start(&ledger, dir.path());
    assert_eq!(follower.reader(0).last().seq, Seq(900));
}

#[test]
fn a_ledger_that_cannot_be_read_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.is_broken.store(true, Ordering::Relaxed);
    ledger.entries.lock().unwrap().extend(sales(40));
    let follower = start(&ledger, dir.path());
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(follower.reader(0).last().seq, Seq::ZERO);
    ledger.is_broken.store(false, Ordering::Relaxed);
    caught_up(&follower, &ledger);
}

/// The value of a metric.
fn metric(registry: &Registry, name: &str) -> f64 {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(' ')?.to_owned());
    let value = text.lines().find_map(value);
    value
        .unwrap_or_else(|| panic!("no {name}: {text}"))
        .parse()
        .unwrap()
}

/// Waits until a metric has a value.
fn told(registry: &Registry, name: &str, wanted: f64) {
    let begun = Instant::now();
    while metric(registry, name) != wanted {
        let found = metric(registry, name);
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{name} {found}, not {wanted}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn how_far_it_is_behind_and_how_long_an_entry_took_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, mut all) = (Ledger::default(), sales(50));
    // Recorded in the second second: 20 of them are shown in the fourth, the others long after.
    for entry in &mut all {
        entry.stamp.at = Timestamp::from_millis(BEGINNING + 1_000);
    }
    let mut registry = Registry::default();
    let follower = start_watched(&ledger, dir.path(), None, &mut registry);
    ledger.clock.store(3_000, Ordering::Relaxed);
    ledger.entries.lock().unwrap().extend_from_slice(&all[..20]);
    told(&registry, "onhand_features_entry_seconds_count", 20.0);
    told(&registry, "onhand_features_entry_seconds_sum", 40.0);
    told(&registry, "onhand_features_lag_entries", 0.0);
    told(&registry, "onhand_features_lag_seconds", 0.0);

    ledger.is_broken.store(true, Ordering::Relaxed);
    ledger.clock.store(61_000, Ordering::Relaxed);
    ledger.entries.lock().unwrap().extend_from_slice(&all[20..]);
    told(&registry, "onhand_features_lag_entries", 30.0);
    told(&registry, "onhand_features_lag_seconds", 60.0);
    ledger.is_broken.store(false, Ordering::Relaxed);
    told(&registry, "onhand_features_entry_seconds_count", 50.0);
    told(&registry, "onhand_features_lag_entries", 0.0);
    told(&registry, "onhand_features_lag_seconds", 0.0);
    drop(follower);
}

#[test]
fn a_saved_store_that_does_not_fit_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, all) = (Ledger::default(), sales(60));
    ledger.entries.lock().unwrap().extend_from_slice(&all);
    let follower = start(&ledger, dir.path());
    caught_up(&follower, &ledger);
    drop(follower);
    let path = dir.path().join("0.features");
    let good = std::fs::read(&path).unwrap();
    let few = FeatureSet::new(catalog::availability().features()[..3].to_vec()).unwrap();
    let other = Store::new(Arc::new(few), Limits::default()).snapshot();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    for bytes in [other, damaged, good.clone()] {
        std::fs::write(&path, bytes).unwrap();
        // The last of them is ahead of a ledger that lost its tail.
        let shorter = Ledger::default();
        shorter
            .entries
            .lock()
            .unwrap()
            .extend_from_slice(&all[..50]);
        let follower = start(&shorter, dir.path());
        caught_up(&follower, &shorter);
        assert_eq!(follower.reader(0).snapshot(), replayed(&shorter));
    }
    // It lost its tail, and has others at the same positions since.
    let (grown, mut entries) = (Ledger::default(), all);
    for entry in &mut entries[50..] {
        entry.stamp.at = entry.stamp.at.plus(Span::from_secs(1));
    }
    grown.entries.lock().unwrap().extend(entries);
    std::fs::write(&path, good).unwrap();
    let follower = start(&grown, dir.path());
    caught_up(&follower, &grown);
    assert_eq!(follower.reader(0).snapshot(), replayed(&grown));
}

/// Of a ledger that cannot be read from its beginning, what was saved by another build may be all that is left.
#[test]
fn a_store_that_knows_nothing_is_not_put_in_the_place_of_a_saved_one() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.entries.lock().unwrap().extend(sales(40));
    ledger.is_broken.store(true, Ordering::Relaxed);
    let path = dir.path().join("0.features");
    std::fs::write(&path, "of another build").unwrap();
    start(&ledger, dir.path()).stop();
    assert_eq!(std::fs::read(&path).unwrap(), b"of another build");
}

#[test]
fn a_saved_store_that_cannot_be_read_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.entries.lock().unwrap().extend(sales(60));
    std::fs::create_dir(dir.path().join("0.features")).unwrap();
    let follower = start(&ledger, dir.path());
    caught_up(&follower, &ledger);
    assert_eq!(follower.reader(0).snapshot(), replayed(&ledger));
}

#[test]
fn what_is_served_is_written_down_up_to_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.entries.lock().unwrap().extend(sales(200));
    let path = dir.path().join("served.jsonl");
    let sampler = Sampler::create(&path, 2, 20_000).unwrap();
    let follower = start_sampled(&ledger, dir.path(), Some(sampler));
    caught_up(&follower, &ledger);
    let set = Arc::clone(follower.set());
    let (mut row, moment) = (vec![0.0; set.len()], Moment::of(ledger.now()));
    let mut reader = follower.reader(0);
    for number in 0..100 {
        assert!(reader.row("north", &format!("sku-{}", number % 7), moment, &mut row));
    }
    assert!(!reader.row("north", "unknown", moment, &mut row));
    drop(reader);
    drop(follower);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(
        text.len() <= 20_000 && text.len() > 15_000,
        "{}",
        text.len()
    );
    let mut store = Store::new(Arc::clone(&set), Limits::default());
    for entry in ledger.entries.lock().unwrap().iter() {
        store.apply(entry).unwrap();
    }
    for (number, line) in text.lines().enumerate() {
        let sample: Sample = serde_json::from_str(line).unwrap();
        assert_eq!(sample.sku, format!("sku-{}", number * 2 % 7));
        let mut subject = Subject::default();
        store.find(&sample.location, &sample.sku, &mut subject);
        store.read(&mut subject, moment, &mut row);
        assert_eq!(
            sample.bits,
            row.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        );
    }
}
