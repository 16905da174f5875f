//! `POST /v1/stock/counts`.

use crate::app::Shared;
use crate::body;
use crate::key::idempotency_key;
use crate::openapi::IdempotencyKey;
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::counts::{CountAnswer, CountRequest};

/// Stock was counted, as of a time.
#[utoipa::path(
    post,
    path = "/v1/stock/counts",
    operation_id = "count",
    tag = "stock",
    params(IdempotencyKey),
    request_body = CountRequest,
    responses((status = 201, description = "Recorded, and durable.", body = CountAnswer), WriteProblems)
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let (headers, body) = body::split(request);
    let key = idempotency_key(&headers)?;
    let request: CountRequest = body::json(&headers, body, &app.options).await?;
    let partition = app.engine.partition_of(&request.location.0);
    let fields = Fields {
        units: "on_hand",
        time: "/as_of",
        ..Fields::USUAL
    };
    write(&app, partition, key, request.into(), &fields).await
}
