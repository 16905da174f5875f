//! The recent changes of on hand, so that a count as of the past can be brought up to now.
//!
//! The problem: a merchant's count speaks of 06:00 and arrives at 09:00; the picks and receipts of the three hours
//! between are known to us and not to it. The rule: on hand becomes the counted units plus every change that happened
//! after `as_of`. Each change points to the one before it of the same level, so a count walks only its own level's
//! changes. Changes older than the count window are forgotten, and an `as_of` before the window is refused.

use crate::numbers::LevelNo;
use crate::pages::Queue;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One change of on hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When the ledger learned of it.
    pub recorded_at: Timestamp,
    /// When it happened; at or before `recorded_at`.
    pub occurred_at: Timestamp,
    /// By how many units.
    pub units: i32,
    /// The level's change before this one, as in [`crate::level::Level`]; 0 if there was none.
    pub(crate) before: u32,
    /// Whose.
    pub level: LevelNo,
}

/// The changes in the order they were recorded.
pub(crate) type Journal = Queue<Change, 512>;

/// The full number behind the low 32 bits that a level or change keeps (plus one; 0 for none).
///
/// Sound while fewer than 2^32 changes are kept: every live change then has a full number of its own.
fn resolve(journal: &Journal, link: u32) -> Option<u64> {
    let low = link.checked_sub(1)?;
    let base = journal.back() & !u64::from(u32::MAX);
    let number = base | u64::from(low);
    let number = if number >= journal.back() {
        number.checked_sub(1 << 32)?
    } else {
        number
    };
    (number >= journal.front()).then_some(number)
}

/// The link to a change: its low 32 bits plus one. The one number that would wrap to 0 is skipped by [`record`].
fn link(number: u64) -> u32 {
    (number as u32).wrapping_add(1)
}

/// Adds a change and gives the new link of its level.
pub(crate) fn record(journal: &mut Journal, change: Change) -> u32 {
    let number = journal.push(change);
    match link(number) {
        0 => link(journal.push(change)),
        link => link,
    }
}

/// The net change of a level since `as_of`: what happened after it, as far as the ledger knows.
pub(crate) fn net_since(journal: &Journal, last_change: u32, as_of: Timestamp) -> i64 {
    let mut at = resolve(journal, last_change);
    let mut net = 0;
    while let Some(change) = at.and_then(|number| journal.get(number)) {
        // A change is recorded no earlier than it happens, so from here on all happened before `as_of`.
        if change.recorded_at <= as_of {
            break;
        }
        if change.occurred_at > as_of {
            net += i64::from(change.units);
        }
        at = resolve(journal, change.before);
    }
    net
}

/// Forgets up to `most` changes recorded before `horizon`.
pub(crate) fn forget(journal: &mut Journal, horizon: Timestamp, most: usize) {
    for _ in 0..most {
        match journal.get(journal.front()) {
            Some(change) if change.recorded_at < horizon => journal.pop_front(),
            _ => return,
        }
    }
}
