//! What may not be lost: all that was shown, or all but the newest of it.
//!
//! An engine that says "before the answer" may lose nothing that it showed. One that says "within N ms" may lose with
//! the power what it showed less than N ms ago, or showed since its appender last had a turn: the appender of a server
//! is woken for the sync, that of the simulator waits until the dice choose it. It may never lose more, and never
//! anything but an end; that an end is all it lost is seen by comparing the state with the twin's at that position.

use onhand_engine::{Durability, Moment};
use std::collections::VecDeque;
use std::time::Duration;

/// What of one partition was shown, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    durability: Durability,
    now: Moment,
    shown: u64,
    /// Positions that may still be lost, each with the time at which it was first shown.
    young: VecDeque<(Moment, u64)>,
    kept: u64,
}

impl Kept {
    pub(super) fn is_promised(&mut self, durability: Durability) {
        self.durability = durability;
    }

    pub(super) fn passes(&mut self, now: Moment) {
        self.now = now;
    }

    pub(super) fn shown(&self) -> u64 {
        self.shown
    }

    pub(super) fn kept(&self) -> u64 {
        match self.durability {
            Durability::BeforeAnswer => self.shown,
            Durability::Within(_) => self.kept,
        }
    }

    pub(super) fn show(&mut self, position: u64) {
        if position > self.shown {
            self.shown = position;
            self.young.push_back((self.now, position));
        }
    }

    /// Whoever syncs had a turn: what was shown long enough ago is durable.
    pub(super) fn may_have_synced(&mut self) {
        let wait = match self.durability {
            Durability::BeforeAnswer => Duration::ZERO,
            Durability::Within(millis) => Duration::from_millis(millis.into()),
        };
        while let Some((_, position)) = self
            .young
            .pop_front_if(|(then, _)| then.plus(wait) <= self.now)
        {
            self.kept = position;
        }
    }

    /// All was synced, whatever its age.
    pub(super) fn was_synced(&mut self) {
        self.kept = self.shown;
        self.young.clear();
    }

    /// The partition starts again at a position, all of it durable. What was shown after it never was.
    pub(super) fn starts_at(&mut self, position: u64) {
        self.shown = position;
        self.kept = position;
        self.young.clear();
    }
}
