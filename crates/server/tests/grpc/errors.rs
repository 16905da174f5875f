//! Bad input and refusals: the code, the stable type and the pointers, and nothing changed.

use crate::client::{Client, call, refused, reserve, unfit};
use crate::shop::Shop;
use onhand_wire::proto::fact_value::Kind;
use onhand_wire::proto::{
    AdjustRequest, AdjustedLine, AvailabilityRequest, ConfirmRequest, CountRequest,
    ExplainLevelRequest, Fact, FactValue, FulfillRequest, GetLevelRequest, GetReservationRequest,
    GetTransferRequest, PickLine, PolicyLine, PredictAvailabilityRequest, PushFactsRequest,
    ReadLedgerRequest, ReceiveGoodsRequest, ReceivedLine, ReserveLine, ReserveRequest,
    SendTransferRequest, SetPolicyRequest, TransferLine,
};
use prost_types::Timestamp;
use tonic::Code;

/// A shop with 10 units of milk.
fn shop() -> (Shop, Client) {
    let shop = Shop::open();
    shop.receive("store", "milk", 10);
    let client = Client::of(&shop);
    (shop, client)
}

fn usual() -> ReserveRequest {
    reserve("key", "store", "milk", 1)
}

#[test]
fn a_key_that_is_missing_or_none() {
    let (shop, client) = shop();
    for (key, kind) in [
        ("", "missing-idempotency-key"),
        (" x", "bad-idempotency-key"),
        ("a\nb", "bad-idempotency-key"),
        (&*"x".repeat(129), "bad-idempotency-key"),
    ] {
        let request = reserve(key, "store", "milk", 1);
        let answer = shop.unchanged(|shop| call!(shop, client.reservations.reserve(request)));
        let problem = refused(answer, Code::InvalidArgument, kind);
        assert_eq!(problem.errors[0].pointer, "/idempotency_key");
        assert_eq!(problem.status, 400);
    }
}

#[test]
fn a_field_that_does_not_follow_its_rule() {
    let (shop, client) = shop();
    let line = |sku: &str, quantity| ReserveLine {
        sku: sku.into(),
        quantity,
    };
    let lines = |lines| ReserveRequest { lines, ..usual() };
    for (request, pointer, rule) in [
        (reserve("key", "", "milk", 1), "/location", "visible ASCII"),
        (
            reserve("key", "a b", "milk", 1),
            "/location",
            "visible ASCII",
        ),
        (lines(vec![]), "/lines", "an array of 1 to 10000 items"),
        (
            lines(vec![line("milk", 1); 10_001]),
            "/lines",
            "more than 10000",
        ),
        (
            lines(vec![line("milk", 1), line("", 1)]),
            "/lines/1/sku",
            "visible ASCII",
        ),
        (
            lines(vec![line("milk", 0)]),
            "/lines/0/quantity",
            "1 to 1,000,000,000",
        ),
        (
            lines(vec![line("milk", 1_000_000_001)]),
            "/lines/0/quantity",
            "1 to 1,000,000,000",
        ),
        (
            ReserveRequest {
                ttl_seconds: 0,
                ..usual()
            },
            "/ttl_seconds",
            "1 to 31,536,000",
        ),
        (
            ReserveRequest {
                ttl_seconds: 31_536_001,
                ..usual()
            },
            "/ttl_seconds",
            "1 to 31,536,000",
        ),
        (
            ReserveRequest {
                reference: Some(String::new()),
                ..usual()
            },
            "/reference",
            "1 to 128",
        ),
    ] {
        let answer = shop.unchanged(|shop| call!(shop, client.reservations.reserve(request)));
        let message = unfit(answer, pointer);
        assert!(message.contains(rule), "{pointer}: {message}");
    }
}

#[test]
fn the_words_are_those_of_http() {
    let (shop, client) = shop();
    let answer = call!(
        shop,
        client
            .reservations
            .reserve(reserve("key", "store", "milk", 0))
    );
    let over_grpc = unfit(answer, "/lines/0/quantity");
    let body = serde_json::json!({
        "location": "store", "lines": [{"sku": "milk", "quantity": 0}], "ttl_seconds": 60
    });
    let over_http = shop.post("/v1/reservations", &body).expect(422);
    assert_eq!(over_http["errors"][0]["message"], over_grpc);
}

