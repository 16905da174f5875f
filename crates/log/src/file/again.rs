//! The last frames, kept aside while a start writes them again.
//!
//! The problem: a start writes the last frames again, those that no later frame says were durable, because after a
//! failed sync the system may show bytes that are not on the disk. If the machine stops within that write, what is on
//! the disk is a mixture: some sectors from before the failed sync, zeros where others are missing, and one of those
//! written up to some byte. No look at it can tell that from damage ([`super::judge`]).
//!
//! The rule: before a byte is written over, the frames are durable in a file of its own. A start that finds the file
//! puts them back first, so they are whole, and nothing needs to be judged. The file is durably gone before the log
//! takes a batch, so it never speaks of a place that was used since. If it is not sound, it was never completed, and
//! then nothing was written over.
//!
//! It is also there, without a frame in it if need be, while a torn tail is erased: who finds it does not trust the
//! zeros that the system shows after the last frame, and writes them once more.
//!
//! ```text
//! again   0 "ONHANDAG"  8 version u32 = 1  12 zero  16 first position of the segment u64  24 offset of the frames u64
//!         32 bytes of the frames u64  40 xxh3-64 of the frames u64  48 the segment's salt u64
//!         56 xxh3-64 of bytes 0..56;  then the frames
//! ```

use super::header::{self, FRAMES, Header};
use super::survey::Found;
use crate::disk::{Disk, DiskFile};
use crate::log::ReadError;
use crate::record::Record;
use std::io;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: u64 = u64::from_le_bytes(*b"ONHANDAG");
const VERSION: u32 = 1;

/// Frames that were kept aside.
struct Again {
    first: u64,
    offset: u64,
    salt: u64,
    frames: Vec<u8>,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("again")
}

/// Keeps frames aside, durably; not on a disk without room, or a full disk could not be started from.
pub(crate) fn keep<D: Disk>(
    disk: &D,
    dir: &Path,
    found: &Found,
    offset: u64,
    frames: &[u8],
) -> io::Result<()> {
    let draft = dir.join("again.new");
    remove(disk, &draft)?;
    match write_draft(disk, &draft, found, offset, frames) {
        Err(error) if is_about_room(&error) => remove(disk, &draft),
        Err(error) => Err(error),
        Ok(()) => {
            disk.rename(&draft, &path(dir))?;
            disk.sync_dir(dir)
        }
    }
}

pub(crate) fn is_about_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn write_draft<D: Disk>(
    disk: &D,
    draft: &Path,
    found: &Found,
    offset: u64,
    frames: &[u8],
) -> io::Result<()> {
    let record = Record::blank()
        .with_u64(0, MAGIC)
        .with_u32(8, VERSION)
        .with_u64(16, found.header.first())
        .with_u64(24, offset)
        .with_u64(32, frames.len() as u64)
        .with_u64(40, xxh3_64(frames))
        .with_u64(48, found.header.salt())
        .checked(0);
    let file = disk.create(draft)?;
    file.write_at(0, &[record.bytes(), frames].concat())?;
    file.sync()
}

/// Lets go of the frames that were kept aside, durably.
pub(crate) fn forget<D: Disk>(disk: &D, dir: &Path) -> io::Result<()> {
    remove(disk, &path(dir))?;
    disk.sync_dir(dir)
}

/// Puts the frames back that an interrupted start kept aside; gives whether there was one.
pub(crate) fn put_back<D: Disk>(disk: &D, dir: &Path) -> Result<bool, ReadError> {
    let again = read(disk, dir).map_err(|error| ReadError::io(&path(dir), error))?;
    let Some(again) = again else {
        return Ok(false);
    };
    let segment = header::path(dir, again.first);
    let written = again.write_to(disk, &segment);
    written.map_err(|error| ReadError::io(&segment, error))?;
    Ok(true)
}

/// Whether a start was interrupted while it wrote the frames at this place again.
pub(crate) fn covers<D: Disk>(
    disk: &D,
    dir: &Path,
    found: &Found,
    offset: u64,
) -> Result<bool, ReadError> {
    let again = read(disk, dir).map_err(|error| ReadError::io(&path(dir), error))?;
    Ok(again.is_some_and(|again| again.salt == found.header.salt() && again.holds(offset)))
}

impl Again {
    fn holds(&self, offset: u64) -> bool {
        (self.offset..self.end()).contains(&offset)
    }

    fn end(&self) -> u64 {
        self.offset + self.frames.len() as u64
    }

    fn write_to<D: Disk>(&self, disk: &D, segment: &Path) -> io::Result<()> {
        let file = match disk.open(segment) {
            // The survey says what is missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut record = [0; Record::BYTES];
        file.read_at(0, &mut record)?;
        let header = Header::decode(&Record::read(&record));
        // Another segment, or one whose header is damaged, is the survey's to judge.
        if header.is_ok_and(|header| header.salt() == self.salt && self.end() <= header.bytes) {
            file.write_at(self.offset, &self.frames)?;
            file.sync()?;
        }
        Ok(())
    }
}

/// The frames that were kept aside; `None` if there is none, or it was never completed.
fn read<D: Disk>(disk: &D, dir: &Path) -> io::Result<Option<Again>> {
    let file = match disk.open_read(&path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; file.len()? as usize];
    file.read_at(0, &mut bytes)?;
    let record = Record::read(&bytes);
    let frames = bytes.split_off(bytes.len().min(Record::BYTES));
    let is_sound = record.is_sound(0)
        && (record.u64(0), record.u32(8)) == (MAGIC, VERSION)
        && (record.u64(32), record.u64(40)) == (frames.len() as u64, xxh3_64(&frames))
        && is_among_frames(record.u64(24), frames.len() as u64);
    Ok(is_sound.then(|| Again {
        first: record.u64(16),
        offset: record.u64(24),
        salt: record.u64(48),
        frames,
    }))
}

/// Nothing else is ever kept aside, and what is written back must not reach the header of a segment.
fn is_among_frames(offset: u64, bytes: u64) -> bool {
    offset >= FRAMES && offset.checked_add(bytes).is_some()
}

fn remove<D: Disk>(disk: &D, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
