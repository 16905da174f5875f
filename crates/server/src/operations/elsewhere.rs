//! Addresses and methods that there are not.

use crate::app::Shared;
use crate::problem::Denied;
use axum::extract::State;
use axum::http::{Method, Uri};
use onhand_wire::json::problem::Kind;
use std::time::Duration;

/// Counted under one name: a client that tries addresses must not make a series of each.
const ROUTE: &str = "elsewhere";

pub(crate) async fn unknown_route(State(app): State<Shared>, method: Method, uri: Uri) -> Denied {
    app.metrics.of(ROUTE).answered(404, Duration::ZERO);
    let detail = format!(
        "There is nothing at {method} {}. See /docs for what there is.",
        shown(&uri)
    );
    Denied::new(Kind::UnknownRoute, detail)
}

pub(crate) async fn other_method(State(app): State<Shared>, method: Method, uri: Uri) -> Denied {
    app.metrics.of(ROUTE).answered(405, Duration::ZERO);
    let detail = format!(
        "{} does not take {method}. See /docs for what it takes.",
        shown(&uri)
    );
    Denied::new(Kind::MethodNotAllowed, detail)
}

fn shown(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}
