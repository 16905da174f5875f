//! Makes the seed corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seeds` writes `fuzz/corpus`.
//!
//! Every seed is made of the day in `onhand_fuzz::day` or written out here. What a run found and a defect was mended
//! for is kept beside them under a name that begins with `found-`, and is left alone.

mod files;
mod messages;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    files::all()?;
    bodies()?;
    messages::all()?;
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
