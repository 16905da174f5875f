//! Reading a request's body: its length, its time, the room it takes, then its type and shape.
//!
//! A body that is not wanted (too long, or no room for it) is read to its end, within bounds, and thrown away before
//! the answer goes out: a client that is still sending would otherwise see a broken connection instead of the answer.
//! A client that is too slow gets its answer and is cut off; nothing else waits for it, as each connection is a task
//! of its own.
//!
//! Large bodies share a bounded room ([`crate::room`]), which a request gives back when it is answered.

use crate::app::App;
use crate::key::IdempotencyKey;
use crate::problem::Denied;
use crate::problem::unreadable::unreadable;
use crate::room::{Room, SMALL};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use onhand_engine::Origin;
use onhand_wire::json::object::FromJson;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// So many bytes that are not wanted are read and thrown away.
const DISCARDED: u64 = 16 << 20;

/// A write as it came in.
pub(crate) struct Write<T> {
    pub(crate) origin: Origin,
    pub(crate) key: IdempotencyKey,
    pub(crate) request: T,
    /// To be kept until the write is answered.
    pub(crate) room: Room,
}

/// Reads a write.
pub(crate) async fn write<T: for<'de> FromJson<'de>>(
    app: &App,
    request: Request,
) -> Result<Write<T>, Denied> {
    write_of(app, request, typed).await
}

/// Reads a write whose body may be empty: it is the shape's default then.
pub(crate) async fn write_or_default<T: for<'de> FromJson<'de> + Default>(
    app: &App,
    request: Request,
) -> Result<Write<T>, Denied> {
    let or_default = |headers: &HeaderMap, bytes: &Bytes| match bytes.is_empty() {
        true => Ok(T::default()),
        false => typed(headers, bytes),
    };
    write_of(app, request, or_default).await
}

async fn write_of<T>(
    app: &App,
    request: Request,
    shape: impl FnOnce(&HeaderMap, &Bytes) -> Result<T, Denied>,
) -> Result<Write<T>, Denied> {
    let Read {
        origin,
        headers,
        bytes,
        room,
    } = bytes(app, request).await?;
    let key = IdempotencyKey::of(&headers)?;
    Ok(Write {
        origin,
        key,
        request: shape(&headers, &bytes)?,
        room,
    })
}

/// A body of JSON, by its type and its shape.
fn typed<T: for<'de> FromJson<'de>>(headers: &HeaderMap, bytes: &Bytes) -> Result<T, Denied> {
    check_type(headers)?;
    read::read(bytes).map_err(unreadable)
}

/// A request that has no key of its own, as it came in.
pub(crate) struct Question<T> {
    pub(crate) origin: Origin,
    pub(crate) request: T,
    /// To be kept until the question is answered.
    pub(crate) room: Room,
}

/// Reads a question.
pub(crate) async fn question<T: for<'de> FromJson<'de>>(
    app: &App,
    request: Request,
) -> Result<Question<T>, Denied> {
    let Read {
        origin,
        headers,
        bytes,
        room,
    } = bytes(app, request).await?;
    Ok(Question {
        origin,
        request: typed(&headers, &bytes)?,
        room,
    })
}

fn check_type(headers: &HeaderMap) -> Result<(), Denied> {
    let found = headers.get(CONTENT_TYPE);
    let found = found.map_or(&b""[..], |value| value.as_bytes());
    let essence = found.split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let found = String::from_utf8_lossy(found);
    let detail =
        format!("The Content-Type is `{found}`; send application/json. Nothing was changed.");
    Err(Denied::new(Kind::UnsupportedMediaType, detail))
}

/// A request whose body has come in.
struct Read {
    origin: Origin,
    headers: HeaderMap,
    bytes: Bytes,
    room: Room,
}

async fn bytes(app: &App, request: Request) -> Result<Read, Denied> {
    let (parts, body) = request.into_parts();
    let options = &app.options;
    // A time begins with the head; one that is none is said once the body is out of the way.
    let origin = app.origin(&parts.headers);
    check_length(&parts.headers, options.body_limit)?;
    let collector = Collector {
        body,
        limit: options.body_limit,
        room: &app.body_room,
    };
    match timeout(options.body_timeout, collector.collect()).await {
        Ok(collected) => {
            let (bytes, room) = collected?;
            Ok(Read {
                origin: origin?,
                headers: parts.headers,
                bytes,
                room,
            })
        }
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
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok());
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

/// Collects one body.
struct Collector<'a> {
    body: Body,
    limit: usize,
    room: &'a Arc<Semaphore>,
}

impl Collector<'_> {
    async fn collect(mut self) -> Result<(Bytes, Room), Denied> {
        let first = self.next().await?.unwrap_or_default();
        // Nearly every body comes in one piece, which is not copied.
        let mut room = Room::default();
        if self.body.is_end_stream() && first.len() <= SMALL.min(self.limit) {
            return Ok((first, room));
        }
        let mut all = first.to_vec();
        loop {
            if all.len() > self.limit {
                drop((all, room));
                return Err(self.discard(too_large(self.limit)).await);
            }
            if let Err(denied) = room.hold(all.len(), self.room) {
                drop((all, room));
                return Err(self.discard(denied).await);
            }
            match self.next().await? {
                Some(more) => all.extend_from_slice(&more),
                None => return Ok((all.into(), room)),
            }
        }
    }

    /// Reads the rest of a body that is not wanted, then gives the reason back.
    async fn discard(&mut self, denied: Denied) -> Denied {
        let mut discarded = 0;
        while discarded <= DISCARDED {
            match self.next().await {
                Ok(Some(more)) => discarded += more.len() as u64,
                Ok(None) => return denied,
                Err(_) => break,
            }
        }
        denied.closing()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Denied> {
        while let Some(frame) = self.body.frame().await {
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
}
