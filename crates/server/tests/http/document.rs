//! The OpenAPI document: it is whole, it agrees with the routes, and its examples are true.

use crate::shop::Shop;
use onhand_wire::json::adjustments::{AdjustmentAnswer, AdjustmentRequest};
use onhand_wire::json::availability::{AvailabilityAnswer, AvailabilityRequest};
use onhand_wire::json::batch::{BatchAnswer, BatchRequest};
use onhand_wire::json::counts::{CountAnswer, CountRequest};
use onhand_wire::json::explain::ExplainAnswer;
use onhand_wire::json::facts::{FactAnswer, FactRequest};
use onhand_wire::json::features::FeaturesRequest;
use onhand_wire::json::frame::FrameRequest;
use onhand_wire::json::fulfill::{FulfillAnswer, FulfillRequest};
use onhand_wire::json::ledger::LedgerAnswer;
use onhand_wire::json::levels::LevelView;
use onhand_wire::json::object::FromJson;
use onhand_wire::json::observations::{ObservationAnswer, ObservationRequest};
use onhand_wire::json::policies::{PolicyAnswer, PolicyRequest};
use onhand_wire::json::predictions::{PredictionItem, PredictionRequest};
use onhand_wire::json::problem::Problem;
use onhand_wire::json::receipts::{ReceiptAnswer, ReceiptRequest};
use onhand_wire::json::reservations::{
    ConfirmAnswer, Empty, ExtendAnswer, ExtendRequest, ReleaseAnswer, ReservationAnswer,
    ReservationRequest, ReservationView,
};
use onhand_wire::json::sales::{SaleAnswer, SaleRequest};
use onhand_wire::json::transfers::{ArrivalAnswer, TransferAnswer, TransferRequest, TransferView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::openapi::OpenApi;

fn document(shop: &Shop) -> Value {
    shop.get("/openapi.json").expect(200)
}

/// What the contract asks for, and what we added.
const CALLS: [(&str, &str); 28] = [
    ("post", "/v1/stock/receipts"),
    ("post", "/v1/stock/adjustments"),
    ("post", "/v1/stock/counts"),
    ("post", "/v1/stock/sales"),
    ("post", "/v1/stock/observations"),
    ("post", "/v1/stock/policies"),
    ("post", "/v1/stock/transfers"),
    ("get", "/v1/stock/transfers/{id}"),
    ("post", "/v1/stock/transfers/{id}/receive"),
    ("get", "/v1/stock/{location}/{sku}"),
    ("get", "/v1/stock/{location}/{sku}/explain"),
    ("post", "/v1/availability"),
    ("post", "/v1/reservations"),
    ("post", "/v1/reservations/batch"),
    ("get", "/v1/reservations/{id}"),
    ("post", "/v1/reservations/{id}/confirm"),
    ("post", "/v1/reservations/{id}/extend"),
    ("post", "/v1/reservations/{id}/release"),
    ("post", "/v1/reservations/{id}/fulfill"),
    ("post", "/v1/facts"),
    ("post", "/v1/features"),
    ("post", "/v1/features/frame"),
    ("post", "/v1/predictions/availability"),
    ("get", "/v1/ledger"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/openapi.json"),
];

#[test]
fn lists_exactly_the_calls_that_are_served() {
    let shop = Shop::open();
    let document = document(&shop);
    let mut listed = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        listed.extend(methods.map(|method| (method.clone(), path.clone())));
    }
    let expected: BTreeSet<_> = CALLS
        .iter()
        .map(|(method, path)| ((*method).into(), (*path).into()))
        .collect();
    assert_eq!(listed, expected);
    for (method, path) in CALLS {
        let path = path
            .replace("{id}", "x")
            .replace("{location}", "x")
            .replace("{sku}", "x");
        let reply = match method {
            "get" => shop.get(&path),
            _ => shop.post(&path, &json!({})),
        };
        let is_elsewhere =
            reply.text().contains("unknown-route") || reply.text().contains("method-not-allowed");
        assert!(
            !is_elsewhere,
            "{method} {path} is listed and not served: {}",
            reply.text()
        );
        let other = match method {
            "get" => shop.post(&path, &json!({})),
            _ => shop.get(&path),
        };
        let is_listed_too = CALLS.iter().any(|(one, listed)| {
            *one != method
                && listed.split('/').count() == path.split('/').count()
                && other.status != 405
                && {
                    let fits = |(part, of): (&str, &str)| part == of || part.starts_with('{');
                    listed.split('/').zip(path.split('/')).all(fits)
                }
        });
        assert!(
            other.status == 405 || is_listed_too,
            "the other method of {path} is served and not listed"
        );
    }
}

#[test]
fn is_a_document() {
    let shop = Shop::open();
    let text = shop.get("/openapi.json").text();
    let parsed: OpenApi = serde_json::from_str(&text).unwrap();
    assert_eq!(
        parsed.paths.paths.len(),
        CALLS
            .iter()
            .map(|(_, path)| path)
            .collect::<BTreeSet<_>>()
            .len()
    );
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let ids = CALLS
        .iter()
        .map(|(method, path)| document["paths"][path][method]["operationId"].to_string());
    assert_eq!(
        ids.collect::<BTreeSet<_>>().len(),
        CALLS.len(),
        "every call has an operation id of its own"
    );
}

#[test]
fn has_everything_that_it_refers_to() {
    let shop = Shop::open();
    let document = document(&shop);
    let mut refs = BTreeSet::new();
    collect_refs(&document, &mut refs);
    assert!(refs.len() > 20, "{refs:?}");
    for reference in refs {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

fn collect_refs(value: &Value, refs: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(reference) if name == "$ref" => drop(refs.insert(reference.into())),
                    _ => collect_refs(field, refs),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_refs(item, refs)),
        _ => {}
    }
}

#[test]
fn says_what_every_field_and_call_is() {
    let shop = Shop::open();
    let document = document(&shop);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(
            schema["description"].is_string() || schema["oneOf"].is_array(),
            "{name} has no description"
        );
        let fields = schema["properties"].as_object();
        for (field, schema) in fields.into_iter().flatten() {
            let described = [&schema["description"], &schema["oneOf"][0]["description"]];
            assert!(
                described.iter().any(|text| text.is_string()),
                "{name}.{field} has no description: {schema}"
            );
        }
    }
    for (method, path) in CALLS {
        let call = &document["paths"][path][method];
        assert!(
            call["summary"].is_string(),
            "{method} {path} has no summary"
        );
        assert!(call["tags"].is_array(), "{method} {path} has no tag");
        let keyless = [
            "/v1/availability",
            "/v1/features",
            "/v1/features/frame",
            "/v1/predictions/availability",
            "/v1/reservations/batch",
        ];
        if method == "post" && !keyless.contains(&path) {
            let text = call["parameters"].to_string();
            assert!(
                text.contains("Idempotency-Key"),
                "{method} {path} does not tell of its key"
            );
        }
    }
}

