//! What the engine cannot do now.

use super::Denied;
use onhand_engine::Unavailable;
use onhand_wire::json::problem::Kind;

/// The problem of a caller whose time is over.
pub(crate) fn late() -> Denied {
    unavailable(&Unavailable::Late { retry_after: 1 })
}

/// The problem of an engine that cannot answer.
///
/// A request that was queued when the log failed may have been done or not; one that was refused before it was queued
/// was not. The two look the same here, so a client is told to ask again with the same key, which is safe for both.
pub(crate) fn unavailable(why: &Unavailable) -> Denied {
    let again = "Try again with the same Idempotency-Key: if it was done, you get its answer.";
    match why {
        Unavailable::Busy { retry_after } => {
            let detail = "Too many requests wait already, so this one was not taken. Try again a little later.";
            Denied::new(Kind::Busy, detail).retry_after(*retry_after)
        }
        Unavailable::Late { retry_after } => {
            let detail = "Its time was over before its turn came, so it was not done. Nothing was changed; try again, \
                          or give it more time.";
            Denied::new(Kind::Late, detail).retry_after(*retry_after)
        }
        Unavailable::StorageFull => {
            let detail = format!(
                "The server's disk is full; it takes writes again when there is room. {again}"
            );
            Denied::new(Kind::StorageFull, detail).retry_after(5)
        }
        Unavailable::LogUnavailable(_) => {
            let detail =
                format!("The server cannot write its ledger now and keeps trying. {again}");
            Denied::new(Kind::Unavailable, detail).retry_after(2)
        }
        Unavailable::Stopped(_) => {
            let detail =
                format!("The part of the server that keeps this stock has stopped. {again}");
            Denied::new(Kind::Stopped, detail).retry_after(10)
        }
    }
}

/// The problem of an answer that did not come in time.
pub(crate) fn no_answer() -> Denied {
    let detail = "There was no answer in time. A question can be asked again. Of a write it is not known whether it was done: try \
                  again with the same Idempotency-Key; if it was done, you get its answer.";
    Denied::new(Kind::NoAnswer, detail).retry_after(2)
}
