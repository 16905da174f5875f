//! Every error that leaves the server, and the one map from outcomes to errors.
//!
//! What a problem looks like on the wire is told in [`onhand_wire::json::problem`]. This folder holds: what the core
//! refuses (`refused`), what the engine cannot do now (`unavailable`), and what is wrong with a request before
//! either is asked (`unreadable`). The problem `type` is a URN (`urn:onhand:problem:insufficient-stock`): stable,
//! and the same on every host.

pub(crate) mod described;
pub(crate) mod refused;
pub(crate) mod unavailable;
pub(crate) mod unreadable;

use crate::json;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use onhand_wire::json::problem::{FieldError, Kind, Problem};

/// The answer to a request that was not done.
#[derive(Clone, Debug)]
pub(crate) struct Denied {
    pub(crate) kind: Kind,
    pub(crate) problem: Box<Problem>,
    /// The rest of the request was not read, so the connection cannot be used any more.
    closes: bool,
}

impl Denied {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            problem: Box::new(Problem::new(kind, detail)),
            closes: false,
        }
    }

    /// Names the field of the body that is at fault.
    pub(crate) fn at(mut self, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        self.problem.errors.push(FieldError {
            pointer: Some(pointer.into()),
            parameter: None,
            message: message.into(),
        });
        self
    }

    /// Names the parameter that is at fault.
    pub(crate) fn parameter(mut self, name: impl Into<String>, message: impl Into<String>) -> Self {
        self.problem.errors.push(FieldError {
            pointer: None,
            parameter: Some(name.into()),
            message: message.into(),
        });
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u16) -> Self {
        self.problem.retry_after_seconds = Some(seconds);
        self
    }

    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// A defect or damage: the operator is told here, the client gets no more than it can use.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request could not be answered");
        let detail = "The server could not read its own ledger; its log says why. `onhand check` tells what is damaged.";
        Self::new(Kind::Internal, detail)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem).expect("a problem is plain data");
        let status =
            StatusCode::from_u16(self.problem.status).expect("kinds have statuses of HTTP");
        let mut response = json::with(status, "application/problem+json", body);
        let headers = response.headers_mut();
        if let Some(seconds) = self.problem.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
