//! Members: which row of each kind of entity a level belongs to.
//!
//! A level's SKU and location never change; its category may, when another is pushed: what happens from then on
//! counts for the new one. A group that its last level has left gives its row back, so there are never more of them than
//! levels, whatever texts are pushed; and not more than a bound. Rows are numbers, so that sums are flat arrays. Levels, locations and SKUs are numbered as the partition numbers them, by the openings in its entries.

use crate::entity::Entity;
use compact_str::CompactString;
use onhand_core::{LevelNo, LocationNo, Opening};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// Which rows the levels belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    /// Rows of a level: one for each kind of entity.
    width: usize,
    locations: BTreeMap<CompactString, u32>,
    skus: BTreeMap<CompactString, u32>,
    by_names: BTreeMap<(u32, u32), LevelNo>,
    levels: Vec<(u32, u32)>,
    at_location: Vec<Vec<LevelNo>>,
    /// `width` rows for each level.
    rows: Vec<u32>,
    /// The rows of groups and regions, by their text and, for groups at a location, the location; for SKUs in a region,
    /// the SKU.
    groups: Vec<BTreeMap<Key, u32>>,
    /// The same, by kind and row.
    of_rows: Vec<Vec<Group>>,
    /// Groups of each kind that were ever heard of.
    heard: Vec<u32>,
    /// The most rows of a kind of groups.
    most_groups: u32,
    /// The text that a location was last given for a kind of region.
    regions: BTreeMap<(u32, usize), CompactString>,
    /// By kind of entity and row, the levels that it is made of in the order of their numbers; kinds that are not
    /// listed have none.
    lists: Vec<Vec<Vec<LevelNo>>>,
    listed: Vec<bool>,
    /// How many rows there are of each kind.
    counts: Vec<u32>,
    /// Rows that were given back, by kind.
    free: Vec<Vec<u32>>,
    /// What happened since it was last asked about.
    #[serde(skip)]
    news: News,
}

/// What happened to groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Rows that were given back and are now those of another group: their kind and number.
    pub(crate) again: Vec<(usize, u32)>,
    /// How often a level would have begun a group for which there was no row.
    pub(crate) refused: u64,
}

/// A text, together with a location, a SKU or nothing more.
type Key = (CompactString, u32);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    key: Key,
    levels: u32,
    /// How many groups of its kind were heard of before it.
    code: u32,
}

