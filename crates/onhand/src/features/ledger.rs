//! A folder's ledger, given entry by entry to whoever learns from it, with a progress bar.

use crate::failure::Failure;
use crate::progress;
use onhand_core::{Entry, Seq};
use onhand_engine::verify::Reading;
use onhand_features::{FeatureSet, Limits, Store, catalog};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Entries between two steps of the bar.
const STRIDE: u64 = 1024;

/// The ledger of a data folder that no server has open.
pub(crate) struct LedgerFile {
    reading: Reading,
}

impl LedgerFile {
    /// Opens the folder. Features see one partition; a folder of more is refused.
    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let reading = Reading::open(data).map_err(Failure::say)?;
        match reading.partitions() {
            1 => Ok(Self { reading }),
            more => Err(Failure::say(format!(
                "the data folder has {more} partitions: features are kept for one so far"
            ))),
        }
    }

    /// How many entries there are.
    pub(super) fn entries(&self) -> Result<u64, Failure> {
        let mut entries = 0;
        let read = self.reading.entries(0, Seq::ZERO, &mut |_, last| {
            entries = last.0;
            ControlFlow::Break(())
        });
        read.map(|()| entries).map_err(Failure::say)
    }

    /// Gives every entry in order, until it is enough.
    pub(crate) fn each(
        &self,
        what: &'static str,
        each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let bar = progress::bar(what, 0);
        let read = self.reading.entries(0, Seq::ZERO, &mut |entry, last| {
            if entry.stamp.seq.0.is_multiple_of(STRIDE) {
                bar.set_length(last.0);
                bar.set_position(entry.stamp.seq.0);
            }
            each(entry)
        });
        bar.finish_and_clear();
        read.map_err(Failure::say)
    }
}

/// An empty store of the features that Onhand comes with.
pub(crate) fn store(set: &Arc<FeatureSet>) -> Store {
    Store::new(Arc::clone(set), Limits::default())
}

/// The features that Onhand comes with.
pub(crate) fn set() -> Arc<FeatureSet> {
    Arc::new(catalog::availability())
}

/// What a store says to an entry that does not follow: a ledger that was read in order has none.
pub(crate) fn in_order<T>(taken: Result<T, onhand_features::NotNext>) -> T {
    taken.expect("a ledger is read in order, from its first entry")
}
