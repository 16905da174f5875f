//! Rows: the values of all features for one SKU at one location, at one moment.
//!
//! Reading changes nothing, so it does not matter how often, when, or by whom rows are read, or how many together.
//!
//! A value that stands on a fact older than its feature's limit is given up for the definition's default, as if it were
//! missing: here, where every row is made, so that a model is served what it was trained on (`docs/decisions/0024`).

use crate::calendar::day_of;
use crate::choice::Choice;
use crate::members::NONE;
use crate::plan::{Dated, Read};
use crate::store::Store;
use crate::subject::{Block, Subject};
use crate::window::Moment;
use onhand_core::{LevelNo, Span, Stamp};

/// Why a value is its definition's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FellBack {
    /// There was nothing to make it of.
    Missing,
    /// The newest fact behind it is older than the feature's limit.
    Stale,
}

/// What a value stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How old the newest fact behind it is: now, or, of a value that others pushed, at the time asked about. `None` if
    /// there is none, or it needs none.
    pub age: Option<Span>,
    /// Why it is its definition's default, or missing; `None` if it is not.
    pub fell_back: Option<FellBack>,
}

impl Store {
    /// The version of what was told of a SKU at a location: as long as it stays, nothing new was.
    pub fn version(&self, level: LevelNo) -> u64 {
        match self.row(level, 0) {
            NONE => 0,
            row => self.versions.of(0, row as usize),
        }
    }

    /// The values at a moment, one for each feature of the set; of some SKUs at locations one row after the other.
    ///
    /// # Panics
    /// `rows` has not as many values as there are features, for each that was found for the subject.
    pub fn read(&self, subject: &mut Subject, moment: Moment, rows: &mut [f32]) {
        self.read_some(subject, self.set.whole(), moment, rows);
    }

    /// The same, of some features alone: the places of others stay as they are.
    ///
    /// # Panics
    /// `rows` has not as many values as there are features, for each that was found for the subject; or the choice is of
    /// a set of another size.
    pub fn read_some(
        &self,
        subject: &mut Subject,
        choice: &Choice,
        moment: Moment,
        rows: &mut [f32],
    ) {
        let (plan, features) = (self.set.plan(), self.set.features());
        let Subject { block, memo } = subject;
        assert_eq!(
            rows.len(),
            block.len() * features.len(),
            "a row has a value for each feature"
        );
        assert!(choice.fits(plan), "the choice is of another set");
        memo.attend(
            self.versions.life.number(),
            plan.filters.len(),
            plan.means.len(),
        );
        let Stamp { seq, at } = self.kept.last;
        memo.other_day = (day_of(moment.now) != day_of(at)).then_some(seq);
        self.run(&plan.nodes, choice.nodes(), block, moment, memo);
        let many = block.len();
        for (place, row) in rows.chunks_exact_mut(features.len().max(1)).enumerate() {
            for number in choice.features() {
                let found = block.values[plan.outputs[number] * many + place];
                row[number] = match found.is_nan() {
                    true => features[number].fallback(),
                    false => found as f32,
                };
            }
        }
        self.drop_stale(block, choice, moment, rows);
    }

    /// What a feature's value stands on, in the row that was just read for the subject at a moment; of some that were read
    /// together, in that of a place.
    pub fn standing(
        &self,
        subject: &Subject,
        place: usize,
        feature: usize,
        moment: Moment,
    ) -> Standing {
        let (plan, block) = (self.set.plan(), &subject.block);
        let age = self.age(feature, block, place, moment);
        let node = plan.outputs[feature] * block.len();
        let found = block.values.get(node + place);
        Standing {
            age,
            fell_back: match self.is_stale(feature, age) {
                true => Some(FellBack::Stale),
                false if found.is_none_or(|value| value.is_nan()) => Some(FellBack::Missing),
                false => None,
            },
        }
    }

    /// Gives those values up that stand on facts older than their limits.
    fn drop_stale(&self, block: &Block, choice: &Choice, moment: Moment, rows: &mut [f32]) {
        let features = self.set.features();
        let limited = self.set.plan().limited.iter().copied();
        for feature in limited.filter(|feature| choice.has(*feature)) {
            for (place, row) in rows.chunks_exact_mut(features.len()).enumerate() {
                let age = self.age(feature, block, place, moment);
                if self.is_stale(feature, age) {
                    row[feature] = features[feature].fallback();
                }
            }
        }
    }

    /// Whether the newest fact behind a feature is older than its limit. Where there is none, nothing is out of date.
    fn is_stale(&self, feature: usize, age: Option<Span>) -> bool {
        let limit = self.set.features()[feature].fresh_for;
        limit.zip(age).is_some_and(|(limit, age)| age > limit)
    }

    /// How old the newest fact behind a feature's value is.
    fn age(&self, feature: usize, block: &Block, place: usize, moment: Moment) -> Option<Span> {
        let reads = self.set.plan().sources[feature].iter();
        reads
            .filter_map(|read| self.read_age(*read, block, place, moment))
            .min()
    }

    /// How old the newest fact behind a read is. A pushed value is looked up for a time, and is as old as it will be then:
    /// what is told of today says no more of next week today than it will then.
    fn read_age(&self, read: Read, block: &Block, place: usize, moment: Moment) -> Option<Span> {
        let plan = self.set.plan();
        let row = |kind| self.kept_row(kind, block.row(kind, place)?);
        let (asked, told) = match read.dated(plan)? {
            Dated::Series(number) => {
                let (series, kind) = self.series(number);
                (moment.now, series.last(row(kind)?)?)
            }
            Dated::Look => (moment.now, self.kept.looks.at(row(0)?)?),
            Dated::Pushed(number, anchor) => {
                let row = row(plan.pushed[number].entity)?;
                let asked = anchor.of(moment);
                (asked, self.kept.pushed[number].from(row, asked)?)
            }
        };
        Some(asked.since(told))
    }
}
