//! Fixed seeds, each twice: nothing is found, and both runs are the same to the byte. And a crash at every change.
//!
//! A seed that found something is added to `seeds.txt` with its cause, so that it is run for ever.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use onhand_engine::Durability;
use onhand_sim::campaign::run_seed;
use onhand_sim::counts::Counts;
use onhand_sim::world::everywhere::{crash_everywhere, small};

/// Seed and steps of each line; what follows a `#` is the cause.
fn seeds() -> Vec<(u64, usize)> {
    let lines = include_str!("seeds.txt").lines();
    let lines = lines.map(|line| line.split('#').next().unwrap().trim());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (seed, steps) = line.split_once(' ').unwrap();
            (seed.parse().unwrap(), steps.trim().parse().unwrap())
        })
        .collect()
}

#[test]
fn fixed_seeds_find_nothing_and_are_the_same_twice() {
    let seeds = seeds();
    assert!(seeds.len() >= 20, "the seeds are not where they should be");
    let mut counts = Counts::default();
    for (seed, steps) in seeds {
        let [first, second] = [(); 2].map(|()| run_seed(seed, steps, true));
        assert_eq!(first.finding, None, "seed {seed}\n{}", first.trace);
        assert!(first.trace.len() > 10_000, "seed {seed} does nothing");
        assert!(first == second, "seed {seed} is not the same twice");
        counts += &first.counts;
    }
    for (what, count) in [
        ("rotations", counts.rotations),
        ("snapshots", counts.snapshots),
        ("trims", counts.trims),
        ("questions about the past", counts.past_reads),
    ] {
        assert!(count > 0, "no {what}");
    }
    let (left_out, made) = (counts.left_out, counts.requests);
    assert!(
        left_out * 20 < made,
        "{left_out} requests were left out, and only {made} made"
    );
}

#[test]
fn another_seed_is_another_run() {
    let [one, other] = [1, 2].map(|seed| run_seed(seed, 300, false));
    assert_ne!(one.trace_hash, other.trace_hash);
    assert_ne!(one.state_hash, other.state_hash);
}

/// Every kind of call by which the product changes the disk, with its file; of names that differ by their number one.
const CALLS: [&str; 33] = [
    "Allocate .log.new",
    "Create .log.new",
    "Create .snap.new",
    "Create again.new",
    "Create identity.draft",
    "Create lock",
    "CreateFolder data",
    "CreateFolder log",
    "CreateFolder snapshots",
    "Remove .log",
    "Remove .log.new",
    "Remove .snap",
    "Remove .snap.new",
    "Remove again",
    "Remove again.new",
    "Remove identity.draft",
    "Rename .log",
    "Rename .snap",
    "Rename again",
    "Rename identity.json",
    "Sync .log",
    "Sync .log.new",
    "Sync .snap.new",
    "Sync again.new",
    "Sync identity.draft",
    "SyncFolder data",
    "SyncFolder log",
    "SyncFolder snapshots",
    "Write .log",
    "Write .log.new",
    "Write .snap.new",
    "Write again.new",
    "Write identity.draft",
];

#[test]
fn a_crash_at_every_change_loses_nothing() {
    let mut counts = Counts::default();
    for (seed, durability) in [(3, Durability::BeforeAnswer), (4, Durability::Within(50))] {
        let tried = crash_everywhere(&small(seed, durability));
        counts += &tried.unwrap_or_else(|(crashes, found)| panic!("{crashes:?}: {found}"));
    }
    let crashes = counts.faults["crash at a change that was said"];
    assert!(crashes > 1_500, "only {crashes} crashes were tried");
    assert!(counts.trims > 0, "no log was trimmed");
    let interrupted: Vec<_> = counts.interrupted.keys().collect();
    assert_eq!(
        interrupted, CALLS,
        "a call was never interrupted, or is new"
    );
}
