//! Predictions: full model, else cached score, else prior.
//!
//! A score is *current* as long as nothing was told of its item since, the hour is the same, and it is not older than
//! [`CURRENT_FOR`]. What is current is served as it is. The rest is scored anew, some at a time, until the caller says
//! that the time is over; then an older score is given with its age (`cached`), and where there is none, the
//! probability of which nothing is known (`prior`). An item that is new here has a prior too, however much time there
//! is: see [`crate::prior`].

use crate::making::{Made, Whom};
use crate::policy::{Decision, Policy};
use crate::prior::Prior;
use crate::scorer::{Explanation, Scorer};
use crate::scores::{Score, Scores};
use onhand_core::{LevelNo, Span, Timestamp};
use onhand_features::{Choice, Moment, Reader, Store};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a score is served as it is, if nothing happens.
pub const CURRENT_FOR: Span = Span::from_secs(5 * 60);
/// Names that are looked up under one lock.
const LOOKED_UP: usize = 512;
const HOUR_MILLIS: u64 = 3_600_000;

/// The feature stores that follow the partitions' ledgers.
pub trait Stores: fmt::Debug + Send + Sync {
    /// How many partitions there are.
    fn partitions(&self) -> u16;

    /// Lets a partition's store be read; short, for nothing is applied meanwhile.
    fn read(&self, partition: u16, with: &mut dyn FnMut(Reader<'_>));

    /// Up to when the store, as it is, knows all that the partition's ledger holds.
    fn as_of(&self, partition: u16, store: &Store, now: Timestamp) -> Timestamp;
}

/// An item that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Where.
    pub location: &'a str,
    /// What.
    pub sku: &'a str,
}

impl<'a> Asked<'a> {
    pub(crate) fn name(&self) -> (&'a str, &'a str) {
        (self.location, self.sku)
    }
}

/// Why an answer is not what the full model says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// There was no time for the model: a score from before.
    Cached,
    /// The item is new here: what is usual of its kind.
    New,
    /// There was no time, and no score from before: what is usual of which nothing is known.
    Unasked,
}

impl Fallback {
    /// Whether it is a prior: the model never said anything of the item.
    pub fn is_prior(self) -> bool {
        self != Self::Cached
    }
}

/// What is said of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The probability that the item is found.
    pub found: f64,
    /// What to do about it.
    pub decision: Decision,
    /// Up to when what was known of the item went into it; of others, in a score that is current, perhaps
    /// [`CURRENT_FOR`] less.
    pub as_of: Timestamp,
    /// When the newest thing happened that was told of the item; `None` if nothing was, or there was no time to look.
    pub newest_fact: Option<Timestamp>,
    /// Why it is not what the full model says now; `None` if it is.
    pub fallback: Option<Fallback>,
    /// The parts of the score, if they were asked for and the model was asked.
    pub explanation: Option<Explanation>,
}

/// Answers predictions of one model, from many threads.
#[derive(Debug)]
pub struct Predictor<S> {
    pub(crate) scorer: Scorer,
    pub(crate) prior: Prior,
    pub(crate) policy: Policy,
    pub(crate) stores: S,
    /// The features that the model and the prior look at.
    pub(crate) choice: Choice,
    scores: Vec<Mutex<Scores>>,
}

/// What a store knows of a level, in short.
struct Known {
    level: LevelNo,
    /// Of what was told of it.
    version: u64,
    /// Up to when the store knows all that the ledger holds.
    as_of: Timestamp,
}

/// A score, and why it is not current; `None` where there is none.
type Told = Option<(Score, Option<Fallback>)>;

impl<S: Stores> Predictor<S> {
    /// A predictor that gives items a prior that are new here, for so long, and remembers so many scores at most.
    pub fn new(
        scorer: Scorer,
        policy: Policy,
        stores: S,
        new_for: Span,
        most_scores: usize,
    ) -> Self {
        let partitions = usize::from(stores.partitions()).max(1);
        let most = most_scores / partitions;
        let prior = Prior::new(scorer.set(), scorer.usually_found(), new_for);
        let looked_at = scorer.places().iter().copied().chain(prior.places());
        Self {
            choice: scorer.set().choice(looked_at),
            prior,
            scorer,
            policy,
            stores,
            scores: (0..partitions)
                .map(|_| Mutex::new(Scores::with_room(most)))
                .collect(),
        }
    }

    /// The model.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// How many scores are remembered.
    pub fn remembered(&self) -> usize {
        self.scores.iter().map(|scores| lock(scores).len()).sum()
    }

