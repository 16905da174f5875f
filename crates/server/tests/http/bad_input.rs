//! Bad input: each kind gives the contract's error and changes nothing.

use crate::shop::{Reply, Setup, Shop};
use onhand_server::Options;
use serde_json::{Value, json};
use std::time::Duration;

const RESERVE: &str = "/v1/reservations";
const RECEIVE: &str = "/v1/stock/receipts";

/// A shop with 10 units of milk, and 5 of bread.
fn shop() -> Shop {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    shop.receive("store", "bread", 5);
    shop
}

fn reservation(quantity: Value) -> Value {
    json!({"location": "store", "lines": [{"sku": "milk", "quantity": quantity}], "ttl_seconds": 60})
}

fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"]
        .as_str()
        .unwrap_or_else(|| panic!("no pointer in {problem}"))
}

fn message(problem: &Value) -> &str {
    problem["errors"][0]["message"].as_str().unwrap()
}

fn refused(shop: &Shop, path: &str, body: &Value) -> Reply {
    shop.unchanged(|shop| shop.post(path, body))
}

#[test]
fn malformed_json() {
    let shop = shop();
    for text in [
        "",
        "{",
        "{]",
        "{\"location\": \"store\",",
        "{\"location\": store}",
        "{} {}",
        "nul",
        "{\"a\": \"\u{1}\"}",
    ] {
        shop.unchanged(|shop| shop.post_text(RESERVE, text))
            .problem(400, "malformed-json");
    }
}

#[test]
fn a_document_of_another_shape() {
    let shop = shop();
    for text in [
        "null",
        "[]",
        "3",
        "\"text\"",
        r#"["store", [["milk", 1]], 60, false, null]"#,
    ] {
        let problem = shop
            .unchanged(|shop| shop.post_text(RESERVE, text))
            .problem(422, "invalid-request");
        assert_eq!(pointer(&problem), "");
    }
    let text = r#"{"location": "store", "lines": [["milk", 1]], "ttl_seconds": 60}"#;
    let problem = shop
        .unchanged(|shop| shop.post_text(RESERVE, text))
        .problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0");
}

