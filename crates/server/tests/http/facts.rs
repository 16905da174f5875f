//! What the till sold, what was seen on the shelf, what others know.

use crate::shop::Shop;
use serde_json::{Value, json};

const SALES: &str = "/v1/stock/sales";
const LOOKS: &str = "/v1/stock/observations";
const FACTS: &str = "/v1/facts";

fn sale(lines: Value) -> Value {
    json!({"location": "store", "lines": lines})
}

fn looks(lines: Value) -> Value {
    json!({"location": "store", "source": "camera", "lines": lines})
}

fn facts(values: Value) -> Value {
    json!({"location": "store", "source": "office", "values": values})
}

fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"].as_str().unwrap()
}

#[test]
fn a_sale_takes_from_the_shelf_whoever_was_promised_it() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    shop.reserve("store", "milk", 4, 60);
    let body = json!({
        "location": "store", "sold_at": "2026-03-01T10:00:00+01:00", "reference": "till-3",
        "lines": [{"sku": "milk", "quantity": 4}, {"sku": "eggs", "quantity": 6}, {"sku": "milk", "quantity": 2}]
    });
    let made = shop.post(SALES, &body).expect(201);
    assert_eq!(
        made,
        json!({
            "location": "store", "reference": "till-3",
            "lines": [
                {"sku": "milk", "quantity": 4},
                {"sku": "eggs", "quantity": 6, "surplus": 6},
                {"sku": "milk", "quantity": 2, "surplus": 1}
            ],
            "sold_at": "2026-03-01T09:00:00.000Z", "recorded_at": "2026-03-01T09:30:00.000Z", "sequence": 3
        })
    );
    let milk = shop.level("store", "milk");
    assert_eq!([&milk["on_hand"], &milk["available"]], [0, -4]);
    assert_eq!(shop.level("store", "eggs")["on_hand"], 0);
}

#[test]
fn a_sale_is_not_in_the_future_nor_before_the_count_window() {
    let shop = Shop::open();
    for (sold_at, kind) in [
        ("2026-03-01T09:30:00.001Z", "in-future"),
        ("2026-02-27T09:29:59.999Z", "too-old"),
    ] {
        let mut body = sale(json!([{"sku": "milk", "quantity": 1}]));
        body["sold_at"] = json!(sold_at);
        let refused = shop.unchanged(|shop| shop.post(SALES, &body));
        assert_eq!(pointer(&refused.problem(422, kind)), "/sold_at");
    }
}

#[test]
fn a_look_is_recorded_and_changes_no_number() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    let body = looks(json!([
        {"sku": "milk", "at": "2026-03-01T09:00:00Z", "found": false},
        {"sku": "milk", "at": "2025-03-01T08:00:00Z", "found": true},
        {"sku": "eggs", "at": "2026-03-01T09:00:00Z", "found": true}
    ]));
    let made = shop.post(LOOKS, &body).expect(201);
    assert_eq!(
        made,
        json!({
            "location": "store", "source": "camera", "looks": 3,
            "recorded_at": "2026-03-01T09:30:00.000Z", "sequence": 2
        })
    );
    assert_eq!(shop.level("store", "milk")["on_hand"], 5);
    assert_eq!(shop.level("store", "eggs")["on_hand"], 0);

    let ahead = looks(json!([
        {"sku": "milk", "at": "2026-03-01T09:00:00Z", "found": true},
        {"sku": "milk", "at": "2026-03-01T09:31:00Z", "found": true}
    ]));
    let refused = shop.unchanged(|shop| shop.post(LOOKS, &ahead));
    assert_eq!(pointer(&refused.problem(422, "in-future")), "/lines/1/at");
}

#[test]
fn a_value_may_hold_from_tomorrow_on() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    let body = facts(json!([
        {"sku": "milk", "name": "discount", "at": "2026-03-02T00:00:00Z", "value": 0.25},
        {"name": "city", "at": "2020-01-01T00:00:00Z", "value": "Dublin"}
    ]));
    let made = shop.post(FACTS, &body).expect(201);
    assert_eq!(
        made,
        json!({
            "location": "store", "source": "office", "values": 2,
            "recorded_at": "2026-03-01T09:30:00.000Z", "sequence": 2
        })
    );
}

#[test]
fn a_location_is_known_once_something_is_known_there() {
    let shop = Shop::open();
    let of_the_store = json!({"name": "rain", "at": "2026-03-01T09:00:00Z", "value": 1.5});
    let of_milk =
        json!({"sku": "milk", "name": "category", "at": "2026-03-01T00:00:00Z", "value": "dairy"});
    let alone = facts(json!([of_the_store]));
    let refused = shop.unchanged(|shop| shop.post(FACTS, &alone));
    assert_eq!(
        pointer(&refused.problem(404, "unknown-location")),
        "/location"
    );
    shop.post(FACTS, &facts(json!([of_the_store, of_milk])))
        .expect(201);
    shop.post(FACTS, &alone).expect(201);
    assert_eq!(shop.level("store", "milk")["available"], 0);
}

