//! What a user can choose between consistency, availability and performance, end to end.

use crate::shop::{Setup, Shop};
use onhand_engine::{Durability, Options as EngineOptions};
use onhand_server::Options;
use onhand_wire::json::levels::Consistency;
use serde_json::json;

fn with_durability(durability: Durability) -> Shop {
    Shop::with(Setup {
        partitions: 2,
        engine: EngineOptions {
            durability,
            ..EngineOptions::default()
        },
        ..Setup::default()
    })
}

#[test]
fn every_answer_says_how_durable_it_is() {
    for (durability, said) in [
        (Durability::BeforeAnswer, "before-answer"),
        (Durability::Within(50), "within-50ms"),
    ] {
        let shop = with_durability(durability);
        let line = json!([{"sku": "milk", "quantity": 7}]);
        let receipt = json!({"location": "store", "lines": line});
        let written = shop.post("/v1/stock/receipts", &receipt);
        let refused = shop.post("/v1/stock/receipts", &json!({}));
        let (read, unknown) = (shop.get("/v1/stock/store/milk"), shop.get("/nowhere"));
        for (reply, status) in [(written, 201), (refused, 422), (read, 200), (unknown, 404)] {
            assert_eq!(reply.status, status, "{}", reply.text());
            assert_eq!(reply.header("onhand-durability"), said);
        }
    }
}

/// The whole way of an order, a transfer between partitions, a repeat and a stop, where no answer waits for the disk.
#[test]
fn all_works_where_answers_do_not_wait_for_the_disk() {
    let shop = with_durability(Durability::Within(10_000));
    let [from, to] = two_partitions(&shop);
    shop.receive(&from, "milk", 10);
    let id = shop.reserve(&from, "milk", 2, 3_600);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);
    let transfer = json!({"from": from, "to": to, "lines": [{"sku": "milk", "quantity": 3}]});
    let sent = shop
        .post_as("transfer", "/v1/stock/transfers", &transfer)
        .expect(201);
    let again = shop.post_as("transfer", "/v1/stock/transfers", &transfer);
    assert_eq!(again.json(), sent);
    let id = sent["id"].as_str().unwrap();
    shop.post(&format!("/v1/stock/transfers/{id}/receive"), &json!({}))
        .expect(200);
    let levels = |shop: &Shop| {
        let (from, to) = (shop.level(&from, "milk"), shop.level(&to, "milk"));
        [
            &from["on_hand"],
            &from["allocated"],
            &to["on_hand"],
            &to["in_transit"],
        ]
        .map(|units| units.as_i64().unwrap())
    };
    assert_eq!(levels(&shop), [7, 2, 3, 0]);
    assert_eq!(levels(&shop.reopen()), [7, 2, 3, 0]);
}

fn two_partitions(shop: &Shop) -> [String; 2] {
    let in_partition = |partition| {
        let names = (0..).map(|number| format!("store-{number}"));
        let location = |name: &String| onhand_core::LocationId::new(name).unwrap();
        names
            .filter(|name| shop.engine.partition_of(&location(name)) == partition)
            .take(1)
            .collect()
    };
    [in_partition(0), in_partition(1)]
}

#[test]
fn a_read_that_does_not_say_is_as_fresh_as_the_server_is_set() {
    let set = |consistency| {
        Shop::with(Setup {
            server: Options {
                consistency,
                ..Options::default()
            },
            ..Setup::default()
        })
    };
    let cases = [
        (None, "strong", "bounded"),
        (Some(Consistency::Strong), "strong", "strong"),
        (Some(Consistency::Bounded), "bounded", "bounded"),
    ];
    for (consistency, of_one, of_many) in cases {
        let shop = set(consistency);
        shop.receive("store", "milk", 7);
        let one = shop.get("/v1/stock/store/milk").expect(200);
        assert_eq!(one["consistency"], of_one);
        let many = json!({"location": "store", "skus": ["milk"]});
        let many = shop.post("/v1/availability", &many).expect(200);
        assert_eq!(many["consistency"], of_many);
        for said in ["strong", "bounded"] {
            let one = shop
                .get(&format!("/v1/stock/store/milk?consistency={said}"))
                .expect(200);
            assert_eq!(one["consistency"], said);
            let many = json!({"location": "store", "skus": ["milk"], "consistency": said});
            let many = shop.post("/v1/availability", &many).expect(200);
            assert_eq!(many["consistency"], said);
        }
    }
}

/// Denied by default; allowed up to a limit where a policy says so, at that level alone.
#[test]
fn overselling_is_a_policy_of_each_level() {
    let shop = Shop::open();
    for sku in ["milk", "bread"] {
        shop.receive("store", sku, 2);
    }
    let policy = json!({"location": "store", "lines": [{"sku": "milk", "oversell_limit": 3}]});
    shop.post("/v1/stock/policies", &policy).expect(201);
    let reserve = |sku: &str, quantity: u32| {
        let lines = json!([{"sku": sku, "quantity": quantity}]);
        let body = json!({"location": "store", "lines": lines, "ttl_seconds": 600});
        shop.post("/v1/reservations", &body)
    };
    reserve("bread", 3).problem(409, "insufficient-stock");
    reserve("milk", 6).problem(409, "insufficient-stock");
    reserve("milk", 5).expect(201);
    assert_eq!(shop.level("store", "milk")["available"], -3);
    reserve("milk", 1).problem(409, "insufficient-stock");
}
