//! The log in files of one machine.
//!
//! # The problem
//!
//! `append` promises that a batch survives whatever comes: a crash of the process, of the machine, a full disk, a disk
//! that fails or lies. And a start must tell three things apart that look alike: a write that a crash interrupted
//! (nothing was promised: cut it back), bytes that changed later (something was promised: stop and say so), and a file
//! that somebody removed (the same).
//!
//! # The files
//!
//! The log is a row of segments, each named by its first position (20 digits and `.log`) and reserved with zeros at
//! its full length when it is created. All numbers are little endian.
//!
//! ```text
//! 0     header   0 "ONHANDLG"  8 version u32 = 1  12 zero  16 first position u64  24 checksum of the batch before u64
//!                32 time of the batch before, ms u64  40 length of the file u64  48 zero
//!                56 xxh3-64 of bytes 0..56, the segment's salt
//! 512   seal     0 "ONHANDSL"  8 zero  16 position after the last u64  24 checksum of the last batch u64
//!                32 time of the last batch, ms u64  40 byte after the last frame u64  48 zero
//!                56 xxh3-64 of bytes 0..56, seeded with the salt
//! 1024  begin    0 "ONHANDBG"  8 zero
//!                56 xxh3-64 of bytes 0..56, seeded with the salt
//! 4096  frames   each a multiple of 64 bytes, one batch each (see `frame`), without gaps; then zeros
//! ```
//!
//! Header, seal and begin mark are one sector each. Seal and begin mark are zeros until they are needed.
//!
//! # The rules
//!
//! - **Append**: one write over synced zeros, one sync; only then do readers see the batch and does the caller get its
//!   answer. So at most one batch is ever in doubt.
//! - **Write**: one write over synced zeros; readers see the batch and the caller goes on. So all batches since the last
//!   sync are in doubt, each frame says how many were when it was written, and `judge` reads it there.
//! - **Chain**: every frame carries the checksum of the batch before it, every segment that of the batch before its
//!   first. A batch that does not continue the log is fenced off before the disk is touched.
//! - **Rotation**: what was written is synced; the next segment is created whole under another name, synced, renamed, its folder synced; then the
//!   old one is sealed; then the batch is appended. So a sealed segment always has a next one, and if that is not
//!   there, somebody removed it.
//! - **Trim**: what was written is synced; the first segment that stays is marked as the beginning and synced; then the
//!   older ones are removed. So a log whose first segment is not marked has lost files, and files before the mark are remains of a trim.
//! - **Start**: `survey` reads without changing anything and refuses damage; `judge` tells a torn write from damage;
//!   `recover` then makes good what a crash left: it writes the last segment's frames again and syncs them, because
//!   after a failed sync the system may show bytes that are not on the disk (those in doubt are kept aside meanwhile,
//!   `again`); it cuts the torn write; seals what lacks a seal; removes remains.
//!
//! # What happens on each failure
//!
//! | failure | the caller gets | the log |
//! |---|---|---|
//! | no room, or an error, while the next segment is created | `Full`, `Unavailable` | as before; its file is removed |
//! | no room, or an error, while the batch is written | `Full`, `Unavailable` | as before: what was written is zeroed and the zeros synced |
//! | that zeroing fails | `Broken` | takes no more |
//! | no room at a start whose last segment is empty | nothing | the first append makes that segment anew before it writes, and is `Full` until it can |
//! | no room, or an error, while the seal is written | `Full`, `Unavailable` | the seal is written before the next batch |
//! | any sync fails, of a file or of the folder | `Broken` | takes no more: it is not known what is on the disk |
//! | a crash before a batch is synced | nothing, or its tail if it was only written | all that was synced is there; of the rest a beginning, whole batches; what is after it is cut at the next start |
//! | a crash between two steps of a rotation or a trim | nothing | the next start does the rest |
//!
//! An error of a write (and not of a sync) is retriable even when it is not about room: the zeros that were synced
//! after it prove that the disk takes writes again. Readers are not concerned by any of this.

