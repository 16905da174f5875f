//! How a recalibration moves a row, by its category and the hour asked about.

use onhand_core::Timestamp;
use onhand_features::{Moment, Reader, Store};
use onhand_models::Recalibration;
use onhand_models::recalibrate::Line;
use std::collections::HashMap;

/// The pushed text that tells groups apart.
pub(crate) const CATEGORY: &str = "category";
const HOUR_MILLIS: u64 = 3_600_000;

/// The lines of a store's categories, by its own numbers for them: while the store is read, no longer.
#[derive(Default)]
pub(crate) struct Lines {
    usual: Line,
    categories: HashMap<u32, Line>,
}

impl Lines {
    /// None without a recalibration.
    pub(crate) fn of(recalibration: Option<&Recalibration>, store: &Store, moment: Moment) -> Self {
        let Some(recalibration) = recalibration else {
            return Self::default();
        };
        let hour = hour_of_day(moment.target);
        let numbered = |(name, line)| Some((store.group(CATEGORY, name)?, line));
        Self {
            usual: recalibration.usual(hour),
            categories: recalibration.by_group(hour).filter_map(numbered).collect(),
        }
    }

    /// Of the level in a place, of those that were last read together.
    pub(crate) fn line(&self, reader: &Reader<'_>, place: usize) -> Line {
        if self.categories.is_empty() {
            return self.usual;
        }
        let own = reader.group(CATEGORY, place);
        let own = own.and_then(|number| self.categories.get(&number));
        own.copied().unwrap_or(self.usual)
    }
}

fn hour_of_day(at: Timestamp) -> usize {
    (at.millis() / HOUR_MILLIS % 24) as usize
}