/// The examples of a schema; there must be some.
fn examples(document: &Value, name: &str) -> Vec<Value> {
    let schema = &document["components"]["schemas"][name];
    let mut examples: Vec<Value> = schema["examples"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    examples.extend(schema.get("example").cloned());
    assert!(!examples.is_empty(), "{name} has no example: {schema}");
    examples
}

fn asks<T: for<'de> FromJson<'de>>(document: &Value, name: &str) {
    for example in examples(document, name) {
        onhand_wire::json::read::read::<T>(example.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("the example of {name} is refused: {error:?}"));
    }
}

fn tells<T: DeserializeOwned + Serialize>(document: &Value, name: &str) {
    for example in examples(document, name) {
        let read: T = serde_json::from_value(example.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), example, "{name}");
    }
}

#[test]
fn its_examples_are_requests_and_answers() {
    let shop = Shop::open();
    let document = document(&shop);
    asks::<ReceiptRequest>(&document, "ReceiptRequest");
    asks::<AdjustmentRequest>(&document, "AdjustmentRequest");
    asks::<CountRequest>(&document, "CountRequest");
    asks::<SaleRequest>(&document, "SaleRequest");
    asks::<ObservationRequest>(&document, "ObservationRequest");
    asks::<FactRequest>(&document, "FactRequest");
    asks::<FeaturesRequest>(&document, "FeaturesRequest");
    asks::<FrameRequest>(&document, "FrameRequest");
    asks::<PredictionRequest>(&document, "PredictionRequest");
    asks::<PolicyRequest>(&document, "PolicyRequest");
    asks::<TransferRequest>(&document, "TransferRequest");
    asks::<AvailabilityRequest>(&document, "AvailabilityRequest");
    asks::<ReservationRequest>(&document, "ReservationRequest");
    asks::<BatchRequest>(&document, "BatchRequest");
    asks::<ExtendRequest>(&document, "ExtendRequest");
    asks::<FulfillRequest>(&document, "FulfillRequest");
    asks::<Empty>(&document, "Empty");
    tells::<ReceiptAnswer<'static>>(&document, "ReceiptAnswer");
    tells::<AdjustmentAnswer<'static>>(&document, "AdjustmentAnswer");
    tells::<CountAnswer<'static>>(&document, "CountAnswer");
    tells::<SaleAnswer<'static>>(&document, "SaleAnswer");
    tells::<ObservationAnswer<'static>>(&document, "ObservationAnswer");
    tells::<FactAnswer<'static>>(&document, "FactAnswer");
    tells::<PolicyAnswer<'static>>(&document, "PolicyAnswer");
    tells::<TransferAnswer<'static>>(&document, "TransferAnswer");
    tells::<ArrivalAnswer<'static>>(&document, "ArrivalAnswer");
    tells::<TransferView<'static>>(&document, "TransferView");
    tells::<LevelView<'static>>(&document, "LevelView");
    tells::<ExplainAnswer<'static>>(&document, "ExplainAnswer");
    tells::<AvailabilityAnswer<'static>>(&document, "AvailabilityAnswer");
    tells::<ReservationAnswer<'static>>(&document, "ReservationAnswer");
    tells::<ReservationView<'static>>(&document, "ReservationView");
    tells::<BatchAnswer<'static>>(&document, "BatchAnswer");
    tells::<ConfirmAnswer<'static>>(&document, "ConfirmAnswer");
    tells::<ExtendAnswer>(&document, "ExtendAnswer");
    tells::<ReleaseAnswer<'static>>(&document, "ReleaseAnswer");
    tells::<FulfillAnswer<'static>>(&document, "FulfillAnswer");
    tells::<LedgerAnswer<'static>>(&document, "LedgerAnswer");
    tells::<PredictionItem<'static>>(&document, "PredictionItem");
    tells::<Problem>(&document, "Problem");
}