#[test]
fn other_calls_have_their_rules_too() {
    let (shop, client) = shop();
    let key = || "key".to_owned();
    let store = || "store".to_owned();
    let receipt = |occurred_at, expires_on: &str| ReceiveGoodsRequest {
        idempotency_key: key(),
        location: store(),
        lines: vec![ReceivedLine {
            sku: "milk".into(),
            quantity: 1,
            lot: None,
            expires_on: Some(expires_on.into()),
        }],
        reference: None,
        occurred_at,
    };
    let adjust = |quantity, reason: &str, of| AdjustRequest {
        idempotency_key: key(),
        location: store(),
        lines: vec![AdjustedLine {
            sku: "milk".into(),
            quantity,
            reason: reason.into(),
            of,
        }],
        ..AdjustRequest::default()
    };
    shop.unchanged(|shop| {
        for (seconds, nanos) in [(-1, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)] {
            let request = receipt(Some(Timestamp { seconds, nanos }), "2026-04-01");
            unfit(
                call!(shop, client.stock.receive_goods(request)),
                "/occurred_at",
            );
        }
        let request = receipt(None, "2026-02-30");
        unfit(
            call!(shop, client.stock.receive_goods(request)),
            "/lines/0/expires_on",
        );
        for (quantity, reason, of, field) in [
            (0, "damaged", 0, "quantity"),
            (1_000_000_001, "damaged", 0, "quantity"),
            (1, "", 0, "reason"),
            (1, "damaged", 3, "of"),
        ] {
            let answer = call!(shop, client.stock.adjust(adjust(quantity, reason, of)));
            unfit(answer, &format!("/lines/0/{field}"));
        }
        let count = CountRequest {
            idempotency_key: key(),
            location: store(),
            source: "me".into(),
            ..CountRequest::default()
        };
        unfit(call!(shop, client.stock.count(count)), "/as_of");
        let policy = SetPolicyRequest {
            idempotency_key: key(),
            location: store(),
            lines: vec![PolicyLine {
                sku: "milk".into(),
                ..PolicyLine::default()
            }],
            reason: None,
        };
        unfit(call!(shop, client.stock.set_policy(policy)), "/lines/0");
        let transfer = SendTransferRequest {
            idempotency_key: key(),
            from: store(),
            to: String::new(),
            lines: vec![TransferLine {
                sku: "milk".into(),
                quantity: 1,
            }],
            reference: None,
        };
        unfit(call!(shop, client.transfers.send_transfer(transfer)), "/to");
        for value in [
            None,
            Some(Kind::Number(f64::NAN)),
            Some(Kind::Text(String::new())),
        ] {
            let facts = PushFactsRequest {
                idempotency_key: key(),
                location: store(),
                source: "office".into(),
                values: vec![Fact {
                    sku: None,
                    name: "rain".into(),
                    at: Some(Timestamp::default()),
                    value: value.map(|kind| FactValue { kind: Some(kind) }),
                }],
            };
            unfit(
                call!(shop, client.facts.push_facts(facts)),
                "/values/0/value",
            );
        }
    });
}

#[test]
fn questions_have_rules_too() {
    let (shop, client) = shop();
    let level = |location: &str, consistency| GetLevelRequest {
        location: location.into(),
        sku: "milk".into(),
        consistency,
        at: None,
    };
    unfit(
        call!(shop, client.stock.get_level(level("", 0))),
        "/location",
    );
    unfit(
        call!(shop, client.stock.get_level(level("store", 9))),
        "/consistency",
    );
    unfit(
        call!(
            shop,
            client.stock.availability(AvailabilityRequest::default())
        ),
        "",
    );
    let wrong_sku = AvailabilityRequest {
        location: Some("store".into()),
        skus: vec!["milk".into(), "a b".into()],
        ..AvailabilityRequest::default()
    };
    unfit(call!(shop, client.stock.availability(wrong_sku)), "/skus/1");
    for limit in [0, 201] {
        let explain = ExplainLevelRequest {
            location: "store".into(),
            sku: "milk".into(),
            limit: Some(limit),
        };
        let message = unfit(call!(shop, client.ledger.explain_level(explain)), "/limit");
        assert!(message.contains("an integer from 1 to 200"), "{message}");
    }
    let ledger = ReadLedgerRequest {
        cursor: Some("nonsense".into()),
        ..ReadLedgerRequest::default()
    };
    unfit(call!(shop, client.ledger.read_ledger(ledger)), "/cursor");
}

