//! The store of snapshots beside a log.
//!
//! The problem: a snapshot is large, is written while the machine may stop, and is read once, at a start, when it must
//! be whole. The rule: it is written in checksummed blocks under a temporary name, ended by a footer that counts them,
//! synced, and only then gets its name: 20 digits of the position it reflects and `.snap`. So a file with that name was
//! complete once, and what is wrong with it now is damage.
//!
//! ```text
//! header   0 "ONHANDSN"  8 version u32 = 1  12 zero  16 position u64  24 zero
//!          56 xxh3-64 of bytes 0..56, the file's salt
//! block    0 "OHBK"  4 bytes u32, at most 256 KiB  8 number u64, from 0  16 xxh3-64 of the bytes u64  24 zero
//!          56 xxh3-64 of bytes 0..56, seeded with the salt;  then the bytes
//! footer   0 "ONHANDSE"  8 bytes of all blocks u64  16 number of blocks u64
//!          24 xxh3-64 of the blocks' checksums in order u64  32 zero
//!          56 xxh3-64 of bytes 0..56, seeded with the salt
//! ```
//!
//! All numbers are little endian; header and footer are 64 bytes, as is what precedes each block.
//!
//! The log lies on the same disk and syncs all the time. So a snapshot is synced block by block as it is written: a sync
//! at the end alone would push hundreds of megabytes at the disk at once, and every sync of the log would wait for them.
//!
//! On failure: an error while it is written leaves the temporary file, which is removed when the writer is dropped; if that
//! fails too, with the snapshots that are too old, or when the store is next opened. A file cut short has no footer at its
//! end and is refused when it is opened; a changed block is refused when it is read. The caller then falls back on the
//! snapshot before, if the log still reaches back to it: so keep two, and trim the log only before the older.

use crate::disk::{Disk, DiskFile};
use crate::log::ReadError;
use crate::record::Record;
use onhand_planted::Defect;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The most bytes in a block.
const BLOCK: usize = 256 << 10;

const MAGIC: u64 = u64::from_le_bytes(*b"ONHANDSN");
const FOOTER_MAGIC: u64 = u64::from_le_bytes(*b"ONHANDSE");
const BLOCK_MAGIC: u32 = u32::from_le_bytes(*b"OHBK");
const VERSION: u32 = 1;
const RECORD: u64 = Record::BYTES as u64;

const ADVICE: &str = "Move this file away: the start then takes the snapshot before it and replays the log from there";

/// Snapshots in a folder.
pub struct SnapshotStore<D: Disk> {
    disk: Arc<D>,
    dir: PathBuf,
}

impl<D: Disk> SnapshotStore<D> {
    /// The store in a folder, which is created if it is missing. What unfinished writers left is removed.
    ///
    /// # Errors
    /// The system failed.
    pub fn new(disk: D, dir: &Path) -> Result<Self, ReadError> {
        let store = Self::read_only(disk, dir);
        store.clean().map_err(|error| ReadError::io(dir, error))?;
        Ok(store)
    }

    /// The store in a folder that is there, for reading only: changes nothing.
    pub fn read_only(disk: D, dir: &Path) -> Self {
        Self {
            disk: Arc::new(disk),
            dir: dir.to_owned(),
        }
    }

    fn clean(&self) -> io::Result<()> {
        self.disk.create_dir(&self.dir)?;
        self.remove_unfinished()
    }

    fn remove_unfinished(&self) -> io::Result<()> {
        let names = self.disk.list(&self.dir)?;
        names
            .iter()
            .filter(|name| is_unfinished(name))
            .try_for_each(|name| self.disk.remove(&self.dir.join(name)))
    }

    /// The positions of which there are snapshots, the oldest first.
    ///
    /// # Errors
    /// The system failed.
    pub fn list(&self) -> Result<Vec<u64>, ReadError> {
        let names = self.disk.list(&self.dir);
        let names = names.map_err(|error| ReadError::io(&self.dir, error))?;
        Ok(names.iter().filter_map(|name| position_of(name)).collect())
    }

    /// Begins the snapshot that reflects everything up to and including the record at `position`. It exists when
    /// [`SnapshotWriter::finish`] returns, and takes the place of another of that position.
    ///
    /// # Errors
    /// The system failed.
    pub fn writer(&self, position: u64) -> io::Result<SnapshotWriter<D>> {
        let unfinished = unfinished(&self.dir, position);
        match self.disk.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let header = header(position);
        let file = self.disk.create(&unfinished)?;
        let mut writer = SnapshotWriter {
            disk: self.disk.clone(),
            dir: self.dir.clone(),
            position,
            file: Some(file),
            salt: header.check(),
            offset: 0,
            count: Count::default(),
            block: Vec::with_capacity(BLOCK),
        };
        writer.put(header.bytes())?;
        Ok(writer)
    }

