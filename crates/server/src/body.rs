//! Reading the body of a request: its type, its length, its time, then its shape.
//!
//! A body that is too long is read to its end (within bounds) and thrown away before the answer goes out: a client
//! that is still sending would otherwise see a broken connection instead of the answer. A client that is too slow gets
//! its answer and is cut off; nothing else waits for it, as each connection is a task of its own.

use crate::options::Options;
use crate::problem::Denied;
use crate::problem::unreadable::unreadable;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use onhand_wire::json::object::FromJson;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read;
use tokio::time::timeout;

/// So many bytes beyond the limit are read and thrown away.
const DISCARDED: u64 = 16 << 20;

/// Reads a JSON body of a shape.
pub(crate) async fn json<T: for<'de> FromJson<'de>>(
    headers: &HeaderMap,
    body: Body,
    options: &Options,
) -> Result<T, Denied> {
    check_type(headers)?;
    let bytes = bytes(headers, body, options).await?;
    read::read(&bytes).map_err(unreadable)
}

/// Reads a JSON body of a shape; without a body it is the shape's default.
pub(crate) async fn json_or_default<T: for<'de> FromJson<'de> + Default>(
    headers: &HeaderMap,
    body: Body,
    options: &Options,
) -> Result<T, Denied> {
    if body.is_end_stream() {
        return Ok(T::default());
    }
    let bytes = bytes(headers, body, options).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    check_type(headers)?;
    read::read(&bytes).map_err(unreadable)
}

fn check_type(headers: &HeaderMap) -> Result<(), Denied> {
    let found = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let essence = found
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let found = String::from_utf8_lossy(found);
    let detail =
        format!("The Content-Type is `{found}`; send application/json. Nothing was changed.");
    Err(Denied::new(Kind::UnsupportedMediaType, detail))
}

async fn bytes(headers: &HeaderMap, body: Body, options: &Options) -> Result<Bytes, Denied> {
    let limit = options.body_limit;
    check_length(headers, limit)?;
    match timeout(options.body_timeout, collect(body, limit)).await {
        Ok(bytes) => bytes,
        Err(_) => {
            let allowed = options.body_timeout.as_secs_f64();
            let detail =
                format!("The body did not come in within {allowed} seconds. Nothing was changed.");
            Err(Denied::new(Kind::RequestTimeout, detail).closing())
        }
    }
}

/// Refuses a body before it is read: one that asks first, or is longer than we care to throw away.
fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Denied> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let length: u64 = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    let asks_first = headers.contains_key(EXPECT);
    let limit_bytes = limit as u64;
    if length > limit_bytes + DISCARDED || (asks_first && length > limit_bytes) {
        return Err(too_large(limit).closing());
    }
    Ok(())
}

fn too_large(limit: usize) -> Denied {
    let detail =
        format!("The body is longer than {limit} bytes. Nothing was changed; send it in parts.");
    Denied::new(Kind::BodyTooLarge, detail)
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Denied> {
    let Some(first) = next(&mut body).await? else {
        return Ok(Bytes::new());
    };
    // Nearly every body comes in one piece, which is not copied.
    if body.is_end_stream() && first.len() <= limit {
        return Ok(first);
    }
    let mut all = first.to_vec();
    while all.len() <= limit {
        match next(&mut body).await? {
            Some(more) => all.extend_from_slice(&more),
            None => return Ok(all.into()),
        }
    }
    drop(all);
    discard(body, limit).await
}

/// Reads the rest of a body that is too long.
async fn discard(mut body: Body, limit: usize) -> Result<Bytes, Denied> {
    let mut discarded = 0;
    while discarded <= DISCARDED {
        match next(&mut body).await? {
            Some(more) => discarded += more.len() as u64,
            None => return Err(too_large(limit)),
        }
    }
    Err(too_large(limit).closing())
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Denied> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let detail = format!("The body breaks off: {error}. Nothing was changed.");
            Denied::new(Kind::MalformedRequest, detail).closing()
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A request's head and body apart.
pub(crate) fn split(request: Request<Body>) -> (HeaderMap, Body) {
    let (parts, body) = request.into_parts();
    (parts.headers, body)
}
