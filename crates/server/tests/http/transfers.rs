//! Transfers, also between two partitions.

use crate::shop::stall::Stall;
use crate::shop::{Setup, Shop};
use onhand_core::transfer::dispatch::{Dispatch, DispatchLine};
use onhand_core::{Command, Lines, LocationId, Quantity, Sku};
use onhand_engine::{Answer, Request};
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

/// Sends units in a way that leaves them in the outbox, as after a crash between two steps. The engine's courier may
/// come by at any time; what a client sees must be the same before and after.
fn sent_and_not_delivered(shop: &Shop, from: &str, to: &str) {
    let line = DispatchLine {
        sku: Sku::new("milk").unwrap(),
        quantity: Quantity::new(4).unwrap(),
    };
    let location = |name: &str| LocationId::new(name).unwrap();
    let command = Command::Dispatch(Dispatch {
        from: location(from),
        to: location(to),
        lines: Lines::new([line]).unwrap(),
        reference: None,
    });
    let request = Request::Command {
        key: None,
        command,
        at: None,
    };
    let partition = shop.engine.partition_of(&location(from));
    let answer = shop.engine.call_blocking(partition, request);
    assert!(matches!(answer, Answer::Recorded(_)), "{answer:?}");
}

#[test]
fn one_that_is_not_delivered_yet_looks_like_any_other() {
    for partitions in [1, 2] {
        let shop = Shop::with(Setup {
            partitions,
            ..Setup::default()
        });
        let to = if partitions == 1 {
            "store".into()
        } else {
            shop.elsewhere("warehouse")
        };
        shop.receive("warehouse", "milk", 10);
        let partition = |name: &str| shop.engine.partition_of(&LocationId::new(name).unwrap());
        let id = |no: u32| {
            format!(
                "/v1/stock/transfers/t{}-{}-{no}",
                partition("warehouse"),
                partition(&to)
            )
        };
        sent_and_not_delivered(&shop, "warehouse", &to);
        let view = shop.get(&id(0)).expect(200);
        assert_eq!(
            [&view["state"], &view["from"], &view["to"]],
            ["in_transit", "warehouse", &to]
        );
        sent_and_not_delivered(&shop, "warehouse", &to);
        let received = shop
            .post(&format!("{}/receive", id(1)), &json!({}))
            .expect(200);
        assert_eq!(received["lines"], json!([{"sku": "milk", "quantity": 4}]));
        assert_eq!(shop.level(&to, "milk")["on_hand"], 4);
    }
}

#[test]
fn what_is_sent_is_answered_even_if_its_destination_stands_still() {
    let shop = Shop::with(Setup {
        partitions: 2,
        ..Setup::default()
    });
    let first = |name: &str| shop.engine.partition_of(&LocationId::new(name).unwrap()) == 0;
    let other = shop.elsewhere("store");
    // The first partition is the one that can be made to stand still.
    let (from, to) = match first("store") {
        true => (other.as_str(), "store"),
        false => ("store", other.as_str()),
    };
    shop.receive(from, "milk", 5);
    let stall = Stall::begin(&shop);
    let body = json!({"from": from, "to": to, "lines": [{"sku": "milk", "quantity": 2}]});
    let sent = shop.post("/v1/stock/transfers", &body).expect(201);
    stall.end();
    let receive = format!(
        "/v1/stock/transfers/{}/receive",
        sent["id"].as_str().unwrap()
    );
    shop.post(&receive, &json!({})).expect(200);
    assert_eq!(shop.level(to, "milk")["on_hand"], 2);
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
