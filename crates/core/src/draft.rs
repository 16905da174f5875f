//! A draft of what a command would do, so that a command of many lines is checked as a whole before anything changes.

use crate::directory::Directory;
use crate::level::{Bucket, Level, OutOfBounds};
use crate::name::{LocationId, Sku};
use crate::numbers::LevelNo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A level that an entry opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Where.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
}

/// Copies of the levels that a command touches, and the levels it would open.
pub(crate) struct Draft<'a> {
    directory: &'a Directory,
    levels: BTreeMap<LevelNo, Level>,
    opened: BTreeMap<Sku, LevelNo>,
    openings: Vec<Opening>,
}

impl<'a> Draft<'a> {
    pub(crate) fn of(directory: &'a Directory) -> Self {
        Self {
            directory,
            levels: BTreeMap::new(),
            opened: BTreeMap::new(),
            openings: Vec::new(),
        }
    }

    /// The level, to be opened if it is new. One draft opens levels of one location only.
    pub(crate) fn open(&mut self, location: &LocationId, sku: &Sku) -> LevelNo {
        if let Some((no, _)) = self.directory.find(location, sku) {
            return no;
        }
        if let Some(no) = self.opened.get(sku) {
            return *no;
        }
        let no = LevelNo((self.directory.len() + self.openings.len()) as u32);
        self.opened.insert(sku.clone(), no);
        self.openings.push(Opening {
            location: location.clone(),
            sku: sku.clone(),
        });
        no
    }

    /// The level as the draft has it now.
    pub(crate) fn level(&self, no: LevelNo) -> Level {
        self.levels
            .get(&no)
            .or_else(|| self.directory.level(no))
            .copied()
            .unwrap_or_default()
    }

    /// Moves units in the draft.
    pub(crate) fn shift(
        &mut self,
        no: LevelNo,
        from: Bucket,
        to: Bucket,
        units: u32,
    ) -> Result<(), OutOfBounds> {
        let mut level = self.level(no);
        level.shift(from, to, units)?;
        self.levels.insert(no, level);
        Ok(())
    }

    /// How many levels it opens.
    pub(crate) fn opening_count(&self) -> usize {
        self.openings.len()
    }

    /// The levels that were opened, in the order of their numbers.
    pub(crate) fn openings(self) -> Vec<Opening> {
        self.openings
    }
}