#[test]
fn what_is_not_known_is_not_found() {
    let (shop, client) = shop();
    let not_found = Code::NotFound;
    let ask = |location: &str, sku: &str| {
        call!(
            shop,
            client
                .reservations
                .reserve(reserve("key", location, sku, 1))
        )
    };
    let problem = refused(ask("nowhere", "milk"), not_found, "unknown-location");
    assert_eq!(problem.errors[0].pointer, "/location");
    let problem = refused(ask("store", "caviar"), not_found, "unknown-sku");
    assert_eq!(problem.errors[0].pointer, "/lines/0/sku");
    for id in ["r0-9", "r9-0", "nonsense", ""] {
        let confirm = ConfirmRequest {
            idempotency_key: "key".into(),
            id: id.into(),
        };
        let answer = call!(shop, client.reservations.confirm(confirm));
        refused(answer, not_found, "unknown-reservation");
        let get = GetReservationRequest { id: id.into() };
        let answer = call!(shop, client.reservations.get_reservation(get));
        refused(answer, not_found, "unknown-reservation");
        let get = GetTransferRequest { id: id.into() };
        refused(
            call!(shop, client.transfers.get_transfer(get)),
            not_found,
            "unknown-transfer",
        );
    }
    let level = GetLevelRequest {
        location: "store".into(),
        sku: "caviar".into(),
        ..GetLevelRequest::default()
    };
    let problem = refused(
        call!(shop, client.stock.get_level(level)),
        not_found,
        "unknown-sku",
    );
    assert_eq!(problem.errors[0].pointer, "/sku");
}

#[test]
fn what_the_stock_refuses_is_a_failed_precondition() {
    let (shop, client) = shop();
    let refused_now = |answer, kind| refused(answer, Code::FailedPrecondition, kind);
    let short = shop.unchanged(|shop| {
        call!(
            shop,
            client
                .reservations
                .reserve(reserve("key", "store", "milk", 11))
        )
    });
    let problem = refused_now(short.map(drop), "insufficient-stock");
    let line = &problem.lines[0];
    assert_eq!(
        (line.sku.as_str(), line.requested, line.available),
        ("milk", 11, 10)
    );

    let id = shop.reserve("store", "milk", 2, 60);
    let pick = FulfillRequest {
        idempotency_key: "key".into(),
        id: id.clone(),
        lines: vec![PickLine {
            sku: "milk".into(),
            picked: 1,
            ..PickLine::default()
        }],
        occurred_at: None,
    };
    let early = call!(shop, client.reservations.fulfill(pick.clone()));
    refused_now(early.map(drop), "wrong-state");
    let confirm = ConfirmRequest {
        idempotency_key: "confirm".into(),
        id,
    };
    call!(shop, client.reservations.confirm(confirm)).unwrap();
    let mut too_many = pick.clone();
    too_many.lines[0].picked = 3;
    let problem = refused_now(
        call!(shop, client.reservations.fulfill(too_many)).map(drop),
        "more-than-promised",
    );
    assert_eq!(problem.errors[0].pointer, "/lines/0/picked");
    let mut unknown = pick;
    unknown.lines[0].sku = "bread".into();
    let answer = call!(shop, client.reservations.fulfill(unknown));
    let problem = refused(answer, Code::InvalidArgument, "not-in-reservation");
    assert_eq!(problem.errors[0].pointer, "/lines/0/sku");
}

#[test]
fn an_engine_that_has_stopped_is_unavailable() {
    let (shop, client) = shop();
    shop.engine.stop();
    let answer = call!(shop, client.reservations.reserve(usual()));
    let problem = refused(answer, Code::Unavailable, "stopped");
    assert_eq!(problem.retry_after_seconds, Some(10));
}

#[test]
fn a_server_without_a_model_says_so_and_how_to_get_one() {
    let (shop, client) = shop();
    let ask = |at| PredictAvailabilityRequest {
        location: "store".into(),
        skus: vec!["milk".into()],
        at,
        explain: false,
    };
    let answer = call!(shop, client.predictions.predict_availability(ask(None)));
    let problem = refused(answer, Code::NotFound, "no-model");
    assert!(problem.detail.contains("--availability-model"));
    let mut many = ask(None);
    (many.explain, many.skus) = (true, vec!["milk".into(); 21]);
    let answer = call!(shop, client.predictions.predict_availability(many));
    let problem = refused(answer, Code::InvalidArgument, "invalid-request");
    assert_eq!(problem.errors[0].pointer, "/skus");
}
