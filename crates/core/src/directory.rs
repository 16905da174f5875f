//! Names and their numbers: which location, which SKU, which level.

use crate::index::Index;
use crate::level::{Level, Movement};
use crate::name::{LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, SkuNo};
use crate::pages::Pages;
use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

/// Names, numbered in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    texts: Pages<CompactString, 256>,
    index: Index,
}

impl Names {
    fn find(&self, text: &str) -> Option<u32> {
        self.index
            .find(xxh3_64(text.as_bytes()), |no| self.text(no) == text)
    }

    fn find_or_add(&mut self, text: &str) -> u32 {
        self.find(text).unwrap_or_else(|| self.add(text))
    }

    fn add(&mut self, text: &str) -> u32 {
        let no = self.texts.len() as u32;
        self.texts.push(CompactString::new(text));
        let texts = &self.texts;
        self.index.insert(xxh3_64(text.as_bytes()), no, |no| {
            xxh3_64(
                texts
                    .get(no as usize)
                    .map_or(&[][..], |text| text.as_bytes()),
            )
        });
        no
    }

    fn text(&self, no: u32) -> &str {
        self.texts.get(no as usize).map_or("", |text| text)
    }

    fn from_texts(texts: Pages<CompactString, 256>) -> Self {
        let mut names = Self::default();
        texts.iter().for_each(|text| {
            names.add(text);
        });
        names
    }
}

/// Pages of levels: small, so that the copy made for a snapshot costs the writer little.
pub(crate) type LevelPages = Pages<Level, 512>;
/// Pages of names.
pub(crate) type NamePages = Pages<CompactString, 256>;

/// All levels of a partition, found by number or by name.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    locations: Names,
    skus: Names,
    levels: LevelPages,
    by_names: Index,
    by_location: Vec<Vec<LevelNo>>,
}

impl Directory {
    pub(crate) fn from_pages(locations: NamePages, skus: NamePages, levels: LevelPages) -> Self {
        let mut directory = Self {
            locations: Names::from_texts(locations),
            skus: Names::from_texts(skus),
            ..Self::default()
        };
        levels.iter().for_each(|level| {
            directory.push(*level);
        });
        directory
    }

    pub(crate) fn pages(&self) -> (NamePages, NamePages, LevelPages) {
        (
            self.locations.texts.clone(),
            self.skus.texts.clone(),
            self.levels.clone(),
        )
    }

    /// How many levels there are.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Whether nothing was ever stocked.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// How many locations there are.
    pub fn locations(&self) -> usize {
        self.locations.texts.len()
    }

    /// How many SKUs there are.
    pub fn skus(&self) -> usize {
        self.skus.texts.len()
    }

    /// The number of a location.
    pub fn location(&self, location: &LocationId) -> Option<LocationNo> {
        self.locations.find(location.as_str()).map(LocationNo)
    }

    /// The number of a SKU, if any location of the partition stocks it.
    pub fn sku(&self, sku: &Sku) -> Option<SkuNo> {
        self.skus.find(sku.as_str()).map(SkuNo)
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
    pub fn level_no(&self, location: LocationNo, sku: SkuNo) -> Option<LevelNo> {
        let is_it = |no| {
            self.levels
                .get(no as usize)
                .is_some_and(|level| (level.location, level.sku) == (location, sku))
        };
        self.by_names
            .find(level_hash(location, sku), is_it)
            .map(LevelNo)
    }

    /// The level with this number.
    pub fn level(&self, no: LevelNo) -> Option<&Level> {
        self.levels.get(no.0 as usize)
    }

    /// The level of a SKU at a location, by name.
    pub fn find(&self, location: &LocationId, sku: &Sku) -> Option<(LevelNo, &Level)> {
        let no = self.level_no(self.location(location)?, self.sku(sku)?)?;
        Some((no, self.level(no)?))
    }

    /// The levels of a location, in the order they were opened.
    pub fn levels_at(&self, location: LocationNo) -> &[LevelNo] {
        self.by_location
            .get(location.0 as usize)
            .map_or(&[], |levels| levels)
    }

    /// All levels in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (LevelNo, &Level)> {
        self.levels
            .iter()
            .enumerate()
            .map(|(no, level)| (LevelNo(no as u32), level))
    }

    pub(crate) fn level_mut(&mut self, no: LevelNo) -> Option<&mut Level> {
        self.levels.get_mut(no.0 as usize)
    }

    /// The number of the level, opened empty if it is new.
    pub(crate) fn open(&mut self, location: &LocationId, sku: &Sku) -> LevelNo {
        let location = LocationNo(self.locations.find_or_add(location.as_str()));
        let sku = SkuNo(self.skus.find_or_add(sku.as_str()));
        self.level_no(location, sku)
            .unwrap_or_else(|| self.push(Level::new(location, sku)))
    }

    fn push(&mut self, level: Level) -> LevelNo {
        let no = self.levels.len() as u32;
        self.levels.push(level);
        let levels = &self.levels;
        self.by_names
            .insert(level_hash(level.location, level.sku), no, |no| {
                levels
                    .get(no as usize)
                    .map_or(0, |level| level_hash(level.location, level.sku))
            });
        let at = level.location.0 as usize;
        if self.by_location.len() <= at {
            self.by_location.resize_with(at + 1, Vec::new);
        }
        self.by_location[at].push(LevelNo(no));
        LevelNo(no)
    }

    /// Carries out a movement; gives back the level's number if a bound would be broken or there is no such level.
    pub(crate) fn post(&mut self, movement: &Movement) -> Result<(), LevelNo> {
        self.level_mut(movement.level)
            .and_then(|level| level.shift(movement.from, movement.to, movement.units).ok())
            .ok_or(movement.level)
    }
}

/// A fixed mixing of the two numbers (the finalizer of splitmix64).
fn level_hash(location: LocationNo, sku: SkuNo) -> u64 {
    let mut hash =
        (u64::from(location.0) << 32 | u64::from(sku.0)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
