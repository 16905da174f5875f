//! `/v1/stock/transfers`.
//!
//! A transfer is known at its source first and at its destination a moment later (see `onhand_core::transfer`). These
//! calls hide the moment: a transfer is delivered before its sending is answered, and where that did not work a read or
//! a receipt looks into the source's outbox.

use crate::app::{App, Shared};
use crate::body;
use crate::json;
use crate::names::TableNames;
use crate::openapi::{Caller, IdempotencyKey};
use crate::params;
use crate::problem::Denied;
use crate::problem::described::{ReadProblems, WriteProblems};
use crate::problem::refused::{Fields, unknown_transfer};
use crate::problem::unavailable::unavailable;
use crate::write::{Recorded, record, respond};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use onhand_core::transfer::arrive::Arrive;
use onhand_core::transfer::dispatch::Dispatched;
use onhand_core::transfer::{Outgoing, TransferLine};
use onhand_core::{Command, Event, LocationId, Sku};
use onhand_engine::{Origin, Query, What};
use onhand_wire::json::Names;
use onhand_wire::json::id::TransferName;
use onhand_wire::json::levels::Consistency;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::reservations::Empty;
use onhand_wire::json::time::Time;
use onhand_wire::json::transfers::{
    ArrivalAnswer, TransferAnswer, TransferLineAnswer, TransferRequest, TransferState, TransferView,
};
use std::time::Duration;
use tokio::time::timeout;

/// How long the answer to a sending waits for its delivery.
const DELIVERY: Duration = Duration::from_secs(1);

/// Sends units to another location.
#[utoipa::path(
    post,
    path = "/v1/stock/transfers",
    operation_id = "send_transfer",
    tag = "stock",
    params(IdempotencyKey, Caller),
    request_body = TransferRequest,
    responses(
        (
            status = 201,
            description = "Sent, and durable.",
            body = TransferAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<TransferRequest> {
        origin,
        key,
        request,
        room: _room,
    } = body::write(&app, request).await?;
    let partition = app.engine.partition_of(&request.from.0);
    let recorded = send(&app, origin, partition, key.text(), request.into()).await?;
    respond(&app, partition, &recorded)
}

/// Has a transfer sent, and delivers it.
pub(crate) async fn send(
    app: &Shared,
    origin: Origin,
    partition: u16,
    key: &str,
    command: Command,
) -> Result<Recorded, Denied> {
    let recorded = record(app, origin, partition, key, command, &Fields::OF_A_TRANSFER).await?;
    if let (Event::Dispatched(event), false) = (&recorded.entry.event, recorded.is_repeat) {
        let outgoing = outgoing(event, &TableNames::of(&app.engine, partition));
        let patience = app.patience(origin).0.min(DELIVERY);
        let delivery = app.engine.deliver_from(origin, event.transfer, outgoing);
        // It is sent, and durable. What fails here, or takes long, is done by the engine's courier.
        match timeout(patience, delivery).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a transfer is delivered later"),
            Err(_) => tracing::debug!("a transfer is delivered later: its destination is slow"),
        }
    }
    Ok(recorded)
}

fn outgoing(event: &Dispatched, names: &TableNames<'_>) -> Outgoing {
    let lines = event.lines.iter().map(|line| TransferLine {
        sku: Sku::new(names.of_level(line.level).1).expect("the table holds only valid names"),
        units: line.units,
    });
    Outgoing {
        settled: event.settled,
        from: LocationId::new(names.of_location(event.from))
            .expect("the table holds only valid names"),
        to: event.to.clone(),
        lines: lines.collect(),
    }
}

