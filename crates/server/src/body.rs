//! Reading a request's body: its length, its time, the room it takes, then its type and shape.
//!
//! A body that is not wanted (too long, or no room for it) is read to its end, within bounds, and thrown away before
//! the answer goes out: a client that is still sending would otherwise see a broken connection instead of the answer.
//! A client that is too slow gets its answer and is cut off; nothing else waits for it, as each connection is a task
//! of its own.
//!
//! Large bodies share a bounded room, which a request gives back when it is answered. So the memory that requests take
//! is bounded, whatever clients send; small ones are bounded by the number of connections.

use crate::app::App;
use crate::key::IdempotencyKey;
use crate::problem::Denied;
use crate::problem::unavailable::unavailable;
use crate::problem::unreadable::unreadable;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use onhand_engine::Unavailable;
use onhand_wire::json::object::FromJson;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// So many bytes that are not wanted are read and thrown away.
const DISCARDED: u64 = 16 << 20;
/// A body up to this long needs no room.
const SMALL: usize = 64 << 10;
/// Room is given in pieces of this many bytes.
const PIECE: usize = 1 << 10;

/// A write as it came in.
pub(crate) struct Write<T> {
    pub(crate) key: IdempotencyKey,
    pub(crate) request: T,
    /// To be kept until the write is answered.
    pub(crate) room: Room,
}

/// The right to the memory that a large body takes.
pub(crate) struct Room {
    _place: Option<OwnedSemaphorePermit>,
}

/// The room that large bodies share.
pub(crate) fn shared_room(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((bytes / PIECE).min(Semaphore::MAX_PERMITS)))
}

/// Reads a write.
pub(crate) async fn write<T: for<'de> FromJson<'de>>(
    app: &App,
    request: Request,
) -> Result<Write<T>, Denied> {
    let (headers, bytes, room) = bytes(app, request).await?;
    let key = IdempotencyKey::of(&headers)?;
    check_type(&headers)?;
    let request = read::read(&bytes).map_err(unreadable)?;
    Ok(Write { key, request, room })
}

/// Reads a write whose body may be empty: it is the shape's default then.
pub(crate) async fn write_or_default<T: for<'de> FromJson<'de> + Default>(
    app: &App,
    request: Request,
) -> Result<Write<T>, Denied> {
    let (headers, bytes, room) = bytes(app, request).await?;
    let key = IdempotencyKey::of(&headers)?;
    let request = if bytes.is_empty() {
        T::default()
    } else {
        check_type(&headers)?;
        read::read(&bytes).map_err(unreadable)?
    };
    Ok(Write { key, request, room })
}

/// Reads a request that has no key of its own.
pub(crate) async fn question<T: for<'de> FromJson<'de>>(
    app: &App,
    request: Request,
) -> Result<(T, Room), Denied> {
    let (headers, bytes, room) = bytes(app, request).await?;
    check_type(&headers)?;
    let request = read::read(&bytes).map_err(unreadable)?;
    Ok((request, room))
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

async fn bytes(app: &App, request: Request) -> Result<(HeaderMap, Bytes, Room), Denied> {
    let (parts, body) = request.into_parts();
    let options = &app.options;
    check_length(&parts.headers, options.body_limit)?;
    let collector = Collector {
        body,
        limit: options.body_limit,
        room: &app.body_room,
    };
    match timeout(options.body_timeout, collector.collect()).await {
        Ok(collected) => collected.map(|(bytes, room)| (parts.headers, bytes, room)),
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
        if self.body.is_end_stream() && first.len() <= SMALL.min(self.limit) {
            return Ok((first, Room { _place: None }));
        }
        let (mut all, mut place) = (first.to_vec(), None);
        loop {
            if all.len() > self.limit {
                drop((all, place));
                return Err(self.discard(too_large(self.limit)).await);
            }
            if let Err(denied) = self.make_room(all.len(), &mut place) {
                drop((all, place));
                return Err(self.discard(denied).await);
            }
            match self.next().await? {
                Some(more) => all.extend_from_slice(&more),
                None => return Ok((all.into(), Room { _place: place })),
            }
        }
    }

    /// Takes as much room as a body of `length` bytes needs, or says that there is none.
    fn make_room(
        &self,
        length: usize,
        place: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<(), Denied> {
        let held = place.as_ref().map_or(0, |place| place.num_permits());
        let needed = if length <= SMALL {
            0
        } else {
            length.div_ceil(PIECE)
        };
        let missing = u32::try_from(needed.saturating_sub(held)).unwrap_or(u32::MAX);
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(self.room).try_acquire_many_owned(missing);
        let more = more.map_err(|_| unavailable(&Unavailable::Busy { retry_after: 1 }))?;
        match place {
            Some(place) => place.merge(more),
            None => *place = Some(more),
        }
        Ok(())
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
