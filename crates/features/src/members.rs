//! Members: which row of each kind of entity a level belongs to.
//!
//! A level's SKU and location never change; its category may, when another is pushed: what happens from then on
//! counts for the new one. A group that its last level has left gives its row back, so there are never more of them than
//! levels, whatever texts are pushed; and not more than a bound. Rows are numbers, so that sums are flat
//! arrays. Levels, locations and SKUs are numbered as the partition numbers them, by the openings in its entries.

mod fit;
mod groups;
mod names;

use crate::entity::Entity;
use compact_str::CompactString;
use names::{Found, Names};
use onhand_core::{LevelNo, LocationNo, Opening};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// Which rows the levels belong to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Members {
    /// Rows of a level: one for each kind of entity.
    width: usize,
    names: Names,
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

    /// How many levels were ever opened.
    pub(crate) fn levels(&self) -> usize {
        self.names.levels() as usize
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

    /// The levels of many SKUs at locations, in their order.
    pub(crate) fn find_all<'a>(
        &self,
        names: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> impl Iterator<Item = Option<LevelNo>> {
        self.names.find_all(names).into_iter().map(|one| one.level)
    }

    /// Adds the rows of SKUs at locations by name, for what is known of either, whether they have a level or not; gives
    /// the levels.
    pub(crate) fn rows_by_name<'a>(
        &self,
        entities: &[Entity],
        names: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        rows: &mut Vec<u32>,
    ) -> Vec<Option<LevelNo>> {
        let found = self.names.find_all(names);
        for one in &found {
            match one.level {
                Some(level) => rows.extend_from_slice(self.rows(level)),
                None => rows.extend(self.rows_without_level(entities, one)),
            }
        }
        found.into_iter().map(|one| one.level).collect()
    }

    fn rows_without_level(&self, entities: &[Entity], found: &Found) -> impl Iterator<Item = u32> {
        let (location, sku) = (found.location, found.sku);
        let row = move |(kind, entity): (usize, &Entity)| match entity {
            Entity::Location => location,
            Entity::Sku => sku,
            Entity::Everything => Some(0),
            Entity::Region(_) => self.known_region(kind, location?, NONE),
            Entity::SkuInRegion(_) => self.known_region(kind, location?, sku?),
            Entity::SkuAtLocation | Entity::Group(_) | Entity::GroupAtLocation(_) => None,
        };
        let each = entities.iter().enumerate();
        each.map(move |one| row(one).unwrap_or(NONE))
    }

    /// Opens a level: it has its location's, its SKU's and its region's rows from the beginning. `None` if it is open, or
    /// there is no number left.
    pub(crate) fn open(&mut self, entities: &[Entity], opening: &Opening) -> Option<LevelNo> {
        let (location, sku) = (opening.location.as_str(), opening.sku.as_str());
        let (level, location, sku) = self.names.open(location, sku)?;
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
        Some(level)
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

    /// The levels that a row of a kind is made of, in the order of their numbers.
    pub(crate) fn list(&self, kind: usize, row: usize) -> &[LevelNo] {
        self.lists[kind].get(row).map_or(&[], Vec::as_slice)
    }

    /// The number of a row's group, in the order in which those of its kind were first heard of.
    pub(crate) fn code(&self, kind: usize, row: usize) -> usize {
        let group = self.of_rows[kind].get(row);
        group.map_or(row, |group| group.code as usize)
    }

    /// The text of a row's group.
    pub(crate) fn text(&self, kind: usize, row: u32) -> Option<&str> {
        let group = self.of_rows[kind].get(row as usize)?;
        Some(&group.key.0)
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
}
