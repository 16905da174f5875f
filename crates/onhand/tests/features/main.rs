//! From a published data set to a frame, with the real binary: every number is made a second time from the data.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../support/mod.rs"]
mod support;

mod data;
mod frame;
mod tables;

use data::{DAYS, Data, FIRST_DAY, HOURS};
use frame::Frame;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use support::{Client, Server, run};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn replay(dir: &Path, data: &Data, more: &[&str]) -> (PathBuf, Value) {
    let (file, folder) = (dir.join("train.parquet"), dir.join("shops"));
    data.write(&file);
    let (file, to) = (file.to_str().unwrap(), folder.to_str().unwrap());
    let arguments = ["replay", "--format", "freshretailnet", file, "--data", to];
    let report = json(&[&arguments, more].concat());
    (folder, report)
}

/// The day `days` after the first.
fn date(days: usize) -> String {
    format!("2024-04-{:02}", days + 1)
}

#[test]
fn a_data_set_becomes_a_ledger_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data::made();
    let (folder, report) = replay(dir.path(), &data, &[]);
    assert_eq!(report["stores"], 2);
    assert_eq!(report["series"], data.series.len());
    assert_eq!(report["sales"], data.selling_hours());
    assert_eq!(report["looks"], data.changes() + data.series.len() * DAYS);
    assert_eq!(report["deliveries"], data.fillings());
    let folder = folder.to_str().unwrap();
    let check = json(&["check", "--data", folder]);
    assert_eq!(check[0]["violations"], Value::Array(Vec::new()), "{check}");

    let file = dir.path().join("train.parquet");
    let again = run(&[
        "replay",
        "--format",
        "freshretailnet",
        file.to_str().unwrap(),
        "--data",
        folder,
    ]);
    assert!(!again.status.success());
    assert!(
        said(&again).contains("holds something already"),
        "{}",
        said(&again)
    );
}

#[test]
fn a_part_of_a_data_set_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let days = format!("{}..{}", date(1), date(3));
    let (_, report) = replay(
        dir.path(),
        &Data::made(),
        &["--stores", "1", "--days", &days],
    );
    assert_eq!((&report["stores"], &report["days"]), (&1.into(), &3.into()));
}

#[test]
fn a_frame_holds_what_the_data_says_and_was_known() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data::made();
    let (folder, _) = replay(dir.path(), &data, &[]);
    let (folder, out) = (folder.to_str().unwrap(), dir.path().join("frame.parquet"));
    let days = format!("{}..{}", date(3), date(5));
    let arguments = [
        "features",
        "frame",
        "--data",
        folder,
        "--label-after",
        "25",
        "--days",
        &days,
        "--out",
        out.to_str().unwrap(),
    ];
    let made = json(&arguments);
    assert_eq!(made["rows"], 3 * 14 * data.series.len());
    let frame = Frame::read(&out);
    for row in 0..frame.rows() {
        let (series, now) = (
            data.find(frame.text("location", row), frame.text("sku", row)),
            frame.hours("at", row),
        );
        assert_eq!(frame.hours("target", row), now);
        let (day, hour) = (now / HOURS - FIRST_DAY, now % HOURS);
        let what = format!("series {series}, day {day}, hour {hour}");
        let is_out = |day: usize, hour: usize| f32::from(u8::from(data.is_out(series, day, hour)));
        let sold = |day: usize, hour: usize| data.units(series, day, hour) as f32;
        assert_eq!(frame.value("label", row), is_out(day, hour), "{what}");
        assert_eq!(frame.value("target_hour", row), hour as f32);
        assert_eq!(frame.value("sold_1h", row), sold(day, hour - 1), "{what}");
        let so_far: f32 = (0..hour).map(|hour| sold(day, hour)).sum();
        assert_eq!(frame.value("sold_today", row), so_far, "{what}");
        let yesterday: f32 = (0..HOURS).map(|hour| is_out(day - 1, hour)).sum();
        assert_eq!(
            frame.value("out_1d", row),
            yesterday / HOURS as f32,
            "{what}"
        );
        let three: f32 = (1..=3).map(|back| is_out(day - back, hour)).sum();
        assert_eq!(frame.value("out_at_target_3d", row), three / 3.0, "{what}");
        assert_eq!(
            frame.value("discount", row),
            data.discount(series, day),
            "{what}"
        );
        assert_eq!(frame.value("rain", row), data.rain(series, day), "{what}");
        // The feed tells nothing of today.
        assert_eq!(
            frame.value("found_last", row),
            1.0 - is_out(day - 1, HOURS - 1),
            "{what}"
        );
    }
}

#[test]
fn an_entity_list_is_answered_and_a_row_can_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data::made();
    let (folder, _) = replay(dir.path(), &data, &[]);
    let (folder, list, out) = (
        folder.to_str().unwrap(),
        dir.path().join("asked.csv"),
        dir.path().join("frame.parquet"),
    );
    let lines = "location,sku,at\nstore-1,product-1,2024-04-06T12:00:00Z\nstore-9,product-1,2024-04-05T09:00:00Z\n";
    std::fs::write(&list, lines).unwrap();
    json(&[
        "features",
        "frame",
        "--data",
        folder,
        "--entities",
        list.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let frame = Frame::read(&out);
    assert_eq!(
        (
            frame.rows(),
            frame.text("location", 0),
            frame.text("location", 1)
        ),
        (2, "store-9", "store-1")
    );
    assert!(
        frame.value("sold_1h", 0).is_nan(),
        "the ledger knows no store 9"
    );

    let row = json(&[
        "features",
        "get",
        "--data",
        folder,
        "--location",
        "store-1",
        "--sku",
        "product-1",
        "--at",
        "2024-04-06T12:00:00Z",
    ]);
    for feature in row["features"].as_array().unwrap() {
        let value = feature["value"]
            .as_f64()
            .map_or(f32::NAN, |value| value as f32);
        let framed = frame.value(feature["name"].as_str().unwrap(), 1);
        assert!(
            value == framed || value.is_nan() && framed.is_nan(),
            "{feature}: {framed}"
        );
    }
}

#[test]
fn what_is_served_is_what_is_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = replay(dir.path(), &Data::made(), &[]);
    let report = json(&[
        "features",
        "check",
        "--data",
        folder.to_str().unwrap(),
        "--samples",
        "3000",
    ]);
    assert_eq!(report["differences"], 0, "{report}");
    assert!(report["rows_compared"].as_u64().unwrap() > 2000, "{report}");
}

