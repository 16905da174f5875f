//! Whether members that were read say the same of every level wherever it is named: no row, group or level that is not
//! there is ever looked up.

use super::{Key, Members, NONE};
use crate::entity::Entity;
use onhand_core::LevelNo;

impl Members {
    /// Whether they are of these kinds with so many rows each, and say the same of every level wherever it is named.
    pub(crate) fn fit(&self, entities: &[Entity], listed: &[bool], rows: &[usize]) -> bool {
        let kinds = entities.len();
        let by_kind = [
            rows.len(),
            self.width,
            self.groups.len(),
            self.of_rows.len(),
            self.heard.len(),
            self.lists.len(),
            self.counts.len(),
            self.free.len(),
        ];
        by_kind.iter().all(|number| *number == kinds)
            && self.listed == listed
            && self.rows.len() == self.levels() * kinds
            && self.locations_fit()
            && (0..kinds).all(|kind| {
                self.count(kind) == rows[kind]
                    && self.numbers_fit(kind, entities[kind])
                    && self.free_fit(kind)
                    && self.lists_fit(kind)
                    && (entities[kind].grouped_by().is_none() || self.groups_fit(kind))
            })
    }

    /// Every level is at its location, and nowhere else.
    fn locations_fit(&self) -> bool {
        let are_here = |(levels, place): (&Vec<LevelNo>, u32)| {
            let is_here = |level: &LevelNo| self.names.of(*level).is_some_and(|of| of.0 == place);
            levels.is_sorted_by(|a, b| a.0 < b.0) && levels.iter().all(is_here)
        };
        self.at_location.len() == self.names.locations() as usize
            && self.at_location.iter().map(Vec::len).sum::<usize>() == self.levels()
            && self.at_location.iter().zip(0..).all(are_here)
    }

    /// Where the number of a location or a SKU is its row, there are as many rows as numbers.
    fn numbers_fit(&self, kind: usize, entity: Entity) -> bool {
        match entity {
            Entity::Location => self.count(kind) == self.names.locations() as usize,
            Entity::Sku => self.count(kind) == self.names.skus() as usize,
            _ => true,
        }
    }

    /// The rows that levels have of a kind.
    fn rows_of(&self, kind: usize) -> impl Iterator<Item = u32> {
        self.rows.iter().skip(kind).step_by(self.width).copied()
    }

    /// Every row is there, and none that was given back is anyone's.
    fn free_fit(&self, kind: usize) -> bool {
        let mut is_free = vec![false; self.count(kind)];
        let mut give_back = |row: &u32| {
            let place = is_free.get_mut(*row as usize);
            place.is_some_and(|is_free| !std::mem::replace(is_free, true))
        };
        self.free[kind].iter().all(&mut give_back)
            && self
                .rows_of(kind)
                .all(|row| match is_free.get(row as usize) {
                    Some(is_free) => !is_free,
                    None => row == NONE,
                })
    }

    /// Lists hold the levels of their rows, if the kind is listed; those of SKUs at locations are never listed.
    fn lists_fit(&self, kind: usize) -> bool {
        let lists = &self.lists[kind];
        let listed: usize = lists.iter().map(Vec::len).sum();
        let expected = match self.listed[kind] && kind > 0 {
            true => self.rows_of(kind).filter(|row| *row != NONE).count(),
            false => 0,
        };
        let is_in = |level: &LevelNo, row: u32| self.rows(*level).get(kind) == Some(&row);
        let mut each = lists.iter().zip(0..);
        listed == expected
            && each.all(|(list, row)| {
                list.is_sorted_by(|a, b| a.0 < b.0) && list.iter().all(|level| is_in(level, row))
            })
    }

    /// Groups that have levels are found by their keys, and have as many as belong to them.
    fn groups_fit(&self, kind: usize) -> bool {
        let of_rows = &self.of_rows[kind];
        let mut levels = vec![0; of_rows.len()];
        for row in self.rows_of(kind) {
            if let Some(levels) = levels.get_mut(row as usize) {
                *levels += 1;
            }
        }
        let is_known = |(key, row): (&Key, &u32)| {
            let group = of_rows.get(*row as usize);
            group.is_some_and(|group| group.key == *key && group.levels > 0)
        };
        let begun = of_rows.iter().filter(|group| group.levels > 0).count();
        of_rows.len() == self.count(kind)
            && of_rows.iter().map(|group| group.levels).eq(levels)
            && self.groups[kind].len() == begun
            && self.groups[kind].iter().all(is_known)
    }
}
