//! What is done to the files of a log, counted by what can be seen of it: segments begun, snapshots, trims.

use super::World;
use crate::finding::Verdict;
use onhand_log::disk::Interrupted;
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

    /// Counts the call within which the machine stopped.
    pub(super) fn count_interrupted(&mut self) {
        if let Some(call) = self.disk.interrupted() {
            *self.counts.interrupted.entry(name_of(&call)).or_default() += 1;
        }
    }

    /// Counts a trim if a log begins later than it did; it must be allowed.
    pub(super) fn look_at_beginning(&mut self, which: usize) -> Verdict {
        let first = self.life.engine.ledger(which as u16).positions().start;
        let before = self.files.first.insert(which, first);
        if before.is_some_and(|before| before < first) {
            self.counts.trims += 1;
            self.check_trimmed(which, first)?;
        }
        Ok(())
    }
}

/// The kind of a call and of its file: a name with its digits left out.
pub(super) fn name_of(interrupted: &Interrupted) -> String {
    let Interrupted { call, path } = interrupted;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|one| !one.is_ascii_digit()).collect();
    format!("{call:?} {name}")
}
