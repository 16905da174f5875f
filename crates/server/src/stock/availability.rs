//! `POST /v1/availability`.
//!
//! A bounded answer comes from the read table, without asking any partition. A strong one asks every partition that is
//! concerned, each for all of its levels at once.

use crate::app::{App, Shared};
use crate::body;
use crate::json;
use crate::openapi::Caller;
use crate::predictions::availability::{Foretold, of_levels};
use crate::predictions::{rounded, shown};
use crate::problem::Denied;
use crate::problem::described::QuestionProblems;
use crate::problem::unreadable::unfit;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use onhand_core::{LocationId, Seq, Sku};
use onhand_engine::{Origin, Query, What};
use onhand_wire::json::availability::{
    Asked, AvailabilityAnswer, AvailabilityItem, AvailabilityRequest, PartitionPosition,
};
use onhand_wire::json::levels::Consistency;
use std::collections::BTreeMap;

/// What can be promised, for up to 10,000 levels at once.
#[utoipa::path(
    post,
    path = "/v1/availability",
    operation_id = "availability",
    tag = "stock",
    params(Caller),
    request_body = AvailabilityRequest,
    responses(
        (status = 200, description = "One item for each level asked for, in order.", body = AvailabilityAnswer),
        QuestionProblems
    )
)]
pub(crate) async fn post(State(app): State<Shared>, request: Request) -> Result<Response, Denied> {
    let body::Question::<AvailabilityRequest> {
        origin,
        request,
        room: _room,
    } = body::question(&app, request).await?;
    look(&app, origin, request, respond).await
}

/// Looks levels up, and shows them.
pub(crate) async fn look<T>(
    app: &Shared,
    origin: Origin,
    request: AvailabilityRequest,
    show: impl FnOnce(AvailabilityAnswer<'_>) -> T,
) -> Result<T, Denied> {
    let asked_for = request.consistency.or(app.options.consistency);
    let with_chances = request.probability == Some(true);
    let asked = request.asked().map_err(unfit)?;
    let chances = match with_chances {
        true => Some(chances(app, origin, &asked).await?),
        false => None,
    };
    let show = |mut answer: AvailabilityAnswer<'_>| {
        if let Some(chances) = &chances {
            add(&mut answer, chances);
        }
        show(answer)
    };
    match asked_for.unwrap_or(Consistency::Bounded) {
        Consistency::Bounded => Ok(show(bounded(app, &asked))),
        Consistency::Strong => strong(app, origin, &asked).await.map(show),
    }
}

/// How likely each level is found.
async fn chances(app: &Shared, origin: Origin, asked: &Asked) -> Result<Foretold, Denied> {
    let names = asked.names();
    let names = names.map(|(location, sku)| (location.clone(), sku.clone()));
    of_levels(app, origin, names.collect()).await
}

fn add(answer: &mut AvailabilityAnswer<'_>, chances: &Foretold) {
    answer.probability_hour_never_learned = chances.hour_never_learned;
    for (item, chance) in answer.items.iter_mut().zip(&chances.each) {
        item.probability_found = Some(rounded(chance.found));
        item.probability_age_ms = Some(chances.now.since(chance.as_of).millis());
        (item.probability_fallback, item.probability_fallback_reason) = shown(chance.fallback);
    }
}

fn bounded<'a>(app: &App, asked: &'a Asked) -> AvailabilityAnswer<'a> {
    let (engine, names) = (&app.engine, names(asked));
    let mut items: Vec<_> = names.iter().map(unknown).collect();
    let mut positions = BTreeMap::new();
    for (partition, places) in by_partition(app, &names) {
        let (table, age) = (engine.table(partition), engine.age(partition));
        // Before the first level is read: what is read reflects at least this.
        positions.insert(partition, table.position().seq);
        let found = table.find_all(places.iter().map(|&at| names[at]));
        for (at, seen) in places.into_iter().zip(found) {
            let item = &mut items[at];
            item.age_ms = age.millis();
            if let Some(seen) = seen {
                (item.available, item.on_hand, item.known) = (seen.available, seen.on_hand, true);
            }
        }
    }
    answer(items, Consistency::Bounded, positions, engine.partitions())
}

async fn strong<'a>(
    app: &App,
    origin: Origin,
    asked: &'a Asked,
) -> Result<AvailabilityAnswer<'a>, Denied> {
    let names = names(asked);
    let mut items: Vec<_> = names.iter().map(unknown).collect();
    let mut positions = BTreeMap::new();
    for (partition, places) in by_partition(app, &names) {
        let levels = places
            .iter()
            .map(|&at| (names[at].0.clone(), names[at].1.clone()));
        let found = app
            .find(origin, partition, Query::Levels(levels.collect()))
            .await?;
        positions.insert(partition, found.seq);
        let What::Levels(levels) = found.what else {
            continue;
        };
        for (at, level) in places.into_iter().zip(levels) {
            let Some(level) = level else { continue };
            let item = &mut items[at];
            (item.available, item.on_hand, item.known) = (level.available(), level.on_hand(), true);
        }
    }
    let partitions = app.engine.partitions();
    Ok(answer(items, Consistency::Strong, positions, partitions))
}

type Name<'a> = (&'a LocationId, &'a Sku);

fn names(asked: &Asked) -> Vec<Name<'_>> {
    asked.names().collect()
}

/// The places of the levels of each partition that is concerned.
fn by_partition(app: &App, names: &[Name<'_>]) -> BTreeMap<u16, Vec<usize>> {
    if app.engine.partitions() == 1 {
        return BTreeMap::from([(0, (0..names.len()).collect())]);
    }
    let mut places: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (at, (location, _)) in names.iter().enumerate() {
        let partition = app.engine.partition_of(location);
        places.entry(partition).or_default().push(at);
    }
    places
}

fn unknown<'a>(&(location, sku): &Name<'a>) -> AvailabilityItem<'a> {
    AvailabilityItem {
        location: location.as_str().into(),
        sku: sku.as_str().into(),
        available: 0,
        on_hand: 0,
        known: false,
        age_ms: 0,
        probability_found: None,
        probability_age_ms: None,
        probability_fallback: None,
        probability_fallback_reason: None,
    }
}

fn answer(
    items: Vec<AvailabilityItem<'_>>,
    consistency: Consistency,
    positions: BTreeMap<u16, Seq>,
    partitions: u16,
) -> AvailabilityAnswer<'_> {
    let sequence = positions.values().min().map_or(0, |seq| seq.0);
    let positions = positions
        .into_iter()
        .map(|(partition, seq)| PartitionPosition {
            partition,
            sequence: seq.0,
        });
    AvailabilityAnswer {
        consistency,
        sequence,
        positions: if partitions > 1 {
            positions.collect()
        } else {
            Vec::new()
        },
        items,
        probability_hour_never_learned: false,
    }
}

fn respond(answer: AvailabilityAnswer<'_>) -> Response {
    json::with(StatusCode::OK, "application/json", answer.to_json())
}
