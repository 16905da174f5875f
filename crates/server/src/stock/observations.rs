//! `POST /v1/stock/observations`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::observations::{ObservationAnswer, ObservationRequest};

/// Somebody looked: the item was on the shelf, or it was not.
#[utoipa::path(
    post,
    path = "/v1/stock/observations",
    operation_id = "observe",
    tag = "stock",
    params(IdempotencyKey, Caller),
    request_body = ObservationRequest,
    responses(
        (
            status = 201,
            description = "Recorded, and durable.",
            body = ObservationAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<ObservationRequest> {
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
        &Fields::OF_A_LOOK,
    )
    .await
}
