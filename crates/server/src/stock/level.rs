//! `GET /v1/stock/{location}/{sku}`.

use crate::app::{App, Shared};
use crate::history::{reading, reading_for, unreadable_ledger};
use crate::json;
use crate::openapi::Caller;
use crate::params;
use crate::problem::Denied;
use crate::problem::described::ReadProblems;
use crate::problem::refused::in_future;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use onhand_core::{Bucket, LevelNo, LocationId, Seq, Sku, Span, Timestamp};
use onhand_engine::history::{Filter, Ledger, LevelThen};
use onhand_engine::{Origin, Query, Seen, What};
use onhand_planted::Defect;
use onhand_wire::json::levels::{Consistency, LevelView};
use onhand_wire::json::problem::Kind;
use onhand_wire::json::time::Time;
use serde::Deserialize;
use utoipa::IntoParams;

/// How to look.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LevelQuery {
    /// How fresh the answer must be; strong if not said, unless the server is set otherwise.
    pub(crate) consistency: Option<Consistency>,
    /// The level as it was after the last entry recorded at or before this time. Always bounded. Write the `+` of an
    /// offset as `%2B`.
    #[param(value_type = Option<Time>)]
    pub(crate) at: Option<Time>,
}

/// One SKU at one location, now or at a time.
///
/// A location that is called `transfers` must be written `%74ransfers` here, as `/v1/stock/transfers/{id}` is a
/// transfer.
#[utoipa::path(
    get,
    path = "/v1/stock/{location}/{sku}",
    operation_id = "get_level",
    tag = "stock",
    params(
        ("location" = String, Path, description = "Where."),
        ("sku" = String, Path, description = "What."),
        LevelQuery,
        Caller
    ),
    responses((status = 200, description = "The level.", body = LevelView), ReadProblems)
)]
pub(crate) async fn get(
    State(app): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Denied> {
    let (location, sku) = params::level(path)?;
    let query: LevelQuery = params::query(&uri)?;
    let origin = app.origin(&headers)?;
    look(&app, origin, location, sku, query, |view| json::ok(view)).await
}

/// Looks a level up, and shows it.
pub(crate) async fn look<T: Send + 'static>(
    app: &Shared,
    origin: Origin,
    location: LocationId,
    sku: Sku,
    query: LevelQuery,
    show: impl FnOnce(&LevelView<'_>) -> T + Send + 'static,
) -> Result<T, Denied> {
    let asked_for = query.consistency.or(app.options.consistency);
    match (query.at, asked_for.unwrap_or(Consistency::Strong)) {
        (Some(at), _) => {
            reading_for(app, origin, move |app| then(app, &location, &sku, at, show)).await
        }
        (None, Consistency::Strong) => strong(app, origin, location, sku, show).await,
        (None, Consistency::Bounded) => Ok(show(&seen(app, &location, &sku)?.2)),
    }
}

async fn strong<T: Send + 'static>(
    app: &Shared,
    origin: Origin,
    location: LocationId,
    sku: Sku,
    show: impl FnOnce(&LevelView<'_>) -> T + Send + 'static,
) -> Result<T, Denied> {
    if Defect::StaleRead.is_on() {
        let a_moment_ago = app.engine.clock().now().millis().saturating_sub(5);
        let at = Time(Timestamp::from_millis(a_moment_ago));
        return reading(app, move |app| then(app, &location, &sku, at, show)).await;
    }
    let partition = app.engine.partition_of(&location);
    let names = vec![(location.clone(), sku.clone())];
    let found = app.find(origin, partition, Query::Levels(names)).await?;
    let level = match found.what {
        What::Levels(levels) => levels.first().copied().flatten(),
        _ => None,
    };
    let Some(level) = level else {
        return Err(unknown(app, partition, &location, &sku));
    };
    let view = view(&location, &sku, &Seen::of(&level, found.seq));
    Ok(show(&LevelView {
        consistency: Consistency::Strong,
        sequence: found.seq.0,
        ..view
    }))
}

/// A level as readers see it, without asking the partition.
pub(crate) fn seen<'a>(
    app: &App,
    location: &'a LocationId,
    sku: &'a Sku,
) -> Result<(LevelNo, Seq, LevelView<'a>), Denied> {
    let partition = app.engine.partition_of(location);
    let table = app.engine.table(partition);
    // The position is read first: the level reflects at least this.
    let (sequence, age) = (table.position().seq, app.engine.age(partition));
    let found = table.location(location).and_then(|no| table.find(no, sku));
    let (no, seen) = found.ok_or_else(|| unknown(app, partition, location, sku))?;
    let view = LevelView {
        sequence: sequence.0,
        age_ms: age.millis(),
        ..view(location, sku, &seen)
    };
    Ok((no, seen.seq, view))
}

