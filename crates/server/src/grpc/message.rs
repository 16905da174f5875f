//! A message as its bytes come in: large ones take room, as the bodies of HTTP do.

use crate::room::Room;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::sync::Semaphore;
use tonic::Status;

/// The room of one message, to be kept until the call is answered.
pub(super) type Held = Arc<Mutex<Room>>;

/// The bytes of a call.
pub(super) struct Message {
    bytes: Incoming,
    length: usize,
    /// What large messages share, and what this one holds of it; `None` for a stream, which is no one message.
    room: Option<(Arc<Semaphore>, Held)>,
}

impl Message {
    /// The bytes of a call that has one message.
    pub(super) fn one(bytes: Incoming, shared: &Arc<Semaphore>) -> (Self, Held) {
        let held = Held::default();
        let room = Some((Arc::clone(shared), Arc::clone(&held)));
        let message = Self {
            bytes,
            length: 0,
            room,
        };
        (message, held)
    }

    /// The bytes of a call that has many messages, each read when there is a place for it.
    pub(super) fn many(bytes: Incoming) -> Self {
        Self {
            bytes,
            length: 0,
            room: None,
        }
    }

    fn hold(&mut self, more: usize) -> Result<(), Status> {
        self.length += more;
        let Some((shared, held)) = &self.room else {
            return Ok(());
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(held.hold(self.length, shared)?)
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(frame) = ready!(Pin::new(&mut self.bytes).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(|error| Status::from_error(error.into()));
        let frame = frame.and_then(|frame| {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.hold(length).map(|()| frame)
        });
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.bytes.size_hint()
    }
}
