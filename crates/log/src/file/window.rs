//! A piece of a segment that was read ahead, so that small batches do not cost a call to the system each.
//!
//! The piece may be older than the file: frames may have been written into it since. So it only saves reads, and
//! proves nothing: what is whole in it, by its checksums, is what was written; for anything else the file is asked.

use super::frame::{FrameHeader, HEADER};
use super::walk::Source;
use crate::batch::Batch;
use crate::disk::DiskFile;
use crate::log::ReadError;
use crate::record::Record;

/// Bytes of one segment.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The first position of the segment.
    segment: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Reads up to `len` bytes from `offset`.
    pub(crate) fn fill<F: DiskFile>(
        &mut self,
        source: &Source<'_, F>,
        segment: u64,
        offset: u64,
        len: u64,
    ) -> Result<(), ReadError> {
        self.bytes.clear();
        let len = len.min(source.end.saturating_sub(offset));
        self.bytes.resize(len as usize, 0);
        (self.segment, self.offset) = (segment, offset);
        source.read(offset, &mut self.bytes).inspect_err(|_| {
            // Not to be taken for what is in the file.
            self.bytes.clear();
        })
    }

    /// What it has of a segment from `offset` on.
    pub(crate) fn at(&self, segment: u64, offset: u64) -> &[u8] {
        let skipped = offset.checked_sub(self.offset);
        let skipped = skipped.filter(|_| segment == self.segment);
        skipped
            .and_then(|skipped| self.bytes.get(skipped as usize..))
            .unwrap_or_default()
    }
}

/// The frame that holds `position`, if it is whole at the start of `bytes`.
pub(crate) fn whole_frame(bytes: &[u8], salt: u64, position: u64) -> Option<(FrameHeader, Batch)> {
    let header = FrameHeader::decode(&Record::read(bytes), salt)?;
    let payload = bytes
        .get(HEADER as usize..)?
        .get(..header.payload as usize)?;
    let batch = header
        .holds(position)
        .then(|| header.batch(payload.to_vec()))??;
    Some((header, batch))
}
