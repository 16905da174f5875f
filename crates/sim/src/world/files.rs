//! What is done to the files of a log, counted by what can be seen of it: segments begun, snapshots, trims.

use super::World;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What was seen of the files until now.
#[derive(Debug, Default)]
pub(super) struct Files {
    segments: BTreeSet<PathBuf>,
    snapshots: BTreeSet<PathBuf>,
    /// The first position of each partition's log.
    first: BTreeMap<usize, u64>,
}

impl World {
    /// Counts the files that are new since it last looked; what came and went in between is not counted.
    pub(super) fn look_at_files(&mut self) {
        for (path, _) in self.disk.files() {
            match path.extension().and_then(|end| end.to_str()) {
                Some("log") => drop(self.files.segments.insert(path)),
                Some("snap") => drop(self.files.snapshots.insert(path)),
                _ => {}
            }
        }
        let first_ones = self.books.len();
        self.counts.rotations = self.files.segments.len().saturating_sub(first_ones) as u64;
        self.counts.snapshots = self.files.snapshots.len() as u64;
    }

    /// Counts a trim if a log begins later than it did.
    pub(super) fn look_at_beginning(&mut self, which: usize) {
        let first = self.life.engine.ledger(which as u16).positions().start;
        let before = self.files.first.insert(which, first);
        self.counts.trims += u64::from(before.is_some_and(|before| before < first));
    }
}