#[test]
fn an_unknown_field() {
    let shop = shop();
    let mut body = reservation(json!(1));
    body["ttl_second"] = json!(60);
    let problem = refused(&shop, RESERVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/ttl_second");
    assert!(
        message(&problem).contains("unknown field `ttl_second`"),
        "{problem}"
    );
    let mut body = reservation(json!(1));
    body["lines"][0]["qty"] = json!(60);
    let problem = refused(&shop, RESERVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0/qty");
}

#[test]
fn a_missing_field() {
    let shop = shop();
    let body = json!({"location": "store", "lines": [{"sku": "milk"}], "ttl_seconds": 60});
    let problem = refused(&shop, RESERVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0/quantity");
}

#[test]
fn a_field_twice() {
    let shop = shop();
    let text = r#"{"location": "store", "location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60}"#;
    let problem = shop
        .unchanged(|shop| shop.post_text(RESERVE, text))
        .problem(422, "invalid-request");
    assert!(message(&problem).contains("duplicate field"), "{problem}");
}

#[test]
fn a_wrong_type() {
    let shop = shop();
    for wrong in [
        json!("1"),
        json!(1.0),
        json!(1.5),
        json!(true),
        json!(null),
        json!([1]),
        json!({"units": 1}),
    ] {
        let problem =
            refused(&shop, RESERVE, &reservation(wrong.clone())).problem(422, "invalid-request");
        assert_eq!(pointer(&problem), "/lines/0/quantity", "{wrong}");
        assert!(
            message(&problem).contains("an integer from 1 to 1,000,000,000"),
            "{problem}"
        );
    }
    let mut body = reservation(json!(1));
    body["allow_partial"] = json!("yes");
    let problem = refused(&shop, RESERVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/allow_partial");
}

#[test]
fn a_quantity_that_is_negative_zero_or_overflows() {
    let shop = shop();
    for text in [
        "-1",
        "0",
        "1000000001",
        "4294967297",
        "9223372036854775808",
        "99999999999999999999",
    ] {
        let text = format!(
            r#"{{"location": "store", "lines": [{{"sku": "milk", "quantity": {text}}}], "ttl_seconds": 60}}"#
        );
        let problem = shop
            .unchanged(|shop| shop.post_text(RESERVE, &text))
            .problem(422, "invalid-request");
        assert_eq!(pointer(&problem), "/lines/0/quantity");
    }
    let problem = refused(&shop, RESERVE, &reservation(json!(-7))).json();
    assert!(
        message(&problem).contains("-7"),
        "the value is named: {problem}"
    );
    let body =
        json!({"location": "store", "lines": [{"sku": "milk", "quantity": 0, "reason": "found"}]});
    let problem = refused(&shop, "/v1/stock/adjustments", &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0/quantity");
}

#[test]
fn a_sum_that_overflows() {
    let shop = shop();
    let line = json!({"sku": "milk", "quantity": 1_000_000_000});
    let body = json!({"location": "store", "lines": [line, line], "ttl_seconds": 60});
    let problem = refused(&shop, RESERVE, &body).problem(422, "too-much");
    assert_eq!(pointer(&problem), "/lines/1/quantity");
    let body = json!({"location": "store", "lines": [line]});
    let problem = refused(&shop, RECEIVE, &body).problem(422, "too-much");
    assert_eq!(pointer(&problem), "/lines/0/quantity");
}

#[test]
fn a_name_that_is_none() {
    let shop = shop();
    for wrong in ["", "a b", "käse", "tab\t", &"x".repeat(129)] {
        let body = json!({"location": wrong, "lines": [{"sku": "milk", "quantity": 1}]});
        let problem = refused(&shop, RECEIVE, &body).problem(422, "invalid-request");
        assert_eq!(pointer(&problem), "/location", "{wrong:?}");
    }
    let longest = "x".repeat(128);
    let body =
        json!({"location": longest, "lines": [{"sku": longest, "quantity": 1, "lot": longest}]});
    shop.post(RECEIVE, &body).expect(201);
}

#[test]
fn a_time_that_is_none() {
    let shop = shop();
    for wrong in [
        "yesterday",
        "2026-03-01",
        "2026-03-01T09:00:00",
        "1969-12-31T23:59:59Z",
    ] {
        let body = json!({
            "location": "store", "lines": [{"sku": "milk", "quantity": 1}], "occurred_at": wrong
        });
        let problem = refused(&shop, RECEIVE, &body).problem(422, "invalid-request");
        assert_eq!(pointer(&problem), "/occurred_at");
        assert!(message(&problem).contains(wrong), "{problem}");
    }
    let body = json!({"location": "store", "lines": [{"sku": "milk", "quantity": 1, "expires_on": "2026-02-30"}]});
    let problem = refused(&shop, RECEIVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0/expires_on");
}

#[test]
fn a_time_in_the_future_or_too_long_ago() {
    let shop = shop();
    let body = json!({
        "location": "store", "lines": [{"sku": "milk", "quantity": 1}], "occurred_at": "2026-03-01T09:30:00.001Z"
    });
    let problem = refused(&shop, RECEIVE, &body).problem(422, "in-future");
    assert_eq!(pointer(&problem), "/occurred_at");
    for (as_of, kind) in [
        ("2027-01-01T00:00:00Z", "in-future"),
        ("2025-01-01T00:00:00Z", "too-old"),
    ] {
        let body = json!({
            "location": "store", "as_of": as_of, "source": "count", "complete": false,
            "lines": [{"sku": "milk", "on_hand": 1}]
        });
        let problem = refused(&shop, "/v1/stock/counts", &body).problem(422, kind);
        assert_eq!(pointer(&problem), "/as_of");
    }
}

#[test]
fn empty_lines() {
    let shop = shop();
    let body = json!({"location": "store", "lines": [], "ttl_seconds": 60});
    let problem = refused(&shop, RESERVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines");
    let problem = refused(&shop, RECEIVE, &json!({"location": "store", "lines": []}))
        .problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines");
}

#[test]
fn ten_thousand_lines_fit_and_one_more_does_not() {
    let shop = shop();
    let name = |number: usize| format!("{number:0>128}");
    let line = |number| json!({"sku": name(number), "quantity": 1_000_000, "lot": name(number), "expires_on": "2026-12-31"});
    let mut lines: Vec<Value> = (0..10_001).map(line).collect();
    let body = json!({"location": name(0), "lines": lines});
    let problem = refused(&shop, RECEIVE, &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines");
    lines.pop();
    let body = json!({"location": name(0), "lines": lines});
    shop.post(RECEIVE, &body).expect(201);
}

#[test]
fn the_same_sku_twice_counts_as_the_sum() {
    let shop = shop();
    let line = json!({"sku": "milk", "quantity": 5});
    let body = json!({"location": "store", "lines": [line, line], "ttl_seconds": 60});
    let made = shop.post(RESERVE, &body).expect(201);
    assert_eq!(
        made["lines"],
        json!([{"sku": "milk", "requested": 10, "reserved": 10}])
    );
    let more =
        json!({"location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60});
    refused(&shop, RESERVE, &more).problem(409, "insufficient-stock");
}

#[test]
fn the_same_sku_twice_where_it_can_only_come_once() {
    let shop = shop();
    let line = json!({"sku": "milk", "on_hand": 5});
    let body = json!({
        "location": "store", "as_of": "2026-03-01T09:00:00Z", "source": "count", "complete": false,
        "lines": [line, line]
    });
    let problem = refused(&shop, "/v1/stock/counts", &body).problem(422, "sku-twice");
    assert_eq!(pointer(&problem), "/lines/1/sku");
}

#[test]
fn not_enough_stock() {
    let shop = shop();
    let lines = json!([{"sku": "bread", "quantity": 1}, {"sku": "milk", "quantity": 11}]);
    let body = json!({"location": "store", "lines": lines, "ttl_seconds": 60});
    let problem = refused(&shop, RESERVE, &body).problem(409, "insufficient-stock");
    assert_eq!(
        problem["lines"],
        json!([{"sku": "milk", "requested": 11, "available": 10}])
    );
}

#[test]
fn an_unknown_location_or_sku() {
    let shop = shop();
    let mut body = reservation(json!(1));
    body["location"] = json!("nowhere");
    let problem = refused(&shop, RESERVE, &body).problem(404, "unknown-location");
    assert_eq!(pointer(&problem), "/location");
    let lines = json!([{"sku": "milk", "quantity": 1}, {"sku": "caviar", "quantity": 1}]);
    let body = json!({"location": "store", "lines": lines, "ttl_seconds": 60});
    let problem = refused(&shop, RESERVE, &body).problem(404, "unknown-sku");
    assert_eq!(pointer(&problem), "/lines/1/sku");
    shop.unchanged(|shop| shop.get("/v1/stock/nowhere/milk"))
        .problem(404, "unknown-location");
    shop.unchanged(|shop| shop.get("/v1/stock/store/caviar"))
        .problem(404, "unknown-sku");
}

#[test]
fn an_unknown_reservation_or_transfer() {
    let shop = shop();
    for id in [
        "r0-99",
        "r7-0",
        "r0-x",
        "milk",
        "t0-0-0",
        "%20",
        "r0-99999999999999999999",
    ] {
        let path = format!("/v1/reservations/{id}");
        shop.unchanged(|shop| shop.get(&path))
            .problem(404, "unknown-reservation");
        for action in ["confirm", "release"] {
            refused(&shop, &format!("{path}/{action}"), &json!({}))
                .problem(404, "unknown-reservation");
        }
    }
    for id in ["t0-0-99", "t0-7-0", "r0-0", "milk"] {
        let path = format!("/v1/stock/transfers/{id}");
        shop.unchanged(|shop| shop.get(&path))
            .problem(404, "unknown-transfer");
        refused(&shop, &format!("{path}/receive"), &json!({})).problem(404, "unknown-transfer");
    }
}

#[test]
fn an_idempotency_key_reused_with_another_body() {
    let shop = shop();
    shop.post_as("once", RESERVE, &reservation(json!(1)))
        .expect(201);
    let reused = shop.unchanged(|shop| shop.post_as("once", RESERVE, &reservation(json!(2))));
    reused.problem(422, "idempotency-key-reused");
    let receipt = json!({"location": "store", "lines": [{"sku": "milk", "quantity": 1}]});
    let reused = shop.unchanged(|shop| shop.post_as("once", RECEIVE, &receipt));
    reused.problem(422, "idempotency-key-reused");
}

#[test]
fn an_idempotency_key_that_is_missing_or_none() {
    let shop = shop();
    let body = reservation(json!(1)).to_string();
    let json = ("content-type", "application/json");
    let send = |headers: &[(&str, &str)]| {
        shop.unchanged(|shop| shop.post_bytes(RESERVE, headers, body.as_bytes()))
    };
    send(&[json]).problem(400, "missing-idempotency-key");
    send(&[json, ("idempotency-key", "a"), ("idempotency-key", "b")])
        .problem(400, "missing-idempotency-key");
    for wrong in ["", "a b", &"x".repeat(129)] {
        send(&[json, ("idempotency-key", wrong)]).problem(400, "bad-idempotency-key");
    }
    let longest = "x".repeat(128);
    shop.post_as(&longest, RESERVE, &reservation(json!(1)))
        .expect(201);
}

#[test]
fn a_reservation_confirmed_twice() {
    let shop = shop();
    let id = shop.reserve("store", "milk", 2, 60);
    let path = format!("/v1/reservations/{id}/confirm");
    shop.post(&path, &json!({})).expect(200);
    let problem = refused(&shop, &path, &json!({})).problem(409, "wrong-state");
    assert!(
        problem["detail"].as_str().unwrap().contains("confirmed"),
        "{problem}"
    );
}

#[test]
fn released_after_expiry() {
    let shop = shop();
    let id = shop.reserve("store", "milk", 2, 1);
    shop.advance(Duration::from_secs(1));
    // The expiry itself is an entry; it comes with the first look at the partition.
    assert_eq!(shop.level("store", "milk")["available"], 10);
    let path = format!("/v1/reservations/{id}");
    let problem =
        refused(&shop, &format!("{path}/release"), &json!({})).problem(409, "wrong-state");
    assert!(
        problem["detail"].as_str().unwrap().contains("expired"),
        "{problem}"
    );
    refused(&shop, &format!("{path}/confirm"), &json!({})).problem(409, "wrong-state");
    refused(&shop, &format!("{path}/extend"), &json!({"ttl_seconds": 9}))
        .problem(409, "wrong-state");
}

#[test]
fn fulfilled_with_more_than_was_promised() {
    let shop = shop();
    let id = shop.reserve("store", "milk", 2, 60);
    let path = format!("/v1/reservations/{id}");
    let pick = |picked: u32, not_found: u32| json!({"lines": [{"sku": "milk", "picked": picked, "not_found": not_found}]});
    refused(&shop, &format!("{path}/fulfill"), &pick(1, 0)).problem(409, "wrong-state");
    shop.post(&format!("{path}/confirm"), &json!({}))
        .expect(200);
    for (picked, not_found) in [(3, 0), (2, 1), (1_000_000_000, 1_000_000_000)] {
        let problem = refused(&shop, &format!("{path}/fulfill"), &pick(picked, not_found));
        assert_eq!(
            pointer(&problem.problem(409, "more-than-promised")),
            "/lines/0/picked"
        );
    }
    let other = json!({"lines": [{"sku": "bread", "picked": 1}]});
    let problem =
        refused(&shop, &format!("{path}/fulfill"), &other).problem(422, "not-in-reservation");
    assert_eq!(pointer(&problem), "/lines/0/sku");
    let unknown = json!({"lines": [
        {"sku": "milk", "not_found": 1, "substitutions": [{"sku": "caviar", "quantity": 1}]}
    ]});
    let problem = refused(&shop, &format!("{path}/fulfill"), &unknown).problem(404, "unknown-sku");
    assert_eq!(pointer(&problem), "/lines/0/substitutions");
    let nothing = json!({"lines": [{"sku": "milk"}]});
    let problem =
        refused(&shop, &format!("{path}/fulfill"), &nothing).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0");
}

#[test]
fn below_zero() {
    let shop = shop();
    let body = json!({"location": "store", "lines": [{"sku": "milk", "quantity": -11, "reason": "stolen"}]});
    let problem = refused(&shop, "/v1/stock/adjustments", &body).problem(409, "below-zero");
    assert_eq!(pointer(&problem), "/lines/0/quantity");
}

#[test]
fn a_policy_that_sets_nothing() {
    let shop = shop();
    let body = json!({"location": "store", "lines": [{"sku": "milk"}]});
    let problem = refused(&shop, "/v1/stock/policies", &body).problem(422, "invalid-request");
    assert_eq!(pointer(&problem), "/lines/0");
}

#[test]
fn a_body_over_the_limit() {
    let server = Options {
        body_limit: 1_000,
        ..Options::default()
    };
    let shop = Shop::with(Setup {
        server,
        ..Setup::default()
    });
    shop.receive("store", "milk", 10);
    let spaces = |count: usize| format!("{}{}", " ".repeat(count), reservation(json!(1)));
    for count in [1_000, 100_000, 3_000_000] {
        shop.unchanged(|shop| shop.post_text(RESERVE, &spaces(count)))
            .problem(413, "body-too-large");
    }
    shop.post_text(RESERVE, &spaces(500)).expect(201);
}

#[test]
fn a_large_body_that_finds_no_room() {
    let server = Options {
        body_room: 64 << 10,
        ..Options::default()
    };
    let shop = Shop::with(Setup {
        server,
        ..Setup::default()
    });
    shop.receive("store", "milk", 10);
    let padded = |bytes: usize| format!("{}{}", " ".repeat(bytes), reservation(json!(1)));
    let refused = shop.unchanged(|shop| shop.post_text(RESERVE, &padded(80 << 10)));
    assert_eq!(refused.header("retry-after"), "1");
    refused.problem(429, "busy");
    shop.post_text(RESERVE, &padded(60 << 10)).expect(201);
}

#[test]
fn a_body_of_another_type() {
    let shop = shop();
    let body = reservation(json!(1)).to_string();
    let send = |kind: &str| {
        let headers = [("idempotency-key", "typed"), ("content-type", kind)];
        shop.post_bytes(RESERVE, &headers, body.as_bytes())
    };
    for wrong in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/jsonx",
    ] {
        shop.unchanged(|_| send(wrong))
            .problem(415, "unsupported-media-type");
    }
    send("Application/JSON; charset=utf-8").expect(201);
}

#[test]
fn an_address_or_a_method_that_there_is_not() {
    let shop = shop();
    shop.unchanged(|shop| shop.get("/v1/stocks"))
        .problem(404, "unknown-route");
    refused(&shop, "/v2/reservations", &json!({})).problem(404, "unknown-route");
    shop.unchanged(|shop| shop.get("/v1/reservations"))
        .problem(405, "method-not-allowed");
    refused(&shop, "/v1/ledger", &json!({})).problem(405, "method-not-allowed");
}

#[test]
fn a_parameter_that_does_not_follow_its_rule() {
    let shop = shop();
    for (path, parameter) in [
        ("/v1/stock/store/milk?consistency=weak", "consistency"),
        ("/v1/stock/store/milk?at=yesterday", "at"),
        ("/v1/stock/store/milk?when=now", "when"),
        (
            "/v1/stock/store/milk?at=2026-01-01T00:00:00Z&at=2026-01-01T00:00:00Z",
            "at",
        ),
        ("/v1/stock/a%20b/milk", "location"),
        ("/v1/stock/store/a%20b", "sku"),
        ("/v1/stock/store/milk/explain?limit=0", "limit"),
        ("/v1/ledger?limit=1001", "limit"),
        ("/v1/ledger?limit=many", "limit"),
        ("/v1/ledger?cursor=1.2", "cursor"),
        ("/v1/ledger?cursor=x", "cursor"),
        ("/v1/ledger?location=a%20b", "location"),
        (
            "/v1/ledger?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
            "to",
        ),
    ] {
        let problem = shop
            .unchanged(|shop| shop.get(path))
            .problem(422, "invalid-request");
        assert_eq!(
            problem["errors"][0]["parameter"], parameter,
            "{path}: {problem}"
        );
    }
    shop.get("/v1/stock/store/%ff")
        .problem(400, "malformed-request");
    shop.get("/v1/stock/store/milk?at=2027-01-01T00:00:00Z")
        .problem(422, "in-future");
}

#[test]
fn an_availability_question_of_both_forms_or_none() {
    let shop = shop();
    let item = json!({"location": "store", "sku": "milk"});
    for body in [
        json!({}),
        json!({"location": "store"}),
        json!({"skus": ["milk"]}),
        json!({"location": "store", "skus": ["milk"], "items": [item]}),
        json!({"items": []}),
    ] {
        refused(&shop, "/v1/availability", &body).problem(422, "invalid-request");
    }
    let items = vec![item; 10_001];
    refused(&shop, "/v1/availability", &json!({"items": items})).problem(422, "invalid-request");
}
