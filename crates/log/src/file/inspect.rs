//! The check of a whole log, for an operator: reads everything, changes nothing.

use super::FileLog;
use super::judge::{Rest, damaged};
use super::reader::{FileReader, Shared};
use super::recover::{TornTail, lock_path, take};
use super::segment::Segment;
use super::survey::{Found, Survey, open, verify_sealed};
use super::walk::Walk;
use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::log::{LogReader, ReadError};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How far a check is. Told after each segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of segments read.
    pub done: u64,
    /// Bytes of all segments.
    pub total: u64,
}

/// What a check found in a log without damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many segments there are.
    pub segments: usize,
    /// The first position.
    pub first: u64,
    /// The position after the last record.
    pub next: u64,
    /// How many batches there are.
    pub batches: u64,
    /// How many bytes the segments take.
    pub bytes: u64,
    /// How many bytes of payload are in them.
    pub payload_bytes: u64,
    /// A write that a crash interrupted. The next start cuts it back; nothing in it was durable.
    pub torn: Option<TornTail>,
}

impl Summary {
    fn count(&mut self, batch: &Batch) {
        self.batches += 1;
        self.payload_bytes += batch.payload.len() as u64;
    }
}

impl<D: Disk> FileLog<D> {
    /// Reads a whole log and checks every header, frame, checksum and joint.
    ///
    /// # Errors
    /// The first damage or missing file, with where it is; another process has the log open; or the system failed.
    pub fn inspect(
        disk: &D,
        dir: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Summary, ReadError> {
        let _lock = lock(disk, dir)?;
        let survey = Survey::of(disk, dir)?;
        let mut summary = begin(&survey);
        let mut done = 0;
        let mut tell = |found: &Found| {
            done += found.header.bytes;
            let total = summary_bytes(&survey);
            progress(Progress { done, total });
        };
        for (found, seal) in survey.sealed() {
            let file = open(disk, &found.path)?;
            verify_sealed(found, &seal, &file, |_, _, batch| {
                summary.count(batch);
                Ok(())
            })?;
            nothing_after(found, &file, seal.offset)?;
            tell(found);
        }
        let last = survey.last_segment();
        let file = open(disk, &last.path)?;
        Walk::new(last.source(&file), last.header.start).finish(|_, _, batch| {
            summary.count(batch);
            Ok(())
        })?;
        tell(last);
        Ok(summary)
    }
}

impl<D: Disk> FileLog<D> {
    /// A reading end of a log that nobody has open. Changes nothing; a write that a crash interrupted is passed over.
    ///
    /// # Errors
    /// Another process has the log open, a file is missing, something is damaged, or the system failed.
    pub fn read_only(disk: D, dir: &Path) -> Result<Arc<dyn LogReader>, ReadError> {
        let _lock = lock(&disk, dir)?;
        let survey = Survey::of(&disk, dir)?;
        let segments = survey.segments.iter();
        let segments = segments.map(|found| Arc::new(Segment::new(dir, found.header, None)));
        let segments = segments.collect();
        let next = survey.last.end.tail.next;
        let shared = Shared::new(disk, dir.to_owned(), segments, next);
        Ok(Arc::new(FileReader::new(Arc::new(shared))))
    }
}

fn begin(survey: &Survey) -> Summary {
    Summary {
        segments: survey.segments.len(),
        first: survey.segments[0].header.first(),
        next: survey.last.end.tail.next,
        bytes: summary_bytes(survey),
        torn: survey.torn(),
        ..Summary::default()
    }
}

fn summary_bytes(survey: &Survey) -> u64 {
    survey.segments.iter().map(|found| found.header.bytes).sum()
}

/// A sealed segment holds nothing after its last frame.
fn nothing_after<F: DiskFile>(found: &Found, file: &F, offset: u64) -> Result<(), ReadError> {
    let source = found.source(file);
    match Rest::of(&source, offset)?.written {
        None => Ok(()),
        Some((start, _)) => {
            let what = "there is something after the last batch of a sealed segment".to_owned();
            Err(damaged(&source, start, what))
        }
    }
}

/// The lock of the folder, if there is one: a check makes no files.
fn lock<D: Disk>(disk: &D, dir: &Path) -> Result<Option<D::File>, ReadError> {
    let path = lock_path(dir);
    match disk.open_read(&path) {
        Ok(file) => take(&file, &path).map(|()| Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::io(&path, error)),
    }
}
