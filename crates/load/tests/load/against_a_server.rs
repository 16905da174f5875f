//! Every kind of work against a real server.

use crate::shop::{LEVELS, Shop};
use crate::{good_run, load, run};
use serde_json::Value;

const BRIEFLY: [&str; 4] = ["--seconds", "1", "--warmup", "0"];

fn briefly(shop: &Shop, arguments: &[&str]) -> Value {
    good_run(shop.address, &[&LEVELS[..], &BRIEFLY, arguments].concat())
}

pub(crate) fn accepted(row: &Value) -> u64 {
    row["accepted_units"].as_u64().unwrap()
}

pub(crate) fn row<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let rows = summary["rows"].as_array().unwrap();
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no row {name}: {rows:#?}"))
}

#[test]
fn reservations_one_by_one_pipelined_and_in_batches() {
    let shop = Shop::filled();
    for arguments in [
        &["--in-flight", "4"][..],
        &["--in-flight", "16", "--connections", "2"],
        &["--in-flight", "4", "--threads", "2"],
        &["--open", "300", "--arrivals", "constant"],
        &["--keys", "zipf:1.0"],
    ] {
        let summary = briefly(&shop, arguments);
        // How many there are is the disk's business.
        assert!(
            accepted(&summary["total"]) > 20,
            "{arguments:?}: {summary:#}"
        );
        assert_eq!(
            summary["total"]["denied"],
            Value::Array(Vec::new()),
            "{arguments:?}"
        );
    }
    let batches = briefly(
        &shop,
        &[
            "--protocol",
            "http-batch",
            "--batch",
            "50",
            "--in-flight",
            "2",
        ],
    );
    let requests = batches["total"]["requests"].as_u64().unwrap();
    assert_eq!(accepted(&batches["total"]), requests * 50);
}

#[test]
fn reads_and_mixes() {
    let shop = Shop::filled();
    let reads = briefly(
        &shop,
        &[
            "--work",
            "availability",
            "--items",
            "20",
            "--in-flight",
            "2",
        ],
    );
    assert_eq!(
        accepted(&reads["total"]),
        reads["total"]["requests"].as_u64().unwrap() * 20
    );
    let mix = briefly(
        &shop,
        &["--work", "mix", "--items", "5", "--in-flight", "8"],
    );
    for name in ["reserve", "confirm", "release", "availability"] {
        assert!(accepted(row(&mix, name)) > 0, "{mix:#}");
    }
}

#[test]
fn the_hot_sku_and_its_neighbours_and_tenants_are_told_apart() {
    let shop = Shop::filled();
    let summary = briefly(&shop, &["--keys", "hot:0.9", "--tenants", "big:9,small:1"]);
    let hot = accepted(row(&summary, "reserve, hot SKU, tenant big"));
    let neighbours = accepted(row(&summary, "reserve, neighbours, tenant big"));
    let small = accepted(row(&summary, "reserve, hot SKU, tenant small"));
    assert!(
        hot > 5 * neighbours && hot > 5 * small,
        "{hot} {neighbours} {small}"
    );
}

#[test]
fn a_flash_sale_sells_exactly_what_there_is() {
    let shop = Shop::open();
    for _ in 0..2 {
        let sale = good_run(
            shop.address,
            &[
                "--keys",
                "flash-sale:300/40",
                "--seconds",
                "20",
                "--in-flight",
                "16",
            ],
        );
        assert_eq!(sale["sale"]["sold"], 40, "{sale:#}");
        assert_eq!(sale["sale"]["available"], 0, "{sale:#}");
        assert_eq!(
            sale["total"]["denied"][0]["name"], "insufficient-stock",
            "{sale:#}"
        );
        assert_eq!(sale["total"]["denied"][0]["units"], 260, "{sale:#}");
        // It is over when all buyers have their answer; what it did a second counts from that.
        let took = sale["took_seconds"].as_f64().unwrap();
        assert!(took < 19.0, "{took}");
    }
}

#[test]
fn shelves_are_filled_once() {
    let shop = Shop::filled();
    let to = shop.address.to_string();
    // Twice 500 million units are the most that a level holds; a third time would be refused.
    for _ in 0..3 {
        let fill = load(&[&["fill", "--json", "--to", &to], &LEVELS[..]].concat());
        assert!(fill.status.success(), "{fill:?}");
        let filled: Value = serde_json::from_slice(&fill.stdout).unwrap();
        assert_eq!(
            (&filled["levels"], &filled["locations"]),
            (&50.into(), &5.into())
        );
    }
}

#[test]
fn empty_shelves_are_an_error_that_says_what_to_do() {
    let shop = Shop::open();
    let (summary, is_content) = run(
        shop.address,
        &["--in-flight", "1", "--seconds", "1", "--warmup", "0"],
    );
    assert!(!is_content);
    assert_eq!(summary["total"]["denied"][0]["name"], "unknown-location");
    let read = ["--work", "availability", "--in-flight", "1"];
    let (summary, is_content) = run(shop.address, &[&BRIEFLY[..], &read].concat());
    assert!(!is_content, "reads that find nothing: {summary:#}");
    assert_eq!(accepted(&summary["total"]), 0);
    assert_eq!(summary["total"]["denied"][0]["name"], "unknown-level");
}

#[test]
fn two_runs_compare() {
    let shop = Shop::filled();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (before, after) = (path("before.json"), path("after.json"));
    briefly(&shop, &["--in-flight", "1", "--out", &before]);
    briefly(&shop, &["--in-flight", "8", "--out", &after]);
    let compared = load(&["compare", "--json", &before, &after]);
    let compared: Value = serde_json::from_slice(&compared.stdout).unwrap();
    assert_eq!(compared["differences"][0]["setting"], "connections");
    let rows = compared["rows"].as_array().unwrap();
    let p99 = rows.iter().find(|row| row["figure"] == "p99").unwrap();
    assert!(p99["ratio"].as_f64().unwrap() > 0.0);
    let text = load(&["compare", &before, &after]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("p99.99"));
    assert!(!load(&["compare", &before, "/dev/null"]).status.success());
}