mod again;
mod erase;
mod frame;
mod header;
mod index;
mod inspect;
mod judge;
mod reader;
mod recover;
mod segment;
mod survey;
#[cfg(test)]
mod tests;
mod walk;
mod window;

pub use inspect::{Progress, Summary};
pub use recover::{Recovery, TornTail};

use crate::batch::{Batch, Checksum, Tail};
use crate::disk::{Disk, DiskFile};
use crate::log::{AppendError, Log, LogReader, ReadError, admit};
use crate::record::SECTOR;
use erase::erase;
use frame::Standing;
use header::{BEGIN, FRAMES, Header, Joint, SEAL, Seal};
use index::Mark;
use onhand_planted::Defect;
use reader::{FileReader, Shared};
use segment::{CreateFailure, Opened, Segment};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How far ahead reserved room is written for the first time.
const WARM: u64 = 1 << 20;

/// How a log in files is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLogOptions {
    /// How many bytes a new segment has; more where one batch needs more. Reserved as a whole when it is created, and
    /// the unit of trimming. Existing segments keep their length.
    pub segment_bytes: u64,
    /// The position from which all is read and verified at the start. The last segment always is; the rest is verified
    /// when it is read, so who replays from here anyway can leave it.
    pub verify_from: u64,
}

impl Default for FileLogOptions {
    /// Segments of 64 MiB; only the last is verified.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            verify_from: u64::MAX,
        }
    }
}

/// The writing end of a log in files. It has its folder for itself until it is dropped.
pub struct FileLog<D: Disk> {
    shared: Arc<Shared<D>>,
    options: FileLogOptions,
    end: Joint,
    /// The position after the last record that is known to be durable.
    durable: u64,
    active: Active<D::File>,
    /// A segment whose next one is there but whose seal is not yet.
    unsealed: Option<Unsealed<D::File>>,
    /// Why it takes no more appends.
    broken: Option<String>,
    /// The frame that is written; kept to be used again.
    frame: Vec<u8>,
    _lock: D::File,
}

impl<D: Disk> fmt::Debug for FileLog<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLog")
            .field("dir", &self.shared.dir)
            .field("end", &self.end)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// The segment that takes the next batch.
struct Active<F> {
    segment: Arc<Segment<F>>,
    opened: Arc<Opened<F>>,
    /// The byte after the last frame.
    offset: u64,
    /// Up to where the reserved room is known to have been written once.
    warm: u64,
    /// Whether its name is known to be on the disk. If not, it is empty, and is made anew before anything is in it.
    is_named: bool,
}

struct Unsealed<F> {
    segment: Arc<Segment<F>>,
    opened: Arc<Opened<F>>,
    seal: Seal,
}

impl<F> Active<F> {
    fn fits(&self, frame: u64) -> bool {
        self.is_named && self.offset + frame <= self.segment.header.bytes
    }

    fn is_empty(&self) -> bool {
        self.offset == FRAMES
    }
}

/// A segment's file, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Where it is.
    pub path: PathBuf,
    /// The first position in it, or the next of the log if it is empty.
    pub first: u64,
    /// How long it is.
    pub bytes: u64,
}

impl<D: Disk> FileLog<D> {
    /// Begins a log in a folder, which is created if it is missing. A log without a batch, left by a creation that a
    /// crash interrupted, is taken over.
    ///
    /// # Errors
    /// The folder holds a log already, another process has it, or the system failed.
    pub fn create(disk: D, dir: &Path, options: FileLogOptions) -> Result<Self, ReadError> {
        let failed = |error| ReadError::io(dir, error);
        disk.create_dir(dir).map_err(failed)?;
        let names = disk.list(dir).map_err(failed)?;
        if names.iter().all(|name| header::first_of(name).is_none()) {
            let header = new_header(Joint::START, 0, options);
            create_segment(&disk, dir, &header, true).map_err(failed)?;
        }
        let (log, _) = Self::open(disk, dir, options)?;
        match log.tail() {
            Tail::EMPTY => Ok(log),
            _ => Err(failed(io::ErrorKind::AlreadyExists.into())),
        }
    }