#[test]
fn a_value_is_a_number_within_bounds_or_a_short_text() {
    let shop = Shop::open();
    for wrong in [
        json!(true),
        json!(null),
        json!(1_000_000_001),
        json!(-1e10),
        json!(""),
        json!([1]),
    ] {
        let body = facts(json!([
            {"sku": "milk", "name": "price", "at": "2026-03-01T00:00:00Z", "value": wrong}
        ]));
        let problem = shop
            .unchanged(|shop| shop.post(FACTS, &body))
            .problem(422, "invalid-request");
        assert_eq!(pointer(&problem), "/values/0/value", "{wrong}");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(
            message.contains("a number from -1,000,000,000 to 1,000,000,000"),
            "{message}"
        );
    }
}

#[test]
fn the_ledger_and_the_explanation_tell_them() {
    let shop = Shop::open();
    shop.receive("store", "milk", 1);
    shop.post(SALES, &sale(json!([{"sku": "milk", "quantity": 3}])))
        .expect(201);
    let body = looks(json!([
        {"sku": "milk", "at": "2026-03-01T09:00:00Z", "found": true},
        {"sku": "bread", "at": "2026-03-01T08:00:00Z", "found": false}
    ]));
    shop.post(LOOKS, &body).expect(201);
    let body = facts(json!([
        {"sku": "milk", "name": "discount", "at": "2026-03-02T00:00:00Z", "value": 0.25},
        {"name": "rain", "at": "2026-03-02T00:00:00Z", "value": 3}
    ]));
    shop.post(FACTS, &body).expect(201);
    let body = facts(json!([{"name": "rain", "at": "2026-03-03T00:00:00Z", "value": 4}]));
    shop.post(FACTS, &body).expect(201);

    let told = shop.get("/v1/ledger?location=store").expect(200);
    let told: Vec<Value> = told["entries"].as_array().unwrap()[1..]
        .iter()
        .map(|entry| json!([entry["event"], entry["source"], entry["changes"]]))
        .collect();
    let expected = [
        json!(["sold", null, [
            {"location": "store", "sku": "milk", "on_hand": -1, "available": -1, "sold": 3, "surplus": 2}
        ]]),
        json!(["observed", "camera", [
            {"location": "store", "sku": "bread", "found": false, "at": "2026-03-01T08:00:00.000Z"},
            {"location": "store", "sku": "milk", "found": true, "at": "2026-03-01T09:00:00.000Z"}
        ]]),
        json!(["pushed", "office", [
            {"location": "store", "sku": "milk", "name": "discount", "at": "2026-03-02T00:00:00.000Z", "value": 0.25},
            {"location": "store", "name": "rain", "at": "2026-03-02T00:00:00.000Z", "value": 3}
        ]]),
        json!(["pushed", "office", [
            {"location": "store", "name": "rain", "at": "2026-03-03T00:00:00.000Z", "value": 4}
        ]]),
    ];
    assert_eq!(told, expected);

    let explained = shop.get("/v1/stock/store/milk/explain").expect(200);
    let summaries = explained["entries"].as_array().unwrap().iter();
    let summaries: Vec<&str> = summaries
        .map(|entry| entry["summary"].as_str().unwrap())
        .collect();
    assert_eq!(
        summaries,
        [
            "discount is 0.25 from 2026-03-02T00:00:00.000Z, says office",
            "found on the shelf by camera at 2026-03-01T09:00:00.000Z",
            "3 units sold at 2026-03-01T09:30:00.000Z, 2 of them unknown to the record",
            "1 unit received",
        ]
    );
    assert_eq!(explained["now"]["on_hand"], 0);
    assert_eq!(explained["entries"][2]["before"]["on_hand"], 1);
}

#[test]
fn a_level_as_it_was_does_not_know_what_was_opened_later() {
    let shop = Shop::open();
    shop.receive("store", "milk", 1);
    shop.advance(std::time::Duration::from_secs(1));
    let body = looks(json!([{"sku": "eggs", "at": "2026-03-01T09:00:00Z", "found": true}]));
    shop.post(LOOKS, &body).expect(201);
    shop.get("/v1/stock/store/eggs?at=2026-03-01T09:30:00Z")
        .problem(404, "unknown-sku");
    assert_eq!(shop.level("store", "eggs")["on_hand"], 0);
}