fn view<'a>(location: &'a LocationId, sku: &'a Sku, seen: &Seen) -> LevelView<'a> {
    LevelView {
        location: location.as_str().into(),
        sku: sku.as_str().into(),
        on_hand: seen.on_hand,
        reserved: seen.reserved,
        allocated: seen.allocated,
        unavailable: seen.unavailable,
        safety_stock: seen.safety_stock,
        incoming: seen.in_transit,
        in_transit: seen.in_transit,
        available: seen.available,
        oversell_limit: seen.oversell_limit,
        on_not_found: seen.on_not_found.into(),
        at: None,
        consistency: Consistency::Bounded,
        sequence: 0,
        age_ms: 0,
    }
}

/// A level as it was; blocks.
fn then<T>(
    app: &App,
    location: &LocationId,
    sku: &Sku,
    at: Time,
    show: impl FnOnce(&LevelView<'_>) -> T,
) -> Result<T, Denied> {
    let now = app.engine.clock().now();
    if at.0 > now {
        return Err(in_future(Time(now)).parameter("at", "is in the future"));
    }
    let partition = app.engine.partition_of(location);
    let (no, _, view) = seen(app, location, sku)?;
    let ledger = app.engine.ledger(partition);
    let then = ledger.level_at(no, at.0).map_err(unreadable_ledger)?;
    let Some(then) = then else {
        let detail = format!("{sku} was not stocked at {location} yet at {at}.");
        return Err(Denied::new(Kind::UnknownSku, detail)
            .parameter("at", "is before the SKU was stocked there"));
    };
    let sequence = last_at(&ledger, at.0)?.unwrap_or(Seq(view.sequence));
    Ok(show(&LevelView {
        at: Some(at),
        sequence: sequence.0,
        age_ms: 0,
        ..with(view, &then)
    }))
}

/// The last position recorded at or before a time, if anything was recorded later.
fn last_at(ledger: &Ledger<'_>, at: Timestamp) -> Result<Option<Seq>, Denied> {
    let later = Filter {
        first: Seq::ZERO,
        from: at.plus(Span::from_millis(1)),
        to: Timestamp::MAX,
        limit: 1,
    };
    let page = ledger.page(&later, |_| true).map_err(unreadable_ledger)?;
    Ok(page.entries.first().map(|entry| Seq(entry.stamp.seq.0 - 1)))
}

fn with<'a>(view: LevelView<'a>, then: &LevelThen) -> LevelView<'a> {
    let units = |bucket| u32::try_from(then.units_in(bucket)).unwrap_or_default();
    LevelView {
        on_hand: then.on_hand(),
        reserved: units(Bucket::Reserved),
        allocated: units(Bucket::Allocated),
        unavailable: units(Bucket::Unavailable),
        safety_stock: then.policy.safety_stock,
        incoming: units(Bucket::InTransit),
        in_transit: units(Bucket::InTransit),
        available: then.available(),
        oversell_limit: then.policy.oversell_limit,
        on_not_found: then.policy.on_not_found.into(),
        ..view
    }
}

/// Which of the two is not known.
fn unknown(app: &App, partition: u16, location: &LocationId, sku: &Sku) -> Denied {
    if app.engine.table(partition).location(location).is_none() {
        let detail =
            format!("No stock was ever kept at {location}. A receipt or a count opens a location.");
        return Denied::new(Kind::UnknownLocation, detail)
            .parameter("location", format!("`{location}` is not known"));
    }
    let detail = format!("{sku} was never stocked at {location}. A receipt or a count opens it.");
    Denied::new(Kind::UnknownSku, detail)
        .parameter("sku", format!("`{sku}` is not stocked at `{location}`"))
}
