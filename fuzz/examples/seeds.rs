//! Makes the seed corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seeds` writes `fuzz/corpus`.
//!
//! Every seed is made of the day in `onhand_fuzz::day` or written out here. What a run found and a defect was mended
//! for is kept beside them under a name that begins with `found-`, and is left alone.

use onhand_fuzz::log_open::Right;
use onhand_fuzz::{batch, day, snapshot};
use onhand_log::disk::MemoryDisk;
use onhand_log::{Batch, FileLog, FileLogOptions, Log, SnapshotStore};
use onhand_wire::BatchWriter;
use std::io::Write;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    batches()?;
    logs()?;
    snapshots()?;
    bodies()?;
    texts()?;
    requests()
}

fn put(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join(name), bytes)
}

fn with_first(first: u8, bytes: &[u8]) -> Vec<u8> {
    [&[first], bytes].concat()
}

fn payload(entries: &[onhand_core::Entry]) -> Vec<u8> {
    let mut writer = BatchWriter::default();
    entries.iter().for_each(|entry| {
        writer.push(entry);
    });
    writer.take().0
}

fn batches() -> std::io::Result<()> {
    let (entries, _) = day::day();
    put("batch", "day", &with_first(0, &payload(&entries)))?;
    for entry in &entries {
        let name = format!("after-a-day-{}", entry.event.name());
        let how = batch::AFTER_A_DAY | batch::IN_ORDER;
        put(
            "batch",
            &name,
            &with_first(how, &payload(std::slice::from_ref(entry))),
        )?;
    }
    Ok(())
}

const OPTIONS: FileLogOptions = FileLogOptions {
    segment_bytes: 6 << 10,
    verify_from: 0,
};

/// A log of batches with payloads of these sizes, on a disk of its own.
fn log(sizes: &[usize]) -> MemoryDisk {
    let (disk, dir) = (MemoryDisk::new(), Path::new("log"));
    let mut log = FileLog::create(disk.clone(), dir, OPTIONS).expect("an empty disk takes a log");
    for (number, bytes) in (1_u64..).zip(sizes) {
        let batch = Batch {
            first: log.tail().next,
            records: 2,
            epoch: 0,
            at_millis: number * 1000,
            before: log.tail().checksum,
            // Some nearly empty: those are stored masked.
            payload: vec![if number.is_multiple_of(3) { 0 } else { 0x41 }; *bytes],
        };
        log.append(&batch).expect("a disk in memory takes it");
    }
    disk
}

fn segments(disk: &MemoryDisk) -> Vec<Vec<u8>> {
    let names = disk.files().into_iter().map(|(name, _)| name);
    let segments = names.filter(|name| name.extension().is_some_and(|end| end == "log"));
    segments
        .map(|name| disk.contents(&name).expect("it was just listed"))
        .collect()
}

/// A part of an input, of a file as it is, or of its records and frames.
fn part(right: u8, file: &[u8]) -> Vec<u8> {
    let bytes = match right & Right::AS_IT_IS {
        0 => [
            &file[..64],
            &file[512..576],
            &file[1024..1088],
            &file[4096..written(file)],
        ]
        .concat(),
        _ => file.to_vec(),
    };
    let len = u16::try_from(bytes.len()).expect("a seed is small");
    [&[right], &len.to_le_bytes()[..], &bytes].concat()
}

/// Where the zeros at the end begin, to the next frame.
fn written(file: &[u8]) -> usize {
    let last = file.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    (last + 1).next_multiple_of(64).max(4096)
}

