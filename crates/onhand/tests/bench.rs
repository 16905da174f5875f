//! Every bench, small: it ends, and says something that can be read.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it met and fails where it stands"
)]

mod support;

use serde_json::Value;
use support::run;

fn bench(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[&["bench"], arguments, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told.as_array().unwrap().clone()
}

fn number(of: &Value, field: &str) -> f64 {
    of[field]
        .as_f64()
        .unwrap_or_else(|| panic!("{field}: {of}"))
}

#[test]
fn memory_tells_levels_reservations_and_keys_apart() {
    let counts = [
        "--levels",
        "20000",
        "--reservations",
        "20000",
        "--keys",
        "20000",
    ];
    let taken = bench(&[&["memory"], &counts[..]].concat());
    let what: Vec<_> = taken
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["stock level", "open reservation", "idempotency key"]);
    // How many bytes depends on what was freed before: so few things tell nothing of that.
    let counts: Vec<_> = taken.iter().map(|one| number(one, "count")).collect();
    assert_eq!(counts, [18_000.0; 3]);
}

#[test]
fn scale_runs_each_size() {
    let sizes = ["--levels", "1000,2000", "--seconds", "0.2", "--runs", "1"];
    let runs = bench(&[&["scale"], &sizes[..]].concat());
    let levels: Vec<_> = runs.iter().map(|run| number(run, "levels")).collect();
    assert_eq!(levels, [1000.0, 2000.0]);
    assert!(
        runs.iter()
            .all(|run| number(run, "reserves") > 0.0 && number(run, "failed") == 0.0)
    );
}

#[test]
fn snapshot_measures_with_and_without_one() {
    let sizes = ["--levels", "5000", "--seconds", "0.2", "--rounds", "1"];
    let stretches = bench(&[&["snapshot"], &sizes[..]].concat());
    assert_eq!(stretches.len(), 2);
    assert!(
        stretches
            .iter()
            .all(|one| number(one, "longest_micros") > 0.0)
    );
}

#[test]
fn restart_replays_what_the_snapshot_does_not_hold() {
    let sizes = ["--levels", "2000", "--entries", "3000", "--runs", "2"];
    let started = bench(&[&["restart"], &sizes[..]].concat());
    assert_eq!(started.len(), 2);
    let replayed: Vec<_> = started.iter().map(|one| number(one, "replayed")).collect();
    assert_eq!(replayed, [3000.0, 3001.0]);
}

#[test]
fn layers_times_every_layer() {
    let layers = bench(&["layers", "--levels", "2000", "--batches", "3"]);
    assert_eq!(layers.len(), 15);
    assert!(layers.iter().all(|layer| number(layer, "nanos") > 0.0));
}

#[test]
fn cost_plans_with_prices_that_were_measured_elsewhere() {
    let prices = ["--http-cpu-us", "50", "--batch-cpu-us", "5"];
    let others = ["--grpc-cpu-us", "60", "--read-cpu-us", "100"];
    let sizes = ["--levels", "2000", "--seconds", "0.2", "--json"];
    let output = run(&[&["bench", "cost"], &prices[..], &others, &sizes].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    for price in ["in_process_cpu_us", "log_bytes", "snapshot_level_bytes"] {
        assert!(number(&told["prices"], price) > 1.0, "{told:#}");
    }
    // 324,000 reads and 36,000 reservations a second: 34.2 cores.
    let spike = &told["ways"][0]["needs"][2];
    assert_eq!(number(spike, "machines_at_50"), 35.0);
    assert!(number(&told["day"], "disk_bytes") > 1e9);
}
