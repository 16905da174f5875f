//! A repeat with the same key gives the same bytes, also after a restart.

use crate::shop::{Reply, Shop};
use serde_json::{Value, json};

/// Every kind of write, in an order in which each can be done.
fn writes() -> Vec<(&'static str, Value)> {
    vec![
        (
            "/v1/stock/receipts",
            json!({"location": "store", "lines": [
                {"sku": "milk", "quantity": 20, "lot": "L", "expires_on": "2026-04-01"},
                {"sku": "bread", "quantity": 9}
            ], "reference": "PO"}),
        ),
        (
            "/v1/stock/adjustments",
            json!({"location": "store", "lines": [{"sku": "milk", "quantity": -1, "reason": "damaged"}]}),
        ),
        (
            "/v1/stock/counts",
            json!({"location": "store", "as_of": "2026-03-01T09:30:00Z", "source": "me", "complete": true,
                   "lines": [{"sku": "milk", "on_hand": 18}, {"sku": "bread", "on_hand": 9}]}),
        ),
        (
            "/v1/stock/policies",
            json!({"location": "store", "lines": [{"sku": "milk", "safety_stock": 1}]}),
        ),
        (
            "/v1/stock/transfers",
            json!({"from": "store", "to": "annex", "lines": [{"sku": "milk", "quantity": 2}], "reference": "van"}),
        ),
        ("/v1/stock/transfers/t0-0-0/receive", json!({})),
        (
            "/v1/reservations",
            json!({"location": "store", "lines": [{"sku": "milk", "quantity": 3}], "ttl_seconds": 60, "reference": "c"}),
        ),
        ("/v1/reservations/r0-0/extend", json!({"ttl_seconds": 90})),
        ("/v1/reservations/r0-0/confirm", json!({})),
        (
            "/v1/reservations/r0-0/fulfill",
            json!({"lines": [{"sku": "milk", "picked": 1, "not_found": 1,
                              "substitutions": [{"sku": "bread", "quantity": 1}]}]}),
        ),
        ("/v1/reservations/r0-0/release", json!({})),
        (
            "/v1/stock/sales",
            json!({"location": "store", "lines": [{"sku": "milk", "quantity": 99}], "reference": "till"}),
        ),
        (
            "/v1/stock/observations",
            json!({"location": "store", "source": "me", "lines": [
                {"sku": "eggs", "at": "2026-03-01T09:00:00Z", "found": true}
            ]}),
        ),
        (
            "/v1/facts",
            json!({"location": "store", "source": "office", "values": [
                {"sku": "tea", "name": "category", "at": "2026-03-01T00:00:00Z", "value": "drinks"},
                {"name": "rain", "at": "2026-03-02T00:00:00Z", "value": -0.5}
            ]}),
        ),
    ]
}

fn send_all(shop: &Shop) -> Vec<Reply> {
    let send = |(at, (path, body)): (usize, (&str, Value))| {
        shop.post_as(&format!("write-{at}"), path, &body)
    };
    writes().into_iter().enumerate().map(send).collect()
}

fn assert_same(first: &[Reply], again: &[Reply]) {
    for ((first, again), (path, _)) in first.iter().zip(again).zip(writes()) {
        assert_eq!(first.status, again.status, "{path}");
        assert_eq!(first.text(), again.text(), "{path}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{path}");
    }
}

#[test]
fn every_write_can_be_repeated() {
    let shop = Shop::open();
    let first = send_all(&shop);
    for (reply, (path, _)) in first.iter().zip(writes()) {
        assert!(
            matches!(reply.status, 200 | 201),
            "{path}: {}",
            reply.text()
        );
        assert_eq!(reply.header("idempotent-replayed"), "", "{path}");
    }
    let again = shop.unchanged(send_all);
    assert_same(&first, &again);
    let shop = shop.reopen();
    let after_a_restart = shop.unchanged(send_all);
    assert_same(&first, &after_a_restart);
}

#[test]
fn another_spelling_of_the_same_request_is_a_repeat() {
    let shop = Shop::open();
    shop.receive("store", "milk", 9);
    let spelled = |text: &str| {
        let headers = [
            ("idempotency-key", "same"),
            ("content-type", "application/json"),
        ];
        shop.post_bytes("/v1/reservations", &headers, text.as_bytes())
    };
    let first =
        spelled(r#"{"location":"store","lines":[{"sku":"milk","quantity":1}],"ttl_seconds":60}"#);
    let again = spelled(
        r#"{ "ttl_seconds": 60, "reference": null, "allow_partial": false,
             "lines": [{"quantity": 1, "sku": "mil\u006b"}], "location": "store" }"#,
    );
    assert_eq!(first.text(), again.text());
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[test]
fn a_refusal_frees_the_key() {
    let shop = Shop::open();
    shop.receive("store", "milk", 1);
    let body =
        json!({"location": "store", "lines": [{"sku": "milk", "quantity": 2}], "ttl_seconds": 60});
    shop.post_as("again", "/v1/reservations", &body)
        .problem(409, "insufficient-stock");
    shop.receive("store", "milk", 1);
    shop.post_as("again", "/v1/reservations", &body).expect(201);
}
