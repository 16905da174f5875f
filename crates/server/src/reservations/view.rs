//! `GET /v1/reservations/{id}`.

use crate::app::{App, Shared};
use crate::json;
use crate::openapi::Caller;
use crate::params;
use crate::problem::Denied;
use crate::problem::described::ReadProblems;
use crate::problem::refused::unknown_reservation;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use onhand_core::Seq;
use onhand_core::reservation::ReservationState;
use onhand_engine::query::ReservationView as Found;
use onhand_engine::{Origin, Query, What};
use onhand_wire::json::id::ReservationId;
use onhand_wire::json::levels::Consistency;
use onhand_wire::json::reservations::{ReservationLineView, ReservationView};
use onhand_wire::json::time::Time;

/// A reservation, as it stands. Ended ones can be looked up for 24 hours by default.
#[utoipa::path(
    get,
    path = "/v1/reservations/{id}",
    operation_id = "get_reservation",
    tag = "reservations",
    params(Caller, ("id" = ReservationId, Path, description = "The reservation's identifier.")),
    responses((status = 200, description = "The reservation.", body = ReservationView), ReadProblems)
)]
pub(crate) async fn get(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Denied> {
    let id = params::reservation(id, &app.engine)?;
    let origin = app.origin(&headers)?;
    look(&app, origin, id, |view| json::ok(view)).await
}

/// Looks a reservation up, and shows it.
pub(crate) async fn look<T>(
    app: &App,
    origin: Origin,
    id: ReservationId,
    show: impl FnOnce(&ReservationView<'_>) -> T,
) -> Result<T, Denied> {
    let found = app
        .find(origin, id.partition, Query::Reservation(id.no))
        .await?;
    match &found.what {
        What::Reservation(Some(reservation)) => Ok(show(&view(id, reservation, found.seq))),
        _ => Err(unknown_reservation()),
    }
}

fn view(id: ReservationId, found: &Found, seq: Seq) -> ReservationView<'_> {
    let one = &found.reservation;
    let lines = one
        .lines
        .iter()
        .zip(&found.skus)
        .map(|(line, sku)| ReservationLineView {
            sku: sku.as_str().into(),
            requested: line.requested,
            reserved: line.reserved,
            outstanding: line.outstanding,
            picked: line.picked,
            not_found: line.not_found,
        });
    ReservationView {
        id,
        state: one.state.into(),
        location: found.location.as_str().into(),
        made_at: Time(one.made_at),
        expires_at: (one.state == ReservationState::Held).then_some(Time(one.expires_at)),
        ended_at: (!one.state.is_open()).then_some(Time(one.ended_at)),
        lines: lines.collect(),
        consistency: Consistency::Strong,
        sequence: seq.0,
        age_ms: 0,
    }
}