    /// Opens a snapshot and checks that it was written to its end.
    ///
    /// # Errors
    /// It is not there, is damaged, or the system failed.
    pub fn open(&self, position: u64) -> Result<SnapshotReader<D::File>, ReadError> {
        let path = path(&self.dir, position);
        let io = |error| ReadError::io(&path, error);
        let file = self.disk.open_read(&path).map_err(io)?;
        let len = file.len().map_err(io)?;
        let found = record(&file, 0).map_err(io)?;
        if found != header(position) {
            return Err(damaged(&path, 0, wrong_header(&found, position)));
        }
        let footer = len
            .checked_sub(RECORD)
            .map_or(Ok(Record::blank()), |at| record(&file, at));
        let footer = footer.map_err(io)?;
        if footer.u64(0) != FOOTER_MAGIC || !footer.is_sound(found.check()) {
            let what = "it has no end: it was cut short, or its end was changed".to_owned();
            return Err(damaged(&path, len.saturating_sub(RECORD), what));
        }
        Ok(SnapshotReader {
            path,
            file,
            salt: found.check(),
            footer,
            end: len - RECORD,
            offset: RECORD,
            count: Count::default(),
            block: Vec::new(),
            taken: 0,
        })
    }

    /// Where the snapshot of a position lies.
    pub fn path(&self, position: u64) -> PathBuf {
        path(&self.dir, position)
    }

    /// Removes all snapshots but the `keep` newest, and what is left of those that were not finished: while none is written.
    ///
    /// # Errors
    /// The system failed.
    pub fn remove_older_than(&self, keep: usize) -> Result<(), ReadError> {
        let io = |error| ReadError::io(&self.dir, error);
        self.remove_unfinished().map_err(io)?;
        let mut positions = self.list()?;
        positions.truncate(positions.len().saturating_sub(keep));
        if positions.is_empty() || Defect::SnapshotsPileUp.is_on() {
            return Ok(());
        }
        positions
            .iter()
            .try_for_each(|position| self.disk.remove(&path(&self.dir, *position)))
            .and_then(|()| self.disk.sync_dir(&self.dir))
            .map_err(io)
    }
}

fn path(dir: &Path, position: u64) -> PathBuf {
    dir.join(format!("{position:020}.snap"))
}

fn unfinished(dir: &Path, position: u64) -> PathBuf {
    dir.join(format!("{position:020}.snap.new"))
}

fn position_of(name: &Path) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".snap")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

fn is_unfinished(name: &Path) -> bool {
    name.to_str()
        .and_then(|name| name.strip_suffix(".new"))
        .is_some_and(|name| position_of(Path::new(name)).is_some())
}

fn header(position: u64) -> Record {
    Record::blank()
        .with_u64(0, MAGIC)
        .with_u32(8, VERSION)
        .with_u64(16, position)
        .checked(0)
}

fn wrong_header(found: &Record, position: u64) -> String {
    if !found.is_sound(0) || found.u64(0) != MAGIC {
        "the header does not match its checksum".to_owned()
    } else if found.u32(8) != VERSION {
        let version = found.u32(8);
        format!("it has format {version}, which this release does not know; use a newer one")
    } else {
        let other = found.u64(16);
        format!("it is the snapshot of position {other}, not of {position} as its name says")
    }
}

fn record<F: DiskFile>(file: &F, offset: u64) -> io::Result<Record> {
    let mut bytes = [0; Record::BYTES];
    let count = file.read_at(offset, &mut bytes)?;
    Ok(Record::read(&bytes[..count]))
}

fn damaged(path: &Path, offset: u64, what: String) -> ReadError {
    ReadError::Damaged {
        path: path.to_owned(),
        offset,
        what,
        advice: ADVICE,
    }
}

/// What the footer counts.
#[derive(Clone, Default)]
struct Count {
    bytes: u64,
    blocks: u64,
    checksums: Xxh3,
}

impl Count {
    /// What precedes the next block.
    fn block(&mut self, bytes: &[u8], salt: u64) -> Record {
        let checksum = xxh3_64(bytes);
        let record = Record::blank()
            .with_u32(0, BLOCK_MAGIC)
            // Sound: at most `BLOCK`.
            .with_u32(4, bytes.len() as u32)
            .with_u64(8, self.blocks)
            .with_u64(16, checksum)
            .checked(salt);
        self.bytes += bytes.len() as u64;
        self.blocks += 1;
        self.checksums.update(&checksum.to_le_bytes());
        record
    }

    fn footer(&self, salt: u64) -> Record {
        Record::blank()
            .with_u64(0, FOOTER_MAGIC)
            .with_u64(8, self.bytes)
            .with_u64(16, self.blocks)
            .with_u64(24, self.checksums.digest())
            .checked(salt)
    }
}

