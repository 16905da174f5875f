//! `GET /v1/stock/{location}/{sku}/explain`.

use super::level::seen;
use crate::app::{App, Shared};
use crate::history::{reading, unreadable_ledger};
use crate::json;
use crate::names::TableNames;
use crate::params::{self, Limit};
use crate::problem::Denied;
use crate::problem::described::ReadProblems;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use onhand_core::{LocationId, Sku};
use onhand_wire::json::explain::ExplainAnswer;
use serde::Deserialize;
use utoipa::IntoParams;

const USUAL: usize = 20;
const MOST: usize = 200;

/// How far back to look.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    /// How many entries to tell: 1 to 200; 20 if not said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    pub(crate) limit: Option<Limit<MOST>>,
}

/// Why a level is what it is: the formula with its numbers, the rules, and the newest entries that changed it, newest
/// first, each with the level before and after it.
#[utoipa::path(
    get,
    path = "/v1/stock/{location}/{sku}/explain",
    operation_id = "explain_level",
    tag = "stock",
    params(
        ("location" = String, Path, description = "Where."),
        ("sku" = String, Path, description = "What."),
        ExplainQuery
    ),
    responses((status = 200, description = "The explanation.", body = ExplainAnswer), ReadProblems)
)]
pub(crate) async fn get(
    State(app): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Result<Response, Denied> {
    let (location, sku) = params::level(path)?;
    let query: ExplainQuery = params::query(&uri)?;
    look(&app, location, sku, query, |told| json::ok(told)).await
}

/// Explains a level, and shows it.
pub(crate) async fn look<T: Send + 'static>(
    app: &Shared,
    location: LocationId,
    sku: Sku,
    query: ExplainQuery,
    show: impl FnOnce(&ExplainAnswer<'_>) -> T + Send + 'static,
) -> Result<T, Denied> {
    let limit = query.limit.map_or(USUAL, |limit| limit.0);
    reading(app, move |app| explain(app, &location, &sku, limit, show)).await
}

fn explain<T>(
    app: &App,
    location: &LocationId,
    sku: &Sku,
    limit: usize,
    show: impl FnOnce(&ExplainAnswer<'_>) -> T,
) -> Result<T, Denied> {
    let partition = app.engine.partition_of(location);
    // The level tells which entry it reflects; the ledger may already hold newer ones.
    let (no, last, view) = seen(app, location, sku)?;
    let asked = limit + 1;
    let mut entries = app
        .engine
        .ledger(partition)
        .newest(no, asked)
        .map_err(unreadable_ledger)?;
    let complete = entries.len() < asked;
    entries.retain(|entry| entry.stamp.seq <= last);
    entries.truncate(limit);
    let names = TableNames::of(&app.engine, partition);
    let explained = ExplainAnswer::of(view, no, &entries, complete, &names);
    Ok(show(&explained))
}
