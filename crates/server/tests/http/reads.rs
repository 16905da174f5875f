//! Reads: now and then, one and many, and why.

use crate::shop::{Setup, Shop};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn a_bounded_read_shows_what_was_answered() {
    let shop = Shop::open();
    shop.receive("store", "milk", 7);
    let strong = shop.level("store", "milk");
    let bounded = shop
        .get("/v1/stock/store/milk?consistency=bounded")
        .expect(200);
    assert_eq!(bounded["consistency"], "bounded");
    assert_eq!(bounded["on_hand"], strong["on_hand"]);
    assert_eq!(bounded["sequence"], strong["sequence"]);
    assert_eq!(bounded["age_ms"], 0);
}

#[test]
fn a_level_as_it_was() {
    let shop = Shop::open();
    shop.advance(Duration::from_secs(60));
    shop.receive("store", "milk", 7);
    let first = shop.level("store", "milk")["sequence"].clone();
    shop.advance(Duration::from_secs(60));
    shop.receive("store", "milk", 3);
    let policy = json!({"location": "store", "lines": [{"sku": "milk", "safety_stock": 1}]});
    shop.post("/v1/stock/policies", &policy).expect(201);
    shop.advance(Duration::from_secs(60));
    let id = shop.reserve("store", "milk", 2, 3600);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);

    let at =
        |time: &str| shop.unchanged(|shop| shop.get(&format!("/v1/stock/store/milk?at={time}")));
    at("2026-03-01T09:30:59.999Z").problem(404, "unknown-sku");
    let then = at("2026-03-01T09:31:00Z").expect(200);
    assert_eq!(then["at"], "2026-03-01T09:31:00.000Z");
    assert_eq!(
        [&then["on_hand"], &then["available"], &then["safety_stock"]],
        [7, 7, 0]
    );
    assert_eq!(then["sequence"], first);
    let then = at("2026-03-01T10:32:59.999%2B01:00").expect(200);
    assert_eq!(
        [&then["on_hand"], &then["available"], &then["safety_stock"]],
        [10, 9, 1]
    );
    let then = at("2026-03-01T09:33:00Z").expect(200);
    assert_eq!([&then["allocated"], &then["available"]], [2, 7]);
    let shop = shop.reopen();
    let then = shop
        .get("/v1/stock/store/milk?at=2026-03-01T09:31:00Z")
        .expect(200);
    assert_eq!(then["on_hand"], 7);
}

#[test]
fn the_availability_of_many() {
    let shop = Shop::open();
    shop.receive("store", "milk", 7);
    shop.receive("annex", "milk", 2);
    shop.reserve("store", "milk", 3, 60);
    let sequence = shop.level("store", "milk")["sequence"].clone();
    let item = |location: &str, sku: &str, available: u32, on_hand: u32, known: bool| json!({"location": location, "sku": sku, "available": available, "on_hand": on_hand, "known": known, "age_ms": 0});
    for consistency in ["bounded", "strong"] {
        let body =
            json!({"consistency": consistency, "location": "store", "skus": ["milk", "caviar"]});
        let answer = shop.post("/v1/availability", &body).expect(200);
        assert_eq!(
            answer,
            json!({
                "items": [item("store", "milk", 4, 7, true), item("store", "caviar", 0, 0, false)],
                "consistency": consistency,
                "sequence": sequence
            })
        );
        let body = json!({"consistency": consistency, "items": [
            {"location": "annex", "sku": "milk"},
            {"location": "nowhere", "sku": "milk"},
            {"location": "store", "sku": "milk"}
        ]});
        let answer = shop.post("/v1/availability", &body).expect(200);
        let items = [
            item("annex", "milk", 2, 2, true),
            item("nowhere", "milk", 0, 0, false),
            item("store", "milk", 4, 7, true),
        ];
        assert_eq!(answer["items"], json!(items));
    }
}

