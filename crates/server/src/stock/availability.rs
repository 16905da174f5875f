//! `POST /v1/availability`.
//!
//! A bounded answer comes from the read table, without asking any partition. A strong one asks every partition that is
//! concerned, each for all of its levels at once.

use crate::app::{App, Shared};
use crate::body;
use crate::json;
use crate::openapi::Caller;
use crate::predictions::availability::of_levels;
use crate::predictions::{rounded, shown};
use crate::problem::Denied;
use crate::problem::described::QuestionProblems;
use crate::problem::unreadable::unfit;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use onhand_core::{LocationId, LocationNo, Seq, Sku, Timestamp};
use onhand_engine::{Origin, Query, ReadTable, What};
use onhand_modelops::Prediction;
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
        if let Some((now, chances)) = &chances {
            add(&mut answer.items, *now, chances);
        }
        show(answer)
    };
    match asked_for.unwrap_or(Consistency::Bounded) {
        Consistency::Bounded => Ok(show(bounded(app, &asked))),
        Consistency::Strong => strong(app, origin, &asked).await.map(show),
    }
}

/// How likely each level is found.
async fn chances(
    app: &Shared,
    origin: Origin,
    asked: &Asked,
) -> Result<(Timestamp, Vec<Prediction>), Denied> {
    let names = asked.names();
    let names = names.map(|(location, sku)| (location.clone(), sku.clone()));
    of_levels(app, origin, names.collect()).await
}

fn add(items: &mut [AvailabilityItem<'_>], now: Timestamp, chances: &[Prediction]) {
    for (item, chance) in items.iter_mut().zip(chances) {
        item.probability_found = Some(rounded(chance.found));
        item.probability_age_ms = Some(now.since(chance.as_of).millis());
        item.probability_fallback = chance.fallback.map(shown);
    }
}

fn bounded<'a>(app: &'a App, asked: &'a Asked) -> AvailabilityAnswer<'a> {
    let mut reader = Reader::new(app);
    let items: Vec<_> = asked
        .names()
        .map(|(location, sku)| reader.item(location, sku))
        .collect();
    answer(
        items,
        Consistency::Bounded,
        reader.positions,
        app.engine.partitions(),
    )
}

/// Reads levels from the tables, and remembers where it looked last: most requests ask about one location.
struct Reader<'a> {
    app: &'a App,
    /// By partition: the position before the first level was read. What is read reflects at least this.
    positions: BTreeMap<u16, Seq>,
    last: Option<Place<'a>>,
}

#[derive(Clone, Copy)]
struct Place<'a> {
    location: &'a LocationId,
    table: &'a ReadTable,
    no: Option<LocationNo>,
    age_ms: u64,
}

impl<'a> Reader<'a> {
    fn new(app: &'a App) -> Self {
        Self {
            app,
            positions: BTreeMap::new(),
            last: None,
        }
    }

    fn item(&mut self, location: &'a LocationId, sku: &'a Sku) -> AvailabilityItem<'a> {
        let place = self.place(location);
        let seen = place
            .no
            .and_then(|no| place.table.find(no, sku))
            .map(|(_, seen)| seen);
        AvailabilityItem {
            location: location.as_str().into(),
            sku: sku.as_str().into(),
            available: seen.map_or(0, |seen| seen.available),
            on_hand: seen.map_or(0, |seen| seen.on_hand),
            known: seen.is_some(),
            age_ms: place.age_ms,
            probability_found: None,
            probability_age_ms: None,
            probability_fallback: None,
        }
    }

    fn place(&mut self, location: &'a LocationId) -> Place<'a> {
        if let Some(last) = self.last.filter(|last| last.location == location) {
            return last;
        }
        let engine = &self.app.engine;
        let partition = engine.partition_of(location);
        let table = engine.table(partition);
        self.positions
            .entry(partition)
            .or_insert_with(|| table.position().seq);
        let place = Place {
            location,
            table,
            no: table.location(location),
            age_ms: engine.age(partition).millis(),
        };
        self.last = Some(place);
        place
    }
}

async fn strong<'a>(
    app: &App,
    origin: Origin,
    asked: &'a Asked,
) -> Result<AvailabilityAnswer<'a>, Denied> {
    let mut by_partition: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    let names: Vec<_> = asked.names().collect();
    for (at, (location, _)) in names.iter().enumerate() {
        by_partition
            .entry(app.engine.partition_of(location))
            .or_default()
            .push(at);
    }
    let unknown = |&(location, sku): &(&'a LocationId, &'a Sku)| AvailabilityItem {
        location: location.as_str().into(),
        sku: sku.as_str().into(),
        available: 0,
        on_hand: 0,
        known: false,
        age_ms: 0,
        probability_found: None,
        probability_age_ms: None,
        probability_fallback: None,
    };
    let mut items: Vec<AvailabilityItem<'_>> = names.iter().map(unknown).collect();
    let mut positions = BTreeMap::new();
    for (partition, places) in by_partition {
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
    Ok(answer(
        items,
        Consistency::Strong,
        positions,
        app.engine.partitions(),
    ))
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
    }
}

fn respond(answer: AvailabilityAnswer<'_>) -> Response {
    let mut bytes = Vec::with_capacity(128 + answer.items.len() * 128);
    serde_json::to_writer(&mut bytes, &answer).expect("an answer is plain data");
    json::with(StatusCode::OK, "application/json", bytes)
}