    /// Predicts for items of one partition, in their order. Scores are made as long as `go_on` says so.
    pub fn predict(
        &self,
        partition: u16,
        asked: &[Asked<'_>],
        moment: Moment,
        go_on: &dyn Fn() -> bool,
    ) -> Vec<Prediction> {
        let mut told = self.undecided(partition, asked, moment, go_on);
        self.decide(partition, asked, &mut told);
        told
    }

    /// The same, with the parts of each score, which is made anew for it. Without time left for that an item is said what
    /// [`Self::predict`] says, and not why.
    pub fn explain(
        &self,
        partition: u16,
        asked: &[Asked<'_>],
        moment: Moment,
        go_on: &dyn Fn() -> bool,
    ) -> Vec<Prediction> {
        let mut told = self.undecided(partition, asked, moment, go_on);
        for (item, told) in asked.iter().zip(&mut told) {
            if !go_on() {
                break;
            }
            *told = self.explained(partition, item, moment);
        }
        self.decide(partition, asked, &mut told);
        told
    }

    fn explained(&self, partition: u16, item: &Asked<'_>, moment: Moment) -> Prediction {
        let mut rows = Vec::new();
        let item = Whom::Names(std::slice::from_ref(item));
        let mut made = self.read_some(partition, item, moment, true, &mut rows);
        self.ask_the_model(&mut made, &rows);
        let explain = |made: &Made| Some(self.scorer.explain(made.grounds.as_ref()?, made.line));
        let made = made.first();
        Prediction {
            explanation: made.and_then(explain),
            ..self.say(made.map(|made| (made.score, None)), moment.now)
        }
    }

    /// What is said of items; what to do about them is not decided yet.
    fn undecided(
        &self,
        partition: u16,
        asked: &[Asked<'_>],
        moment: Moment,
        go_on: &dyn Fn() -> bool,
    ) -> Vec<Prediction> {
        let (mut told, open) = self.look_up(partition, asked, moment);
        let names: Vec<_> = open.iter().map(|at| asked[*at]).collect();
        let made = self.score(partition, Whom::Names(&names), moment, go_on);
        self.keep(partition, moment, &made);
        for (at, made) in open.iter().zip(made) {
            told[*at] = Some((made.score, None));
        }
        let told = told.into_iter().map(|told| self.say(told, moment.now));
        told.collect()
    }

    /// The scores that there are, each with why it is not current, and the places of those that are not.
    fn look_up(
        &self,
        partition: u16,
        asked: &[Asked<'_>],
        moment: Moment,
    ) -> (Vec<Told>, Vec<usize>) {
        let mut told = vec![None; asked.len()];
        let mut open = Vec::new();
        if moment.target != moment.now {
            open.extend(0..asked.len());
            return (told, open);
        }
        let known = self.known(partition, asked, moment.now);
        let mut scores = self.remembered_of(partition);
        for (at, known) in known.into_iter().enumerate() {
            let score = known.and_then(|known| {
                let score = scores.ask(known.level, moment.now)?;
                let is_current = score.is_current(known.version, moment.now);
                // Nothing was told of the item since. What was told of others may be missing, for as long as it is current.
                let as_of = if is_current { known.as_of } else { score.as_of };
                Some((Score { as_of, ..score }, is_current))
            });
            let is_current = score.is_some_and(|(_, is_current)| is_current);
            let why = |is_current: bool| (!is_current).then_some(Fallback::Cached);
            told[at] = score.map(|(score, is_current)| (score, why(is_current)));
            if !is_current {
                open.push(at);
            }
        }
        (told, open)
    }

    /// What the store knows of items, if the ledger knows them.
    fn known(&self, partition: u16, asked: &[Asked<'_>], now: Timestamp) -> Vec<Option<Known>> {
        let mut known = Vec::with_capacity(asked.len());
        for some in asked.chunks(LOOKED_UP) {
            self.stores.read(partition, &mut |reader| {
                let store = reader.store();
                let as_of = self.stores.as_of(partition, store, now);
                let of_level = |level| Known {
                    level,
                    version: store.version(level),
                    as_of,
                };
                let levels = store.levels(some.iter().map(Asked::name));
                known.extend(levels.map(|level| level.map(of_level)));
            });
        }
        known
    }

    /// Remembers what was asked for.
    fn keep(&self, partition: u16, moment: Moment, made: &[Made]) {
        // What is said of another moment is not what is said of now, even in the same hour: a discount may begin between.
        if moment.target != moment.now {
            return;
        }
        let mut scores = self.remembered_of(partition);
        for one in made {
            if let Some(level) = one.level {
                scores.put(level, one.score, moment.now);
            }
        }
    }

    /// What is said of an item; what to do about it is not decided yet.
    fn say(&self, told: Told, now: Timestamp) -> Prediction {
        let unknown = Prediction {
            found: self.prior.usually(),
            decision: Decision::Warn,
            as_of: now,
            newest_fact: None,
            fallback: Some(Fallback::Unasked),
            explanation: None,
        };
        let Some((score, fallback)) = told else {
            return unknown;
        };
        Prediction {
            found: score.found,
            as_of: score.as_of,
            newest_fact: score.newest_fact,
            // However old: the model never said anything of it.
            fallback: match score.is_prior {
                true => Some(Fallback::New),
                false => fallback,
            },
            ..unknown
        }
    }

    pub(crate) fn remembered_of(&self, partition: u16) -> MutexGuard<'_, Scores> {
        lock(&self.scores[usize::from(partition)])
    }
}

impl Score {
    /// Whether the score is still what the model would say, nearly enough.
    pub(crate) fn is_current(&self, version: u64, now: Timestamp) -> bool {
        self.version == version
            && hour(self.made_at) == hour(now)
            && now.since(self.made_at) < CURRENT_FOR
    }
}

pub(crate) fn hour(at: Timestamp) -> u64 {
    at.millis() / HOUR_MILLIS
}

/// What is behind these locks is whole after every step, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
