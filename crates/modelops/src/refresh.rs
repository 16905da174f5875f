//! Scores made anew as the ledger goes on, so that a page finds them current.
//!
//! A round looks through the scores that somebody asked for lately, first for those of whose items something was told
//! since, then for some of those that time alone has aged: the hour is another, or they will not be current for long.
//! Between two steps the caller may rest, which bounds how much of a core this takes; what it does not get to is made
//! when it is asked for, or served with its age.

use crate::making::{CHUNK, Whom};
use crate::predictor::{CURRENT_FOR, Predictor, Stores, hour};
use crate::scores::Score;
use onhand_core::{LevelNo, Span, Timestamp};
use onhand_features::Moment;

/// A score nobody asked for since so long is left to age.
const WANTED_FOR: Span = Span::from_secs(15 * 60);
/// What will not be current for much longer.
const AGED: Span = Span::from_millis(CURRENT_FOR.millis() / 5 * 4);
/// Scores looked at under one lock.
const LOOKED_AT: usize = 512;
/// The most aged scores of a partition in a round: what changed is not to wait for them.
const AGED_A_ROUND: usize = 2_048;

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Scores that were looked at.
    pub looked_at: usize,
    /// Made anew because something was told of their items.
    pub changed: usize,
    /// Made anew because of their age.
    pub aged: usize,
}

impl<S: Stores> Predictor<S> {
    /// One round. `rest` is called between steps, and ends the round by saying `false`.
    pub fn refresh(
        &self,
        clock: &dyn Fn() -> Timestamp,
        rest: &mut dyn FnMut() -> bool,
    ) -> Refreshed {
        let mut done = Refreshed::default();
        for partition in 0..self.stores.partitions() {
            let mut aged = Vec::new();
            if !self.renew_changed(partition, clock, rest, &mut aged, &mut done) {
                return done;
            }
            for levels in aged.chunks(CHUNK) {
                self.renew(partition, levels, clock());
                done.aged += levels.len();
                if !rest() {
                    return done;
                }
            }
        }
        done
    }

    /// Makes those scores anew that something was told of, and gives some of those that are aged.
    fn renew_changed(
        &self,
        partition: u16,
        clock: &dyn Fn() -> Timestamp,
        rest: &mut dyn FnMut() -> bool,
        aged: &mut Vec<LevelNo>,
        done: &mut Refreshed,
    ) -> bool {
        let (mut from, mut of) = (0, usize::MAX);
        while from < of {
            let now = clock();
            let scores: Vec<(LevelNo, Score)> = {
                let scores = self.remembered_of(partition);
                of = scores.len();
                let wanted = scores.asked_since(now.minus(WANTED_FOR), from, LOOKED_AT);
                wanted.collect()
            };
            from += LOOKED_AT;
            done.looked_at += scores.len();
            let mut changed = Vec::new();
            self.stores.read(partition, &mut |reader| {
                let store = reader.store();
                for (level, score) in &scores {
                    if score.version != store.version(*level) {
                        changed.push(*level);
                    } else if score.is_aged(now) && aged.len() < AGED_A_ROUND {
                        aged.push(*level);
                    }
                }
            });
            for levels in changed.chunks(CHUNK) {
                self.renew(partition, levels, clock());
                done.changed += levels.len();
                if !rest() {
                    return false;
                }
            }
        }
        rest()
    }

    fn renew(&self, partition: u16, levels: &[LevelNo], now: Timestamp) {
        let made = self.score(partition, Whom::Levels(levels), Moment::of(now), &|| true);
        let mut scores = self.remembered_of(partition);
        for (level, made) in levels.iter().zip(made) {
            scores.renew(*level, made.score);
        }
    }
}

impl Score {
    fn is_aged(&self, now: Timestamp) -> bool {
        hour(self.made_at) != hour(now) || now.since(self.made_at) >= AGED
    }
}