fn logs() -> std::io::Result<()> {
    let one = segments(&log(&[20, 300, 700]));
    let two = segments(&log(&[300, 800, 500, 200]));
    let all = Right::JOINED | Right::HEADER | Right::STAMPS | Right::FRAME_HEADERS | Right::CHAINED;
    let checksums = Right::HEADER | Right::STAMPS | Right::FRAME_HEADERS;
    put("log_open", "one-as-it-is", &part(Right::AS_IT_IS, &one[0]))?;
    put("log_open", "one-checksums-right", &part(checksums, &one[0]))?;
    put(
        "log_open",
        "one-all-right",
        &part(all | Right::BEGINS, &one[0]),
    )?;
    put(
        "log_open",
        "empty",
        &part(all | Right::BEGINS, &segments(&log(&[]))[0]),
    )?;
    let parts: Vec<u8> = two.iter().flat_map(|file| part(checksums, file)).collect();
    put("log_open", "two-checksums-right", &parts)?;
    let rights = [all | Right::BEGINS | Right::SEALED, all];
    let parts: Vec<u8> = two
        .iter()
        .zip(rights)
        .flat_map(|(file, right)| part(right, file))
        .collect();
    put("log_open", "two-all-right", &parts)?;
    let mut torn = one[0].clone();
    torn[4096 + 64 + 128..].fill(0);
    put("log_open", "torn", &part(checksums, &torn))?;
    let again = kept_aside(&[20, 300, 700]);
    let mut torn = one[0].clone();
    let last = written(&torn) - 300;
    torn[last..last + 200].fill(0x77);
    put(
        "log_open",
        "kept-aside-as-it-is",
        &with_again(Right::AS_IT_IS, &torn, 0, &again),
    )?;
    put(
        "log_open",
        "kept-aside-all-right",
        &with_again(
            all | Right::BEGINS,
            &one[0],
            Right::HEADER | Right::CHAINED,
            &again,
        ),
    )
}

/// What a start keeps aside of such a log.
fn kept_aside(sizes: &[usize]) -> Vec<u8> {
    let interrupted = |change| {
        let disk = log(sizes);
        disk.crash_at(disk.changes() + change);
        drop(FileLog::open(disk.clone(), Path::new("log"), OPTIONS));
        disk.contents(Path::new("log/again")).ok()
    };
    let kept = (1..100).find_map(interrupted);
    kept.expect("every start keeps the last frame aside")
}

fn with_again(right: u8, file: &[u8], again_right: u8, again: &[u8]) -> Vec<u8> {
    let len = u16::try_from(again.len()).expect("a seed is small");
    let head = [&[Right::AGAIN | again_right], &len.to_le_bytes()[..]].concat();
    [&part(right, file), &head, again].concat()
}

fn snapshots() -> std::io::Result<()> {
    let (_, state) = day::day();
    let mut stream = Vec::new();
    onhand_wire::snapshot::write(&state.freeze(), &mut stream, |_| {})?;
    let disk = MemoryDisk::new();
    let store = SnapshotStore::new(disk.clone(), Path::new("snapshots"))
        .expect("an empty disk takes a folder");
    let mut writer = store.writer(snapshot::POSITION)?;
    writer.write_all(&stream)?;
    writer.finish()?;
    let (name, _) = disk.files().swap_remove(0);
    let file = disk.contents(&name)?;
    put("snapshot", "file", &with_first(snapshot::AS_IT_IS, &file))?;
    put(
        "snapshot",
        "file-checked",
        &with_first(snapshot::CHECKED, &file),
    )?;
    put("snapshot", "stream", &with_first(snapshot::STREAM, &stream))?;
    put(
        "snapshot",
        "items",
        &with_first(snapshot::ITEMS, &stream[5..]),
    )
}

