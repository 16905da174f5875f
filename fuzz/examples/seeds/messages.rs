//! The same requests as messages of gRPC.

use crate::{put, with_first};
use onhand_wire::proto;
use prost::Message;
use prost_types::Timestamp;

pub(crate) fn all() -> std::io::Result<()> {
    message("empty", '-', &())?;
    reservations()?;
    stock()
}

fn message(name: &str, kind: char, message: &impl Message) -> std::io::Result<()> {
    put(
        "messages",
        name,
        &with_first(kind as u8, &message.encode_to_vec()),
    )
}

fn location() -> String {
    "shop".to_owned()
}

fn sku() -> String {
    "milk".to_owned()
}

fn noon() -> Option<Timestamp> {
    Some(Timestamp {
        seconds: 1_700_000_000,
        nanos: 0,
    })
}

fn hold(location: &str) -> proto::ReserveRequest {
    proto::ReserveRequest {
        idempotency_key: "cart-1".into(),
        location: location.into(),
        lines: vec![proto::ReserveLine {
            sku: sku(),
            quantity: 2,
        }],
        ttl_seconds: 900,
        allow_partial: true,
        reference: Some("cart-5521".into()),
    }
}

fn reservations() -> std::io::Result<()> {
    message("hold", 'h', &hold("shop"))?;
    let long = "zurückgelegte Waren im Kühlhaus, nördlicher Flügel, größeres Regal, unterste Ebene";
    message("hold-long", 'h', &hold(long))?;
    message(
        "batch",
        'b',
        &proto::ReserveBatchRequest {
            reservations: vec![hold("shop"), hold("shop")],
        },
    )?;
    message(
        "pick",
        'f',
        &proto::FulfillRequest {
            lines: vec![proto::PickLine {
                sku: sku(),
                picked: 1,
                not_found: 2,
                substitutions: vec![proto::SubstitutionLine {
                    sku: "bread".into(),
                    quantity: 1,
                }],
            }],
            occurred_at: noon(),
            ..Default::default()
        },
    )?;
    Ok(())
}

fn stock() -> std::io::Result<()> {
    message(
        "receipt",
        'r',
        &proto::ReceiveGoodsRequest {
            location: location(),
            lines: vec![proto::ReceivedLine {
                sku: sku(),
                quantity: 12,
                lot: Some("lot-8".into()),
                expires_on: Some("2026-03-14".into()),
            }],
            occurred_at: noon(),
            ..Default::default()
        },
    )?;
    message(
        "count",
        'c',
        &proto::CountRequest {
            location: location(),
            as_of: noon(),
            source: "night-count".into(),
            lines: vec![proto::CountLine {
                sku: sku(),
                on_hand: 240,
            }],
            ..Default::default()
        },
    )?;
    let value = |kind| proto::Fact {
        sku: Some(sku()),
        name: "discount".into(),
        at: noon(),
        value: Some(proto::FactValue { kind: Some(kind) }),
    };
    let facts = proto::PushFactsRequest {
        location: location(),
        source: "office".into(),
        values: vec![
            value(proto::fact_value::Kind::Number(0.25)),
            value(proto::fact_value::Kind::Text("dairy".into())),
        ],
        ..Default::default()
    };
    message("facts", 'k', &facts)?;
    message(
        "transfer",
        't',
        &proto::SendTransferRequest {
            from: location(),
            to: "depot".into(),
            lines: vec![proto::TransferLine {
                sku: sku(),
                quantity: 5,
            }],
            ..Default::default()
        },
    )?;
    message(
        "levels",
        'v',
        &proto::AvailabilityRequest {
            location: Some(location()),
            skus: vec![sku()],
            ..Default::default()
        },
    )?;
    Ok(())
}
