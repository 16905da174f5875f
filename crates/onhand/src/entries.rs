//! Where a learning command gets its entries: a data folder, or a published file straight.

use crate::failure::Failure;
use crate::features::LedgerFile;
use crate::replay::freshretailnet::Published;
use onhand_core::Entry;
use onhand_train::Source;
use std::ops::ControlFlow;
use std::path::Path;

/// Days after the last one asked about whose entries tell what became of it.
const DAYS_AFTER: u32 = 2;

/// Entries from the first on.
pub(crate) enum Entries {
    /// Of a data folder that no server has open.
    Folder(LedgerFile),
    /// Of a file in a published layout: those that a replay of it would write.
    File(Published),
}

impl Entries {
    /// Opens a folder, or reads a file as far as is needed to know what became of day `until`.
    pub(crate) fn open(path: &Path, until: u32) -> Result<Self, Failure> {
        match path.is_dir() {
            true => LedgerFile::open(path).map(Self::Folder),
            false => Published::read(path, 0..=until.saturating_add(DAYS_AFTER)).map(Self::File),
        }
    }
}

impl Source for Entries {
    type Error = Failure;

    fn each(
        &self,
        what: &'static str,
        each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        match self {
            Self::Folder(ledger) => ledger.each(what, each),
            Self::File(file) => file.each(what, each),
        }
    }
}