/// Asks a server for the features of its first items, until they show all that it has recorded.
fn caught_up(client: &mut Client, data: &Data) -> Value {
    let items: Vec<Value> = data.items().collect();
    let body = serde_json::json!({ "items": items }).to_string();
    let begun = Instant::now();
    loop {
        let mut ask = |path| client.post(path, "any", &body).unwrap().json();
        let (levels, features) = (ask("/v1/availability"), ask("/v1/features"));
        let rows = features["rows"].as_array().unwrap();
        assert_eq!(rows.len(), items.len());
        if rows.iter().all(|row| row["sequence"] == levels["sequence"]) {
            return features;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{features}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_follows_its_ledger_and_what_it_served_can_be_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data::made();
    let (folder, _) = replay(dir.path(), &data, &[]);
    let path = dir.path().join("served.jsonl");
    let served = path.to_str().unwrap();
    let arguments = [
        "--features",
        "--features-sample",
        served,
        "--features-sample-every",
        "1",
    ];
    let mut server = Server::start(&folder, &arguments);
    let mut client = Client::new(server.address);
    let before = caught_up(&mut client, &data);
    let item = data.items().next().unwrap();
    let sale = serde_json::json!({
        "location": item["location"],
        "lines": [{ "sku": item["sku"], "quantity": 3 }],
    });
    let sold = client
        .post("/v1/stock/sales", "s1", &sale.to_string())
        .unwrap();
    assert_eq!(sold.status, 201, "{}", sold.body);
    let after = caught_up(&mut client, &data);
    let names = after["features"].as_array().unwrap();
    let hours_since_sold = names
        .iter()
        .position(|name| name == "hours_since_sold")
        .unwrap();
    let value = |answer: &Value| {
        answer["rows"][0]["values"][hours_since_sold]
            .as_f64()
            .unwrap()
    };
    assert!(value(&before) > 1000.0, "the data is of long ago: {before}");
    assert!(value(&after) < 1.0, "it was sold a moment ago: {after}");
    let metrics = client.get("/metrics").unwrap().body;
    assert!(
        metrics.contains("onhand_features_lag_entries 0\n"),
        "{metrics}"
    );
    server.stop();
    // The saved store is taken up where it ended.
    let killed = dir.path().join("killed.jsonl");
    let sampling = [
        &arguments[..2],
        &[killed.to_str().unwrap()],
        &arguments[3..],
    ]
    .concat();
    let mut server = Server::start(&folder, &sampling);
    let mut client = Client::new(server.address);
    let again = caught_up(&mut client, &data);
    assert_eq!(again["rows"][0]["sequence"], after["rows"][0]["sequence"]);
    // What it served last is in the file within a second, so a kill does not lose it.
    let last = serde_json::json!({ "items": [item], "target": "2100-01-01T00:00:00Z" });
    let last = client.post("/v1/features", "any", &last.to_string());
    assert_eq!(last.unwrap().status, 200);
    let begun = Instant::now();
    while !std::fs::read_to_string(&killed)
        .unwrap()
        .contains("\"target\":4102444800000")
    {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "it is not written down"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    server.kill();
    let folder = folder.to_str().unwrap();
    for (served, rows) in [
        (served, 2 * data.series.len()),
        (sampling[2], 1 + data.series.len()),
    ] {
        let report = json(&["features", "check", "--data", folder, "--served", served]);
        assert_eq!(report["differences"], 0, "{report}");
        let compared = report["rows_compared"].as_u64().unwrap();
        assert!(compared >= rows as u64, "{report}");
    }
    let bench = ["bench", "features", "--seconds", "0.01", "--data", folder];
    let figures = json(&bench);
    let page = data
        .items()
        .filter(|one| one["location"] == item["location"]);
    assert!(
        figures["page"].as_u64().unwrap() >= page.count() as u64,
        "{figures}"
    );
    for took in ["first_row_micros", "again_row_micros"] {
        assert!(figures[took].as_f64() > Some(0.0), "{figures}");
    }
    let shelves = &figures["entities"][0];
    assert_eq!(shelves["entities"], data.series.len() as u64, "{figures}");
    assert!(shelves["bytes_each"].as_f64() > Some(1_000.0), "{figures}");
}

#[test]
fn every_definition_is_listed() {
    let list = json(&["features", "list"]);
    let list = list.as_array().unwrap();
    assert!(list.len() >= 60);
    let all_have = |field: &str| {
        list.iter()
            .all(|one| one[field].as_str().is_some_and(|text| !text.is_empty()))
    };
    assert!(
        [
            "name",
            "entity",
            "kind",
            "owner",
            "description",
            "formula",
            "hash"
        ]
        .into_iter()
        .all(all_have)
    );
}
