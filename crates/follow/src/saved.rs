//! Stores on disk: one file for each partition, replaced as a whole.
//!
//! A saved store is a convenience: whatever is wrong with it, the ledger makes it anew. So it is said and passed over.

use onhand_core::{Seq, Stamp};
use onhand_features::{FeatureSet, Store};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// The folder of saved stores.
#[derive(Debug)]
pub(crate) struct Saved {
    folder: PathBuf,
}

impl Saved {
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The saved store of a partition; `None` if there is none that fits its ledger, which goes up to `last`. `written`
    /// tells the stamp of an entry, if the ledger still has it: a ledger that lost its tail and grew again has other
    /// entries at the same positions.
    pub(crate) fn load(
        &self,
        partition: u16,
        set: &Arc<FeatureSet>,
        last: Seq,
        written: &dyn Fn(Seq) -> Option<Stamp>,
    ) -> Option<Store> {
        let bytes = match fs::read(self.path(partition)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(partition, %error, "the saved feature store cannot be read: it is made anew");
                return None;
            }
        };
        match Store::restore(Arc::clone(set), &bytes) {
            Ok(store) if store.last().seq <= last => {
                let shown = store.last();
                let is_its_own = written(shown.seq).is_none_or(|stamp| stamp == shown);
                if !is_its_own {
                    tracing::warn!(
                        partition,
                        "the saved feature store is of another ledger, or of a tail that was lost: it is made anew"
                    );
                }
                is_its_own.then_some(store)
            }
            Ok(store) => {
                let ahead = store.last().seq.0;
                tracing::warn!(
                    partition,
                    ahead,
                    last = last.0,
                    "the saved feature store is ahead of the ledger: it is made anew"
                );
                None
            }
            Err(error) => {
                tracing::warn!(partition, %error, "the saved feature store is passed over");
                None
            }
        }
    }

    /// Puts a store in the place of the one before, which stays until the new one is on disk.
    pub(crate) fn save(&self, partition: u16, bytes: &[u8]) -> io::Result<()> {
        let (path, new) = (
            self.path(partition),
            self.folder.join(format!("{partition}.new")),
        );
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(new, path)?;
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self, partition: u16) -> PathBuf {
        self.folder.join(format!("{partition}.features"))
    }
}
