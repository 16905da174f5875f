//! The entries of a ledger that no server has open, one by one: for those who learn from it.

use crate::folder::log_dir;
use crate::recover::RecoverError;
use crate::verify::{Reading, VerifyError};
use onhand_core::{Entry, Seq};
use onhand_log::disk::Disk;
use onhand_log::file::FileLog;
use onhand_wire::BatchReader;
use std::ops::ControlFlow;

/// Who takes the entries, each with the last position that there is; and says when it is enough.
pub type Each<'a> = &'a mut dyn FnMut(&Entry, Seq) -> ControlFlow<()>;

impl<D: Disk + Clone> Reading<D> {
    /// Gives the entries of a partition in order, from a position on. Every batch is checked against its checksum; the
    /// rules that entries must obey are checked by [`Reading::verify`].
    ///
    /// # Errors
    /// The log is damaged, cannot be read, or no longer reaches back to `from`.
    pub fn entries(&self, partition: u16, from: Seq, each: Each<'_>) -> Result<(), VerifyError> {
        let wrap = |source| VerifyError::Partition { partition, source };
        self.visit(partition, from, each).map_err(wrap)
    }

    fn visit(&self, partition: u16, from: Seq, each: Each<'_>) -> Result<(), RecoverError> {
        let path = log_dir(&self.folder.path, partition);
        let reader = FileLog::read_only(self.folder.disk.clone(), &path)?;
        let last = Seq(reader.next() - 1);
        if reader.first() > from.0.max(1) {
            return Err(RecoverError::Gap {
                path,
                first: reader.first(),
                last: last.0,
                have: from.0.max(1) - 1,
                advice: "what was before is trimmed; begin at a later position, or restore a copy",
                damaged: Vec::new(),
            });
        }
        for batch in reader.read_from(from.0.max(1)) {
            let batch = batch?;
            let malformed = |source| RecoverError::Replay {
                at: batch.first,
                source: crate::machine::ReplayError::Malformed(source),
            };
            for entry in BatchReader::new(&batch.payload).map_err(malformed)? {
                let entry = entry.map_err(malformed)?;
                if entry.stamp.seq >= from && each(&entry, last).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
