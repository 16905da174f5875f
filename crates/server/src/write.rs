//! The way of a write: key, decision, durable entry, answer.
//!
//! The answer is made from the entry alone, so the repeat of a request, whose entry is read back from the ledger, gets
//! the same bytes as the first time.

use crate::app::Shared;
use crate::history;
use crate::json;
use crate::key::{IdempotencyKey, key as ledger_key};
use crate::names::TableNames;
use crate::problem::Denied;
use crate::problem::refused::{Fields, refused};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use onhand_core::{Command, Entry};
use onhand_engine::{Answer, Origin, Request};
use onhand_wire::json::answer::answer;

static IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A write that is recorded.
pub(crate) struct Recorded {
    pub(crate) entry: Box<Entry>,
    /// Whether it was recorded for an earlier request with the same key.
    pub(crate) is_repeat: bool,
}

/// Has a partition do a command, once for each key.
pub(crate) async fn record(
    app: &Shared,
    origin: Origin,
    partition: u16,
    key: &str,
    command: Command,
    fields: &Fields,
) -> Result<Recorded, Denied> {
    let request = Request::Command {
        key: Some(ledger_key(key, &command)),
        command,
        at: None,
    };
    let answer = app.ask(origin, partition, request).await?;
    recorded(app, partition, answer, fields).await
}

async fn recorded(
    app: &Shared,
    partition: u16,
    answer: Answer,
    fields: &Fields,
) -> Result<Recorded, Denied> {
    match answer {
        Answer::Recorded(entry) => Ok(Recorded {
            entry,
            is_repeat: false,
        }),
        Answer::Repeated(seq) => Ok(Recorded {
            entry: history::entry(app, partition, seq).await?,
            is_repeat: true,
        }),
        Answer::Refused(refusal) => Err(refused(refusal, fields)),
        other => Err(Denied::internal(&format!(
            "a command was answered with {other:?}"
        ))),
    }
}

/// The answer to a write, over HTTP.
pub(crate) fn respond(
    app: &Shared,
    partition: u16,
    recorded: &Recorded,
) -> Result<Response, Denied> {
    let names = TableNames::of(&app.engine, partition);
    let Some(answer) = answer(&recorded.entry, &names) else {
        let event = recorded.entry.event.name();
        return Err(Denied::internal(&format!(
            "a command was answered with an entry of kind {event}"
        )));
    };
    let status = if answer.made {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = json::with(status, "application/json", answer.body);
    if recorded.is_repeat {
        let headers = response.headers_mut();
        headers.insert(&IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Has a partition do a command, and answers over HTTP.
pub(crate) async fn write(
    app: &Shared,
    origin: Origin,
    partition: u16,
    key: &IdempotencyKey,
    command: Command,
    fields: &Fields,
) -> Result<Response, Denied> {
    let recorded = record(app, origin, partition, key.text(), command, fields).await?;
    respond(app, partition, &recorded)
}
