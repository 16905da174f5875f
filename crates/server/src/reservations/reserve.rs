//! `POST /v1/reservations`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::reservations::{ReservationAnswer, ReservationRequest};

/// Reserves units of every line, or of none.
#[utoipa::path(
    post,
    path = "/v1/reservations",
    operation_id = "reserve",
    tag = "reservations",
    params(IdempotencyKey, Caller),
    request_body = ReservationRequest,
    responses(
        (
            status = 201,
            description = "Reserved, and durable.",
            body = ReservationAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<ReservationRequest> {
        origin,
        key,
        request,
        room: _room,
    } = body::write(&app, request).await?;
    let partition = app.engine.partition_of(&request.location.0);
    write(
        &app,
        origin,
        partition,
        &key,
        request.into(),
        &Fields::USUAL,
    )
    .await
}
