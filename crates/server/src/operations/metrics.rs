//! `/metrics`.

use crate::app::Shared;
use crate::problem::Denied;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Metrics for Prometheus, in the OpenMetrics text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operations",
    responses((status = 200, content_type = "application/openmetrics-text", body = String))
)]
pub(crate) async fn get(State(app): State<Shared>) -> Result<Response, Denied> {
    app.engine.refresh_metrics();
    let mut text = String::new();
    encode(&mut text, &app.registry).map_err(|error| Denied::internal(&error))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
