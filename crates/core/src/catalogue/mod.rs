//! The catalogue: which location, which SKU, which level, by name and by number.
//!
//! The problem: the writer finds levels by name, and so does every reader; two of everything cost as much memory as
//! the stock itself. The rule: names, numbers and the index are there once, behind an `Arc` that the state and its
//! readers share. Nothing in it ever changes or goes away, so a reader needs no lock: what it can see is complete.
//! Only the state of the partition adds to one that is shared (the functions that do are of this crate alone), and it is
//! the one writer.
//!
//! The writer runs ahead of what is durable, and so does the catalogue. It tells names and numbers, no stock: who
//! shows it to others leaves out what is past the [`Extent`] that is durable.

mod growing;
mod index;
mod names;

pub use growing::Growing;

use crate::ahead::NEAR;
use crate::name::{LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, SkuNo};
use index::Index;
use names::Names;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How far a catalogue reaches: how many of each it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Locations.
    pub locations: u32,
    /// SKUs.
    pub skus: u32,
    /// Levels.
    pub levels: u32,
}

/// The names of a partition, and its levels by name.
#[derive(Debug, Default)]
pub struct Catalogue {
    locations: Names,
    skus: Names,
    /// Location and SKU of each level.
    levels: Growing<AtomicU64>,
    index: Index,
    len: AtomicU32,
}

impl Catalogue {
    /// The most levels of a partition.
    pub const MOST_LEVELS: u32 = Index::MOST;

    /// How far it reaches now.
    pub fn extent(&self) -> Extent {
        // Levels first: the names of every level counted are counted then.
        let levels = self.len.load(Ordering::Acquire);
        Extent {
            locations: self.locations.len(),
            skus: self.skus.len(),
            levels,
        }
    }

    /// The number of a location.
    pub fn location(&self, location: &LocationId) -> Option<LocationNo> {
        self.locations.find(location.as_str()).map(LocationNo)
    }

    /// The number of a SKU, if any location of the partition stocks it.
    pub fn sku(&self, sku: &Sku) -> Option<SkuNo> {
        self.skus.find(sku.as_str()).map(SkuNo)
    }

    /// The numbers of many locations, in their order.
    pub fn locations<'a>(
        &self,
        locations: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = Option<LocationNo>> {
        self.locations
            .find_all(locations)
            .map(|no| no.map(LocationNo))
    }

    /// The numbers of many SKUs, in their order.
    pub fn skus<'a>(
        &self,
        skus: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = Option<SkuNo>> {
        self.skus.find_all(skus).map(|no| no.map(SkuNo))
    }

    /// The name of a location; empty if there is no such number.
    pub fn location_name(&self, location: LocationNo) -> &str {
        self.locations.text(location.0)
    }

    /// The name of a SKU; empty if there is no such number.
    pub fn sku_name(&self, sku: SkuNo) -> &str {
        self.skus.text(sku.0)
    }

    /// The number of the level of a SKU at a location.
    pub fn level(&self, location: LocationNo, sku: SkuNo) -> Option<LevelNo> {
        let sought = joined(location, sku);
        self.index
            .find(mixed(sought), |no| self.joined(no) == Some(sought))
            .map(LevelNo)
    }

    /// The numbers of many levels, in their order: [`Catalogue::level`] for each.
    ///
    /// A level found misses the cache again and again, each time for what the miss before told. Here each step is done
    /// for all before the next one, so that the processor waits for many at once.
    pub fn levels(&self, sought: &[Option<(LocationNo, SkuNo)>]) -> Vec<Option<LevelNo>> {
        let index = self.index.view();
        let joined = |names: &Option<(LocationNo, SkuNo)>| names.map(|(at, sku)| joined(at, sku));
        let guess = |names| index.guess(mixed(joined(names)?));
        let guesses: Vec<Option<u32>> = sought.iter().map(guess).collect();
        let check = |(names, guess): (&Option<(LocationNo, SkuNo)>, Option<u32>)| {
            let guess = guess?;
            match self.joined(guess) == joined(names) {
                true => Some(LevelNo(guess)),
                false => names.and_then(|(location, sku)| self.level(location, sku)),
            }
        };
        sought.iter().zip(guesses).map(check).collect()
    }

    /// Location and SKU of a level.
    pub fn names(&self, level: LevelNo) -> Option<(LocationNo, SkuNo)> {
        let is_open = level.0 < self.len.load(Ordering::Acquire);
        self.joined(level.0).filter(|_| is_open).map(parted)
    }

    fn joined(&self, no: u32) -> Option<u64> {
        Some(self.levels.get(no)?.load(Ordering::Relaxed))
    }

    /// The number of a location, named now if it is new; `None` if there is no number left.
    pub(crate) fn add_location(&self, location: &str) -> Option<LocationNo> {
        self.locations.find_or_add(location).map(LocationNo)
    }

