//! Where a learning command gets its entries: a data folder, or a published file straight.

use crate::failure::Failure;
use crate::features::LedgerFile;
use crate::replay::freshretailnet::{Published, Shelf};
use onhand_core::{Entry, LocationId, Sku};
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
            false => Self::beginning(path, until, &|_, _| 0),
        }
    }

    /// Reads a file whose SKUs at locations each begin on a day: of what was before nothing is told. A folder's past is
    /// what it is.
    pub(crate) fn beginning(
        path: &Path,
        until: u32,
        begins: &dyn Fn(&LocationId, &Sku) -> u32,
    ) -> Result<Self, Failure> {
        let days = 0..=until.saturating_add(DAYS_AFTER);
        match path.is_dir() {
            true => Err(Failure::say(format!(
                "{} is a data folder, whose past cannot be left out: pass a published file",
                path.display()
            ))),
            false => Published::read(path, days, begins).map(Self::File),
        }
    }

    /// The same file with shoppers' looks instead of the nightly feed.
    pub(crate) fn looked(&self, looks: u32) -> Result<Self, Failure> {
        match self {
            Self::File(file) => Ok(Self::File(file.told_by(Shelf::Looks(looks)))),
            Self::Folder(_) => Err(Failure::say(
                "--looks is for a published file: make a folder with `onhand replay --looks`",
            )),
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