    /// The segments, in order.
    pub fn segments(&self) -> Vec<SegmentFile> {
        let segments = self.shared.segments();
        let file = |segment: &Arc<Segment<_>>| SegmentFile {
            path: segment.path.clone(),
            first: segment.header.first(),
            bytes: segment.header.bytes,
        };
        segments.iter().map(file).collect()
    }

    /// The disk it is on.
    pub fn disk(&self) -> &D {
        &self.shared.disk
    }

    fn not_broken(&self) -> Result<(), AppendError> {
        match &self.broken {
            Some(why) => Err(AppendError::Broken(why.clone())),
            None => Ok(()),
        }
    }

    fn break_for(&mut self, what: &str, error: &io::Error) -> AppendError {
        let path = self.active.segment.path.display();
        let why = format!("{what} failed ({path}): {error}");
        self.broken = Some(why.clone());
        AppendError::Broken(why)
    }

    /// Makes the next segment the active one, with room for a frame of `frame` bytes.
    fn rotate(&mut self, frame: u64) -> Result<(), AppendError> {
        let header = new_header(self.end, frame, self.options);
        // An empty segment is replaced by one with more room, and so is its place at the beginning of the log.
        let begins = self.active.is_empty() && self.shared.first() == header.first();
        let file = segment::create(&self.shared.disk, &self.shared.dir, &header, begins)
            .map_err(|failure| self.creation_failed(failure, header.bytes))?;
        let opened = Arc::new(Opened::new(file, &header));
        let segment = Arc::new(Segment::new(&self.shared.dir, header, Some(opened.clone())));
        self.enlist(&segment);
        let active = Active {
            segment,
            opened,
            offset: FRAMES,
            warm: FRAMES,
            is_named: true,
        };
        let old = std::mem::replace(&mut self.active, active);
        if !old.is_empty() {
            self.shared.open.admit(old.segment.clone());
            self.unsealed = Some(Unsealed {
                segment: old.segment,
                opened: old.opened,
                seal: Seal {
                    end: self.end,
                    offset: old.offset,
                },
            });
        }
        Ok(())
    }

    fn creation_failed(&mut self, failure: CreateFailure, bytes: u64) -> AppendError {
        match failure {
            CreateFailure::Undone(error) => AppendError::retriable(bytes as usize, error),
            CreateFailure::Unknown(error) => self.break_for("the sync of the folder", &error),
        }
    }

    fn enlist(&self, segment: &Arc<Segment<D::File>>) {
        let mut segments = self.shared.change_segments();
        if self.active.is_empty() {
            segments.pop();
        }
        segments.push(segment.clone());
    }

    /// Seals the segment before the active one, if that is still to be done.
    fn seal(&mut self) -> Result<(), AppendError> {
        let Some(unsealed) = &self.unsealed else {
            return Ok(());
        };
        let record = unsealed.seal.record(unsealed.segment.salt);
        let file = &unsealed.opened.file;
        // A seal that is written in part is written again with the same bytes.
        file.write_at(SEAL, record.bytes())
            .map_err(|error| AppendError::retriable(record.bytes().len(), error))?;
        if let Err(error) = file.sync() {
            return Err(self.break_for("the sync of a seal", &error));
        }
        self.unsealed = None;
        Ok(())
    }

    /// Writes the frame of a batch at the end of the log; nobody is shown it yet.
    fn place(&mut self, batch: &Batch, is_loose: bool) -> Result<Checksum, AppendError> {
        self.not_broken()?;
        admit(batch, &self.end.tail, self.end.at_millis)?;
        let frame = frame::size(batch.payload.len() as u64);
        if !self.active.fits(frame) {
            // An earlier rotation may have stopped at the seal, and then only that is to be done; but a seal says that
            // there is a next one.
            if self.active.is_named {
                self.seal()?;
            }
            // What a segment with a next one holds is durable, so a start need not ask.
            self.sync()?;
            self.rotate(frame)?;
        }
        self.seal()?;
        let checksum = batch.checksum();
        let standing = self.standing(is_loose)?;
        self.write_frame(batch, checksum, standing)?;
        Ok(checksum)
    }

