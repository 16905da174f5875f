//! The ledger query.

use crate::shop::{Setup, Shop};
use serde_json::{Value, json};
use std::time::Duration;

fn entries(shop: &Shop, query: &str) -> Vec<Value> {
    let answer = shop.get(&format!("/v1/ledger?{query}")).expect(200);
    answer["entries"].as_array().unwrap().clone()
}

fn events(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["event"].as_str().unwrap())
        .collect()
}

#[test]
fn tells_what_happened_and_why() {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    let body = json!({
        "location": "store", "lines": [{"sku": "milk", "quantity": 2}], "ttl_seconds": 60, "reference": "cart"
    });
    shop.post("/v1/reservations", &body).expect(201);
    shop.advance(Duration::from_secs(61));
    let adjustment = json!({"location": "store", "lines": [{"sku": "milk", "quantity": -1, "reason": "damaged"}]});
    shop.post("/v1/stock/adjustments", &adjustment).expect(201);

    let all = entries(&shop, "");
    assert_eq!(events(&all), ["received", "held", "expired", "adjusted"]);
    let causes: Vec<&str> = all
        .iter()
        .map(|entry| entry["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["client", "client", "time", "client"]);
    assert_eq!(
        all[1],
        json!({
            "partition": 0, "sequence": 2, "recorded_at": "2026-03-01T09:30:00.000Z", "event": "held",
            "cause": "client", "reservation": "r0-0", "reference": "cart", "expires_at": "2026-03-01T09:31:00.000Z",
            "changes": [{"location": "store", "sku": "milk", "available": -2, "reserved": 2, "requested": 2}]
        })
    );
    assert_eq!(all[2]["occurred_at"], "2026-03-01T09:31:00.000Z");
    assert_eq!(all[2]["recorded_at"], "2026-03-01T09:31:01.000Z");
    assert_eq!(
        all[3]["changes"],
        json!([{"location": "store", "sku": "milk", "on_hand": -1, "available": -1, "reason": "damaged"}])
    );
}

#[test]
fn is_filtered_by_place_thing_and_time() {
    let shop = Shop::open();
    shop.receive("store", "milk", 1);
    shop.advance(Duration::from_secs(1));
    shop.receive("store", "bread", 2);
    shop.advance(Duration::from_secs(1));
    shop.receive("annex", "milk", 3);
    let units = |query: &str| -> Vec<Value> {
        let entries = entries(&shop, query);
        entries
            .iter()
            .map(|entry| entry["changes"][0]["on_hand"].clone())
            .collect()
    };
    assert_eq!(units("location=store"), [1, 2]);
    assert_eq!(units("sku=milk"), [1, 3]);
    assert_eq!(units("location=store&sku=milk"), [1]);
    assert_eq!(units("location=nowhere"), [] as [u32; 0]);
    assert_eq!(units("sku=milk&from=2026-03-01T09:30:01Z"), [3]);
    assert_eq!(units("location=store&to=2026-03-01T09:30:01Z"), [1]);
    assert_eq!(
        units("location=store&from=2026-03-01T09:30:01Z&to=2026-03-01T09:30:02Z"),
        [2]
    );
}

/// Walks all pages of a question.
fn walk(shop: &Shop, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for _ in 0..1000 {
        let answer = shop.get(&format!("/v1/ledger?{query}{cursor}")).expect(200);
        let page = answer["entries"].as_array().unwrap();
        all.extend(page.iter().cloned());
        match answer["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
        assert!(!page.is_empty(), "a page before the last has entries");
    }
    panic!("the pages never end");
}

#[test]
fn is_paged_without_gaps_or_repeats() {
    for partitions in [1, 3] {
        let shop = Shop::with(Setup {
            partitions,
            ..Setup::default()
        });
        for number in 0..23 {
            shop.receive(&format!("store-{}", number % 7), "milk", 1);
            shop.advance(Duration::from_millis(number % 3));
        }
        let whole = walk(&shop, "limit=1000");
        assert_eq!(whole.len(), 23);
        let key = |entry: &Value| {
            (
                entry["recorded_at"].to_string(),
                entry["partition"].as_u64(),
                entry["sequence"].as_u64(),
            )
        };
        assert!(whole.is_sorted_by_key(key));
        for limit in [1, 2, 5, 22, 23, 24] {
            assert_eq!(
                walk(&shop, &format!("limit={limit}")),
                whole,
                "limit {limit}"
            );
        }
        let some = walk(&shop, "limit=2&sku=milk&location=store-1");
        assert_eq!(some.len(), 4);
    }
}
