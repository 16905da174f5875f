//! A published file as a source of entries, without a ledger in between.

use super::dataset::{self, Dataset, Wanted};
use super::telling::Telling;
use crate::failure::Failure;
use crate::progress;
use crate::replay::feeder::FeedError;
use crate::replay::listener::Listener;
use onhand_core::Entry;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;

/// A published file, read.
pub(crate) struct Published {
    dataset: Dataset,
}

impl Published {
    /// Reads some days of a file.
    pub(crate) fn read(path: &Path, days: RangeInclusive<u32>) -> Result<Self, Failure> {
        let stores = usize::MAX;
        let dataset = read(path, &Wanted { stores, days })?;
        Ok(Self { dataset })
    }

    /// Gives the entries that a replay into a folder would write.
    pub(crate) fn each(
        &self,
        what: &'static str,
        each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let bar = progress::bar(what, self.dataset.rows.len() as u64);
        let mut telling = Telling::new(Listener::new(each), &self.dataset);
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