    /// What is to be said of the frames before the next one.
    fn standing(&mut self, is_loose: bool) -> Result<Standing, AppendError> {
        let in_doubt = match u32::try_from(self.end.tail.next - self.durable) {
            _ if Defect::DoubtNotSaid.is_on() => 0,
            Ok(in_doubt) => in_doubt,
            Err(_) => {
                self.sync()?;
                0
            }
        };
        Ok(Standing { in_doubt, is_loose })
    }

    /// Writes a frame at the end of the active segment, which has room for it.
    fn write_frame(
        &mut self,
        batch: &Batch,
        checksum: Checksum,
        standing: Standing,
    ) -> Result<(), AppendError> {
        let (offset, salt) = (self.active.offset, self.active.segment.salt);
        frame::encode(batch, checksum, standing, offset, salt, &mut self.frame);
        self.warm_up(offset + self.frame.len() as u64)?;
        let file = &self.active.opened.file;
        file.write_at(offset, &self.frame)
            .map_err(|error| self.write_failed(error))
    }

    /// Syncs the frame just written, and all before it.
    fn sync_frame(&mut self, checksum: Checksum) -> Result<(), AppendError> {
        let file = &self.active.opened.file;
        if Defect::SyncSkipped.is_on() && checksum.0.is_multiple_of(1000) {
            return Ok(());
        }
        let mut synced = file.sync();
        if synced.is_err() && Defect::SyncTriedAgain.is_on() {
            synced = file.sync();
        }
        synced.map_err(|error| self.break_for("the sync of a batch", &error))
    }

    /// Writes zeros over the zeros after `end`, if room is used there that was only reserved until now.
    ///
    /// A file system keeps a note of what was reserved and never written, and every sync of a write to such room waits
    /// until that note is changed, too: on ext4 that makes an append of 4 KiB take 205 µs instead of 115. So the room
    /// is written a stretch ahead, and only one append in many pays. The price: every byte is written twice.
    fn warm_up(&mut self, end: u64) -> Result<(), AppendError> {
        let Active { segment, warm, .. } = &self.active;
        if end <= *warm {
            return Ok(());
        }
        let stretch = WARM.min(segment.header.bytes - end);
        // Nothing is to be taken back if this fails: zeros lie over zeros.
        self.active
            .opened
            .file
            .write_at(end, &vec![0; stretch as usize])
            .map_err(|error| AppendError::retriable(stretch as usize, error))?;
        self.active.warm = end + stretch;
        Ok(())
    }

    /// Takes back what a failed write may have left, so that the next write lies over zeros again.
    fn write_failed(&mut self, error: io::Error) -> AppendError {
        let bytes = self.frame.len();
        match erase(&self.active.opened.file, self.active.offset, bytes as u64) {
            Ok(()) => {
                // Its syncs were of the whole file.
                self.durable = self.end.tail.next;
                AppendError::retriable(bytes, error)
            }
            Err(second) => {
                let what = format!("a write failed ({error}), and taking it back");
                self.break_for(&what, &second)
            }
        }
    }

    /// Moves the end past the frame just written and shows it to readers.
    fn publish(&mut self, batch: &Batch, checksum: Checksum) {
        self.active.opened.index().note(Mark {
            first: batch.first,
            at_millis: batch.at_millis,
            offset: self.active.offset,
        });
        self.active.offset += self.frame.len() as u64;
        self.end = Joint {
            tail: Tail {
                next: batch.next(),
                checksum,
            },
            at_millis: batch.at_millis,
        };
        self.shared.publish(batch.next());
    }

    /// Marks a segment as the beginning of the log, durably. What was only written to it is synced first: if the sync
    /// of the mark failed, it would be lost, and no later sync would notice.
    fn mark_beginning(&mut self, segment: &Segment<D::File>) -> Result<(), ReadError> {
        let failed = |error| ReadError::io(&segment.path, error);
        if segment.header == self.active.segment.header {
            let synced = self.sync();
            synced.map_err(|error| failed(io::Error::other(error.to_string())))?;
        }
        let file = self.shared.disk.open(&segment.path);
        let marked = file.and_then(|file| write_begin(&file, segment.salt));
        marked.map_err(failed)
    }

