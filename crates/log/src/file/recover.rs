//! The start: opening a log that is there, and making good what a crash left behind.
//!
//! Everything is judged before anything is changed; what is refused is left as it was found, but for the last frames of
//! a start that was interrupted, which are put back first ([`super::again`]). Then, in this order, each step harmless if
//! a crash comes after it:
//!
//! 1. The frames that may not be on the disk are kept aside ([`super::again`]). The frames of the last segment are
//!    written again, the same bytes in the same place, and synced; then a torn write after them is erased. A sync that
//!    failed before the start may have left bytes in the system's memory that are not on the disk, and no later sync
//!    would notice: bytes written anew are on the disk after it, or the start fails.
//!    A last segment without a frame is made anew as a whole before that, for the sync that failed may have been the
//!    folder's: then its name is not on the disk, and what is appended to it would go with it. On a full disk it cannot
//!    be made, and a full disk must be no reason not to start: then the first append makes it, and what relies on its
//!    name (the seal of the segment before, a trim up to it) waits for that.
//! 2. The segment before the last is sealed, or its seal written again, for the same reason.
//! 3. If there are remains of a trim: the mark of the beginning is written again and synced.
//! 4. Remains are removed and the folder is synced: names are then on the disk, too.

use super::again;
use super::erase::erase;
use super::frame::{self, FrameHeader};
use super::header::{FRAMES, Header, Joint, SEAL, Seal};
use super::index::Mark;
use super::judge::Verdict;
use super::reader::Shared;
use super::segment::{self, CreateFailure, Opened, Segment};
use super::survey::{self, Found, Survey, verify_sealed};
use super::walk::{Source, Walk, Walked};
use super::{Active, FileLog, FileLogOptions, Unsealed, write_begin};
use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::log::ReadError;
use onhand_planted::Defect;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a start found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How many segments there are.
    pub segments: usize,
    /// The first position that can be read.
    pub first: u64,
    /// The position after the last record.
    pub next: u64,
    /// How many bytes the segments take.
    pub bytes: u64,
    /// The write that a crash interrupted, if there was one. Nothing in it was durable.
    pub cut: Option<TornTail>,
    /// How many files were removed that an interrupted trim or rotation left.
    pub removed: usize,
}

/// What was never finished at the end of the log: a write, or several where each was not synced before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub segment: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes there were until only zeros follow.
    pub bytes: u64,
    /// The first position that it would have had.
    pub first_lost: u64,
}

impl Survey {
    pub(crate) fn torn(&self) -> Option<TornTail> {
        match self.verdict {
            Verdict::Clean => None,
            Verdict::Torn { bytes } => Some(TornTail {
                segment: self.last_segment().path.clone(),
                offset: self.last.offset,
                bytes,
                first_lost: self.last.end.tail.next,
            }),
        }
    }

    fn recovery(&self) -> Recovery {
        Recovery {
            segments: self.segments.len(),
            first: self.segments[0].header.first(),
            next: self.last.end.tail.next,
            bytes: self.segments.iter().map(|found| found.header.bytes).sum(),
            cut: self.torn(),
            removed: self.remains.len(),
        }
    }
}

impl<D: Disk> FileLog<D> {
    /// Opens a log.
    ///
    /// # Errors
    /// Another process has it; a file is missing (a folder without a segment is one that misses all of them: who wants
    /// a new log calls [`FileLog::create`]); something is damaged; or the system failed. Nothing is changed then,
    /// except when the system fails while a crash is made good, and then it can be tried again.
    pub fn open(
        disk: D,
        dir: &Path,
        options: FileLogOptions,
    ) -> Result<(Self, Recovery), ReadError> {
        // Before the lock, which would leave its file in a folder that is no log's.
        survey::names(&disk, dir)?;
        let lock = lock(&disk, dir)?;
        let was_interrupted = again::put_back(&disk, dir)?;
        let survey = Survey::of(&disk, dir)?;
        verify(&disk, &survey, options.verify_from)?;
        let is_named = make_anew_if_empty(&disk, dir, &survey)?;
        let active = settle(&disk, dir, &survey, was_interrupted, is_named)?;
        let recovery = survey.recovery();
        let mut segments: Vec<_> = survey
            .segments
            .iter()
            .map(|found| Arc::new(Segment::new(dir, found.header, None)))
            .collect();
        segments.pop();
        let unsealed = match segments.last().zip(survey.lacking) {
            Some((segment, seal)) if !is_named => Some(unsealed(&disk, segment, seal)?),
            _ => None,
        };
        segments.push(active.segment.clone());
        let end = survey.last.end;
        let log = Self {
            shared: Arc::new(Shared::new(disk, dir.to_owned(), segments, end.tail.next)),
            options,
            end,
            durable: end.tail.next,
            active,
            unsealed,
            broken: None,
            frame: Vec::new(),
            _lock: lock,
        };
        Ok((log, recovery))
    }
}

