//! Reservations in batches.

use crate::shop::{Setup, Shop};
use onhand_engine::Options as EngineOptions;
use serde_json::{Value, json};

const BATCH: &str = "/v1/reservations/batch";

fn item(key: &str, location: &str, quantity: u32) -> Value {
    json!({
        "idempotency_key": key, "location": location, "lines": [{"sku": "milk", "quantity": quantity}],
        "ttl_seconds": 60
    })
}

fn post(shop: &Shop, items: &[Value]) -> Value {
    let body = json!({"reservations": items}).to_string();
    // A batch needs no key of its own.
    shop.post_bytes(
        BATCH,
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
    .expect(200)
}

#[test]
fn each_is_made_or_refused_for_itself() {
    let shop = Shop::with(Setup {
        partitions: 2,
        ..Setup::default()
    });
    let other = shop.elsewhere("store");
    shop.receive("store", "milk", 5);
    shop.receive(&other, "milk", 5);
    let items = [
        item("a", "store", 3),
        item("b", "store", 3),
        item("c", &other, 4),
        item("d", "nowhere", 1),
        item("a", "store", 3),
        item("a", "store", 1),
    ];
    let answer = post(&shop, &items);
    let results = answer["results"].as_array().unwrap();
    let statuses: Vec<u64> = results
        .iter()
        .map(|one| one["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 409, 201, 404, 201, 422]);
    let replayed: Vec<bool> = results
        .iter()
        .map(|one| one["replayed"].as_bool().unwrap())
        .collect();
    assert_eq!(replayed, [false, false, false, false, true, false]);
    assert_eq!(results[0]["reservation"], results[4]["reservation"]);
    assert_eq!(
        results[1]["problem"]["type"],
        "urn:onhand:problem:insufficient-stock"
    );
    assert_eq!(
        results[3]["problem"]["errors"][0]["pointer"],
        "/reservations/3/location"
    );
    assert_eq!(
        results[5]["problem"]["type"],
        "urn:onhand:problem:idempotency-key-reused"
    );

    let again = shop.unchanged(|shop| post(shop, &items[..1]));
    assert_eq!(again["results"][0]["replayed"], true);
    assert_eq!(
        again["results"][0]["reservation"],
        results[0]["reservation"]
    );
    let alone =
        json!({"location": "store", "lines": [{"sku": "milk", "quantity": 3}], "ttl_seconds": 60});
    let alone = shop.post_as("a", "/v1/reservations", &alone).expect(201);
    assert_eq!(
        alone, results[0]["reservation"],
        "a batch and a single request share their keys"
    );
}

#[test]
fn a_thousand_fit_and_one_more_does_not() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5_000);
    let mut items: Vec<Value> = (0..1_001)
        .map(|number| item(&format!("k{number}"), "store", 1))
        .collect();
    let problem = shop.unchanged(|shop| shop.post(BATCH, &json!({"reservations": items})));
    let problem = problem.problem(422, "invalid-request");
    assert_eq!(problem["errors"][0]["pointer"], "/reservations");
    items.pop();
    let answer = post(&shop, &items);
    let results = answer["results"].as_array().unwrap();
    assert!(results.iter().all(|one| one["status"] == 201));
    assert_eq!(shop.level("store", "milk")["reserved"], 1_000);
}

#[test]
fn one_of_another_shape_refuses_all() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    let mut items = vec![item("a", "store", 1), item("b", "store", 1)];
    items[1]["lines"][0]["quantity"] = json!(0);
    let problem = shop.unchanged(|shop| shop.post(BATCH, &json!({"reservations": items})));
    let problem = problem.problem(422, "invalid-request");
    assert_eq!(
        problem["errors"][0]["pointer"],
        "/reservations/1/lines/0/quantity"
    );
}

#[test]
fn what_finds_no_room_in_the_queue_is_refused_by_itself() {
    let shop = Shop::with(Setup {
        engine: EngineOptions {
            admission: onhand_engine::Policy {
                capacity: 10,
                ..Default::default()
            },
            ..EngineOptions::default()
        },
        ..Setup::default()
    });
    shop.receive("store", "milk", 5_000);
    let items: Vec<Value> = (0..1_000)
        .map(|number| item(&format!("k{number}"), "store", 1))
        .collect();
    let headers = [("content-type", "application/json")];
    let body = json!({"reservations": items}).to_string();
    let reply = shop.post_bytes(BATCH, &headers, body.as_bytes());
    let longest: u64 = reply.header("retry-after").parse().unwrap();
    let answer = reply.expect(200);
    let results = answer["results"].as_array().unwrap();
    let refused = results.iter().filter(|one| one["status"] == 429);
    let seconds = refused.map(|one| one["problem"]["retry_after_seconds"].as_u64());
    assert_eq!(seconds.max().flatten(), Some(longest), "each says when");
    let count = |status: u64| results.iter().filter(|one| one["status"] == status).count();
    assert_eq!(count(201) + count(429), 1_000);
    assert!(count(201) >= 5 && count(429) > 0, "{} made", count(201));
    assert_eq!(shop.level("store", "milk")["reserved"], count(201));
}
