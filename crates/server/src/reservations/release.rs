//! `POST /v1/reservations/{id}/release`.

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
use onhand_core::reservation::release::Release;
use onhand_wire::json::id::ReservationId;
use onhand_wire::json::reservations::{Empty, ReleaseAnswer};

/// Gives back what is still held or allocated.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/release",
    operation_id = "release",
    tag = "reservations",
    params(IdempotencyKey, Caller, ("id" = ReservationId, Path, description = "The reservation's identifier.")),
    request_body(content = Option<Empty>, description = "Nothing, or `{}`."),
    responses(
        (
            status = 200,
            description = "Done, and durable.",
            body = ReleaseAnswer,
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
    let body::Write::<Empty> { origin, key, .. } = body::write_or_default(&app, request).await?;
    let id = params::reservation(id, &app.engine)?;
    let command = Command::Release(Release { reservation: id.no });
    write(&app, origin, id.partition, &key, command, &Fields::USUAL).await
}
