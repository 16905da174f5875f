//! One segment as the running log knows it, and how a new one comes to be.

use super::header::{self, FRAMES, Header};
use super::index::{Index, Mark};
use crate::disk::{Disk, DiskFile};
use onhand_planted::Defect;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many sealed segments stay open for readers, with their indexes.
const MOST_OPEN: usize = 16;

/// A segment's file and the index of what has been read of it.
pub(crate) struct Opened<F> {
    pub(crate) file: F,
    index: Mutex<Index>,
}

impl<F> Opened<F> {
    pub(crate) fn new(file: F, header: &Header) -> Self {
        let start = Mark {
            first: header.first(),
            at_millis: header.start.at_millis,
            offset: FRAMES,
        };
        let index = Mutex::new(Index::new(start));
        Self { file, index }
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A segment.
pub(crate) struct Segment<F> {
    pub(crate) header: Header,
    pub(crate) salt: u64,
    pub(crate) path: PathBuf,
    opened: Mutex<Option<Arc<Opened<F>>>>,
}

impl<F> Segment<F> {
    pub(crate) fn new(dir: &Path, header: Header, opened: Option<Arc<Opened<F>>>) -> Self {
        Self {
            header,
            salt: header.salt(),
            path: header::path(dir, header.first()),
            opened: Mutex::new(opened),
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Opened<F>>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sealed segments that are open, the latest opened last. Closing the oldest keeps files and indexes bounded,
/// however long the log is.
pub(crate) struct OpenSegments<F>(Mutex<VecDeque<Arc<Segment<F>>>>);

impl<F: DiskFile> OpenSegments<F> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// The segment's file, opened if it is not.
    pub(crate) fn open<D: Disk<File = F>>(
        &self,
        disk: &D,
        segment: &Arc<Segment<F>>,
    ) -> io::Result<Arc<Opened<F>>> {
        let mut slot = segment.slot();
        if let Some(opened) = slot.as_ref() {
            return Ok(opened.clone());
        }
        let file = disk.open_read(&segment.path)?;
        let opened = Arc::new(Opened::new(file, &segment.header));
        *slot = Some(opened.clone());
        drop(slot);
        self.admit(segment.clone());
        Ok(opened)
    }

    /// Closes a segment that is removed, so that its room is free at once.
    pub(crate) fn close(&self, segment: &Arc<Segment<F>>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(other, segment));
        drop(open);
        *segment.slot() = None;
    }

    /// Counts an open segment that takes no more frames, and closes the one that was opened longest ago if there are
    /// too many.
    pub(crate) fn admit(&self, segment: Arc<Segment<F>>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(segment);
        if open.len() > MOST_OPEN
            && let Some(oldest) = open.pop_front()
        {
            drop(open);
            *oldest.slot() = None;
        }
    }
}

/// Why a segment could not be created.
#[derive(Debug)]
pub(crate) enum CreateFailure {
    /// It is not there, and everything is as before.
    Undone(io::Error),
    /// It may be there or not.
    Unknown(io::Error),
}

/// Creates a segment, durable as a whole: it gets its name only when its room is reserved and its header is synced.
/// Takes the place of an empty segment that begins at the same position.
pub(crate) fn create<D: Disk>(
    disk: &D,
    dir: &Path,
    header: &Header,
    begins: bool,
) -> Result<D::File, CreateFailure> {
    let unfinished = header::unfinished(dir, header.first());
    let named = prepare(disk, &unfinished, header, begins).and_then(|file| {
        disk.rename(&unfinished, &header::path(dir, header.first()))?;
        Ok(file)
    });
    let file = named.map_err(|error| {
        // If this fails too, the next try or the next start removes it.
        let _ = disk.remove(&unfinished);
        CreateFailure::Undone(error)
    })?;
    if Defect::FolderNotSynced.is_on() {
        return Ok(file);
    }
    let mut synced = disk.sync_dir(dir);
    if synced.is_err() && Defect::FolderSyncTriedAgain.is_on() {
        synced = disk.sync_dir(dir);
    }
    synced.map_err(CreateFailure::Unknown)?;
    Ok(file)
}

fn prepare<D: Disk>(disk: &D, path: &Path, header: &Header, begins: bool) -> io::Result<D::File> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(path)?;
    file.allocate(header.bytes)?;
    file.write_at(0, &header.block(begins))?;
    file.sync()?;
    Ok(file)
}
