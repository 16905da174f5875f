//! The last frame, kept aside while a start writes it again.
//!
//! The problem: a start writes the last frame again, because after a failed sync the system may show bytes that are not
//! on the disk. If the machine stops within that write, the frame on the disk is a mixture: some sectors from before
//! the failed sync, zeros where others are missing, and one of those written up to some byte. No look at it can tell
//! that from damage ([`super::judge`]).
//!
//! The rule: before a byte is written over, the frame is durable in a file of its own. A start that finds the file puts
//! the frame back first, so it is whole, and nothing needs to be judged. The file is durably gone before the log takes
//! a batch, so it never speaks of a place that was used since. If it is not sound, it was never completed, and then
//! nothing was written over.
//!
//! ```text
//! again   0 "ONHANDAG"  8 version u32 = 1  12 zero  16 first position of the segment u64  24 offset of the frame u64
//!         32 bytes of the frame u64  40 xxh3-64 of the frame u64  48 the segment's salt u64
//!         56 xxh3-64 of bytes 0..56;  then the frame
//! ```

use super::header::{self, Header};
use super::survey::Found;
use crate::disk::{Disk, DiskFile};
use crate::log::ReadError;
use crate::record::Record;
use std::io;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: u64 = u64::from_le_bytes(*b"ONHANDAG");
const VERSION: u32 = 1;

/// A frame that was kept aside.
struct Again {
    first: u64,
    offset: u64,
    salt: u64,
    frame: Vec<u8>,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("again")
}

/// Keeps a frame aside, durably; not on a disk without room, or a full disk could not be started from.
pub(crate) fn keep<D: Disk>(
    disk: &D,
    dir: &Path,
    found: &Found,
    offset: u64,
    frame: &[u8],
) -> io::Result<()> {
    let draft = dir.join("again.new");
    remove(disk, &draft)?;
    match write_draft(disk, &draft, found, offset, frame) {
        Err(error) if is_about_room(&error) => remove(disk, &draft),
        Err(error) => Err(error),
        Ok(()) => {
            disk.rename(&draft, &path(dir))?;
            disk.sync_dir(dir)
        }
    }
}

fn is_about_room(error: &io::Error) -> bool {
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
    frame: &[u8],
) -> io::Result<()> {
    let record = Record::blank()
        .with_u64(0, MAGIC)
        .with_u32(8, VERSION)
        .with_u64(16, found.header.first())
        .with_u64(24, offset)
        .with_u64(32, frame.len() as u64)
        .with_u64(40, xxh3_64(frame))
        .with_u64(48, found.header.salt())
        .checked(0);
    let file = disk.create(draft)?;
    file.write_at(0, &[record.bytes(), frame].concat())?;
    file.sync()
}

/// Lets go of the frame that was kept aside, durably.
pub(crate) fn forget<D: Disk>(disk: &D, dir: &Path) -> io::Result<()> {
    remove(disk, &path(dir))?;
    disk.sync_dir(dir)
}

/// Puts the frame back that an interrupted start kept aside, if there is one.
pub(crate) fn put_back<D: Disk>(disk: &D, dir: &Path) -> Result<(), ReadError> {
    let again = read(disk, dir).map_err(|error| ReadError::io(&path(dir), error))?;
    let Some(again) = again else { return Ok(()) };
    let segment = header::path(dir, again.first);
    again
        .write_to(disk, &segment)
        .map_err(|error| ReadError::io(&segment, error))
}

/// Whether a start was interrupted while it wrote the frame at this place again.
pub(crate) fn covers<D: Disk>(disk: &D, dir: &Path, found: &Found, offset: u64) -> bool {
    let again = read(disk, dir).ok().flatten();
    again.is_some_and(|again| (again.salt, again.offset) == (found.header.salt(), offset))
}

impl Again {
    fn write_to<D: Disk>(&self, disk: &D, segment: &Path) -> io::Result<()> {
        let file = match disk.open(segment) {
            // The survey says what is missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut record = [0; Record::BYTES];
        file.read_at(0, &mut record)?;
        let header = Header::decode(&Record::read(&record));
        let end = self.offset + self.frame.len() as u64;
        // Another segment, or one whose header is damaged, is the survey's to judge.
        if header.is_ok_and(|header| header.salt() == self.salt && end <= header.bytes) {
            file.write_at(self.offset, &self.frame)?;
            file.sync()?;
        }
        Ok(())
    }
}

/// The frame that was kept aside; `None` if there is none, or it was never completed.
fn read<D: Disk>(disk: &D, dir: &Path) -> io::Result<Option<Again>> {
    let file = match disk.open_read(&path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; file.len()? as usize];
    file.read_at(0, &mut bytes)?;
    let record = Record::read(&bytes);
    let frame = bytes.split_off(bytes.len().min(Record::BYTES));
    let is_sound = record.is_sound(0)
        && (record.u64(0), record.u32(8)) == (MAGIC, VERSION)
        && (record.u64(32), record.u64(40)) == (frame.len() as u64, xxh3_64(&frame));
    Ok(is_sound.then(|| Again {
        first: record.u64(16),
        offset: record.u64(24),
        salt: record.u64(48),
        frame,
    }))
}

fn remove<D: Disk>(disk: &D, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
