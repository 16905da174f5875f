//! `POST /v1/stock/adjustments`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::adjustments::{AdjustmentAnswer, AdjustmentRequest};

/// On hand or unavailable changed, with a reason.
#[utoipa::path(
    post,
    path = "/v1/stock/adjustments",
    operation_id = "adjust",
    tag = "stock",
    params(IdempotencyKey, Caller),
    request_body = AdjustmentRequest,
    responses(
        (
            status = 201,
            description = "Recorded, and durable.",
            body = AdjustmentAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<AdjustmentRequest> {
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
