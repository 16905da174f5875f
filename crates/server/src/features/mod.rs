//! `POST /v1/features`, and the frames of past times (`frame`).
//!
//! Rows are read from the stores that follow the ledger, beside the writer and a moment behind it. Only a few are read
//! before following gets its turn, so each row says which position it shows.

pub(crate) mod frame;
mod table;

use crate::accept::{ARROW, Form};
use crate::app::{App, Shared};
use crate::body;
use crate::history::reading_for;
use crate::json;
use crate::openapi::Caller;
use crate::problem::Denied;
use crate::problem::described::TableProblems;
use crate::problem::unavailable::late;
use crate::problem::unreadable::unfit;
use arrow_array::{ArrayRef, BooleanArray, UInt64Array};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use onhand_core::{LocationId, Sku};
use onhand_engine::Origin;
use onhand_features::{FeatureSet, Moment};
use onhand_follow::Follower;
use onhand_wire::json::availability::Asked;
use onhand_wire::json::features::{FeaturesAnswer, FeaturesRequest, FeaturesRow};
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::Fault;
use onhand_wire::json::time::Time;
use std::sync::Arc;

/// Rows read before following gets its turn.
const AT_ONCE: usize = 64;

/// The features of up to 10,000 levels, as they are now.
#[utoipa::path(
    post,
    path = "/v1/features",
    operation_id = "features",
    tag = "features",
    params(Caller),
    request_body = FeaturesRequest,
    responses(
        (
            status = 200,
            description = "One row for each level asked for, in order. As Arrow it has the columns location, sku, at, \
                target, known, sequence, and one for each feature, where NaN is missing.",
            content((FeaturesAnswer = "application/json"), (Vec<u8> = "application/vnd.apache.arrow.stream"))
        ),
        TableProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let form = Form::wanted(request.headers());
    let body::Question::<FeaturesRequest> {
        request,
        room: _room,
        origin,
    } = body::question(&app, request).await?;
    let form = form?;
    let (asked, target) = request.asked().map_err(unfit)?;
    reading_for(&app, origin, move |app| {
        let follower = follower(app)?;
        let answer = answer(app, origin, follower, &asked, target)?;
        match form {
            Form::Json => Ok(json::ok(&answer)),
            Form::Arrow => arrow(follower.set(), &answer),
        }
    })
    .await
}

/// Who follows the ledger, if anybody does.
fn follower(app: &App) -> Result<&Follower, Denied> {
    app.features.as_deref().ok_or_else(|| {
        let detail = "This server keeps no features: start it with --features.";
        Denied::new(Kind::UnknownRoute, detail)
    })
}

fn answer<'a>(
    app: &App,
    origin: Origin,
    follower: &'a Follower,
    asked: &'a Asked,
    target: Option<Time>,
) -> Result<FeaturesAnswer<'a>, Denied> {
    let now = app.engine.clock().now();
    let target = target.map_or(now, |target| target.0);
    if target < now {
        return Err(unfit(Fault {
            pointer: "/target".into(),
            message: "say a time that is not before now".into(),
        }));
    }
    let moment = Moment { now, target };
    let names: Vec<_> = asked.names().collect();
    let mut all = Vec::with_capacity(names.len());
    for some in names.chunks(AT_ONCE) {
        // He has been told so already; nobody reads the rest.
        if app.time_left(origin).is_some_and(|left| left.is_zero()) {
            return Err(late());
        }
        all.extend(rows(app, follower, some, moment));
    }
    let set = follower.set();
    Ok(FeaturesAnswer {
        set: format!("{:016x}", set.hash()).into(),
        features: names_of(set),
        at: Time(now),
        target: Time(target),
        rows: all,
    })
}

fn names_of(set: &FeatureSet) -> Vec<&'static str> {
    set.features().iter().map(|one| one.name).collect()
}

fn arrow(set: &FeatureSet, answer: &FeaturesAnswer<'_>) -> Result<Response, Denied> {
    let rows = &answer.rows;
    let known: BooleanArray = rows.iter().map(|row| Some(row.known)).collect();
    let sequences = UInt64Array::from_iter_values(rows.iter().map(|row| row.sequence));
    let columns = vec![
        table::texts("location", rows.iter().map(|row| &*row.location)),
        table::texts("sku", rows.iter().map(|row| &*row.sku)),
        table::times("at", rows.iter().map(|_| answer.at.0)),
        table::times("target", rows.iter().map(|_| answer.target.0)),
        ("known", Arc::new(known) as ArrayRef),
        ("sequence", Arc::new(sequences)),
    ];
    let values: Vec<&[f32]> = rows.iter().map(|row| &*row.values).collect();
    let bytes = table::stream(set, columns, &values)?;
    Ok(json::with(StatusCode::OK, ARROW, bytes))
}

/// Rows of levels that follow each other; those of one partition in a row are read from the same position.
fn rows<'a>(
    app: &App,
    follower: &Follower,
    names: &[(&'a LocationId, &'a Sku)],
    moment: Moment,
) -> Vec<FeaturesRow<'a>> {
    let partition = |name: &(&LocationId, &Sku)| app.engine.partition_of(name.0);
    let mut rows = Vec::with_capacity(names.len());
    for names in names.chunk_by(|one, next| partition(one) == partition(next)) {
        let mut reader = follower.reader(partition(&names[0]));
        let sequence = reader.last().seq.0;
        rows.extend(names.iter().map(|(location, sku)| {
            let mut values = vec![0.0; follower.set().len()];
            let known = reader.row(location.as_str(), sku.as_str(), moment, &mut values);
            FeaturesRow {
                location: location.as_str().into(),
                sku: sku.as_str().into(),
                known,
                sequence,
                values,
            }
        }));
    }
    rows
}
