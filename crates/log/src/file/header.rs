//! The first block of a segment: three records in three sectors, each written once and never together.
//!
//! | byte | record | written |
//! |---|---|---|
//! | 0 | [`Header`]: what the segment is | before the file gets its name |
//! | 512 | [`Seal`]: where it ends | after the next segment is durable |
//! | 1024 | [`Begin`]: the log begins here | before older segments are removed |
//!
//! They lie at fixed places, so a start reads one block of each segment and knows what should follow it.

use crate::batch::{Batch, Checksum, Tail};
use crate::record::{Record, SECTOR};
use std::path::{Path, PathBuf};

/// Where frames begin; a block of its own, so that no write of a frame touches the header.
pub(crate) const FRAMES: u64 = 4096;

/// Where the seal is.
pub(crate) const SEAL: u64 = SECTOR;

/// Where the begin mark is.
pub(crate) const BEGIN: u64 = 2 * SECTOR;

const MAGIC: u64 = u64::from_le_bytes(*b"ONHANDLG");
const SEAL_MAGIC: u64 = u64::from_le_bytes(*b"ONHANDSL");
const BEGIN_MAGIC: u64 = u64::from_le_bytes(*b"ONHANDBG");
const VERSION: u32 = 1;

/// The log at a point between two batches: what the next segment must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joint {
    pub(crate) tail: Tail,
    /// When the last batch was closed; 0 if there is none.
    pub(crate) at_millis: u64,
}

impl Joint {
    pub(crate) const START: Self = Self {
        tail: Tail::EMPTY,
        at_millis: 0,
    };

    fn put(&self, record: Record) -> Record {
        record
            .with_u64(16, self.tail.next)
            .with_u64(24, self.tail.checksum.0)
            .with_u64(32, self.at_millis)
    }

    fn get(record: &Record) -> Self {
        Self {
            tail: Tail {
                next: record.u64(16),
                checksum: Checksum(record.u64(24)),
            },
            at_millis: record.u64(32),
        }
    }
}

/// What a segment is: where it joins the one before, and how long its file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Where the log was when this segment was begun.
    pub(crate) start: Joint,
    /// The length of the file, reserved as a whole.
    pub(crate) bytes: u64,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Damaged,
    Version(u32),
}

impl Header {
    pub(crate) fn first(&self) -> u64 {
        self.start.tail.next
    }

    pub(crate) fn record(&self) -> Record {
        let record = Record::blank().with_u64(0, MAGIC).with_u32(8, VERSION);
        self.start.put(record).with_u64(40, self.bytes).checked(0)
    }

    /// What every other record of this segment is checked with, so that a record of another segment, left on a reused
    /// part of the disk or hidden in a payload, never counts as one of this.
    pub(crate) fn salt(&self) -> u64 {
        self.record().check()
    }

    pub(crate) fn decode(record: &Record) -> Result<Self, HeaderFault> {
        if record.u64(0) != MAGIC || !record.is_sound(0) {
            return Err(HeaderFault::Damaged);
        }
        if record.u32(8) != VERSION {
            return Err(HeaderFault::Version(record.u32(8)));
        }
        let start = Joint::get(record);
        if !(1..=Batch::LAST_POSITION).contains(&start.tail.next) {
            return Err(HeaderFault::Damaged);
        }
        Ok(Self {
            start,
            bytes: record.u64(40),
        })
    }

    /// The first bytes of a new file.
    pub(crate) fn block(&self, begins: bool) -> Vec<u8> {
        let mut block = vec![0; FRAMES as usize];
        block[..Record::BYTES].copy_from_slice(self.record().bytes());
        if begins {
            let at = BEGIN as usize;
            block[at..at + Record::BYTES].copy_from_slice(begin(self.salt()).bytes());
        }
        block
    }
}

/// Where a segment ends, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) end: Joint,
    /// The byte after the last frame.
    pub(crate) offset: u64,
}

/// What is at a fixed place of the first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamped<T> {
    /// Nothing.
    Absent,
    /// A record that was not fully written.
    Torn,
    /// The record.
    Sound(T),
    /// Something else.
    Damaged,
}

impl<T> Stamped<T> {
    fn of(record: &Record, magic: u64, salt: u64, decode: impl FnOnce(&Record) -> T) -> Self {
        if record.u64(0) == magic && record.is_sound(salt) {
            Self::Sound(decode(record))
        } else if record.is_blank() {
            Self::Absent
        } else if record.may_be_torn() {
            Self::Torn
        } else {
            Self::Damaged
        }
    }
}

impl Seal {
    pub(crate) fn record(&self, salt: u64) -> Record {
        let record = Record::blank().with_u64(0, SEAL_MAGIC);
        self.end.put(record).with_u64(40, self.offset).checked(salt)
    }

    /// Reads the seal of the segment with this header. One that speaks of a place outside of it is damaged.
    pub(crate) fn decode(record: &Record, header: &Header) -> Stamped<Self> {
        let seal = Stamped::of(record, SEAL_MAGIC, header.salt(), |record| Self {
            end: Joint::get(record),
            offset: record.u64(40),
        });
        match seal {
            Stamped::Sound(seal) if !(FRAMES..=header.bytes).contains(&seal.offset) => {
                Stamped::Damaged
            }
            seal => seal,
        }
    }
}

/// The mark that nothing before this segment belongs to the log any more.
pub(crate) fn begin(salt: u64) -> Record {
    Record::blank().with_u64(0, BEGIN_MAGIC).checked(salt)
}

/// Reads the mark.
pub(crate) fn decode_begin(record: &Record, salt: u64) -> Stamped<()> {
    Stamped::of(record, BEGIN_MAGIC, salt, |_| ())
}

/// The file of the segment that begins at `first`: 20 digits, so that names sort as positions do.
pub(crate) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.log"))
}

/// The name of a segment's file until it is complete.
pub(crate) fn unfinished(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.log.new"))
}

/// The first position in a segment's file name; `None` if it is not one.
pub(crate) fn first_of(name: &Path) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".log")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

/// Whether it is the name of a segment that was never completed.
pub(crate) fn is_unfinished(name: &Path) -> bool {
    name.to_str()
        .and_then(|name| name.strip_suffix(".new"))
        .is_some_and(|name| first_of(Path::new(name)).is_some())
}
