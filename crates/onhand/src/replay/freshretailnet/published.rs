//! A published file as a source of entries, without a ledger in between.

use super::dataset::{self, Dataset, Wanted};
use super::telling::{Shelf, Telling, location, sku};
use crate::failure::Failure;
use crate::progress;
use crate::replay::feeder::FeedError;
use crate::replay::listener::Listener;
use onhand_core::{Entry, LocationId, Sku};
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

/// A published file, read.
#[derive(Clone)]
pub(crate) struct Published {
    dataset: Arc<Dataset>,
    shelf: Shelf,
}

impl Published {
    /// Reads some days of a file. `begins` says on which day the ledger first hears of a SKU at a location: what the
    /// file says of earlier days is not told.
    pub(crate) fn read(
        path: &Path,
        days: RangeInclusive<u32>,
        begins: &dyn Fn(&LocationId, &Sku) -> u32,
    ) -> Result<Self, Failure> {
        let stores = usize::MAX;
        let mut dataset = read(path, &Wanted { stores, days })?;
        let series = dataset.series.iter();
        let begins: Vec<u32> = series
            .map(|one| begins(&location(one.store), &sku(one.product)))
            .collect();
        dataset
            .rows
            .retain(|row| row.day >= begins[row.series as usize]);
        Ok(Self {
            dataset: Arc::new(dataset),
            shelf: Shelf::Nightly,
        })
    }

    /// The same with another teller of the shelf.
    pub(crate) fn told_by(&self, shelf: Shelf) -> Self {
        let dataset = Arc::clone(&self.dataset);
        Self { dataset, shelf }
    }

    /// Gives the entries that a replay into a folder would write.
    pub(crate) fn each(
        &self,
        what: &'static str,
        each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let bar = progress::bar(what, self.dataset.rows.len() as u64);
        let mut telling = Telling::new(Listener::new(each), &self.dataset, self.shelf);
        let told = telling.tell(&mut |rows| bar.inc(rows));
        bar.finish_and_clear();
        match told {
            Ok(_) | Err(FeedError::Enough) => Ok(()),
            Err(error) => Err(Failure::say(error)),
        }
    }
}

/// Reads a part of a file, with a progress bar.
pub(super) fn read(path: &Path, wanted: &Wanted) -> Result<Dataset, Failure> {
    let bar = progress::bar("Reading the data set", 0);
    let dataset = dataset::read(path, wanted, &mut |at, of| {
        bar.set_length(of);
        bar.set_position(at);
    });
    bar.finish_and_clear();
    dataset.map_err(Failure::say)
}
