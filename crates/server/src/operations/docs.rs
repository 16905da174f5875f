//! `/docs`: the OpenAPI document as a page.
//!
//! Swagger UI is inside the binary; the page works without any other host, and its Content-Security-Policy sees to it
//! that it never asks one.

use crate::problem::Denied;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use onhand_wire::json::problem::Kind;
use std::sync::Arc;
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

const OWN_HOST_ONLY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/// The page's own address ends with a slash, so that its files lie below it.
pub(crate) async fn redirect() -> Redirect {
    Redirect::permanent("/docs/")
}

/// The page.
pub(crate) async fn index() -> Result<Response, Denied> {
    page("index.html")
}

/// A file of the page.
pub(crate) async fn file(Path(file): Path<String>) -> Result<Response, Denied> {
    page(&file)
}

fn page(file: &str) -> Result<Response, Denied> {
    // Without this the page would have a foreign host validate the document.
    let config = Config::from("/openapi.json").validator_url("none");
    match serve(file, Arc::new(config)) {
        Ok(Some(file)) => Ok(respond(file)),
        Ok(None) => Err(Denied::new(
            Kind::UnknownRoute,
            "There is no such file. The page is at /docs/.",
        )),
        Err(error) => Err(Denied::internal(&error)),
    }
}

fn respond(file: SwaggerFile<'_>) -> Response {
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&file.content_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(OWN_HOST_ONLY),
    );
    if file.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
