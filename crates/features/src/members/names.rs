//! The names of levels: a catalogue as the partition keeps one, here of what the entries have told so far.

use compact_str::CompactString;
use onhand_core::{Catalogue, LevelNo, LocationNo, SkuNo};
use serde::{Deserialize, Serialize, Serializer};

/// Locations, SKUs and levels, numbered as they came.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Saved<CompactString>")]
pub(super) struct Names(Catalogue);

/// The same as it is written: locations, SKUs, and of each level the numbers of both.
#[derive(Serialize, Deserialize)]
struct Saved<T> {
    locations: Vec<T>,
    skus: Vec<T>,
    levels: Vec<(u32, u32)>,
}

impl Names {
    /// How many locations there are.
    pub(super) fn locations(&self) -> u32 {
        self.0.extent().locations
    }

    /// How many SKUs there are.
    pub(super) fn skus(&self) -> u32 {
        self.0.extent().skus
    }

    /// How many levels there are.
    pub(super) fn levels(&self) -> u32 {
        self.0.extent().levels
    }

    /// The numbers of a level's location and SKU.
    pub(super) fn of(&self, level: LevelNo) -> Option<(u32, u32)> {
        self.0
            .names(level)
            .map(|(location, sku)| (location.0, sku.0))
    }

    /// The numbers of many locations, and of SKUs there, and of their levels; each if it is known.
    pub(super) fn find_all<'a>(
        &self,
        names: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Vec<Found> {
        let mut last = ("", None);
        // A page is of one location.
        let locations = names.clone().map(|(location, _)| {
            if location != last.0 {
                last = (location, self.location(location));
            }
            last.1
        });
        let skus = self.0.skus(names.clone().map(|name| name.1));
        let both: Vec<_> = locations.zip(skus).collect();
        let sought: Vec<_> = both.iter().map(|(at, sku)| at.zip(*sku)).collect();
        let levels = self.0.levels(&sought);
        let found = |((location, sku), level): ((Option<LocationNo>, Option<SkuNo>), _)| Found {
            location: location.map(|no| no.0),
            sku: sku.map(|no| no.0),
            level,
        };
        both.into_iter().zip(levels).map(found).collect()
    }

    fn location(&self, location: &str) -> Option<LocationNo> {
        self.0.locations(std::iter::once(location)).next()?
    }

    /// Takes a level; its numbers, or `None` if it is there already or there is no number left.
    pub(super) fn open(&mut self, location: &str, sku: &str) -> Option<(LevelNo, u32, u32)> {
        let level = self.0.open(location, sku)?;
        let (location, sku) = self.of(level)?;
        Some((level, location, sku))
    }
}

/// What is known of a name.
pub(super) struct Found {
    pub(super) location: Option<u32>,
    pub(super) sku: Option<u32>,
    pub(super) level: Option<LevelNo>,
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (locations, skus) = (0..self.locations(), 0..self.skus());
        let saved = Saved {
            locations: locations
                .map(|no| self.0.location_name(LocationNo(no)))
                .collect(),
            skus: skus.map(|no| self.0.sku_name(SkuNo(no))).collect(),
            levels: (0..self.levels())
                .filter_map(|no| self.of(LevelNo(no)))
                .collect(),
        };
        saved.serialize(to)
    }
}

impl TryFrom<Saved<CompactString>> for Names {
    type Error = &'static str;

    /// Locations and SKUs are numbered by the levels that name them first, so all of them come back by opening the levels.
    fn try_from(saved: Saved<CompactString>) -> Result<Self, Self::Error> {
        let mut names = Self::default();
        for (location, sku) in saved.levels {
            let texts = saved.locations.get(location as usize);
            let (at, of) = texts
                .zip(saved.skus.get(sku as usize))
                .ok_or("a level has no name")?;
            match names.open(at, of) {
                Some((_, is, as_well)) if (is, as_well) == (location, sku) => {}
                _ => {
                    return Err(
                        "a level is named twice, or its names are not numbered as they came",
                    );
                }
            }
        }
        let numbers = [names.locations(), names.skus()].map(|many| many as usize);
        match numbers == [saved.locations.len(), saved.skus.len()] {
            true => Ok(names),
            false => Err("a location or a SKU has no level"),
        }
    }
}
