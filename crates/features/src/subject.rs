//! Whom rows are about.

use crate::filter::Belief;
use crate::members::NONE;
use crate::memo::Memo;
use crate::ring::Run;
use crate::store::Store;
use crate::window::{Moment, Window};
use onhand_core::LevelNo;

/// Rows of groups that are remembered at once where equal ones are looked for.
const SLOTS: usize = 64;

/// Whom rows are about: a SKU at a location, or some of which rows are read together; with what is remembered from one
/// row to the next. Keep one and refill it, to allocate nothing; clone it for another thread, and both remember together.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    pub(crate) block: Block,
    pub(crate) memo: Memo,
}

/// SKUs at locations that a formula is made for together, and its values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) levels: Vec<Option<LevelNo>>,
    /// Of each of them the rows of everything that it is part of: one for each kind of entity.
    pub(crate) rows: Vec<u32>,
    /// By node, a value for each of them.
    pub(crate) values: Vec<f64>,
    /// By filter, what it says of each of them; none as long as nobody asked.
    pub(crate) beliefs: Vec<Vec<Option<Belief>>>,
    /// By kind of entity, for each of them a place up to its own that has the same row; none as long as nobody asked.
    pub(crate) same: Vec<Vec<u32>>,
    /// Room for a window.
    pub(crate) laid: Laid,
}

/// The buckets of a window at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Laid {
    pub(crate) buckets: Vec<u32>,
    /// The same.
    pub(crate) runs: Vec<Run>,
}

impl Subject {
    /// Whether the ledger knows the SKU at the location.
    pub fn is_known(&self) -> bool {
        self.level().is_some()
    }

    /// The SKU at the location, if the ledger knows it; the first of some.
    pub fn level(&self) -> Option<LevelNo> {
        self.levels().first().copied().flatten()
    }

    /// The SKUs at locations, each if the ledger knows it.
    pub fn levels(&self) -> &[Option<LevelNo>] {
        &self.block.levels
    }

    /// The row of a kind of entity, of the SKU at the location in a place.
    pub(crate) fn row(&self, kind: usize, place: usize) -> Option<u32> {
        self.block.row(kind, place)
    }
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        self.levels.len()
    }

    pub(crate) fn clear(&mut self) {
        self.levels.clear();
        self.rows.clear();
    }

    /// The row of a kind of entity, of the SKU at the location in a place.
    pub(crate) fn row(&self, kind: usize, place: usize) -> Option<u32> {
        let width = self.rows.len() / self.len().max(1);
        self.rows.get(place * width + kind).copied()
    }

    /// Forgets the values, and makes ready for others.
    pub(crate) fn begin(&mut self, kinds: usize, filters: usize) {
        self.values.clear();
        self.same.resize(kinds, Vec::new());
        self.same.iter_mut().for_each(Vec::clear);
        self.beliefs.resize(filters, Vec::new());
        self.beliefs.iter_mut().for_each(Vec::clear);
    }

    /// Lays a window, in the room for one: whoever is done with it gives it back.
    pub(crate) fn lay(&mut self, window: Window, moment: Moment) -> Laid {
        let mut laid = std::mem::take(&mut self.laid);
        laid.buckets.clear();
        window.each(moment, |bucket| laid.buckets.push(bucket));
        Run::all(&laid.buckets, &mut laid.runs);
        laid
    }

    /// Takes a SKU at a location with its rows.
    pub(crate) fn push(&mut self, level: LevelNo, rows: &[u32]) {
        self.levels.push(Some(level));
        self.rows.extend_from_slice(rows);
    }

    /// The rows of a kind of entity, in order.
    pub(crate) fn rows_of(&self, kind: usize, kinds: usize) -> impl Iterator<Item = u32> {
        self.rows.iter().skip(kind).step_by(kinds).copied()
    }

    /// Finds equal rows of a kind, nearly all of them: what is read of a row need not be read again.
    pub(crate) fn find_same(&mut self, kind: usize, kinds: usize) {
        if !self.same[kind].is_empty() {
            return;
        }
        let mut same = std::mem::take(&mut self.same[kind]);
        let mut slots = [(NONE, 0); SLOTS];
        for (row, place) in self.rows_of(kind, kinds).zip(0..) {
            let slot = &mut slots[row as usize % SLOTS];
            if slot.0 != row || row == NONE {
                *slot = (row, place);
            }
            same.push(slot.1);
        }
        self.same[kind] = same;
    }
}

impl Store {
    /// Looks up a SKU at a location. Where the ledger knows no such level, the features of its location and of its SKU
    /// are still told.
    pub fn find(&self, location: &str, sku: &str, subject: &mut Subject) {
        self.find_all(std::iter::once((location, sku)), subject);
    }

    /// Looks up some SKUs at locations.
    pub fn find_all<'n>(
        &self,
        names: impl Iterator<Item = (&'n str, &'n str)> + Clone,
        subject: &mut Subject,
    ) {
        let (entities, members) = (&self.set.plan().entities, &self.kept.members);
        let block = &mut subject.block;
        block.clear();
        block.levels = members.rows_by_name(entities, names, &mut block.rows);
    }

    /// Takes a SKU at a location by its number.
    pub fn find_level(&self, level: LevelNo, subject: &mut Subject) {
        self.find_levels(&[level], subject);
    }

    /// Takes some SKUs at locations by their numbers.
    pub fn find_levels(&self, levels: &[LevelNo], subject: &mut Subject) {
        let members = &self.kept.members;
        let block = &mut subject.block;
        block.clear();
        for level in levels {
            if (level.0 as usize) < members.levels() {
                block.push(*level, members.rows(*level));
            } else {
                block.levels.push(None);
                let kinds = self.set.plan().entities.len();
                block.rows.resize(block.levels.len() * kinds, NONE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_found_and_others_are_never_taken_for_equal() {
        let far = SLOTS as u32;
        let rows = [3, 5, 3, 3 + far, 3, NONE, NONE, 5];
        let mut block = Block {
            levels: vec![None; rows.len()],
            rows: rows.to_vec(),
            ..Block::default()
        };
        block.begin(1, 0);
        block.find_same(0, 1);
        assert_eq!(block.same[0], [0, 1, 0, 3, 4, 5, 6, 1]);
    }
}
