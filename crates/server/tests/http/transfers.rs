//! Transfers, also between two partitions.

use crate::shop::{Setup, Shop};
use serde_json::json;

fn travels(shop: &Shop, from: &str, to: &str) {
    shop.receive(from, "milk", 10);
    let body = json!({"from": from, "to": to, "lines": [{"sku": "milk", "quantity": 4}], "reference": "van"});
    let sent = shop.post("/v1/stock/transfers", &body).expect(201);
    let id = sent["id"].as_str().unwrap();
    assert_eq!(sent["state"], "in_transit");
    assert_eq!([&sent["from"], &sent["to"]], [from, to]);
    assert_eq!(sent["lines"], json!([{"sku": "milk", "quantity": 4}]));
    assert_eq!(sent["sent_at"], "2026-03-01T09:30:00.000Z");

    let path = format!("/v1/stock/transfers/{id}");
    let view = shop.get(&path).expect(200);
    assert_eq!(view["state"], "in_transit");
    assert_eq!([&view["from"], &view["to"]], [from, to]);
    assert_eq!(shop.level(from, "milk")["on_hand"], 6);
    let there = shop.level(to, "milk");
    assert_eq!(
        [
            &there["on_hand"],
            &there["in_transit"],
            &there["incoming"],
            &there["available"]
        ],
        [0, 4, 4, 0]
    );

    let received = shop
        .post(&format!("{path}/receive"), &json!({}))
        .expect(200);
    assert_eq!(received["id"], id);
    assert_eq!(received["state"], "received");
    assert_eq!(received["to"], to);
    assert_eq!(shop.get(&path).expect(200)["state"], "received");
    let there = shop.level(to, "milk");
    assert_eq!(
        [&there["on_hand"], &there["in_transit"], &there["available"]],
        [4, 0, 4]
    );
    let again = shop.unchanged(|shop| shop.post(&format!("{path}/receive"), &json!({})));
    again.problem(409, "already-received");
}

#[test]
fn within_a_partition() {
    travels(&Shop::open(), "warehouse", "store");
}

#[test]
fn between_two_partitions() {
    let shop = Shop::with(Setup {
        partitions: 2,
        ..Setup::default()
    });
    let there = shop.elsewhere("warehouse");
    travels(&shop, "warehouse", &there);
}

#[test]
fn only_what_is_free_and_to_another_place() {
    let shop = Shop::open();
    shop.receive("store", "milk", 3);
    shop.reserve("store", "milk", 2, 60);
    let transfer = |from: &str, to: &str, quantity: u32| json!({"from": from, "to": to, "lines": [{"sku": "milk", "quantity": quantity}]});
    let send = |body| shop.unchanged(|shop| shop.post("/v1/stock/transfers", &body));
    let problem = send(transfer("store", "annex", 2)).problem(409, "insufficient-stock");
    assert_eq!(
        problem["lines"],
        json!([{"sku": "milk", "requested": 2, "available": 1}])
    );
    let problem = send(transfer("store", "store", 1)).problem(422, "same-location");
    assert_eq!(problem["errors"][0]["pointer"], "/to");
    let problem = send(transfer("nowhere", "store", 1)).problem(404, "unknown-location");
    assert_eq!(problem["errors"][0]["pointer"], "/from");
}
