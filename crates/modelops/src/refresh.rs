//! Scores made anew as the ledger goes on, so that a page finds them current.
//!
//! A round takes up what the store was told since the last one, and makes those scores anew of whose items something was
//! told and that somebody asked for lately; then it looks at some of all scores for those that time alone has aged: the
//! hour is another, or they will not be current for long. So a round costs what has changed, however many scores there
//! are. Only the first one, and one that comes so late that the store has forgotten what it was told, looks at all.
//!
//! What all rows share, the means over shelves, is made ahead ([`Ahead`]): after a start, a full hour, the first entry of a
//! day and a change of groups nothing is remembered of them, and whoever asks first would make what his items need in the
//! time that he has. A start may make all of them ([`Predictor::prepare`]); a round makes a few, after what it was told.
//!
//! Between two steps the caller may rest, which bounds how much of a core this takes; what it does not get to is made
//! when it is asked for, or served with its age. So is a score that was made while its item changed, and put down after
//! the round that took that change up.

use crate::making::Whom;
use crate::predictor::{CURRENT_FOR, Predictor, Stores, hour};
use crate::scores::Score;
use onhand_core::{LevelNo, Span, Timestamp};
use onhand_features::{Ahead, Moment};

/// A score nobody asked for since so long is left to age.
const WANTED_FOR: Span = Span::from_secs(15 * 60);
/// What will not be current for much longer.
const AGED: Span = Span::from_millis(CURRENT_FOR.millis() / 5 * 4);
/// Scores looked at under one lock.
const LOOKED_AT: usize = 512;
/// Scores made anew between two rests: a third of a millisecond. A system does not take the core from who has just begun,
/// however little he matters, so others wait as long.
const RENEWED: usize = 32;
/// Rounds in which all scores are looked at for those that are aged, as long as they are no more than
/// [`AGED_A_ROUND`] each.
const AGED_IN_ROUNDS: usize = 64;
/// The most aged scores of a partition in a round: what changed is not to wait for them.
const AGED_A_ROUND: usize = 2_048;
/// Steps of a walk over what rows share in a round: some milliseconds, for the same reason.
const AHEAD_A_ROUND: usize = 8;

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Scores that were looked at.
    pub looked_at: usize,
    /// Made anew because something was told of their items.
    pub changed: usize,
    /// Made anew because of their age.
    pub aged: usize,
    /// Rows that were read to make what others share.
    pub ahead: usize,
}

/// How far rounds have got, by partition.
#[derive(Debug, Default)]
pub struct Progress(Vec<Seen>);

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The place after the last change that was taken up; none before the first round.
    changes: Option<u64>,
    /// The score to be looked at next for its age.
    next: usize,
    /// What rows share.
    ahead: Ahead,
}

impl Progress {
    fn each(&mut self, partitions: u16) -> impl Iterator<Item = (u16, &mut Seen)> {
        self.0.resize(partitions.into(), Seen::default());
        (0..partitions).zip(&mut self.0)
    }
}

impl<S: Stores> Predictor<S> {
    /// One round, from where the last one ended. `rest` is called between steps, and ends the round by saying `false`.
    pub fn refresh(
        &self,
        progress: &mut Progress,
        clock: &dyn Fn() -> Timestamp,
        rest: &mut dyn FnMut() -> bool,
    ) -> Refreshed {
        let mut done = Refreshed::default();
        for (partition, seen) in progress.each(self.stores.partitions()) {
            for some in self.told(partition, seen, clock()).chunks(LOOKED_AT) {
                let changed = self.changed(partition, some, clock(), &mut done.looked_at);
                done.changed += changed.len();
                if !self.renew_all(partition, &changed, clock, rest) {
                    return done;
                }
            }
            let aged = self.aged(partition, seen, clock(), &mut done.looked_at);
            done.aged += aged.len();
            if !self.renew_all(partition, &aged, clock, rest) {
                return done;
            }
            for _ in 0..AHEAD_A_ROUND {
                let Some(read) = self.step_ahead(partition, seen, clock()) else {
                    break;
                };
                done.ahead += read;
                if !rest() {
                    return done;
                }
            }
        }
        done
    }

