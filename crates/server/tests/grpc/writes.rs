//! Every write, and that it is the same write as over HTTP.

use crate::client::{Client, at, call, reserve};
use crate::shop::{START, Shop};
use onhand_wire::proto::fact_value::Kind;
use onhand_wire::proto::{
    AdjustRequest, AdjustedLine, AdjustedNumber, ConfirmRequest, CountLine, CountRequest,
    ExtendRequest, Fact, FactValue, FulfillRequest, Look, NotFoundRule, ObserveRequest, PickLine,
    PolicyLine, PushFactsRequest, ReceiveGoodsRequest, ReceiveTransferRequest, ReceivedLine,
    ReleaseRequest, ReservationState, SaleLine, SellRequest, SendTransferRequest, SetPolicyRequest,
    SubstitutionLine, TransferLine, TransferState,
};
use serde_json::json;

fn receipt(key: &str, sku: &str, quantity: u32) -> ReceiveGoodsRequest {
    ReceiveGoodsRequest {
        idempotency_key: key.into(),
        location: "store".into(),
        lines: vec![ReceivedLine {
            sku: sku.into(),
            quantity,
            lot: Some("L 1".into()),
            expires_on: Some("2026-04-01".into()),
        }],
        reference: Some("PO 1".into()),
        occurred_at: at(START - 1_500),
    }
}

#[test]
fn goods_come_in() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    let made = call!(shop, client.stock.receive_goods(receipt("a", "milk", 20))).unwrap();
    assert_eq!(made.location, "store");
    assert_eq!(made.lines, receipt("a", "milk", 20).lines);
    assert_eq!(made.reference.as_deref(), Some("PO 1"));
    assert_eq!(
        (made.occurred_at, made.recorded_at),
        (at(START - 1_500), at(START))
    );
    assert!(made.sequence > 0 && !made.idempotent_replayed);
    assert_eq!(shop.level("store", "milk")["on_hand"], 20);
    let again = call!(shop, client.stock.receive_goods(receipt("a", "milk", 20))).unwrap();
    assert!(again.idempotent_replayed);
    let first = onhand_wire::proto::ReceiveGoodsResponse {
        idempotent_replayed: true,
        ..made
    };
    assert_eq!(again, first);
}

#[test]
fn stock_is_adjusted_counted_and_ruled() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 20);
    let line = |quantity, of: AdjustedNumber| AdjustedLine {
        sku: "milk".into(),
        quantity,
        reason: "broken bottle".into(),
        of: of.into(),
    };
    let adjusted = call!(
        shop,
        client.stock.adjust(AdjustRequest {
            idempotency_key: "a".into(),
            location: "store".into(),
            lines: vec![
                line(-2, AdjustedNumber::Unspecified),
                line(3, AdjustedNumber::Unavailable)
            ],
            ..AdjustRequest::default()
        })
    )
    .unwrap();
    assert_eq!(
        adjusted.lines,
        [
            line(-2, AdjustedNumber::OnHand),
            line(3, AdjustedNumber::Unavailable)
        ]
    );
    let counted = call!(
        shop,
        client.stock.count(CountRequest {
            idempotency_key: "b".into(),
            location: "store".into(),
            as_of: at(START),
            source: "me".into(),
            complete: false,
            lines: vec![CountLine {
                sku: "milk".into(),
                on_hand: 17
            }],
        })
    )
    .unwrap();
    assert_eq!(
        (counted.lines[0].counted, counted.lines[0].change),
        (17, -1)
    );
    let ruled = call!(
        shop,
        client.stock.set_policy(SetPolicyRequest {
            idempotency_key: "c".into(),
            location: "store".into(),
            lines: vec![PolicyLine {
                sku: "milk".into(),
                safety_stock: Some(4),
                oversell_limit: None,
                on_not_found: NotFoundRule::Correct.into(),
            }],
            reason: Some("model 3".into()),
        })
    )
    .unwrap();
    let after = ruled.lines[0].after.unwrap();
    assert_eq!((after.safety_stock, after.oversell_limit), (4, 0));
    assert_eq!(after.on_not_found(), NotFoundRule::Correct);
    let level = shop.level("store", "milk");
    assert_eq!(
        (
            &level["on_hand"],
            &level["unavailable"],
            &level["available"]
        ),
        (&json!(17), &json!(3), &json!(10))
    );
}

