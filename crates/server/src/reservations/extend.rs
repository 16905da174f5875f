//! `POST /v1/reservations/{id}/extend`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::params;
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use onhand_core::Command;
use onhand_core::reservation::extend::Extend;
use onhand_wire::json::id::ReservationId;
use onhand_wire::json::reservations::{ExtendAnswer, ExtendRequest};

/// Gives a held reservation a new time to live, from now.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/extend",
    operation_id = "extend",
    tag = "reservations",
    params(IdempotencyKey, Caller, ("id" = ReservationId, Path, description = "The reservation's identifier.")),
    request_body = ExtendRequest,
    responses(
        (
            status = 200,
            description = "Done, and durable.",
            body = ExtendAnswer,
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
    let body::Write::<ExtendRequest> {
        origin,
        key,
        request,
        room: _room,
    } = body::write(&app, request).await?;
    let id = params::reservation(id, &app.engine)?;
    let command = Command::Extend(Extend {
        reservation: id.no,
        ttl: request.ttl_seconds.0,
    });
    write(&app, origin, id.partition, &key, command, &Fields::USUAL).await
}
