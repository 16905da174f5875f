//! The levels of a partition, found by number or by name.

use crate::catalogue::Catalogue;
use crate::level::{Level, Movement};
use crate::name::{LocationId, Sku};
use crate::numbers::{LevelNo, LocationNo, SkuNo};
use crate::pages::{Pages, fitting};
use std::hint::black_box;
use std::sync::Arc;

/// Pages of levels: small, so that the copy made for a snapshot costs the writer little.
pub(crate) type LevelPages = Pages<Level, { fitting::<Level>() }>;

/// No level.
const NONE: u32 = u32::MAX;

/// All levels of a partition, and the catalogue that names them.
#[derive(Debug, Default)]
pub struct Directory {
    catalogue: Arc<Catalogue>,
    levels: LevelPages,
    at: ByLocation,
}

/// The levels of each location, as a chain from the newest to the oldest: four bytes a level, however they came.
#[derive(Debug, Default)]
struct ByLocation {
    newest: Vec<u32>,
    before: Pages<u32, { fitting::<u32>() }>,
}

impl ByLocation {
    fn push(&mut self, location: LocationNo, level: u32) {
        let at = location.0 as usize;
        if self.newest.len() <= at {
            self.newest.resize(at + 1, NONE);
        }
        self.before
            .push(std::mem::replace(&mut self.newest[at], level));
    }

    fn of(&self, location: LocationNo) -> Vec<LevelNo> {
        let newest = self.newest.get(location.0 as usize).copied();
        let chain = std::iter::successors(newest, |no| self.before.get(*no as usize).copied());
        let mut levels: Vec<_> = chain.take_while(|no| *no != NONE).map(LevelNo).collect();
        levels.reverse();
        levels
    }
}

impl Directory {
    /// A directory of the levels whose names a catalogue holds, in the same order.
    pub(crate) fn new(catalogue: Catalogue, levels: LevelPages) -> Self {
        let mut at = ByLocation::default();
        for no in 0..levels.len() as u32 {
            if let Some((location, _)) = catalogue.names(LevelNo(no)) {
                at.push(location, no);
            }
        }
        Self {
            catalogue: Arc::new(catalogue),
            levels,
            at,
        }
    }

    pub(crate) fn pages(&self) -> &LevelPages {
        &self.levels
    }

    /// The names, to be shared with readers.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
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
        self.catalogue.extent().locations as usize
    }

    /// How many SKUs there are.
    pub fn skus(&self) -> usize {
        self.catalogue.extent().skus as usize
    }

    /// The number of a location.
    pub fn location(&self, location: &LocationId) -> Option<LocationNo> {
        self.catalogue.location(location)
    }

    /// The number of a SKU, if any location of the partition stocks it.
    pub fn sku(&self, sku: &Sku) -> Option<SkuNo> {
        self.catalogue.sku(sku)
    }

    /// The name of a location; empty if there is no such number.
    pub fn location_name(&self, location: LocationNo) -> &str {
        self.catalogue.location_name(location)
    }

    /// The name of a SKU; empty if there is no such number.
    pub fn sku_name(&self, sku: SkuNo) -> &str {
        self.catalogue.sku_name(sku)
    }

    /// Location and SKU of a level.
    pub fn names(&self, level: LevelNo) -> Option<(LocationNo, SkuNo)> {
        self.catalogue.names(level)
    }

    /// The number of the level of a SKU at a location.
    pub fn level_no(&self, location: LocationNo, sku: SkuNo) -> Option<LevelNo> {
        self.catalogue.level(location, sku)
    }

    /// The level with this number.
    pub fn level(&self, no: LevelNo) -> Option<&Level> {
        self.levels.get(no.0 as usize)
    }

    /// Reads all that a change of the level reads.
    pub(crate) fn bring_near(&self, no: LevelNo) {
        self.levels.bring_near(no.0 as usize);
        black_box(self.level(no).map(Level::free));
    }

    /// The level of a SKU at a location, by name.
    pub fn find(&self, location: &LocationId, sku: &Sku) -> Option<(LevelNo, &Level)> {
        let no = self.level_no(self.location(location)?, self.sku(sku)?)?;
        Some((no, self.level(no)?))
    }

    /// The levels of a location, in the order they were opened.
    pub fn levels_at(&self, location: LocationNo) -> Vec<LevelNo> {
        self.at.of(location)
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

    /// Opens the level empty, if it is new; `None` if there is no number left for it.
    pub(crate) fn open(&mut self, location: &LocationId, sku: &Sku) -> Option<LevelNo> {
        let location = self.catalogue.add_location(location.as_str())?;
        let sku = self.catalogue.add_sku(sku.as_str())?;
        if let Some(no) = self.level_no(location, sku) {
            return Some(no);
        }
        let no = self.catalogue.add_level(location, sku)?;
        self.levels.push(Level::default());
        self.at.push(location, no.0);
        Some(no)
    }

    /// Carries out a movement; gives back the level's number if a bound would be broken or there is no such level.
    pub(crate) fn post(&mut self, movement: &Movement) -> Result<(), LevelNo> {
        self.level_mut(movement.level)
            .and_then(|level| level.shift(movement.from, movement.to, movement.units).ok())
            .ok_or(movement.level)
    }
}
