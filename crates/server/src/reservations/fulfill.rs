//! `POST /v1/reservations/{id}/fulfill`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::params;
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::problem::unreadable::unfit;
use crate::write::write;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use onhand_wire::json::fulfill::{FulfillAnswer, FulfillRequest};
use onhand_wire::json::id::ReservationId;

/// The pick: what was picked, what was not found, and what was picked instead.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/fulfill",
    operation_id = "fulfill",
    tag = "reservations",
    params(IdempotencyKey, Caller, ("id" = ReservationId, Path, description = "The reservation's identifier.")),
    request_body = FulfillRequest,
    responses(
        (
            status = 200,
            description = "Done, and durable.",
            body = FulfillAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Denied> {
    let body::Write::<FulfillRequest> {
        origin,
        key,
        request,
        room: _room,
    } = body::write(&app, request).await?;
    let id = params::reservation(id, &app.engine)?;
    let command = request.command(id.no).map_err(unfit)?;
    write(
        &app,
        origin,
        id.partition,
        &key,
        command,
        &Fields::OF_A_PICK,
    )
    .await
}