    /// Makes all that rows of this hour share, so that whoever asks first need not; rounds go on from there. `rest` is called
    /// between steps, and ends it by saying `false`. Gives how many rows were read for it.
    pub fn prepare(
        &self,
        progress: &mut Progress,
        clock: &dyn Fn() -> Timestamp,
        rest: &mut dyn FnMut() -> bool,
    ) -> usize {
        let mut all = 0;
        for (partition, seen) in progress.each(self.stores.partitions()) {
            while let Some(read) = self.step_ahead(partition, seen, clock()) {
                all += read;
                if !rest() {
                    return all;
                }
            }
        }
        all
    }

    /// Makes some of what rows share; gives how many rows were read for it, `None` if all is made.
    fn step_ahead(&self, partition: u16, seen: &mut Seen, now: Timestamp) -> Option<usize> {
        let (mut found, moment) = (None, Moment::of(now));
        self.stores.read(partition, &mut |reader| {
            found = seen.ahead.step(reader.store(), &self.choice, moment);
        });
        let levels = found?;
        let whom = Whom::Levels(&levels);
        self.read_some(partition, whom, moment, false, &mut Vec::new());
        Some(levels.len())
    }

    /// Of whom something was told since the last round; all that have a score, if nobody knows.
    fn told(&self, partition: u16, seen: &mut Seen, now: Timestamp) -> Vec<LevelNo> {
        let mut told: Option<Vec<LevelNo>> = None;
        self.stores.read(partition, &mut |reader| {
            let store = reader.store();
            let place = seen.changes.replace(store.changes());
            told = place.and_then(|place| Some(store.changed_since(place)?.collect()));
        });
        if let Some(mut told) = told {
            told.sort_unstable();
            told.dedup();
            return told;
        }
        let scores = self.remembered_of(partition);
        let wanted = scores.asked_since(now.minus(WANTED_FOR), 0, usize::MAX);
        wanted.map(|(level, _)| level).collect()
    }

    /// Those whose score is asked for and of another version than what is known.
    fn changed(
        &self,
        partition: u16,
        levels: &[LevelNo],
        now: Timestamp,
        looked_at: &mut usize,
    ) -> Vec<LevelNo> {
        let scores: Vec<(LevelNo, Score)> = {
            let scores = self.remembered_of(partition);
            let wanted = |level| scores.wanted(level, now.minus(WANTED_FOR));
            let each = levels.iter();
            each.filter_map(|level| Some((*level, wanted(*level)?)))
                .collect()
        };
        *looked_at += scores.len();
        let mut changed = Vec::new();
        self.stores.read(partition, &mut |reader| {
            let version = |level| reader.store().version(level);
            let each = scores.iter();
            let of_another = each.filter(|(level, score)| score.version != version(*level));
            changed.extend(of_another.map(|(level, _)| *level));
        });
        changed
    }

    /// Some of those whose score is asked for and aged.
    fn aged(
        &self,
        partition: u16,
        seen: &mut Seen,
        now: Timestamp,
        looked_at: &mut usize,
    ) -> Vec<LevelNo> {
        let scores = self.remembered_of(partition);
        if seen.next >= scores.len() {
            seen.next = 0;
        }
        let many = (scores.len() / AGED_IN_ROUNDS).clamp(LOOKED_AT, AGED_A_ROUND);
        let wanted = scores.asked_since(now.minus(WANTED_FOR), seen.next, many);
        seen.next += many;
        let aged = wanted
            .inspect(|_| *looked_at += 1)
            .filter(|(_, score)| score.is_aged(now));
        aged.map(|(level, _)| level).collect()
    }

    /// Makes scores anew; `false` if it was told to end.
    fn renew_all(
        &self,
        partition: u16,
        levels: &[LevelNo],
        clock: &dyn Fn() -> Timestamp,
        rest: &mut dyn FnMut() -> bool,
    ) -> bool {
        levels.chunks(RENEWED).all(|some| {
            self.renew(partition, some, clock());
            rest()
        })
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