/// A snapshot that is being written. Dropped before [`SnapshotWriter::finish`], it was never there.
pub struct SnapshotWriter<D: Disk> {
    disk: Arc<D>,
    dir: PathBuf,
    position: u64,
    /// `None` once it is finished.
    file: Option<D::File>,
    salt: u64,
    offset: u64,
    count: Count,
    block: Vec<u8>,
}

impl<D: Disk> SnapshotWriter<D> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.write_at(self.offset, bytes)?;
        }
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn put_block(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        let record = self.count.block(&block, self.salt);
        self.put(record.bytes())?;
        self.put(&block)?;
        self.block = block;
        self.block.clear();
        self.file.as_ref().map_or(Ok(()), DiskFile::sync)
    }

    /// Ends the snapshot. When this returns it exists, whatever happens after. Gives how many bytes it takes.
    ///
    /// # Errors
    /// The system failed; the snapshot may exist or not, and if it exists it is whole.
    pub fn finish(mut self) -> io::Result<u64> {
        if !self.block.is_empty() {
            self.put_block()?;
        }
        self.put(self.count.footer(self.salt).bytes())?;
        if let Some(file) = self
            .file
            .as_ref()
            .filter(|_| !Defect::SnapshotBeforeSync.is_on())
        {
            file.sync()?;
        }
        self.disk.rename(
            &unfinished(&self.dir, self.position),
            &path(&self.dir, self.position),
        )?;
        self.file = None;
        if let Err(error) = self.disk.sync_dir(&self.dir) {
            // Its name may be shown and not be there after a loss of power: it must not count as one to fall back on.
            let _ = self.disk.remove(&path(&self.dir, self.position));
            return Err(error);
        }
        Ok(self.offset)
    }
}

impl<D: Disk> Write for SnapshotWriter<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        if self.block.len() == BLOCK {
            self.put_block()?;
        }
        Ok(count)
    }

    /// Does nothing: only [`SnapshotWriter::finish`] promises anything, and a block is written when it is full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<D: Disk> Drop for SnapshotWriter<D> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // If this fails the store removes it when it is next opened.
            let _ = self.disk.remove(&unfinished(&self.dir, self.position));
        }
    }
}

/// A snapshot that is being read. Every block is checked before a byte of it is given.
///
/// Damage comes out of [`Read`] as an error of kind `InvalidData` whose inner error is a [`ReadError::Damaged`].
pub struct SnapshotReader<F: DiskFile> {
    path: PathBuf,
    file: F,
    salt: u64,
    footer: Record,
    /// Where the footer is.
    end: u64,
    offset: u64,
    count: Count,
    block: Vec<u8>,
    /// How many bytes of the block were given.
    taken: usize,
}

impl<F: DiskFile> SnapshotReader<F> {
    /// How many bytes the snapshot holds.
    pub fn size(&self) -> u64 {
        self.footer.u64(8)
    }

    /// Reads what was not read yet and checks all of it.
    ///
    /// # Errors
    /// It is damaged, or the system failed.
    pub fn finish(mut self) -> Result<(), ReadError> {
        while self.offset < self.end {
            self.next_block()?;
        }
        self.check_footer()
    }

    fn next_block(&mut self) -> Result<(), ReadError> {
        let io = |error| ReadError::io(&self.path, error);
        let at = self.offset;
        let record = record(&self.file, at).map_err(io)?;
        let len = record.u32(4) as usize;
        let is_too_long = len > BLOCK && !Defect::BlockLengthTrusted.is_on();
        if !record.is_sound(self.salt) || is_too_long {
            let what = "the beginning of a block does not match its checksum".to_owned();
            return Err(damaged(&self.path, at, what));
        }
        self.block.resize(len, 0);
        let read = self
            .file
            .read_at(at + RECORD, &mut self.block)
            .map_err(io)?;
        let is_unsound = self.count.block(&self.block, self.salt) != record;
        if read < len || (is_unsound && !Defect::SnapshotUnchecked.is_on()) {
            let what = "a block does not match its checksum".to_owned();
            return Err(damaged(&self.path, at, what));
        }
        self.offset += RECORD + len as u64;
        self.taken = 0;
        Ok(())
    }

    fn check_footer(&self) -> Result<(), ReadError> {
        if self.count.footer(self.salt) == self.footer && self.offset == self.end {
            return Ok(());
        }
        let what = "the blocks are not those that its end counts".to_owned();
        Err(damaged(&self.path, self.end, what))
    }
}

impl<F: DiskFile> Read for SnapshotReader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.block.len() {
            if self.offset >= self.end {
                return self.check_footer().map(|()| 0).map_err(into_io);
            }
            self.next_block().map_err(into_io)?;
        }
        let count = buffer.len().min(self.block.len() - self.taken);
        buffer[..count].copy_from_slice(&self.block[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

fn into_io(error: ReadError) -> io::Error {
    match error {
        ReadError::Io { source, .. } => source,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

#[cfg(test)]
mod tests;
