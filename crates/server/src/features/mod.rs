//! `POST /v1/features`.
//!
//! Rows are read from the stores that follow the ledger, beside the writer and a moment behind it. Only a few are read
//! before following gets its turn, so each row says which position it shows.

use crate::app::{App, Shared};
use crate::body;
use crate::history::reading;
use crate::json;
use crate::openapi::Caller;
use crate::problem::Denied;
use crate::problem::described::QuestionProblems;
use crate::problem::unreadable::unfit;
use axum::extract::{Request, State};
use axum::response::Response;
use onhand_core::{LocationId, Sku};
use onhand_features::Moment;
use onhand_follow::Follower;
use onhand_wire::json::availability::Asked;
use onhand_wire::json::features::{FeaturesAnswer, FeaturesRequest, FeaturesRow};
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::Fault;
use onhand_wire::json::time::Time;

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
        (status = 200, description = "One row for each level asked for, in order.", body = FeaturesAnswer),
        QuestionProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Question::<FeaturesRequest> {
        request,
        room: _room,
        ..
    } = body::question(&app, request).await?;
    let (asked, target) = request.asked().map_err(unfit)?;
    reading(&app, move |app| answer(app, &asked, target)).await
}

fn answer(app: &App, asked: &Asked, target: Option<Time>) -> Result<Response, Denied> {
    let Some(follower) = &app.features else {
        let detail = "This server keeps no features: start it with --features.";
        return Err(Denied::new(Kind::UnknownRoute, detail));
    };
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
    let rows = names
        .chunks(AT_ONCE)
        .flat_map(|some| rows(app, follower, some, moment));
    let set = follower.set();
    Ok(json::ok(&FeaturesAnswer {
        set: format!("{:016x}", set.hash()).into(),
        features: set.features().iter().map(|one| one.name).collect(),
        at: Time(now),
        target: Time(target),
        rows: rows.collect(),
    }))
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