/// The file whose lock stands for the whole folder.
pub(crate) fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

fn lock<D: Disk>(disk: &D, dir: &Path) -> Result<D::File, ReadError> {
    let path = lock_path(dir);
    let file = match disk.open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&path),
        other => other,
    };
    let file = file.map_err(|error| ReadError::io(&path, error))?;
    take(&file, &path)?;
    Ok(file)
}

/// Locks a file, or says that another process has it.
pub(crate) fn take<F: DiskFile>(file: &F, path: &Path) -> Result<(), ReadError> {
    match file.lock() {
        Ok(true) => Ok(()),
        Ok(false) => {
            let busy = io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process has this log open",
            );
            Err(ReadError::io(path, busy))
        }
        Err(error) => Err(ReadError::io(path, error)),
    }
}

fn verify<D: Disk>(disk: &D, survey: &Survey, from: u64) -> Result<(), ReadError> {
    for (found, seal) in survey
        .sealed()
        .filter(|(_, seal)| seal.end.tail.next > from)
    {
        let file = survey::open(disk, &found.path)?;
        verify_sealed(found, &seal, &file, |_, _, _| Ok(()))?;
    }
    Ok(())
}

/// Makes an empty last segment anew, under the same name; says whether the last segment has a name on the disk now.
fn make_anew_if_empty<D: Disk>(disk: &D, dir: &Path, survey: &Survey) -> Result<bool, ReadError> {
    let found = survey.last_segment();
    if survey.last.offset > FRAMES {
        return Ok(true);
    }
    match segment::create(disk, dir, &found.header, found.begins()) {
        Ok(_) => Ok(true),
        Err(CreateFailure::Undone(error)) if again::is_about_room(&error) => {
            Ok(Defect::UnnamedSegmentTaken.is_on())
        }
        Err(CreateFailure::Undone(error) | CreateFailure::Unknown(error)) => {
            Err(ReadError::io(&found.path, error))
        }
    }
}

/// The segment before the last, whose seal is to wait.
fn unsealed<D: Disk>(
    disk: &D,
    segment: &Arc<Segment<D::File>>,
    seal: Seal,
) -> Result<Unsealed<D::File>, ReadError> {
    let file = disk.open(&segment.path);
    let file = file.map_err(|error| ReadError::io(&segment.path, error))?;
    Ok(Unsealed {
        segment: segment.clone(),
        opened: Arc::new(Opened::new(file, &segment.header)),
        seal,
    })
}

/// Makes good what a crash left. Gives the segment that takes the next batch.
fn settle<D: Disk>(
    disk: &D,
    dir: &Path,
    survey: &Survey,
    was_interrupted: bool,
    is_named: bool,
) -> Result<Active<D::File>, ReadError> {
    let active = settle_last(disk, dir, survey, was_interrupted, is_named)?;
    if let Some((found, seal)) = survey.before_last()
        && (is_named || survey.lacking.is_none())
    {
        write(disk, found, |file, salt| write_seal(file, &seal, salt))?;
    }
    if !survey.remains.is_empty() {
        write(disk, &survey.segments[0], write_begin)?;
    }
    remove_remains(disk, dir, &survey.remains).map_err(|error| ReadError::io(dir, error))?;
    Ok(active)
}

