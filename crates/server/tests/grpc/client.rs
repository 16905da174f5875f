//! A client of every service, and what it is told.

use crate::shop::Shop;
use onhand_wire::proto::facts_client::FactsClient;
use onhand_wire::proto::ledger_client::LedgerClient;
use onhand_wire::proto::predictions_client::PredictionsClient;
use onhand_wire::proto::reservations_client::ReservationsClient;
use onhand_wire::proto::stock_client::StockClient;
use onhand_wire::proto::transfers_client::TransfersClient;
use onhand_wire::proto::{Problem, ReserveLine, ReserveRequest};
use prost::Message;
use prost_types::Timestamp;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Clients of all services on one connection.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) stock: StockClient<Channel>,
    pub(crate) transfers: TransfersClient<Channel>,
    pub(crate) reservations: ReservationsClient<Channel>,
    pub(crate) facts: FactsClient<Channel>,
    pub(crate) ledger: LedgerClient<Channel>,
    pub(crate) predictions: PredictionsClient<Channel>,
}

impl Client {
    pub(crate) fn of(shop: &Shop) -> Self {
        let channel = shop.channel();
        Self {
            stock: StockClient::new(channel.clone()),
            transfers: TransfersClient::new(channel.clone()),
            reservations: ReservationsClient::new(channel.clone()),
            facts: FactsClient::new(channel.clone()),
            ledger: LedgerClient::new(channel.clone()),
            predictions: PredictionsClient::new(channel),
        }
    }
}

/// Calls, and waits for the answer.
macro_rules! call {
    ($shop:expr, $client:ident.$service:ident.$method:ident($message:expr)) => {{
        let mut service = $client.$service.clone();
        $shop
            .wait(service.$method($message))
            .map(tonic::Response::into_inner)
    }};
}
pub(crate) use call;

/// Units of one SKU.
pub(crate) fn reserve(key: &str, location: &str, sku: &str, quantity: u32) -> ReserveRequest {
    ReserveRequest {
        idempotency_key: key.into(),
        location: location.into(),
        lines: vec![ReserveLine {
            sku: sku.into(),
            quantity,
        }],
        ttl_seconds: 60,
        ..ReserveRequest::default()
    }
}

/// A time so many milliseconds after the epoch.
pub(crate) fn at(millis: u64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: (millis / 1_000) as i64,
        nanos: (millis % 1_000) as i32 * 1_000_000,
    })
}

/// The problem in a status, which must be of this kind and have this code; the standard details must say the same.
pub(crate) fn problem(status: &Status, code: Code, kind: &str) -> Problem {
    assert_eq!(status.code(), code, "{status:?}");
    let details = tonic_types::pb::Status::decode(status.details()).unwrap();
    assert_eq!(details.code, code as i32);
    let whole = details
        .details
        .iter()
        .find(|any| any.type_url == "type.googleapis.com/onhand.v1.Problem");
    let problem = Problem::decode(&*whole.unwrap().value).unwrap();
    assert_eq!(problem.r#type, format!("urn:onhand:problem:{kind}"));
    assert_eq!(problem.detail, status.message());
    assert!(!problem.title.is_empty() && !problem.detail.is_empty());
    let standard = status.get_error_details();
    let fields: Vec<&str> = standard.bad_request().map_or(Vec::new(), |fields| {
        let fields = fields.field_violations.iter();
        fields.map(|field| field.field.as_str()).collect()
    });
    let pointers: Vec<&str> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
    assert_eq!(fields, pointers);
    let delay = standard.retry_info().and_then(|info| info.retry_delay);
    let seconds = problem.retry_after_seconds.map(u64::from);
    assert_eq!(delay.map(|delay| delay.as_secs()), seconds);
    problem
}

/// The problem of a call that must be refused.
pub(crate) fn refused<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    code: Code,
    kind: &str,
) -> Problem {
    problem(&answer.unwrap_err(), code, kind)
}

/// As [`refused`], and a field must be at fault.
pub(crate) fn unfit<T: std::fmt::Debug>(answer: Result<T, Status>, pointer: &str) -> String {
    let problem = refused(answer, Code::InvalidArgument, "invalid-request");
    assert_eq!(problem.status, 422);
    let error = problem.errors.first().unwrap();
    assert_eq!(error.pointer, pointer, "{problem:?}");
    error.message.clone()
}
