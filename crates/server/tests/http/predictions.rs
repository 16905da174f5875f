//! Predictions of a server without a model. `crates/onhand/tests/availability` asks one that has one.

use crate::shop::Shop;
use serde_json::json;

#[test]
fn a_server_without_a_model_says_so_and_how_to_get_one() {
    let shop = Shop::open();
    let ask = json!({"location": "store", "skus": ["milk"]});
    let problem = shop
        .post("/v1/predictions/availability", &ask)
        .problem(404, "no-model");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("--availability-model"), "{detail}");
    let mut ask = ask;
    ask["probability"] = json!(true);
    shop.post("/v1/availability", &ask).problem(404, "no-model");
}

#[test]
fn a_request_that_follows_no_rule_is_refused_by_its_field() {
    let shop = Shop::open();
    let many = vec!["milk"; 21];
    for (ask, pointer) in [
        (json!({"location": "store", "skus": []}), "/skus"),
        (
            json!({"location": "store", "skus": many, "explain": true}),
            "/skus",
        ),
        (json!({"location": "", "skus": ["milk"]}), "/location"),
        (
            json!({"location": "store", "skus": ["milk"], "at": "tomorrow"}),
            "/at",
        ),
        (
            json!({"location": "store", "skus": ["milk"], "explain": 1}),
            "/explain",
        ),
    ] {
        let refused = shop.post("/v1/predictions/availability", &ask);
        let problem = refused.problem(422, "invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
}
