//! `POST /v1/stock/policies`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::problem::unreadable::unfit;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::policies::{PolicyAnswer, PolicyRequest};

/// Sets the rules of levels: safety stock, overselling, what a not-found does.
#[utoipa::path(
    post,
    path = "/v1/stock/policies",
    operation_id = "set_policy",
    tag = "stock",
    params(IdempotencyKey, Caller),
    request_body = PolicyRequest,
    responses(
        (
            status = 201,
            description = "Recorded, and durable.",
            body = PolicyAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<PolicyRequest> {
        origin,
        key,
        request,
        room: _room,
    } = body::write(&app, request).await?;
    let partition = app.engine.partition_of(&request.location.0);
    let command = request.command().map_err(unfit)?;
    write(&app, origin, partition, &key, command, &Fields::USUAL).await
}