#[test]
fn availability_over_two_partitions_names_both_positions() {
    let shop = Shop::with(Setup {
        partitions: 2,
        ..Setup::default()
    });
    let other = shop.elsewhere("store");
    shop.receive("store", "milk", 7);
    for _ in 0..3 {
        shop.receive(&other, "milk", 1);
    }
    for consistency in ["bounded", "strong"] {
        let body = json!({"consistency": consistency, "items": [
            {"location": "store", "sku": "milk"}, {"location": other, "sku": "milk"}
        ]});
        let answer = shop.post("/v1/availability", &body).expect(200);
        assert_eq!(
            [
                &answer["items"][0]["available"],
                &answer["items"][1]["available"]
            ],
            [7, 3]
        );
        let positions = answer["positions"].as_array().unwrap();
        assert_eq!(positions.len(), 2);
        let least = positions
            .iter()
            .map(|one| one["sequence"].as_u64().unwrap())
            .min();
        assert_eq!(answer["sequence"].as_u64(), least);
    }
}

fn summaries(explained: &Value) -> Vec<&str> {
    let entries = explained["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["summary"].as_str().unwrap())
        .collect()
}

#[test]
fn an_explanation_tells_every_step() {
    let shop = Shop::open();
    let receipt = json!({
        "location": "store", "reference": "PO-9",
        "lines": [{"sku": "bread", "quantity": 5}, {"sku": "milk", "quantity": 20, "lot": "L-1"}]
    });
    shop.post("/v1/stock/receipts", &receipt).expect(201);
    let adjustment = json!({"location": "store", "lines": [{"sku": "milk", "quantity": -2, "reason": "damaged"}]});
    shop.post("/v1/stock/adjustments", &adjustment).expect(201);
    let policy =
        json!({"location": "store", "lines": [{"sku": "milk", "safety_stock": 3}], "reason": "v3"});
    shop.post("/v1/stock/policies", &policy).expect(201);
    let gone = shop.reserve("store", "milk", 1, 60);
    shop.advance(Duration::from_secs(60));
    let id = shop.reserve("store", "milk", 4, 60);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);
    let pick = json!({"lines": [{"sku": "milk", "picked": 2, "not_found": 1, "substitutions": [{"sku": "bread", "quantity": 1}]}]});
    shop.post(&format!("/v1/reservations/{id}/fulfill"), &pick)
        .expect(200);
    shop.post(&format!("/v1/reservations/{id}/release"), &json!({}))
        .expect(200);
    let count = json!({
        "location": "store", "as_of": "2026-03-01T09:31:00Z", "source": "night", "complete": false,
        "lines": [{"sku": "milk", "on_hand": 17}]
    });
    shop.post("/v1/stock/counts", &count).expect(201);
    let transfer =
        json!({"from": "store", "to": "annex", "lines": [{"sku": "milk", "quantity": 1}]});
    shop.post("/v1/stock/transfers", &transfer).expect(201);

    let explained = shop
        .unchanged(|shop| shop.get("/v1/stock/store/milk/explain"))
        .expect(200);
    assert_eq!(
        explained["formula"],
        "available 13 = on hand 16 - reserved 0 - allocated 0 - unavailable 0 - safety stock 3"
    );
    assert_eq!(explained["complete"], true);
    assert_eq!(
        summaries(&explained),
        [
            "1 unit sent to annex as t0-0-0".to_owned(),
            "17 units counted by night as of 2026-03-01T09:31:00.000Z, +0 known since: on hand changed by +1".into(),
            format!("1 unit of {id} given back on request"),
            format!("2 units picked for {id}, 1 not found"),
            format!("4 units of {id} allocated to its order"),
            format!("4 of 4 units reserved for {id} until 2026-03-01T09:32:00.000Z"),
            format!("1 unit of {gone} given back: it expired at 2026-03-01T09:31:00.000Z"),
            format!("1 of 1 unit reserved for {gone} until 2026-03-01T09:31:00.000Z"),
            "rules set: safety stock from 0 to 3 (v3)".into(),
            "on hand adjusted by -2: damaged".into(),
            "20 units received of lot L-1 (PO-9)".into(),
        ]
    );
    assert_chain(&explained);
    let bread = shop.get("/v1/stock/store/bread/explain").expect(200);
    assert_eq!(
        summaries(&bread)[0],
        format!("1 unit picked for {id} in place of milk")
    );
    assert_chain(&bread);
    let short = shop.get("/v1/stock/store/milk/explain?limit=2").expect(200);
    assert_eq!(short["entries"].as_array().unwrap().len(), 2);
    assert_eq!(short["complete"], false);
}

