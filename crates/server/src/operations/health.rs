//! `/healthz` and `/readyz`.

use crate::app::Shared;
use crate::json;
use crate::problem::Denied;
use crate::problem::unavailable::unavailable;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

/// How the server is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process runs. Says nothing about whether it can take writes.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz",
    tag = "operations", responses((status = 200, body = Health)))]
pub(crate) async fn live() -> Response {
    json::ok(&Health { status: "ok" })
}

/// Every partition takes writes. Reads may be served even if not.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operations",
    responses(
        (status = 200, body = Health),
        (status = 503, description = "A partition takes no writes; `detail` says why.",
         content_type = "application/problem+json", body = onhand_wire::json::problem::Problem)
    )
)]
pub(crate) async fn ready(State(app): State<Shared>) -> Result<Response, Denied> {
    let outages = (0..app.engine.partitions()).filter_map(|no| Some((no, app.engine.outage(no)?)));
    let outages: Vec<_> = outages.collect();
    let Some((_, first)) = outages.first() else {
        return Ok(json::ok(&Health { status: "ready" }));
    };
    let mut denied = unavailable(first);
    let told = outages
        .iter()
        .map(|(no, why)| format!("partition {no}: {why}"));
    denied.problem.detail = told.collect::<Vec<_>>().join("; ");
    Err(denied)
}
