//! `POST /v1/facts`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::facts::{FactAnswer, FactRequest};

/// Values that others know: promotions, weather, categories.
#[utoipa::path(
    post,
    path = "/v1/facts",
    operation_id = "push_facts",
    tag = "facts",
    params(IdempotencyKey, Caller),
    request_body = FactRequest,
    responses(
        (
            status = 201,
            description = "Recorded, and durable.",
            body = FactAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<FactRequest> {
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