#[test]
fn an_explanation_tells_of_surplus_corrections_and_arrivals() {
    let shop = Shop::open();
    shop.receive("store", "milk", 2);
    let policy = json!({"location": "store", "lines": [
        {"sku": "milk", "oversell_limit": 5, "on_not_found": "correct"}
    ]});
    shop.post("/v1/stock/policies", &policy).expect(201);
    let id = shop.reserve("store", "milk", 6, 60);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);
    for pick in [
        json!({"sku": "milk", "picked": 4}),
        json!({"sku": "milk", "not_found": 2}),
    ] {
        let body = json!({"lines": [pick]});
        shop.post(&format!("/v1/reservations/{id}/fulfill"), &body)
            .expect(200);
    }
    shop.receive("store", "milk", 3);
    let id = shop.reserve("store", "milk", 1, 60);
    shop.post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .expect(200);
    let pick = json!({"lines": [{"sku": "milk", "not_found": 1}]});
    shop.post(&format!("/v1/reservations/{id}/fulfill"), &pick)
        .expect(200);
    let unavailable = json!({"location": "store", "lines": [
        {"sku": "milk", "quantity": 1, "reason": "recall", "of": "unavailable"}
    ]});
    shop.post("/v1/stock/adjustments", &unavailable).expect(201);
    let explained = shop.get("/v1/stock/store/milk/explain").expect(200);
    assert_chain(&explained);
    let summaries = summaries(&explained);
    assert_eq!(summaries[0], "unavailable adjusted by +1: recall");
    assert_eq!(
        summaries[1],
        "0 units picked for r0-1, 1 not found (on hand corrected by -1)"
    );
    assert_eq!(
        summaries[6],
        "2 units found that the record did not know of; 4 units picked for r0-0"
    );
    assert_eq!(
        summaries[9],
        "rules set: oversell limit from 0 to 5, not-found from label to correct"
    );

    let transfer =
        json!({"from": "store", "to": "annex", "lines": [{"sku": "milk", "quantity": 1}]});
    shop.post("/v1/stock/transfers", &transfer).expect(201);
    shop.post("/v1/stock/transfers/t0-0-0/receive", &json!({}))
        .expect(200);
    let arrived = shop.get("/v1/stock/annex/milk/explain").expect(200);
    assert_chain(&arrived);
    let summaries = self::summaries(&arrived);
    assert_eq!(
        summaries,
        [
            "1 unit of t0-0-0 received",
            "1 unit under way from store as t0-0-0"
        ]
    );
}

/// Each entry begins where the one before it ended, the newest ends at now, the oldest begins at nothing.
fn assert_chain(explained: &Value) {
    let mut after = &explained["now"];
    let entries = explained["entries"].as_array().unwrap();
    for entry in entries {
        assert_eq!(&entry["after"], after, "{entry}");
        after = &entry["before"];
        for moment in ["before", "after"] {
            let of = |name: &str| entry[moment][name].as_i64().unwrap();
            let promised =
                of("reserved") + of("allocated") + of("unavailable") + of("safety_stock");
            assert_eq!(of("available"), of("on_hand") - promised, "{entry}");
        }
    }
    let numbers = after.as_object().unwrap();
    assert!(numbers.values().all(|number| number == 0), "{after}");
}