    /// The number of a SKU, named now if it is new; `None` if there is no number left.
    pub(crate) fn add_sku(&self, sku: &str) -> Option<SkuNo> {
        self.skus.find_or_add(sku).map(SkuNo)
    }

    /// Numbers a SKU at a location, by name; `None` if it has a number already, or there is none left (the names stay
    /// then). Who can change all of a catalogue is the only one who sees it: this is for those who keep one of their own.
    pub fn open(&mut self, location: &str, sku: &str) -> Option<LevelNo> {
        let (location, sku) = (self.add_location(location)?, self.add_sku(sku)?);
        match self.level(location, sku) {
            Some(_) => None,
            None => self.add_level(location, sku),
        }
    }

    /// Numbers a level that is not there yet; `None` if there is no number left.
    pub(crate) fn add_level(&self, location: LocationNo, sku: SkuNo) -> Option<LevelNo> {
        let no = self.number(location, sku)?;
        self.index_level(no);
        self.len.store(no.0 + 1, Ordering::Release);
        Some(no)
    }

    fn number(&self, location: LocationNo, sku: SkuNo) -> Option<LevelNo> {
        let no = self.len.load(Ordering::Relaxed);
        if no >= Self::MOST_LEVELS {
            return None;
        }
        let names = joined(location, sku);
        self.levels.make(no)?.store(names, Ordering::Relaxed);
        Some(LevelNo(no))
    }

    fn index_level(&self, no: LevelNo) {
        self.index.insert(self.hash(no.0), no.0, |no| self.hash(no));
    }

    fn hash(&self, no: u32) -> u64 {
        mixed(self.joined(no).unwrap_or_default())
    }
}

/// As a snapshot is read: what comes is new, and there are never more than a catalogue holds.
impl Catalogue {
    pub(crate) fn push_location(&mut self, location: &str) {
        self.locations.add(location);
    }

    pub(crate) fn push_sku(&mut self, sku: &str) {
        self.skus.add(sku);
    }

    /// A level cannot be found by name before [`Catalogue::index_levels`].
    pub(crate) fn push_level(&mut self, location: LocationNo, sku: SkuNo) {
        if let Some(no) = self.number(location, sku) {
            self.len.store(no.0 + 1, Ordering::Release);
        }
    }

    /// Indexes all levels at once, in an index of the right size from the start.
    pub(crate) fn index_levels(&mut self) {
        let levels = self.len.load(Ordering::Relaxed);
        self.index = Index::with_room_for(levels as usize);
        for first in (0..levels).step_by(NEAR) {
            let some = first..levels.min(first + NEAR as u32);
            let index = self.index.view();
            black_box(
                some.clone()
                    .filter_map(|no| index.guess(self.hash(no)))
                    .count(),
            );
            some.map(LevelNo).for_each(|no| self.index_level(no));
        }
    }
}

fn joined(location: LocationNo, sku: SkuNo) -> u64 {
    u64::from(location.0) << 32 | u64::from(sku.0)
}

fn parted(joined: u64) -> (LocationNo, SkuNo) {
    (LocationNo((joined >> 32) as u32), SkuNo(joined as u32))
}

/// A fixed mixing of the two numbers (the finalizer of splitmix64).
fn mixed(joined: u64) -> u64 {
    let mut hash = joined.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many levels that some guesses meet the number of another one with the same bits of its hash.
    #[test]
    fn many_levels_are_found_at_once_as_each_is_alone() {
        let catalogue = Catalogue::default();
        let (locations, skus) = (40, 500);
        let name = |location: u32, sku: u32| (LocationNo(location), SkuNo(sku));
        let all = (0..locations).flat_map(|at| (0..skus).map(move |sku| (at, sku)));
        for (at, sku) in all.filter(|(at, sku)| (at + sku) % 2 == 0) {
            let (location, sku) = (format!("at-{at}"), format!("sku-{sku}"));
            let location = catalogue.add_location(&location).unwrap();
            let sku = catalogue.add_sku(&sku).unwrap();
            catalogue.add_level(location, sku).unwrap();
        }
        let sought = (0..locations).flat_map(|at| (0..skus).map(move |sku| Some(name(at, sku))));
        let sought: Vec<_> = sought.chain([None]).collect();
        let alone = |names: &Option<(LocationNo, SkuNo)>| {
            names.and_then(|(location, sku)| catalogue.level(location, sku))
        };
        let expected: Vec<_> = sought.iter().map(alone).collect();
        let found = expected.iter().filter(|no| no.is_some()).count();
        assert_eq!(found as u32, locations * skus / 2);
        assert!(catalogue.levels(&sought) == expected);
        let guess = |names: &Option<(LocationNo, SkuNo)>| {
            let (location, sku) = (*names)?;
            let hash = mixed(joined(location, sku));
            catalogue.index.view().guess(hash).map(LevelNo)
        };
        let wrong = sought.iter().map(guess).zip(&expected);
        assert!(wrong.filter(|(guess, no)| guess != *no).count() > 0);
    }
}
