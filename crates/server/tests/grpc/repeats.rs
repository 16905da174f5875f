//! A repeat is a repeat, whichever protocol the first request came over.

use crate::client::{Client, call, refused, reserve};
use crate::shop::Shop;
use onhand_wire::proto::{ConfirmRequest, ReserveResponse};
use serde_json::{Value, json};
use tonic::Code;

const RESERVE: &str = "/v1/reservations";

fn as_json(quantity: u32) -> Value {
    json!({"location": "store", "lines": [{"sku": "milk", "quantity": quantity}], "ttl_seconds": 60})
}

/// What both protocols say of a reservation that was made.
fn told(made: &ReserveResponse) -> Value {
    json!([made.id, made.sequence, made.lines[0].reserved])
}

fn told_over_http(made: &Value) -> Value {
    json!([made["id"], made["sequence"], made["lines"][0]["reserved"]])
}

#[test]
fn of_what_was_done_over_http() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    let first = shop.post_as("same", RESERVE, &as_json(3)).expect(201);
    let again = shop.unchanged(|shop| {
        call!(
            shop,
            client
                .reservations
                .reserve(reserve("same", "store", "milk", 3))
        )
        .unwrap()
    });
    assert!(again.idempotent_replayed);
    assert_eq!(told(&again), told_over_http(&first));
    let shop = shop.reopen();
    let client = Client::of(&shop);
    let later = call!(
        shop,
        client
            .reservations
            .reserve(reserve("same", "store", "milk", 3))
    );
    assert_eq!(later.unwrap(), again);
}

#[test]
fn of_what_was_done_over_grpc() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    let first = call!(
        shop,
        client
            .reservations
            .reserve(reserve("same", "store", "milk", 3))
    );
    let first = first.unwrap();
    assert!(!first.idempotent_replayed);
    let again = shop.unchanged(|shop| shop.post_as("same", RESERVE, &as_json(3)));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(told(&first), told_over_http(&again.expect(201)));
    // The answer stays the first one whatever became of the reservation.
    let confirm = ConfirmRequest {
        idempotency_key: "order".into(),
        id: first.id.clone(),
    };
    call!(shop, client.reservations.confirm(confirm)).unwrap();
    let later = call!(
        shop,
        client
            .reservations
            .reserve(reserve("same", "store", "milk", 3))
    );
    let first = ReserveResponse {
        idempotent_replayed: true,
        ..first
    };
    assert_eq!(later.unwrap(), first);
}

#[test]
fn with_another_content_it_is_refused() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    shop.post_as("same", RESERVE, &as_json(3)).expect(201);
    let other = shop.unchanged(|shop| {
        call!(
            shop,
            client
                .reservations
                .reserve(reserve("same", "store", "milk", 4))
        )
    });
    refused(other, Code::InvalidArgument, "idempotency-key-reused");
}

#[test]
fn what_was_refused_may_be_tried_again() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 1);
    let ask = || {
        call!(
            shop,
            client
                .reservations
                .reserve(reserve("same", "store", "milk", 2))
        )
    };
    let problem = refused(ask(), Code::FailedPrecondition, "insufficient-stock");
    let short = &problem.lines[0];
    assert_eq!((short.requested, short.available), (2, 1));
    shop.receive("store", "milk", 1);
    assert!(!ask().unwrap().idempotent_replayed);
}
