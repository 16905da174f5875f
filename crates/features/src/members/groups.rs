//! Groups: who is in which, by the texts that were pushed.

use super::{Group, Key, Members, NONE, News};
use crate::entity::Entity;
use compact_str::CompactString;
use onhand_core::{LevelNo, LocationNo};

impl Members {
    /// Puts a level into the group of a text; `false` if it is there.
    pub(crate) fn join(
        &mut self,
        entities: &[Entity],
        kind: usize,
        level: LevelNo,
        text: &str,
    ) -> bool {
        let location = match entities[kind] {
            Entity::GroupAtLocation(_) => {
                self.names.of(level).map_or(NONE, |(location, _)| location)
            }
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
                Entity::SkuInRegion(_) => self.names.of(level).map_or(NONE, |(_, sku)| sku),
                _ => NONE,
            };
            self.move_to(kind, level, (text.clone(), sku));
        }
        true
    }

    /// What happened to groups since this was last asked.
    pub(crate) fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// The row of a location's region, or of a SKU there; made if it is new, none if the location has no region.
    pub(super) fn region(&mut self, kind: usize, location: u32, sku: u32) -> u32 {
        match self.regions.get(&(location, kind)).cloned() {
            Some(text) => self.group(kind, (text, sku)),
            None => NONE,
        }
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
            let place = list.partition_point(|one| one.0 < level.0);
            if list.get(place) == Some(&level) {
                list.remove(place);
            }
        }
        let group = &mut self.of_rows[kind][row as usize];
        group.levels -= 1;
        if group.levels == 0 {
            self.groups[kind].remove(&group.key);
            self.free[kind].push(row);
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
