//! Rows: the values of all features for one SKU at one location, at one moment.
//!
//! Reading changes nothing, so it does not matter how often, when, or by whom rows are read, or how many together.

use crate::calendar::day_of;
use crate::members::NONE;
use crate::plan::Read;
use crate::store::Store;
use crate::subject::Subject;
use crate::window::Moment;
use onhand_core::{LevelNo, Span, Stamp, Timestamp};

impl Store {
    /// The version of what was told of a SKU at a location: as long as it stays, nothing new was.
    pub fn version(&self, level: LevelNo) -> u64 {
        match self.row(level, 0) {
            NONE => 0,
            row => self.versions.of(0, row as usize),
        }
    }

    /// Whether a feature had nothing to be made of in the row that was just read for the subject, so that its value is
    /// its definition's default, or missing. Of some that were read together, in that of the first.
    pub fn is_default(&self, subject: &Subject, feature: usize) -> bool {
        let node = self.set.plan().outputs[feature];
        let value = subject.block.values.get(node * subject.block.len());
        value.is_none_or(|value| value.is_nan())
    }

    /// The values at a moment, one for each feature of the set; of some SKUs at locations one row after the other.
    ///
    /// # Panics
    /// `rows` has not as many values as there are features, for each that was found for the subject.
    pub fn read(&self, subject: &mut Subject, moment: Moment, rows: &mut [f32]) {
        let (plan, features) = (self.set.plan(), self.set.features());
        let Subject { block, memo } = subject;
        assert_eq!(
            rows.len(),
            block.len() * features.len(),
            "a row has a value for each feature"
        );
        memo.attend(
            self.versions.life.number(),
            plan.filters.len(),
            plan.means.len(),
        );
        let Stamp { seq, at } = self.kept.last;
        memo.other_day = (day_of(moment.now) != day_of(at)).then_some(seq);
        self.run(&plan.nodes, block, moment, memo);
        let many = block.len();
        for (place, row) in rows.chunks_exact_mut(features.len().max(1)).enumerate() {
            for ((value, output), feature) in row.iter_mut().zip(&plan.outputs).zip(features) {
                let found = block.values[output * many + place];
                // Every missing value is the same NaN, so that rows can be compared bit by bit.
                *value = match found.is_nan() {
                    true if feature.default.is_nan() => f32::NAN,
                    true => feature.default,
                    false => found as f32,
                };
            }
        }
    }

    /// How old the newest fact behind a feature's value is; `None` if there is none, or the value needs none. Of some
    /// that were found, for the first.
    pub fn age(&self, subject: &Subject, feature: usize, now: Timestamp) -> Option<Span> {
        let sources = &self.set.plan().sources[feature];
        let told = sources
            .iter()
            .filter_map(|read| self.told_at(*read, subject, now));
        told.max().map(|at| now.since(at))
    }

    /// When the newest fact behind a read happened.
    fn told_at(&self, read: Read, subject: &Subject, now: Timestamp) -> Option<Timestamp> {
        let plan = self.set.plan();
        let row = |kind| self.kept_row(kind, subject.row(kind, 0)?);
        let last = |number| {
            let (series, kind) = self.series(number);
            series.last(row(kind)?)
        };
        match read {
            Read::Filter(number, _) => last(plan.filters[number].sold),
            Read::Window(series, ..)
            | Read::OnDaysWith(series, ..)
            | Read::Since(series)
            | Read::Usual(series, ..)
            | Read::DaysKnown(series, _) => last(series),
            Read::Found => self.kept.looks.at(row(0)?),
            Read::Pushed(number, _) | Read::PushedFor(number, _) => {
                let row = row(plan.pushed[number].entity)?;
                self.kept.pushed[number].from(row, now)
            }
            Read::Age(_)
            | Read::Balance(_)
            | Read::Code(_)
            | Read::Members(_)
            | Read::Mean(_)
            | Read::Context(..) => None,
        }
    }
}
