//! The recent changes of on hand, so that a count as of the past can be brought up to now.
//!
//! The problem: a merchant's count speaks of 06:00 and arrives at 09:00; the picks and receipts of the three hours
//! between are known to us and not to it. The rule: on hand becomes the counted units plus every change that happened
//! after `as_of`. Each change points to the one before it of the same level, so a count walks only its own level's
//! changes. Changes older than the count window are forgotten, and an `as_of` before the window is refused.
//!
//! Only what happened to the goods is a change. What mends the record (the outcome of a count, the surplus that a pick
//! proves) is not: a count as of an earlier moment saw those goods, or missed them, already.

use crate::numbers::LevelNo;
use crate::pages::{Queue, fitting};
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
pub(crate) type Journal = Queue<Change, { fitting::<Change>() }>;

/// The full number behind the low 32 bits that a level or change keeps (plus one; 0 for none).
///
/// Sound for live changes while fewer than 2^32 are kept. A link to a forgotten change may meet another one of the same
/// low bits: [`net_since`] tells it by its level and its place.
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
pub(crate) fn net_since(
    journal: &Journal,
    level: LevelNo,
    last_change: u32,
    as_of: Timestamp,
) -> i64 {
    let (mut link, mut net) = (last_change, 0);
    let mut newer = journal.back();
    while let Some(number) = resolve(journal, link) {
        let Some(change) = journal
            .get(number)
            .filter(|change| change.level == level && number < newer)
        else {
            break;
        };
        // A change is recorded no earlier than it happens, so from here on all happened before `as_of`.
        if change.recorded_at <= as_of {
            break;
        }
        if change.occurred_at > as_of {
            net += i64::from(change.units);
        }
        (link, newer) = (change.before, number);
    }
    net
}

/// The oldest moment from which every change is still known.
pub(crate) fn complete_since(journal: &Journal) -> Timestamp {
    let oldest = journal.get(journal.front());
    match oldest {
        Some(change) if journal.front() > 0 => change.recorded_at,
        _ => Timestamp::default(),
    }
}

/// Forgets up to `most` changes recorded before `horizon`. The newest of them stays: it tells how far back the journal
/// is complete, also when the window is made longer afterwards.
pub(crate) fn forget(journal: &mut Journal, horizon: Timestamp, most: usize) {
    for _ in 0..most {
        match journal.get(journal.front() + 1) {
            Some(change) if change.recorded_at < horizon => journal.pop_front(),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(second: u64, units: i32, before: u32) -> Change {
        let at = Timestamp::from_millis(second * 1000);
        Change {
            recorded_at: at,
            occurred_at: at,
            units,
            before,
            level: LevelNo(0),
        }
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    #[test]
    fn links_hold_where_their_low_32_bits_wrap() {
        for wraps in 1..4 {
            let mut journal = Journal::starting_at((wraps << 32) - 3);
            let last = (1..=6).fold(0, |last, second| {
                record(&mut journal, change(second, 1, last))
            });
            assert_eq!(net_since(&journal, LevelNo(0), last, at(0)), 6);
            assert_eq!(net_since(&journal, LevelNo(0), last, at(4)), 2);
        }
    }

    #[test]
    fn a_link_to_a_forgotten_change_leads_nowhere() {
        let mut journal = Journal::default();
        let last = (1..=5).fold(0, |last, second| {
            record(&mut journal, change(second, 1, last))
        });
        forget(&mut journal, at(4), 9);
        assert_eq!(journal.front(), 2);
        assert_eq!(complete_since(&journal), at(3));
        assert_eq!(net_since(&journal, LevelNo(0), last, at(3)), 2);
        assert_eq!(net_since(&journal, LevelNo(0), 1, at(0)), 0);
    }

    #[test]
    fn a_stale_link_never_leads_to_another_levels_change() {
        // Level 0's only change is forgotten; 2^32 changes later another level's has the same low bits.
        let mut journal = Journal::starting_at(1 << 32);
        let mut other = change(9, 7, 0);
        other.level = LevelNo(1);
        let stale = record(&mut journal, other);
        assert_eq!(net_since(&journal, LevelNo(0), stale, at(0)), 0);
        assert_eq!(net_since(&journal, LevelNo(1), stale, at(0)), 7);
    }

    #[test]
    fn the_journal_does_not_outgrow_its_window() {
        let mut journal = Journal::default();
        for second in 1..1000 {
            for _ in 0..100 {
                record(&mut journal, change(second, 1, 0));
            }
            forget(
                &mut journal,
                at(second).minus(crate::Span::from_secs(2)),
                104,
            );
        }
        assert!(journal.back() - journal.front() <= 301);
    }
}
