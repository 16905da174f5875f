//! `GET /v1/ledger`.
//!
//! Every partition has a ledger of its own. A question about one location concerns one of them; a question about all
//! merges them by the time of recording. The cursor says where to go on in each.

use crate::app::{App, Shared};
use crate::history::{reading, unreadable_ledger};
use crate::json;
use crate::names::TableNames;
use crate::params::{self, Limit};
use crate::problem::Denied;
use crate::problem::described::ReadProblems;
use crate::problem::unreadable::bad_parameter;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use onhand_core::{Entry, Seq, Timestamp};
use onhand_engine::history::{Filter, HistoryError, Ledger, Page};
use onhand_wire::json::ledger::{LedgerAnswer, LedgerEntry};
use onhand_wire::json::levels::Consistency;
use onhand_wire::json::text::{LocationText, SkuText};
use onhand_wire::json::time::Time;
use serde::Deserialize;
use utoipa::IntoParams;

const USUAL: usize = 100;
const MOST: usize = 1_000;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerQuery {
    /// Only entries that changed something at this location, or tell of it.
    pub(crate) location: Option<LocationText>,
    /// Only entries that changed something of this SKU, or tell of it.
    pub(crate) sku: Option<SkuText>,
    /// Only entries recorded at or after this time. Write the `+` of an offset as `%2B`.
    pub(crate) from: Option<Time>,
    /// Only entries recorded before this time.
    pub(crate) to: Option<Time>,
    /// How many: 1 to 1,000; 100 if not said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<Limit<MOST>>,
    /// Where to go on: the `cursor` of the answer before, with the same filter.
    pub(crate) cursor: Option<String>,
}

/// The ledger's entries, oldest first.
#[utoipa::path(
    get,
    path = "/v1/ledger",
    operation_id = "ledger",
    tag = "ledger",
    params(LedgerQuery),
    responses((status = 200, description = "The entries.", body = LedgerAnswer), ReadProblems)
)]
pub(crate) async fn get(State(app): State<Shared>, uri: Uri) -> Result<Response, Denied> {
    let query: LedgerQuery = params::query(&uri)?;
    read(&app, query, |found| json::ok(found)).await
}

/// Reads the ledger, and shows what was found.
pub(crate) async fn read<T: Send + 'static>(
    app: &Shared,
    query: LedgerQuery,
    show: impl FnOnce(&LedgerAnswer<'_>) -> T + Send + 'static,
) -> Result<T, Denied> {
    let wrong_order = query.from.zip(query.to).is_some_and(|(from, to)| from > to);
    if wrong_order {
        return Err(bad_parameter("to", "is before `from`".into()));
    }
    reading(app, move |app| answer(app, &query, show)).await
}

/// A partition's ledger, and where to go on in it.
#[derive(Clone, Copy)]
struct Place {
    partition: u16,
    first: Seq,
}

fn answer<T>(
    app: &App,
    query: &LedgerQuery,
    show: impl FnOnce(&LedgerAnswer<'_>) -> T,
) -> Result<T, Denied> {
    let limit = query.limit.map_or(USUAL, |limit| limit.0);
    let places = places(app, query)?;
    let position = |place: &Place| app.engine.table(place.partition).position().seq.0;
    let sequence = places.iter().map(position).min().unwrap_or(0);
    let age = places
        .iter()
        .map(|place| app.engine.age(place.partition).millis())
        .max();
    let mut pages = Vec::with_capacity(places.len());
    for place in &places {
        let page = page(app, query, place, limit).map_err(unreadable_ledger)?;
        pages.push((*place, page));
    }
    let (taken, cursor) = merge(pages, limit);
    let names: Vec<TableNames<'_>> = (0..app.engine.partitions())
        .map(|partition| TableNames::of(&app.engine, partition))
        .collect();
    let shown = |(partition, entry)| LedgerEntry::of(entry, &names[usize::from(partition)]);
    let answer = LedgerAnswer {
        entries: taken
            .iter()
            .map(|(partition, entry)| shown((*partition, entry)))
            .collect(),
        cursor,
        consistency: Consistency::Bounded,
        sequence,
        age_ms: age.unwrap_or(0),
    };
    Ok(show(&answer))
}

/// The ledgers that are concerned, each with the place to begin.
fn places(app: &App, query: &LedgerQuery) -> Result<Vec<Place>, Denied> {
    let partitions: Vec<u16> = match &query.location {
        Some(location) => vec![app.engine.partition_of(&location.0)],
        None => (0..app.engine.partitions()).collect(),
    };
    let first = match &query.cursor {
        None => vec![Seq::ZERO; partitions.len()],
        Some(cursor) => {
            let numbers: Option<Vec<Seq>> = cursor
                .split('.')
                .map(|no| no.parse().ok().map(Seq))
                .collect();
            let numbers = numbers.filter(|numbers| numbers.len() == partitions.len());
            numbers.ok_or_else(|| {
                bad_parameter("cursor", "is not the cursor of such a question".into())
            })?
        }
    };
    let place = |(partition, first)| Place { partition, first };
    Ok(partitions.into_iter().zip(first).map(place).collect())
}

fn page(app: &App, query: &LedgerQuery, place: &Place, limit: usize) -> Result<Page, HistoryError> {
    let ledger = app.engine.ledger(place.partition);
    let filter = Filter {
        first: place.first,
        from: query.from.map_or(Timestamp::default(), |time| time.0),
        to: query.to.map_or(Timestamp::MAX, |time| time.0),
        limit,
    };
    ledger.page(&filter, |entry| {
        is_wanted(app, &ledger, query, place.partition, entry)
    })
}

fn is_wanted(
    app: &App,
    ledger: &Ledger<'_>,
    query: &LedgerQuery,
    partition: u16,
    entry: &Entry,
) -> bool {
    match (&query.location, &query.sku) {
        (None, None) => true,
        (Some(location), None) => ledger.is_at(entry, location.0.as_str()),
        (None, Some(sku)) => ledger.is_of(entry, sku.0.as_str()),
        (Some(location), Some(sku)) => {
            let table = app.engine.table(partition);
            let level = table
                .location(&location.0)
                .and_then(|no| table.find(no, &sku.0));
            level.is_some_and(|(no, _)| ledger.concerns(entry, no))
        }
    }
}

/// The first `limit` entries of all pages by time, and the cursor behind them.
fn merge(pages: Vec<(Place, Page)>, limit: usize) -> (Vec<(u16, Entry)>, Option<String>) {
    let mut places = Vec::with_capacity(pages.len());
    let mut all = Vec::new();
    let mut has_more = false;
    for (at, (place, page)) in pages.into_iter().enumerate() {
        has_more |= page.next.is_some();
        // What was seen and let through ends the page; the rest of it is behind the last entry.
        let next = page
            .next
            .or_else(|| page.entries.last().map(|entry| entry.stamp.seq.next()));
        places.push(next.unwrap_or(place.first));
        all.extend(
            page.entries
                .into_iter()
                .map(|entry| (at, place.partition, entry)),
        );
    }
    all.sort_by_key(|(_, partition, entry)| (entry.stamp.at, *partition, entry.stamp.seq));
    let left = all.split_off(limit.min(all.len()));
    for (at, _, entry) in left.iter().rev() {
        places[*at] = entry.stamp.seq;
    }
    has_more |= !left.is_empty();
    let taken = all
        .into_iter()
        .map(|(_, partition, entry)| (partition, entry))
        .collect();
    let cursor: Vec<String> = places.iter().map(|seq| seq.0.to_string()).collect();
    (taken, has_more.then(|| cursor.join(".")))
}
