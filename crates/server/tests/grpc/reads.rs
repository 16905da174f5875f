//! Every read, beside the same read over HTTP.

use crate::client::{Client, at, call, reserve};
use crate::shop::{START, Setup, Shop};
use onhand_wire::proto::{
    AvailabilityRequest, Consistency, ExplainLevelRequest, GetLevelRequest, GetReservationRequest,
    GetTransferRequest, LevelName, ReadLedgerRequest, ReservationState, SendTransferRequest,
    TransferLine, TransferState,
};
use serde_json::{Value, json};
use std::time::Duration;

fn asked(consistency: Consistency) -> GetLevelRequest {
    GetLevelRequest {
        location: "store".into(),
        sku: "milk".into(),
        consistency: consistency.into(),
        at: None,
    }
}

#[test]
fn a_level_strongly_boundedly_and_as_it_was() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    shop.advance(Duration::from_secs(10));
    shop.reserve("store", "milk", 3, 60);
    let json = shop.level("store", "milk");
    let strong = call!(
        shop,
        client.stock.get_level(asked(Consistency::Unspecified))
    )
    .unwrap();
    assert_eq!(strong.consistency(), Consistency::Strong);
    assert_eq!(
        json!([
            strong.on_hand,
            strong.reserved,
            strong.available,
            strong.sequence
        ]),
        json!([
            json["on_hand"],
            json["reserved"],
            json["available"],
            json["sequence"]
        ])
    );
    assert_eq!(strong.available, 7);
    let bounded = call!(shop, client.stock.get_level(asked(Consistency::Bounded))).unwrap();
    assert_eq!(bounded.consistency(), Consistency::Bounded);
    assert_eq!((bounded.available, bounded.at), (7, None));
    let then = GetLevelRequest {
        at: at(START + 5_000),
        ..asked(Consistency::Unspecified)
    };
    let then = call!(shop, client.stock.get_level(then)).unwrap();
    assert_eq!((then.available, then.at), (10, at(START + 5_000)));
}

#[test]
fn availability_in_both_forms() {
    let shop = Shop::with(Setup {
        partitions: 2,
        ..Setup::default()
    });
    let client = Client::of(&shop);
    let other = shop.elsewhere("store");
    shop.receive("store", "milk", 10);
    shop.receive(&other, "milk", 4);
    let at_one = AvailabilityRequest {
        location: Some("store".into()),
        skus: vec!["milk".into(), "caviar".into()],
        ..AvailabilityRequest::default()
    };
    let found = call!(shop, client.stock.availability(at_one)).unwrap();
    assert_eq!(found.consistency(), Consistency::Bounded);
    let told: Vec<(i64, bool)> = found.items.iter().map(|i| (i.available, i.known)).collect();
    assert_eq!(told, [(10, true), (0, false)]);
    let name = |location: &str| LevelName {
        location: location.into(),
        sku: "milk".into(),
    };
    let anywhere = AvailabilityRequest {
        consistency: Consistency::Strong.into(),
        items: vec![name(&other), name("store")],
        ..AvailabilityRequest::default()
    };
    let found = call!(shop, client.stock.availability(anywhere)).unwrap();
    let told: Vec<(&str, i64)> = found
        .items
        .iter()
        .map(|i| (i.location.as_str(), i.on_hand))
        .collect();
    assert_eq!(told, [(other.as_str(), 4), ("store", 10)]);
    assert_eq!(found.positions.len(), 2);
}

#[test]
fn a_reservation_as_it_stands() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    let made = call!(
        shop,
        client
            .reservations
            .reserve(reserve("a", "store", "milk", 3))
    )
    .unwrap();
    let look = || GetReservationRequest {
        id: made.id.clone(),
    };
    let held = call!(shop, client.reservations.get_reservation(look())).unwrap();
    assert_eq!(held.state(), ReservationState::Held);
    assert_eq!(
        (held.made_at, held.expires_at),
        (at(START), at(START + 60_000))
    );
    assert_eq!((held.ended_at, held.lines[0].outstanding), (None, 3));
    shop.advance(Duration::from_secs(60));
    let expired = call!(shop, client.reservations.get_reservation(look())).unwrap();
    assert_eq!(expired.state(), ReservationState::Expired);
    assert_eq!(
        (expired.expires_at, expired.ended_at),
        (None, at(START + 60_000))
    );
}

#[test]
fn a_transfer_as_it_stands() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    let sent = call!(
        shop,
        client.transfers.send_transfer(SendTransferRequest {
            idempotency_key: "a".into(),
            from: "store".into(),
            to: "annex".into(),
            lines: vec![TransferLine {
                sku: "milk".into(),
                quantity: 4
            }],
            reference: None,
        })
    )
    .unwrap();
    let look = GetTransferRequest { id: sent.id };
    let found = call!(shop, client.transfers.get_transfer(look)).unwrap();
    assert_eq!(found.state(), TransferState::InTransit);
    assert_eq!((found.from.as_str(), found.to.as_str()), ("store", "annex"));
    assert_eq!((found.lines, found.received_at), (sent.lines, None));
}

#[test]
fn the_ledger_page_by_page_and_explained() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10);
    shop.reserve("store", "milk", 3, 60);
    shop.receive("store", "bread", 1);
    let page = |cursor| ReadLedgerRequest {
        sku: Some("milk".into()),
        limit: Some(1),
        cursor,
        ..ReadLedgerRequest::default()
    };
    let first = call!(shop, client.ledger.read_ledger(page(None))).unwrap();
    let second = call!(shop, client.ledger.read_ledger(page(first.cursor.clone()))).unwrap();
    let both = [&first.entries[0], &second.entries[0]];
    assert_eq!(both.map(|entry| entry.event.as_str()), ["received", "held"]);
    assert_eq!(both[1].changes[0].available, -3);
    let json = shop.get("/v1/ledger?sku=milk&limit=2").expect(200);
    assert_eq!(json["entries"][1]["sequence"], both[1].sequence);
    assert_eq!(
        json["entries"][1]["reservation"],
        json!(both[1].reservation)
    );

    let why = ExplainLevelRequest {
        location: "store".into(),
        sku: "milk".into(),
        limit: None,
    };
    let told = call!(shop, client.ledger.explain_level(why)).unwrap();
    let json = shop.get("/v1/stock/store/milk/explain").expect(200);
    assert_eq!(json["formula"], told.formula);
    let summaries: Vec<&Value> = json["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["summary"])
        .collect();
    let told: Vec<Value> = told.entries.iter().map(|e| json!(e.summary)).collect();
    assert_eq!(summaries, told.iter().collect::<Vec<_>>());
}