    fn remove(&self, segment: &Arc<Segment<D::File>>) -> Result<(), ReadError> {
        self.shared.open.close(segment);
        self.shared
            .disk
            .remove(&segment.path)
            .map_err(|error| ReadError::io(&segment.path, error))
    }
}

fn write_begin<F: DiskFile>(file: &F, salt: u64) -> io::Result<()> {
    file.write_at(BEGIN, header::begin(salt).bytes())?;
    file.sync()
}

fn new_header(start: Joint, frame: u64, options: FileLogOptions) -> Header {
    let bytes = options
        .segment_bytes
        .max(FRAMES + frame.max(SECTOR))
        .next_multiple_of(SECTOR);
    Header { start, bytes }
}

fn create_segment<D: Disk>(
    disk: &D,
    dir: &Path,
    header: &Header,
    begins: bool,
) -> io::Result<D::File> {
    segment::create(disk, dir, header, begins).map_err(|failure| match failure {
        CreateFailure::Undone(error) | CreateFailure::Unknown(error) => error,
    })
}

impl<D: Disk> Log for FileLog<D> {
    fn append(&mut self, batch: &Batch) -> Result<Tail, AppendError> {
        let checksum = self.place(batch, false)?;
        self.sync_frame(checksum)?;
        self.publish(batch, checksum);
        self.durable = self.end.tail.next;
        Ok(self.end.tail)
    }

    fn write(&mut self, batch: &Batch) -> Result<Tail, AppendError> {
        let checksum = self.place(batch, true)?;
        self.publish(batch, checksum);
        Ok(self.end.tail)
    }

    fn sync(&mut self) -> Result<(), AppendError> {
        self.not_broken()?;
        if self.durable < self.end.tail.next {
            let synced = self.active.opened.file.sync();
            synced.map_err(|error| self.break_for("the sync of what was written", &error))?;
            self.durable = self.end.tail.next;
        }
        Ok(())
    }

    fn durable(&self) -> u64 {
        self.durable
    }

    fn tail(&self) -> Tail {
        self.end.tail
    }

    fn trim(&mut self, before: u64) -> Result<(), ReadError> {
        let before = match self.active.is_named {
            true => before,
            // What may be gone with the power cannot be where the log begins.
            false => before.min(self.end.tail.next - 1),
        };
        let Some(kept) = self.first_kept(before) else {
            return Ok(());
        };
        // The mark is synced with all that waits in its file, and a sync that fails forgets it all.
        self.sync()
            .map_err(|error| ReadError::io(&kept.path, io::Error::other(error)))?;
        self.mark_beginning(&kept)?;
        let trimmed = self.delist(kept.header.first());
        if self
            .unsealed
            .as_ref()
            .is_some_and(|one| one.segment.header.first() < kept.header.first())
        {
            self.unsealed = None;
        }
        // What cannot be removed now lies before the mark, so the next start removes it.
        let removed: Vec<_> = trimmed.iter().map(|one| self.remove(one)).collect();
        self.shared
            .disk
            .sync_dir(&self.shared.dir)
            .map_err(|error| ReadError::io(&self.shared.dir, error))?;
        removed.into_iter().collect()
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(FileReader::new(self.shared.clone()))
    }
}

impl<D: Disk> FileLog<D> {
    /// The first segment with something at or after `before`, if others lie before it.
    fn first_kept(&self, before: u64) -> Option<Arc<Segment<D::File>>> {
        let segments = self.shared.segments();
        let begun = segments.partition_point(|one| one.header.first() <= before);
        (begun >= 2).then(|| segments[begun - 1].clone())
    }

    fn delist(&self, first_kept: u64) -> Vec<Arc<Segment<D::File>>> {
        let mut segments = self.shared.change_segments();
        let trimmed = segments.partition_point(|one| one.header.first() < first_kept);
        segments.drain(..trimmed).collect()
    }
}