#[test]
fn what_the_store_tells_is_recorded() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 1);
    let sold = call!(
        shop,
        client.stock.sell(SellRequest {
            idempotency_key: "a".into(),
            location: "store".into(),
            sold_at: None,
            lines: vec![SaleLine {
                sku: "milk".into(),
                quantity: 3
            }],
            reference: None,
        })
    )
    .unwrap();
    assert_eq!((sold.lines[0].quantity, sold.lines[0].surplus), (3, 2));
    let looked = call!(
        shop,
        client.stock.observe(ObserveRequest {
            idempotency_key: "b".into(),
            location: "store".into(),
            source: "camera".into(),
            lines: vec![Look {
                sku: "milk".into(),
                at: at(START),
                found: true
            }],
        })
    )
    .unwrap();
    assert_eq!(looked.looks, 1);
    let fact = |sku: Option<&str>, kind| Fact {
        sku: sku.map(Into::into),
        name: "fact".into(),
        at: at(START + 86_400_000),
        value: Some(FactValue { kind: Some(kind) }),
    };
    let pushed = call!(
        shop,
        client.facts.push_facts(PushFactsRequest {
            idempotency_key: "c".into(),
            location: "store".into(),
            source: "office".into(),
            values: vec![
                fact(Some("milk"), Kind::Text("dairy".into())),
                fact(None, Kind::Number(-0.5))
            ],
        })
    )
    .unwrap();
    assert_eq!(pushed.values, 2);
    let ledger = shop.get("/v1/ledger").expect(200);
    let entries = ledger["entries"].as_array().unwrap();
    let told = &entries.last().unwrap()["changes"];
    assert_eq!(
        (&told[0]["value"], &told[1]["value"]),
        (&json!("dairy"), &json!(-0.5))
    );
}

#[test]
fn the_life_of_a_reservation() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    shop.receive("store", "bread", 5);
    let held = call!(
        shop,
        client
            .reservations
            .reserve(reserve("a", "store", "milk", 3))
    )
    .unwrap();
    assert_eq!(held.state(), ReservationState::Held);
    assert_eq!(held.expires_at, at(START + 60_000));
    assert_eq!((held.lines[0].requested, held.lines[0].reserved), (3, 3));
    let id = held.id.clone();
    assert_eq!(
        shop.get(&format!("/v1/reservations/{id}")).expect(200)["state"],
        "held"
    );

    let longer = call!(
        shop,
        client.reservations.extend(ExtendRequest {
            idempotency_key: "b".into(),
            id: id.clone(),
            ttl_seconds: 90,
        })
    )
    .unwrap();
    assert_eq!(longer.expires_at, at(START + 90_000));
    let confirmed = call!(
        shop,
        client.reservations.confirm(ConfirmRequest {
            idempotency_key: "c".into(),
            id: id.clone(),
        })
    )
    .unwrap();
    assert_eq!(confirmed.state(), ReservationState::Confirmed);
    assert_eq!(confirmed.lines[0].allocated, 3);
    let picked = call!(
        shop,
        client.reservations.fulfill(FulfillRequest {
            idempotency_key: "d".into(),
            id: id.clone(),
            lines: vec![PickLine {
                sku: "milk".into(),
                picked: 1,
                not_found: 1,
                substitutions: vec![SubstitutionLine {
                    sku: "bread".into(),
                    quantity: 1
                }],
            }],
            occurred_at: None,
        })
    )
    .unwrap();
    assert_eq!(picked.state(), ReservationState::Confirmed);
    assert_eq!((picked.lines[0].picked, picked.lines[0].not_found), (1, 1));
    assert_eq!(picked.substitutions[0].instead_of, "milk");
    let released = call!(
        shop,
        client.reservations.release(ReleaseRequest {
            idempotency_key: "e".into(),
            id: id.clone(),
        })
    )
    .unwrap();
    assert_eq!(released.lines[0].released, 1);
    let level = shop.level("store", "milk");
    assert_eq!(
        (&level["on_hand"], &level["allocated"]),
        (&json!(9), &json!(0))
    );
}

#[test]
fn a_transfer_goes_from_one_partition_to_another() {
    let shop = Shop::with(crate::shop::Setup {
        partitions: 2,
        ..Default::default()
    });
    let client = Client::of(&shop);
    let to = shop.elsewhere("store");
    shop.receive("store", "milk", 10);
    let sent = call!(
        shop,
        client.transfers.send_transfer(SendTransferRequest {
            idempotency_key: "a".into(),
            from: "store".into(),
            to: to.clone(),
            lines: vec![TransferLine {
                sku: "milk".into(),
                quantity: 4
            }],
            reference: Some("van".into()),
        })
    )
    .unwrap();
    assert_eq!((sent.state(), &sent.to), (TransferState::InTransit, &to));
    let id = sent.id.clone();
    assert_eq!(shop.level(&to, "milk")["in_transit"], 4);
    let receive = || ReceiveTransferRequest {
        idempotency_key: "b".into(),
        id: id.clone(),
    };
    let received = call!(shop, client.transfers.receive_transfer(receive())).unwrap();
    assert_eq!(received.state(), TransferState::Received);
    assert!(!received.idempotent_replayed);
    let again = call!(shop, client.transfers.receive_transfer(receive())).unwrap();
    assert!(again.idempotent_replayed);
    assert_eq!(shop.level(&to, "milk")["on_hand"], 4);
}
