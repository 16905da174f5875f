//! The life of a reservation.

use crate::shop::Shop;
use serde_json::{Value, json};
use std::time::Duration;

fn shop() -> Shop {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    shop.receive("store", "bread", 5);
    shop
}

fn get(shop: &Shop, id: &str) -> Value {
    shop.get(&format!("/v1/reservations/{id}")).expect(200)
}

#[test]
fn held_confirmed_and_picked() {
    let shop = shop();
    let body = json!({
        "location": "store", "ttl_seconds": 900, "reference": "cart-1",
        "lines": [{"sku": "milk", "quantity": 3}, {"sku": "bread", "quantity": 1}]
    });
    let made = shop.post("/v1/reservations", &body).expect(201);
    assert_eq!(
        made,
        json!({
            "id": "r0-0",
            "state": "held",
            "expires_at": "2026-03-01T09:45:00.000Z",
            "lines": [
                {"sku": "milk", "requested": 3, "reserved": 3},
                {"sku": "bread", "requested": 1, "reserved": 1}
            ],
            "sequence": made["sequence"]
        })
    );
    let held = get(&shop, "r0-0");
    assert_eq!(held["state"], "held");
    assert_eq!(held["location"], "store");
    assert_eq!(held["made_at"], "2026-03-01T09:30:00.000Z");
    assert_eq!(held["expires_at"], "2026-03-01T09:45:00.000Z");
    assert_eq!(held["consistency"], "strong");

    let extended = shop
        .post("/v1/reservations/r0-0/extend", &json!({"ttl_seconds": 60}))
        .expect(200);
    assert_eq!(extended["expires_at"], "2026-03-01T09:31:00.000Z");

    let confirmed = shop
        .post("/v1/reservations/r0-0/confirm", &json!({}))
        .expect(200);
    assert_eq!(confirmed["state"], "confirmed");
    assert_eq!(
        confirmed["lines"],
        json!([{"sku": "milk", "allocated": 3}, {"sku": "bread", "allocated": 1}])
    );
    let level = shop.level("store", "milk");
    assert_eq!(
        [&level["reserved"], &level["allocated"], &level["available"]],
        [0, 3, 7]
    );

    let pick = json!({"lines": [{"sku": "milk", "picked": 2}]});
    let picked = shop
        .post("/v1/reservations/r0-0/fulfill", &pick)
        .expect(200);
    assert_eq!(picked["state"], "confirmed");
    let rest = json!({"occurred_at": "2026-03-01T09:29:00Z", "lines": [
        {"sku": "milk", "not_found": 1, "substitutions": [{"sku": "bread", "quantity": 1}]},
        {"sku": "bread", "picked": 1}
    ]});
    let picked = shop
        .post("/v1/reservations/r0-0/fulfill", &rest)
        .expect(200);
    assert_eq!(
        picked,
        json!({
            "id": "r0-0",
            "state": "fulfilled",
            "lines": [
                {"sku": "milk", "picked": 0, "not_found": 1, "corrected": 0},
                {"sku": "bread", "picked": 1, "not_found": 0, "corrected": 0}
            ],
            "substitutions": [{"instead_of": "milk", "sku": "bread", "quantity": 1}],
            "occurred_at": "2026-03-01T09:29:00.000Z",
            "sequence": picked["sequence"]
        })
    );
    let fulfilled = get(&shop, "r0-0");
    assert_eq!(fulfilled["state"], "fulfilled");
    assert_eq!(fulfilled["ended_at"], "2026-03-01T09:30:00.000Z");
    assert_eq!(fulfilled["expires_at"], Value::Null);
    assert_eq!(
        fulfilled["lines"][0],
        json!({"sku": "milk", "requested": 3, "reserved": 3, "outstanding": 0, "picked": 2, "not_found": 1})
    );
    assert_eq!(shop.level("store", "milk")["on_hand"], 8);
    assert_eq!(shop.level("store", "bread")["on_hand"], 3);
}

#[test]
fn part_of_it_when_asked() {
    let shop = shop();
    let body = json!({
        "location": "store", "ttl_seconds": 60, "allow_partial": true,
        "lines": [{"sku": "milk", "quantity": 12}, {"sku": "bread", "quantity": 5}]
    });
    let made = shop.post("/v1/reservations", &body).expect(201);
    assert_eq!(
        made["lines"][0],
        json!({"sku": "milk", "requested": 12, "reserved": 10})
    );
}

#[test]
fn released_with_and_without_a_body() {
    let shop = shop();
    let id = shop.reserve("store", "milk", 4, 60);
    let released = shop
        .post_text(&format!("/v1/reservations/{id}/release"), "")
        .expect(200);
    assert_eq!(released["state"], "released");
    assert_eq!(released["lines"], json!([{"sku": "milk", "released": 4}]));
    let id = shop.reserve("store", "milk", 4, 60);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);
    shop.post_bytes(
        &format!("/v1/reservations/{id}/release"),
        &[("idempotency-key", "bare")],
        b"",
    )
    .expect(200);
    assert_eq!(shop.level("store", "milk")["available"], 10);
}

#[test]
fn expires_to_the_second() {
    let shop = shop();
    let id = shop.reserve("store", "milk", 4, 2);
    shop.advance(Duration::from_millis(1999));
    assert_eq!(get(&shop, &id)["state"], "held");
    shop.advance(Duration::from_millis(1));
    assert_eq!(get(&shop, &id)["state"], "expired");
    assert_eq!(shop.level("store", "milk")["available"], 10);
}

#[test]
fn a_not_found_corrects_where_the_policy_says_so() {
    let shop = shop();
    let policy =
        json!({"location": "store", "lines": [{"sku": "milk", "on_not_found": "correct"}]});
    shop.post("/v1/stock/policies", &policy).expect(201);
    let id = shop.reserve("store", "milk", 2, 60);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);
    let pick = json!({"lines": [{"sku": "milk", "picked": 1, "not_found": 1}]});
    let picked = shop
        .post(&format!("/v1/reservations/{id}/fulfill"), &pick)
        .expect(200);
    assert_eq!(picked["lines"][0]["corrected"], 1);
    assert_eq!(shop.level("store", "milk")["on_hand"], 8);
}
