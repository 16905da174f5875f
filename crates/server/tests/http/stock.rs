//! Stock: what comes in, changes, is counted and ruled.

use crate::shop::Shop;
use serde_json::json;
use std::time::Duration;

#[test]
fn a_receipt_opens_levels() {
    let shop = Shop::open();
    let body = json!({
        "location": "store",
        "lines": [
            {"sku": "milk", "quantity": 24, "lot": "L-1", "expires_on": "2026-03-14"},
            {"sku": "milk", "quantity": 6, "lot": "L-2"},
            {"sku": "bread", "quantity": 10}
        ],
        "reference": "PO-1",
        "occurred_at": "2026-03-01T10:00:00+01:00"
    });
    let made = shop.post("/v1/stock/receipts", &body);
    assert_eq!(made.header("content-type"), "application/json");
    assert_eq!(made.header("idempotent-replayed"), "");
    let made = made.expect(201);
    let sequence = made["sequence"].as_u64().unwrap();
    assert_eq!(
        made,
        json!({
            "location": "store",
            "lines": [
                {"sku": "milk", "quantity": 24, "lot": "L-1", "expires_on": "2026-03-14"},
                {"sku": "milk", "quantity": 6, "lot": "L-2"},
                {"sku": "bread", "quantity": 10}
            ],
            "reference": "PO-1",
            "occurred_at": "2026-03-01T09:00:00.000Z",
            "recorded_at": "2026-03-01T09:30:00.000Z",
            "sequence": sequence
        })
    );
    assert_eq!(
        shop.level("store", "milk"),
        json!({
            "location": "store", "sku": "milk", "on_hand": 30, "reserved": 0, "allocated": 0, "unavailable": 0,
            "safety_stock": 0, "incoming": 0, "in_transit": 0, "available": 30, "oversell_limit": 0,
            "on_not_found": "label", "consistency": "strong", "sequence": sequence, "age_ms": 0
        })
    );
}

#[test]
fn an_adjustment_changes_on_hand_or_unavailable() {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    let body = json!({"location": "store", "lines": [
        {"sku": "milk", "quantity": -2, "reason": "damaged"},
        {"sku": "milk", "quantity": 3, "reason": "recall", "of": "unavailable"}
    ]});
    let made = shop.post("/v1/stock/adjustments", &body).expect(201);
    assert_eq!(
        made["lines"],
        json!([
            {"sku": "milk", "quantity": -2, "reason": "damaged", "of": "on_hand"},
            {"sku": "milk", "quantity": 3, "reason": "recall", "of": "unavailable"}
        ])
    );
    let level = shop.level("store", "milk");
    assert_eq!(
        [
            &level["on_hand"],
            &level["unavailable"],
            &level["available"]
        ],
        [8, 3, 5]
    );
}

#[test]
fn a_count_is_brought_up_to_now() {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    shop.advance(Duration::from_secs(3600));
    shop.receive("store", "milk", 5);
    let count = |as_of: &str| {
        json!({
            "location": "store", "as_of": as_of, "source": "night", "complete": false,
            "lines": [{"sku": "milk", "on_hand": 8}]
        })
    };
    let made = shop
        .post("/v1/stock/counts", &count("2026-03-01T10:00:00Z"))
        .expect(201);
    assert_eq!(made["as_of"], "2026-03-01T10:00:00.000Z");
    assert_eq!(made["source"], "night");
    assert_eq!(
        made["lines"],
        json!([{"sku": "milk", "counted": 8, "since": 5, "change": -2, "superseded": false}])
    );
    assert_eq!(shop.level("store", "milk")["on_hand"], 13);
    let older = shop
        .post("/v1/stock/counts", &count("2026-03-01T09:45:00Z"))
        .expect(201);
    assert_eq!(older["lines"][0]["superseded"], true);
    assert_eq!(shop.level("store", "milk")["on_hand"], 13);
}

#[test]
fn a_complete_count_empties_what_it_does_not_name() {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    shop.receive("store", "bread", 4);
    shop.advance(Duration::from_secs(1));
    let body = json!({
        "location": "store", "as_of": "2026-03-01T09:30:01Z", "source": "feed", "complete": true,
        "lines": [{"sku": "milk", "on_hand": 10}]
    });
    let made = shop.post("/v1/stock/counts", &body).expect(201);
    assert_eq!(made["lines"][1]["sku"], "bread");
    assert_eq!(shop.level("store", "bread")["on_hand"], 0);
    assert_eq!(shop.level("store", "milk")["on_hand"], 10);
}

#[test]
fn a_policy_rules_what_can_be_promised() {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    let body = json!({
        "location": "store", "reason": "model-v3",
        "lines": [{"sku": "milk", "safety_stock": 4, "on_not_found": "correct"}]
    });
    let made = shop.post("/v1/stock/policies", &body).expect(201);
    assert_eq!(
        made["lines"],
        json!([{
            "sku": "milk",
            "before": {"safety_stock": 0, "oversell_limit": 0, "on_not_found": "label"},
            "after": {"safety_stock": 4, "oversell_limit": 0, "on_not_found": "correct"}
        }])
    );
    assert_eq!(made["reason"], "model-v3");
    let level = shop.level("store", "milk");
    assert_eq!([&level["safety_stock"], &level["available"]], [4, 6]);
    let oversell = json!({"location": "store", "lines": [{"sku": "milk", "oversell_limit": 5}]});
    shop.post("/v1/stock/policies", &oversell).expect(201);
    shop.reserve("store", "milk", 11, 60);
    assert_eq!(shop.level("store", "milk")["available"], -5);
}

#[test]
fn names_with_slashes_and_percent_signs_are_found() {
    let shop = Shop::open();
    shop.receive("store/1", "50%/off", 3);
    assert_eq!(shop.level("store%2F1", "50%25%2Foff")["sku"], "50%/off");
    shop.receive("transfers", "milk", 2);
    assert_eq!(shop.level("%74ransfers", "milk")["on_hand"], 2);
}
