//! Changes: of which SKUs at locations something was told lately.
//!
//! Whoever keeps what was made of a store's rows wants to know which of them have changed, and would otherwise have to
//! look through all that he keeps. So the store writes down whom it was told of, up to a bound. A place in that list is
//! how much was ever written before it: each reader remembers his own, and one who comes too late is told so.

use crate::store::Store;
use onhand_core::LevelNo;
use std::collections::VecDeque;

/// Changes that are remembered: a second or more of a busy ledger.
const KEPT: usize = 1 << 16;

/// Whom something was told of, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    levels: VecDeque<LevelNo>,
    /// How many were ever written down.
    written: u64,
}

impl Changes {
    /// Something was told of a level.
    pub(crate) fn add(&mut self, level: LevelNo) {
        if self.levels.len() == KEPT {
            self.levels.pop_front();
        }
        self.levels.push_back(level);
        self.written += 1;
    }

    fn since(&self, place: u64) -> Option<impl Iterator<Item = LevelNo> + '_> {
        let missed = usize::try_from(self.written.checked_sub(place)?).ok()?;
        let from = self.levels.len().checked_sub(missed)?;
        Some(self.levels.range(from..).copied())
    }
}

impl Store {
    /// The place after the last change: whoever looks through all there is now, and from there on at the changes, misses
    /// none.
    pub fn changes(&self) -> u64 {
        self.versions.changes.written
    }

    /// The SKUs at locations of which something was told from a place of [`Self::changes`] on, each as often as it was:
    /// those whose [`Self::version`] is another. `None` if that is too long ago to be known.
    pub fn changed_since(&self, place: u64) -> Option<impl Iterator<Item = LevelNo> + '_> {
        self.versions.changes.since(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_in_time_misses_nothing_and_whoever_comes_too_late_is_told() {
        let mut changes = Changes::default();
        let since = |changes: &Changes, place| -> Option<Vec<u32>> {
            Some(changes.since(place)?.map(|level| level.0).collect())
        };
        for level in [5, 7, 5] {
            changes.add(LevelNo(level));
        }
        assert_eq!(since(&changes, 0), Some(vec![5, 7, 5]));
        assert_eq!(since(&changes, 2), Some(vec![5]));
        assert_eq!(since(&changes, 3), Some(Vec::new()));
        assert_eq!(since(&changes, 4), None, "of another store");
        (0..KEPT).for_each(|_| changes.add(LevelNo(9)));
        assert_eq!(since(&changes, 2), None);
        assert_eq!(since(&changes, 3).map(|all| all.len()), Some(KEPT));
    }
}
