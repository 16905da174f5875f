//! The problems of a call, for the OpenAPI document.

use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// What a write may answer besides its success.
pub(crate) struct WriteProblems;
/// What a batch of writes may answer besides its success.
pub(crate) struct BatchProblems;
/// What a question with a body may answer besides its success.
pub(crate) struct QuestionProblems;
/// What a question that is answered with a table may answer besides its success.
pub(crate) struct TableProblems;
/// What a read may answer besides its success.
pub(crate) struct ReadProblems;

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(
            &[400, 404, 408, 409, 413, 415, 422, 429, 500, 503],
            of_write,
        )
    }
}

impl IntoResponses for BatchProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[400, 408, 413, 415, 422, 429, 503], of_write)
    }
}

impl IntoResponses for QuestionProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[400, 404, 408, 413, 415, 422, 429, 503], of_learned)
    }
}

impl IntoResponses for TableProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(
            &[400, 404, 406, 408, 413, 415, 422, 429, 500, 503],
            of_learned,
        )
    }
}

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[400, 404, 422, 429, 500, 503], of_question)
    }
}

/// What a status means.
type Meaning = fn(u16) -> &'static str;

fn described(statuses: &[u16], meaning: Meaning) -> BTreeMap<String, RefOr<Response>> {
    let response = |status: &u16| {
        (
            status.to_string(),
            problem(*status, meaning(*status)).into(),
        )
    };
    statuses.iter().map(response).collect()
}

fn problem(status: u16, meaning: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description(meaning)
        .content("application/problem+json", content);
    let retry_after =
        || HeaderBuilder::new().description(Some("Seconds after which to try again."));
    match status {
        429 | 503 => response
            .header("Retry-After", retry_after().build())
            .build(),
        _ => response.build(),
    }
}

/// What changes something may have been done when no answer comes.
fn of_write(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read: not JSON, or an Idempotency-Key is missing or is none.",
        429 => "Too many requests wait. Nothing was done.",
        503 => {
            "Not possible now. A write may or may not have been done: try again with the same key."
        }
        _ => of_any(status),
    }
}

/// The same, where what is asked of may not be there.
fn of_learned(status: u16) -> &'static str {
    match status {
        404 => "The server runs without what is asked of: without features, or without this model.",
        _ => of_question(status),
    }
}

/// What asks changes nothing.
fn of_question(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read: not JSON, or a header does not follow its rule.",
        429 => "Too many requests wait. Try again a little later.",
        503 => "No answer now, or not in time. Try again.",
        _ => of_any(status),
    }
}

fn of_any(status: u16) -> &'static str {
    match status {
        404 => "What the request names is not known.",
        406 => "`Accept` names none of the forms that the answer has.",
        408 => "The body did not come in in time.",
        409 => "Refused by the stock. Nothing changed, and the same key may be tried again.",
        413 => "The body is too large.",
        415 => "The body is not application/json.",
        422 => {
            "The request can be read, but a field does not follow its rule; `errors` says which."
        }
        _ => "Something is wrong in the server.",
    }
}