impl Members {
    /// `listed` says of which kinds the members are listed; there are at most so many groups of a kind.
    pub(crate) fn new(entities: &[Entity], listed: &[bool], most_groups: usize) -> Self {
        Self {
            lists: vec![Vec::new(); entities.len()],
            listed: listed.to_vec(),
            width: entities.len(),
            groups: vec![BTreeMap::new(); entities.len()],
            of_rows: vec![Vec::new(); entities.len()],
            heard: vec![0; entities.len()],
            most_groups: u32::try_from(most_groups).unwrap_or(NONE),
            counts: vec![0; entities.len()],
            free: vec![Vec::new(); entities.len()],
            ..Self::default()
        }
    }

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
            && self.rows.len() == self.levels.len() * kinds
            && self.names_fit()
            && (0..kinds).all(|kind| {
                self.count(kind) == rows[kind]
                    && self.numbers_fit(kind, entities[kind])
                    && self.free_fit(kind)
                    && self.lists_fit(kind)
                    && (entities[kind].grouped_by().is_none() || self.groups_fit(kind))
            })
    }

    fn names_fit(&self) -> bool {
        let level_of = |level: LevelNo| self.levels.get(level.0 as usize);
        let is_named = |((location, sku), level): (&(u32, u32), &LevelNo)| {
            level_of(*level) == Some(&(*location, *sku))
        };
        let are_here = |(levels, place): (&Vec<LevelNo>, u32)| {
            let is_here = |level: &LevelNo| level_of(*level).is_some_and(|level| level.0 == place);
            levels.is_sorted_by(|a, b| a.0 < b.0) && levels.iter().all(is_here)
        };
        let exists = |(location, sku): &(u32, u32)| {
            (*location as usize) < self.locations.len() && (*sku as usize) < self.skus.len()
        };
        is_numbered(&self.locations)
            && is_numbered(&self.skus)
            && self.levels.iter().all(exists)
            && self.by_names.len() == self.levels.len()
            && self.by_names.iter().all(is_named)
            && self.at_location.len() == self.locations.len()
            && self.at_location.iter().map(Vec::len).sum::<usize>() == self.levels.len()
            && self.at_location.iter().zip(0..).all(are_here)
    }

    /// Where the number of a location or a SKU is its row, there are as many rows as numbers.
    fn numbers_fit(&self, kind: usize, entity: Entity) -> bool {
        match entity {
            Entity::Location => self.count(kind) == self.locations.len(),
            Entity::Sku => self.count(kind) == self.skus.len(),
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

    /// How many levels were ever opened.
    pub(crate) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// How many rows there are of a kind.
    pub(crate) fn count(&self, entity: usize) -> usize {
        self.counts[entity] as usize
    }

    /// The rows of a level, by kind of entity.
    pub(crate) fn rows(&self, level: LevelNo) -> &[u32] {
        let first = level.0 as usize * self.width;
        self.rows.get(first..first + self.width).unwrap_or(&[])
    }

    /// The level of a SKU at a location.
    pub(crate) fn find(&self, location: &str, sku: &str) -> Option<LevelNo> {
        let key = (*self.locations.get(location)?, *self.skus.get(sku)?);
        self.by_names.get(&key).copied()
    }

    /// Adds the rows of a SKU at a location by name, for what is known of either, whether it has a level or not; gives
    /// the level.
    pub(crate) fn rows_by_name(
        &self,
        entities: &[Entity],
        (location, sku): (&str, &str),
        rows: &mut Vec<u32>,
    ) -> Option<LevelNo> {
        if let Some(level) = self.find(location, sku) {
            rows.extend_from_slice(self.rows(level));
            return Some(level);
        }
        let location = self.locations.get(location).copied();
        let sku = self.skus.get(sku).copied();
        let row = |(kind, entity): (usize, &Entity)| match entity {
            Entity::Location => location,
            Entity::Sku => sku,
            Entity::Everything => Some(0),
            Entity::Region(_) => self.known_region(kind, location?, NONE),
            Entity::SkuInRegion(_) => self.known_region(kind, location?, sku?),
            Entity::SkuAtLocation | Entity::Group(_) | Entity::GroupAtLocation(_) => None,
        };
        rows.extend(
            entities
                .iter()
                .enumerate()
                .map(|one| row(one).unwrap_or(NONE)),
        );
        None
    }

    /// Opens a level: it has its location's, its SKU's and its region's rows from the beginning.
    pub(crate) fn open(&mut self, entities: &[Entity], opening: &Opening) -> LevelNo {
        let location = number(&mut self.locations, opening.location.as_str());
        let sku = number(&mut self.skus, opening.sku.as_str());
        let level = LevelNo(self.levels.len() as u32);
        self.levels.push((location, sku));
        self.by_names.insert((location, sku), level);
        if self.at_location.len() <= location as usize {
            self.at_location
                .resize_with(location as usize + 1, Vec::new);
        }
        self.at_location[location as usize].push(level);
        for (kind, entity) in entities.iter().enumerate() {
            let row = match entity {
                Entity::Location => location,
                Entity::Sku => sku,
                Entity::Everything => 0,
                Entity::Region(_) => self.region(kind, location, NONE),
                Entity::SkuInRegion(_) => self.region(kind, location, sku),
                Entity::SkuAtLocation | Entity::Group(_) | Entity::GroupAtLocation(_) => NONE,
            };
            self.rows.push(row);
            if row != NONE {
                self.counts[kind] = self.counts[kind].max(row + 1);
                self.enlist(kind, row, level);
            }
        }
        level
    }

    /// Gives a level a row of its own, one given back if there is one.
    pub(crate) fn seat(&mut self, level: LevelNo) -> u32 {
        let row = self.free[0].pop().unwrap_or_else(|| {
            self.counts[0] += 1;
            self.counts[0] - 1
        });
        let at = level.0 as usize * self.width;
        self.rows[at] = row;
        row
    }

    /// Takes a level's own row back, if it has one.
    pub(crate) fn unseat(&mut self, level: LevelNo) -> Option<u32> {
        let at = level.0 as usize * self.width;
        let row = std::mem::replace(&mut self.rows[at], NONE);
        if row == NONE {
            return None;
        }
        self.free[0].push(row);
        Some(row)
    }

    /// How many SKUs at locations have a row of their own.
    pub(crate) fn seated(&self) -> usize {
        self.counts[0] as usize - self.free[0].len()
    }

    /// Puts a level into the group of a text; `false` if it is there.
    pub(crate) fn join(
        &mut self,
        entities: &[Entity],
        kind: usize,
        level: LevelNo,
        text: &str,
    ) -> bool {
        let location = match entities[kind] {
            Entity::GroupAtLocation(_) => self.levels[level.0 as usize].0,
            _ => NONE,
        };
        self.move_to(kind, level, (CompactString::new(text), location))
    }

    /// Puts a location, and all its levels, into the region of a text; `false` if it is there.
    pub(crate) fn settle(
        &mut self,
        entity: Entity,
        kind: usize,
        location: LocationNo,
        text: &str,
    ) -> bool {
        let (location, text) = (location.0, CompactString::new(text));
        if self.regions.get(&(location, kind)) == Some(&text) {
            return false;
        }
        self.regions.insert((location, kind), text.clone());
        let levels = self.at_location.get(location as usize);
        for level in levels.cloned().unwrap_or_default() {
            let sku = match entity {
                Entity::SkuInRegion(_) => self.levels[level.0 as usize].1,
                _ => NONE,
            };
            self.move_to(kind, level, (text.clone(), sku));
        }
        true
    }

    /// The levels that a row of a kind is made of, in the order of their numbers.
    pub(crate) fn list(&self, kind: usize, row: usize) -> &[LevelNo] {
        self.lists[kind].get(row).map_or(&[], Vec::as_slice)
    }

    /// The number of a row's group, in the order in which those of its kind were first heard of.
    pub(crate) fn code(&self, kind: usize, row: usize) -> usize {
        let group = self.of_rows[kind].get(row);
        group.map_or(row, |group| group.code as usize)
    }

    /// What happened to groups since this was last asked.
    pub(crate) fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// The row of a group by its text alone.
    pub(crate) fn row_of_text(&self, kind: usize, text: &str) -> Option<u32> {
        let key = (CompactString::new(text), NONE);
        self.groups[kind].get(&key).copied()
    }

    /// Moves a level from its group to another; `false` if it is there.
    fn move_to(&mut self, kind: usize, level: LevelNo, key: Key) -> bool {
        let at = level.0 as usize * self.width + kind;
        let before = self.rows[at];
        if before != NONE && self.groups[kind].get(&key) == Some(&before) {
            return false;
        }
        if before != NONE {
            self.leave(kind, before, level);
        }
        // The row of a group that was just left by its last may be the one that is given.
        let row = self.group(kind, key);
        self.rows[at] = row;
        if row != NONE {
            self.enlist(kind, row, level);
        }
        true
    }

    fn leave(&mut self, kind: usize, row: u32, level: LevelNo) {
        if let Some(list) = self.lists[kind].get_mut(row as usize) {
            list.retain(|one| *one != level);
        }
        let group = &mut self.of_rows[kind][row as usize];
        group.levels -= 1;
        if group.levels == 0 {
            self.groups[kind].remove(&group.key);
            self.free[kind].push(row);
        }
    }

    fn enlist(&mut self, kind: usize, row: u32, level: LevelNo) {
        if !self.listed[kind] {
            return;
        }
        let (lists, row) = (&mut self.lists[kind], row as usize);
        if lists.len() <= row {
            lists.resize(row + 1, Vec::new());
        }
        let place = lists[row].partition_point(|one| one.0 < level.0);
        lists[row].insert(place, level);
    }

    /// The row of a location's region, or of a SKU there; made if it is new, none if the location has no region.
    fn region(&mut self, kind: usize, location: u32, sku: u32) -> u32 {
        match self.regions.get(&(location, kind)).cloned() {
            Some(text) => self.group(kind, (text, sku)),
            None => NONE,
        }
    }

    fn known_region(&self, kind: usize, location: u32, sku: u32) -> Option<u32> {
        let text = self.regions.get(&(location, kind))?;
        self.groups[kind].get(&(text.clone(), sku)).copied()
    }

    /// The row of a location itself.
    pub(crate) fn row_of_location(
        &self,
        entity: Entity,
        kind: usize,
        location: LocationNo,
    ) -> Option<u32> {
        match entity {
            Entity::Location => Some(location.0),
            Entity::Everything => Some(0),
            Entity::Region(_) => self.known_region(kind, location.0, NONE),
            _ => None,
        }
    }

    /// The row of a group for one level more; made if it is new, none if there are too many.
    fn group(&mut self, kind: usize, key: Key) -> u32 {
        let known = self.groups[kind].get(&key).copied();
        let Some(row) = known.or_else(|| self.free_row(kind)) else {
            self.news.refused += 1;
            return NONE;
        };
        let groups = &mut self.of_rows[kind];
        if known.is_none() {
            self.groups[kind].insert(key.clone(), row);
            groups[row as usize] = Group {
                key,
                levels: 0,
                code: self.heard[kind],
            };
            self.heard[kind] += 1;
        }
        groups[row as usize].levels += 1;
        row
    }

    fn free_row(&mut self, kind: usize) -> Option<u32> {
        if let Some(row) = self.free[kind].pop() {
            self.news.again.push((kind, row));
            return Some(row);
        }
        let next = self.counts[kind];
        if next >= self.most_groups {
            return None;
        }
        self.counts[kind] = next + 1;
        self.of_rows[kind].push(Group::default());
        Some(next)
    }
}

/// Whether each name has a number of its own, from 0 on.
fn is_numbered(names: &BTreeMap<CompactString, u32>) -> bool {
    let mut is_taken = vec![false; names.len()];
    names.values().all(|number| {
        let place = is_taken.get_mut(*number as usize);
        place.is_some_and(|is_taken| !std::mem::replace(is_taken, true))
    })
}

fn number(names: &mut BTreeMap<CompactString, u32>, name: &str) -> u32 {
    let next = names.len() as u32;
    match names.get(name) {
        Some(number) => *number,
        None => {
            names.insert(CompactString::new(name), next);
            next
        }
    }
}
