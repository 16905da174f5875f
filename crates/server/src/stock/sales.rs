//! `POST /v1/stock/sales`.

use crate::app::Shared;
use crate::body;
use crate::openapi::{Caller, IdempotencyKey};
use crate::problem::Denied;
use crate::problem::described::WriteProblems;
use crate::problem::refused::Fields;
use crate::write::write;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_wire::json::sales::{SaleAnswer, SaleRequest};

/// Goods left through the till, without a reservation.
#[utoipa::path(
    post,
    path = "/v1/stock/sales",
    operation_id = "sell",
    tag = "stock",
    params(IdempotencyKey, Caller),
    request_body = SaleRequest,
    responses(
        (
            status = 201,
            description = "Recorded, and durable.",
            body = SaleAnswer,
            headers(("Idempotent-Replayed" = bool, description = "On a repeat: true."))
        ),
        WriteProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Write::<SaleRequest> {
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
        &Fields::OF_A_SALE,
    )
    .await
}
