//! Reservations in batches.

use crate::client::{Client, call, reserve, unfit};
use crate::shop::{Setup, Shop};
use onhand_wire::proto::reserve_result::Outcome;
use onhand_wire::proto::{ReserveBatchRequest, ReserveRequest, ReserveResult};
use serde_json::json;

fn batch(reservations: Vec<ReserveRequest>) -> ReserveBatchRequest {
    ReserveBatchRequest { reservations }
}

/// The status that each would have had alone over HTTP.
fn statuses(results: &[ReserveResult]) -> Vec<u32> {
    let status = |result: &ReserveResult| match result.outcome.as_ref().unwrap() {
        Outcome::Reservation(_) => 201,
        Outcome::Problem(problem) => problem.status,
    };
    results.iter().map(status).collect()
}

fn problem(result: &ReserveResult) -> &onhand_wire::proto::Problem {
    match result.outcome.as_ref().unwrap() {
        Outcome::Problem(problem) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_is_made_or_refused_for_itself_as_over_http() {
    let shop = Shop::with(Setup {
        partitions: 2,
        ..Setup::default()
    });
    let client = Client::of(&shop);
    let other = shop.elsewhere("store");
    shop.receive("store", "milk", 5);
    shop.receive(&other, "milk", 5);
    let all = batch(vec![
        reserve("a", "store", "milk", 3),
        reserve("b", "store", "milk", 3),
        reserve("c", &other, "milk", 4),
        reserve("d", "nowhere", "milk", 1),
        reserve("a", "store", "milk", 3),
        reserve("a", "store", "milk", 1),
    ]);
    let results = call!(shop, client.reservations.reserve_batch(all))
        .unwrap()
        .results;
    assert_eq!(statuses(&results), [201, 409, 201, 404, 201, 422]);
    let numbers: Vec<u64> = results.iter().map(|result| result.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    assert_eq!(problem(&results[1]).lines[0].available, 2);
    assert_eq!(
        problem(&results[3]).errors[0].pointer,
        "/reservations/3/location"
    );
    let (Some(Outcome::Reservation(first)), Some(Outcome::Reservation(again))) =
        (&results[0].outcome, &results[4].outcome)
    else {
        panic!("{results:?}");
    };
    assert_eq!(
        (first.idempotent_replayed, again.idempotent_replayed),
        (false, true)
    );
    assert_eq!(first.id, again.id);

    let item = json!({
        "idempotency_key": "a", "location": "store", "lines": [{"sku": "milk", "quantity": 3}], "ttl_seconds": 60
    });
    let over_http = shop
        .post("/v1/reservations/batch", &json!({"reservations": [item]}))
        .expect(200);
    assert_eq!(over_http["results"][0]["replayed"], true);
    assert_eq!(over_http["results"][0]["reservation"]["id"], first.id);
}

#[test]
fn a_thousand_fit_and_one_more_does_not() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 5_000);
    let many = |count: usize| {
        let all = (0..count).map(|no| reserve(&format!("k{no}"), "store", "milk", 1));
        batch(all.collect())
    };
    let too_many =
        shop.unchanged(|shop| call!(shop, client.reservations.reserve_batch(many(1_001))));
    unfit(too_many, "/reservations");
    let results = call!(shop, client.reservations.reserve_batch(many(1_000)))
        .unwrap()
        .results;
    assert!(statuses(&results).iter().all(|status| *status == 201));
    assert_eq!(shop.level("store", "milk")["reserved"], 1_000);
}

#[test]
fn one_that_does_not_follow_its_rules_refuses_all() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 5);
    for (wrong, pointer) in [
        (
            reserve("b", "store", "milk", 0),
            "/reservations/1/lines/0/quantity",
        ),
        (
            reserve("", "store", "milk", 1),
            "/reservations/1/idempotency_key",
        ),
    ] {
        let all = batch(vec![reserve("a", "store", "milk", 1), wrong]);
        let refused = shop.unchanged(|shop| call!(shop, client.reservations.reserve_batch(all)));
        unfit(refused, pointer);
    }
    let none = shop.unchanged(|shop| call!(shop, client.reservations.reserve_batch(batch(vec![]))));
    unfit(none, "/reservations");
}
