//! Answers in JSON, or in what they say they are.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

/// 200 with this.
pub(crate) fn ok(view: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(view).expect("an answer is plain data");
    with(StatusCode::OK, "application/json", bytes)
}

/// A status with bytes of a type.
pub(crate) fn with(
    status: StatusCode,
    content_type: &'static str,
    bytes: impl Into<Body>,
) -> Response {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