/// Receives a transfer at its destination, all of it. What is missing is adjusted afterwards, with a reason.
#[utoipa::path(
    post,
    path = "/v1/stock/transfers/{id}/receive",
    operation_id = "receive_transfer",
    tag = "stock",
    params(IdempotencyKey, Caller, ("id" = TransferName, Path, description = "The transfer's identifier.")),
    request_body(content = Option<Empty>, description = "Nothing, or `{}`."),
    responses(
        (
            status = 200,
            description = "Received, and durable.",
            body = ArrivalAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn receive(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Denied> {
    let body::Write::<Empty> { origin, key, .. } = body::write_or_default(&app, request).await?;
    let name = params::transfer(id, &app.engine)?;
    let recorded = arrive(&app, origin, name, key.text()).await?;
    respond(&app, name.destination, &recorded)
}

/// Has a transfer received at its destination.
pub(crate) async fn arrive(
    app: &Shared,
    origin: Origin,
    name: TransferName,
    key: &str,
) -> Result<Recorded, Denied> {
    let command = || Command::Arrive(Arrive { transfer: name.id });
    let receive = || {
        record(
            app,
            origin,
            name.destination,
            key,
            command(),
            &Fields::USUAL,
        )
    };
    match receive().await {
        Err(denied) if denied.kind == Kind::UnknownTransfer => {
            deliver(app, origin, name).await?;
            receive().await
        }
        other => other,
    }
}

/// Delivers a transfer that still waits in its source's outbox.
async fn deliver(app: &App, origin: Origin, name: TransferName) -> Result<(), Denied> {
    let outgoing = waiting(app, origin, name).await?;
    let (patience, told) = app.patience(origin);
    let delivery = app.engine.deliver_from(origin, name.id, outgoing);
    let delivered = timeout(patience, delivery).await.map_err(|_| told)?;
    delivered.map_err(|why| unavailable(&why))
}

/// A transfer that its destination does not know of yet.
async fn waiting(app: &App, origin: Origin, name: TransferName) -> Result<Outgoing, Denied> {
    let query = Query::Outgoing(name.id.no);
    let found = app.find(origin, name.id.source, query).await?;
    let What::Outgoing(outgoing) = found.what else {
        return Err(Denied::internal(&"a transfer was asked for"));
    };
    let outgoing = outgoing.map(|outgoing| *outgoing);
    let is_for = |outgoing: &Outgoing| app.engine.partition_of(&outgoing.to) == name.destination;
    outgoing.filter(is_for).ok_or_else(unknown_transfer)
}

/// A transfer, as it stands.
#[utoipa::path(
    get,
    path = "/v1/stock/transfers/{id}",
    operation_id = "get_transfer",
    tag = "stock",
    params(Caller, ("id" = TransferName, Path, description = "The transfer's identifier.")),
    responses((status = 200, description = "The transfer.", body = TransferView), ReadProblems)
)]
pub(crate) async fn get(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Denied> {
    let name = params::transfer(id, &app.engine)?;
    let origin = app.origin(&headers)?;
    look(&app, origin, name, |view| json::ok(view)).await
}

/// Looks a transfer up, and shows it.
pub(crate) async fn look<T>(
    app: &App,
    origin: Origin,
    name: TransferName,
    show: impl FnOnce(&TransferView<'_>) -> T,
) -> Result<T, Denied> {
    let found = app
        .find(origin, name.destination, Query::Transfer(name.id))
        .await?;
    let sequence = found.seq.0;
    match found.what {
        What::Transfer(Some(view)) => {
            let lines = view
                .incoming
                .lines
                .iter()
                .zip(&view.skus)
                .map(|(line, sku)| (sku, line.units));
            let received_at = view.incoming.arrived_at.map(Time);
            let from = (&view.incoming.from, &view.to);
            Ok(show(&transfer(name, from, lines, received_at, sequence)))
        }
        _ => {
            let outgoing = waiting(app, origin, name).await?;
            let lines = outgoing.lines.iter().map(|line| (&line.sku, line.units));
            let from = (&outgoing.from, &outgoing.to);
            Ok(show(&transfer(name, from, lines, None, sequence)))
        }
    }
}

fn transfer<'a>(
    id: TransferName,
    (from, to): (&'a LocationId, &'a LocationId),
    lines: impl Iterator<Item = (&'a Sku, u32)>,
    received_at: Option<Time>,
    sequence: u64,
) -> TransferView<'a> {
    let line = |(sku, quantity): (&'a Sku, u32)| TransferLineAnswer {
        sku: sku.as_str().into(),
        quantity,
    };
    TransferView {
        id,
        state: received_at.map_or(TransferState::InTransit, |_| TransferState::Received),
        from: from.as_str().into(),
        to: to.as_str().into(),
        lines: lines.map(line).collect(),
        received_at,
        consistency: Consistency::Strong,
        sequence,
        age_ms: 0,
    }
}