const RECEIPT: &str = r#"{"location":"shop","lines":[{"sku":"milk","quantity":12,"lot":"lot-8","expires_on":"2026-03-14"},{"sku":"oats","quantity":3}],"reference":"delivery-2","occurred_at":"2023-11-14T22:13:20Z"}"#;
const ADJUSTMENT: &str = r#"{"location":"shop","lines":[{"sku":"milk","quantity":-2,"reason":"broken bottle"},{"sku":"bread","quantity":1,"reason":"zur\u00fcck","of":"unavailable"}]}"#;
const COUNT: &str = r#"{"location":"shop","as_of":"2023-11-14T22:14:00Z","source":"night-count","complete":false,"lines":[{"sku":"milk","on_hand":240},{"sku":"rye","on_hand":0}]}"#;
const SALE: &str = r#"{"location":"shop","sold_at":"2023-11-14T22:14:00Z","lines":[{"sku":"milk","quantity":2},{"sku":"tea","quantity":1}],"reference":"till-3"}"#;
const LOOKS: &str = r#"{"location":"shop","source":"camera-4","lines":[{"sku":"milk","at":"2023-11-14T22:13:30Z","found":true},{"sku":"milk","at":"2023-11-14T22:13:00Z","found":false}]}"#;
const FACTS: &str = r#"{"location":"shop","source":"office","values":[{"sku":"milk","name":"discount","at":"2023-11-15T00:00:00Z","value":0.25},{"sku":"milk","name":"category","at":"2023-11-14T00:00:00Z","value":"dairy"},{"name":"holiday","at":"2023-11-14T00:00:00Z","value":1}]}"#;
const HOLD: &str = r#"{"location":"shop","lines":[{"sku":"milk","quantity":2},{"sku":"bread","quantity":1}],"ttl_seconds":900,"allow_partial":true,"reference":"cart-5521"}"#;
const TRANSFER: &str =
    r#"{"from":"shop","to":"depot","lines":[{"sku":"milk","quantity":5}],"reference":"truck-9"}"#;
const POLICY: &str = r#"{"location":"shop","lines":[{"sku":"milk","safety_stock":2,"oversell_limit":0,"on_not_found":"correct"}],"reason":"model-3"}"#;
const PICK: &str = r#"{"lines":[{"sku":"milk","picked":1,"not_found":2,"substitutions":[{"sku":"bread","quantity":1}]}],"occurred_at":"2023-11-14T22:14:30Z"}"#;
const BATCH: &str = r#"{"reservations":[{"idempotency_key":"cart-1","location":"shop","lines":[{"sku":"milk","quantity":2}],"ttl_seconds":900},{"idempotency_key":"cart-2","location":"shop","lines":[{"sku":"bread","quantity":1}],"ttl_seconds":60}]}"#;
const LEVELS: &str =
    r#"{"items":[{"location":"shop","sku":"milk"},{"location":"shop","sku":"bread"}]}"#;
/// Longer than what a message tells back of a value.
const LONG: &str = r#"{"location":"zurückgelegte Waren im Kühlhaus, nördlicher Flügel, größeres Regal, unterste Ebene","lines":[{"sku":"milk","quantity":2}],"ttl_seconds":900}"#;