fn write<D: Disk>(
    disk: &D,
    found: &Found,
    write: impl FnOnce(&D::File, u64) -> io::Result<()>,
) -> Result<(), ReadError> {
    disk.open(&found.path)
        .and_then(|file| write(&file, found.header.salt()))
        .map_err(|error| ReadError::io(&found.path, error))
}

fn write_seal<F: DiskFile>(file: &F, seal: &Seal, salt: u64) -> io::Result<()> {
    file.write_at(SEAL, seal.record(salt).bytes())?;
    file.sync()
}

/// A segment made anew may have taken the place of an unfinished one of its name, which is gone then.
fn remove_remains<D: Disk>(disk: &D, dir: &Path, remains: &[PathBuf]) -> io::Result<()> {
    let is_there = |removed: &io::Result<()>| !matches!(removed, Err(error) if error.kind() == io::ErrorKind::NotFound);
    let removed = remains.iter().map(|path| disk.remove(path));
    removed.filter(is_there).collect::<io::Result<()>>()?;
    disk.sync_dir(dir)
}

fn settle_last<D: Disk>(
    disk: &D,
    dir: &Path,
    survey: &Survey,
    was_interrupted: bool,
    is_named: bool,
) -> Result<Active<D::File>, ReadError> {
    let found = survey.last_segment();
    let file = disk
        .open(&found.path)
        .map_err(|error| ReadError::io(&found.path, error))?;
    let opened = Arc::new(Opened::new(file, &found.header));
    let source = found.source(&opened.file);
    keep_aside(disk, dir, found, &source, &survey.last)?;
    let end = write_again(&source, &found.header, &opened)?;
    if end != survey.last.end {
        let what = io::Error::other("the file changes while it is read");
        return Err(ReadError::io(&found.path, what));
    }
    // Before anything is taken away: what is to stay must be there.
    let synced = opened.file.sync();
    synced.map_err(|error| ReadError::io(&found.path, error))?;
    let torn = match survey.verdict {
        // An interrupted start may have failed to erase what the system does not show any more.
        _ if was_interrupted => found.header.bytes - survey.last.offset,
        Verdict::Torn { bytes } => bytes,
        Verdict::Clean => 0,
    };
    if torn > 0 {
        let erased = erase(&opened.file, survey.last.offset, torn);
        erased.map_err(|error| ReadError::io(&found.path, error))?;
    }
    again::forget(disk, dir).map_err(|error| ReadError::io(dir, error))?;
    Ok(Active {
        segment: Arc::new(Segment::new(dir, found.header, Some(opened.clone()))),
        opened,
        offset: survey.last.offset,
        warm: survey.last.offset,
        is_named,
    })
}

/// Keeps the frames aside that may not be on the disk as they are shown: those that no later one says were durable.
fn keep_aside<D: Disk>(
    disk: &D,
    dir: &Path,
    found: &Found,
    source: &Source<'_, D::File>,
    walked: &Walked,
) -> Result<(), ReadError> {
    let offset = walked.doubtful;
    let frames = source.bytes(offset, walked.offset - offset)?;
    again::keep(disk, dir, found, offset, &frames).map_err(|error| ReadError::io(dir, error))
}

/// Writes every good frame again, each as it was just read and checked.
fn write_again<F: DiskFile>(
    source: &Source<'_, F>,
    header: &Header,
    opened: &Opened<F>,
) -> Result<Joint, ReadError> {
    let mut bytes = Vec::new();
    let again = |offset, header: &FrameHeader, batch: &Batch| {
        let (checksum, standing) = (header.checksum, header.standing);
        frame::encode(batch, checksum, standing, offset, source.salt, &mut bytes);
        opened.index().note(Mark {
            first: batch.first,
            at_millis: batch.at_millis,
            offset,
        });
        let written = source.file.write_at(offset, &bytes);
        written.map_err(|error| ReadError::io(source.path, error))
    };
    Ok(Walk::new(*source, header.start).finish(again)?.end)
}