/// The example of a call's request, if it takes one.
fn request_example(document: &Value, path: &str) -> Option<Value> {
    let schema =
        &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
    let reference = schema["$ref"]
        .as_str()
        .or(schema["oneOf"][0]["$ref"].as_str())?;
    examples(document, reference.rsplit('/').next()?)
        .into_iter()
        .next()
}

/// The pointers of all objects in a value.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.into());
            fields
                .iter()
                .for_each(|(name, field)| objects(field, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(no, item)| objects(item, &format!("{at}/{no}"), found));
        }
        _ => {}
    }
}

#[test]
fn no_call_takes_a_field_that_it_does_not_know() {
    let shop = Shop::open();
    let document = document(&shop);
    let mut tried = 0;
    for (_, path) in CALLS.iter().filter(|(method, _)| *method == "post") {
        let example =
            request_example(&document, path).unwrap_or_else(|| panic!("{path} has no example"));
        let address = path.replace("{id}", "r0-0");
        let mut places = Vec::new();
        objects(&example, "", &mut places);
        for place in places {
            let mut body = example.clone();
            body.pointer_mut(&place).unwrap()["nonsense"] = json!(1);
            let problem = shop
                .unchanged(|shop| shop.post(&address, &body))
                .problem(422, "invalid-request");
            assert_eq!(
                problem["errors"][0]["pointer"],
                format!("{place}/nonsense"),
                "{path}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 25, "{tried}");
}