fn bodies() -> std::io::Result<()> {
    let bodies = [
        ("receipt", 'r', RECEIPT),
        ("adjustment", 'a', ADJUSTMENT),
        ("count", 'c', COUNT),
        ("sale", 's', SALE),
        ("looks", 'o', LOOKS),
        ("facts", 'k', FACTS),
        ("hold", 'h', HOLD),
        ("hold-long", 'h', LONG),
        ("transfer", 't', TRANSFER),
        ("policy", 'p', POLICY),
        ("pick", 'f', PICK),
        ("extend", 'e', r#"{"ttl_seconds":900}"#),
        ("batch", 'b', BATCH),
        ("levels", 'v', LEVELS),
        ("empty", '-', "{}"),
    ];
    bodies.iter().try_for_each(|(name, kind, body)| {
        put("http_body", name, &with_first(*kind as u8, body.as_bytes()))
    })
}

fn texts() -> std::io::Result<()> {
    let texts = [
        ("reservation", 'r', "r0-17"),
        ("transfer", 't', "t0-1-5"),
        ("time", 'T', "2026-03-01T10:30:00.125+01:00"),
        ("date", 'd', "2026-03-14"),
        ("number", 'n', "-1000000000"),
        ("name", 's', "zurück im Regal"),
        (
            "identity",
            'i',
            r#"{"format":1,"partitions":1,"is_ready":true}"#,
        ),
        (
            "identity-creating",
            'i',
            r#"{"format":1,"partitions":1,"is_ready":false}"#,
        ),
    ];
    texts.iter().try_for_each(|(name, kind, text)| {
        put("texts", name, &with_first(*kind as u8, text.as_bytes()))
    })
}

fn write(path: &str, key: &str, body: &str) -> String {
    let body = body
        .replace("\"shop\"", "\"shop-$N\"")
        .replace("2023-11-14T22:1", "2026-03-01T09:0");
    format!("POST {path}\nidempotency-key: {key}-$N\ncontent-type: application/json\n\n{body}")
}

fn requests() -> std::io::Result<()> {
    let receipt = || {
        write(
            "/v1/stock/receipts",
            "r1",
            r#"{"location":"shop","lines":[{"sku":"milk","quantity":12},{"sku":"bread","quantity":5}]}"#,
        )
    };
    let hold = || write("/v1/reservations", "h1", HOLD);
    let get = |path: &str| format!("GET {path}");
    let visits: [(&str, Vec<String>); 7] = [
        (
            "stock",
            vec![
                receipt(),
                write("/v1/stock/adjustments", "a1", ADJUSTMENT),
                write("/v1/stock/counts", "c1", COUNT),
                write("/v1/stock/policies", "p1", POLICY),
                write("/v1/stock/sales", "s1", SALE),
                write("/v1/stock/observations", "o1", LOOKS),
                write("/v1/facts", "k1", FACTS),
                get("/v1/stock/shop-$N/milk?consistency=bounded"),
                get("/v1/stock/shop-$N/milk"),
            ],
        ),
        (
            "pick",
            vec![
                receipt(),
                hold(),
                write("/v1/reservations/$R/extend", "e1", r#"{"ttl_seconds":90}"#),
                write("/v1/reservations/$R/confirm", "c1", "{}"),
                write(
                    "/v1/reservations/$R/fulfill",
                    "f1",
                    r#"{"lines":[{"sku":"milk","picked":1,"not_found":1}]}"#,
                ),
                get("/v1/reservations/$R"),
            ],
        ),
        (
            "release",
            vec![
                receipt(),
                hold(),
                write("/v1/reservations/$R/release", "x1", ""),
                get("/v1/ledger?location=shop-$N&limit=5"),
            ],
        ),
        (
            "batch",
            vec![
                receipt(),
                write(
                    "/v1/reservations/batch",
                    "",
                    &BATCH.replace("cart-", "cart-$N-"),
                ),
            ],
        ),
        (
            "transfer",
            vec![
                receipt(),
                write(
                    "/v1/stock/transfers",
                    "t1",
                    &TRANSFER.replace("depot", "depot-$N"),
                ),
                get("/v1/stock/transfers/$T"),
                write("/v1/stock/transfers/$T/receive", "t2", "{}"),
            ],
        ),
        (
            "reads",
            vec![
                receipt(),
                get("/v1/stock/shop-$N/milk?at=2026-03-01T09:30:00Z"),
                get("/v1/stock/shop-$N/milk/explain?at=2026-03-01T10:30:00%2B01:00"),
                get("/v1/ledger?from=2026-03-01T09:00:00Z&sku=milk&cursor=1.1"),
                write("/v1/availability", "", LEVELS),
                "HEAD /readyz".into(),
            ],
        ),
        (
            "elsewhere",
            vec![
                get("/docs/"),
                get("/openapi.json"),
                get("/metrics"),
                get("/healthz"),
                "DELETE /v1/ledger".into(),
                get("/v2"),
            ],
        ),
    ];
    visits
        .iter()
        .try_for_each(|(name, visit)| put("http", name, visit.join("\n---\n").as_bytes()))
}
