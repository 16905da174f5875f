//! The memory that large requests take, over any protocol: a bounded room that they share.
//!
//! A request takes more of it as its bytes come in, and gives it back when it is answered. So the memory that requests take
//! is bounded, whatever clients send; small ones are bounded by the number of connections.

use crate::problem::Denied;
use crate::problem::unavailable::unavailable;
use onhand_engine::Unavailable;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A request up to this many bytes needs no room.
pub(crate) const SMALL: usize = 64 << 10;
/// Room is given in pieces of this many bytes.
const PIECE: usize = 1 << 10;

/// The room that all requests share.
pub(crate) fn shared_room(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((bytes / PIECE).min(Semaphore::MAX_PERMITS)))
}

/// What one request has taken of it.
#[derive(Default)]
pub(crate) struct Room(Option<OwnedSemaphorePermit>);

impl Room {
    /// Takes as much as a request of `length` bytes needs in all, or says that there is no room for it.
    pub(crate) fn hold(&mut self, length: usize, shared: &Arc<Semaphore>) -> Result<(), Denied> {
        let held = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = match length {
            0..=SMALL => 0,
            _ => length.div_ceil(PIECE),
        };
        let missing = u32::try_from(needed.saturating_sub(held)).unwrap_or(u32::MAX);
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(shared).try_acquire_many_owned(missing);
        let more = more.map_err(|_| unavailable(&Unavailable::Busy { retry_after: 1 }))?;
        match &mut self.0 {
            Some(place) => place.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
    }
}
