//! Commands on stock itself. One file a command.

pub mod adjust;
pub mod count;
pub mod observe;
pub mod receive;
pub mod sell;
pub mod set_policy;

use crate::refusal::Refusal;
use crate::time::Timestamp;

/// When something happened: now if not said, and never in the future.
pub(crate) fn occurred(said: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Refusal> {
    occurred_in(None, said, now)
}

/// The same, for a time that stands in a line.
pub(crate) fn occurred_in(
    line: Option<usize>,
    said: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    match said {
        Some(at) if at > now => Err(Refusal::InFuture { line, now }),
        Some(at) => Ok(at),
        None => Ok(now),
    }
}
