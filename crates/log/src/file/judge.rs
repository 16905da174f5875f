//! What lies after the last good frame of the last segment: nothing, torn writes, or damage.
//!
//! The problem: a crash may leave any part of the writes that were not synced, and that must be cut back, or the log
//! never starts again. A disk may also change bytes of a frame that was durable, and that must never be cut back: it
//! would lose stock silently. Both look like a bad frame at the end.
//!
//! An append syncs each frame before the next is written, so one frame at most is in doubt. Loose writes
//! ([`crate::Log::write`]) leave several: any sector of any of them may be missing, so a frame may be lost and a later
//! one be there. What tells this from a durable frame that was lost is said by the later frame: which records before
//! it were in doubt when it was written ([`super::frame`]). Everything before those was durable, and must be there.
//!
//! The rule rests on four things that the appender keeps true:
//! - What is not synced lies over zeros that are. A write that failed is taken back first ([`super::erase`]).
//! - A sector is missing, or holds its first frames and zeros after them: it is zero from some frame's beginning on. Or
//!   the last write of all stopped at some byte, and nothing after it was written.
//! - No whole sector of a frame is zero or nearly so, and its last byte is not zero ([`super::frame`]).
//! - A frame is loose if anything may be written after it before it is synced. What was cut is erased before the next
//!   frame is written, so an old frame that comes back has only doubts that lie beyond the cut.
//!
//! So a torn write lacks something, and what it lacks reads as zero. What is wrong though it lacks nothing was written
//! in full and changed later. In order:
//!
//! | at the end | and | verdict |
//! |---|---|---|
//! | anything | a frame of this segment further on, written when the batch that ends here was durable | damaged: it was lost from the middle |
//! | zeros | zeros to the end of the file | clean |
//! | zeros | something else in the same sector | damaged: a sector is not written in its latter half only |
//! | zeros | something else further on | torn: the sector with the header was not written |
//! | part of a header | zeros after it | torn within the header: a whole frame never ends in zeros |
//! | part of a header | something after it | damaged |
//! | a header, but not its payload | zeros after the frame, and its last byte or a sector of it zero | torn |
//! | a loose header, but not its payload | something after the frame, and a sector of it zero | torn |
//! | a header, but not its payload | otherwise | damaged |
//! | a header that does not continue the log | | damaged |
//!
//! A header is one of this segment only with its salt, so a payload that holds pieces of another log is not taken for a
//! row of batches, nor is one that holds earlier pieces of this one. A frame whose payload is whole is good even if its
//! trailer is not: the checksum proves the payload, and the trailer only serves this judgement.
//!
//! What it cannot tell: a disk that zeroes whole sectors at the very end of the log, or that acknowledged a sync it
//! never did, looks like a torn write. The very end is the last frame; with loose writes it is all for which no later
//! frame speaks, because it was not synced when that was written, or because its header went with the same sector. Only
//! a copy elsewhere helps against that.

use super::frame::{self, FrameHeader, HEADER};
use super::walk::{Source, Stop, Walked};
use crate::disk::DiskFile;
use crate::log::ReadError;
use crate::record::{Record, SECTOR};
use onhand_planted::Defect;

/// What to do about damage in the log.
pub(crate) const ADVICE: &str = "Nothing was changed. Keep a copy of the folder, check the disk (dmesg, SMART), then \
     restore this file from a replica or a backup; `onhand check` then reads the whole log";

const CHUNK: u64 = 1 << 20;

/// What the end of a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing but zeros.
    Clean,
    /// Writes that were never finished; so many bytes until only zeros follow.
    Torn {
        /// How many.
        bytes: u64,
    },
}

/// Judges what lies after the last good frame of an unsealed segment.
pub(crate) fn judge<F: DiskFile>(
    source: &Source<'_, F>,
    walked: &Walked,
) -> Result<Verdict, ReadError> {
    let offset = walked.offset;
    let next = walked.end.tail.next;
    let judged = match walked.stop {
        Stop::Blank => blank(source, offset, next),
        Stop::NoHeader => no_header(source, offset),
        Stop::NoPayload(header) => no_payload(source, offset, &header, next),
        Stop::Stranger(header) => Err(stranger(source, offset, &header)),
    };
    if judged.is_err() && Defect::DamagedMiddleSkipped.is_on() {
        let bytes = source.end - offset;
        return Ok(Verdict::Torn { bytes });
    }
    judged
}

fn blank<F: DiskFile>(
    source: &Source<'_, F>,
    offset: u64,
    next: u64,
) -> Result<Verdict, ReadError> {
    let rest = Rest::of(source, offset)?;
    let Some((start, end)) = rest.written else {
        return Ok(Verdict::Clean);
    };
    if let Some((durable, at)) = rest.durable
        && durable > next
    {
        return Err(damaged(
            source,
            offset,
            format!(
                "the batch of position {next} is gone: it was durable when the one at byte {at} was written"
            ),
        ));
    }
    if start < (offset + 1).next_multiple_of(SECTOR) {
        return Err(damaged(
            source,
            offset,
            format!("the beginning of a batch is zeroed, its rest begins at byte {start}"),
        ));
    }
    Ok(Verdict::Torn {
        bytes: end - offset,
    })
}

fn no_header<F: DiskFile>(source: &Source<'_, F>, offset: u64) -> Result<Verdict, ReadError> {
    let rest = Rest::of(source, offset + HEADER)?;
    if rest.written.is_none() {
        return Ok(Verdict::Torn { bytes: HEADER });
    }
    let what = "the header of a batch does not match its checksum".to_owned();
    Err(damaged(source, offset, what))
}

fn no_payload<F: DiskFile>(
    source: &Source<'_, F>,
    offset: u64,
    header: &FrameHeader,
    next: u64,
) -> Result<Verdict, ReadError> {
    let end = offset + header.size();
    let last_sector_end = end.next_multiple_of(SECTOR).min(source.end);
    let mut bytes = source.bytes(offset, last_sector_end - offset)?;
    let lacks_sector = frame::lacks_sector(&bytes, offset);
    bytes.truncate(header.size() as usize);
    let lacks_end = frame::lacks_end(&bytes);
    let rest = Rest::of(source, end)?;
    match rest.written {
        None if lacks_sector || lacks_end => Ok(Verdict::Torn {
            bytes: header.size(),
        }),
        Some((_, end)) if lacks_sector && header.standing.is_loose && !rest.has_after(next) => {
            Ok(Verdict::Torn {
                bytes: end - offset,
            })
        }
        _ => Err(changed(source, offset, header)),
    }
}

/// The error for a frame whose payload is not what was written.
pub(crate) fn changed<F>(source: &Source<'_, F>, offset: u64, header: &FrameHeader) -> ReadError {
    let (first, last) = (header.first, header.next() - 1);
    let what = format!("the batch of positions {first} to {last} does not match its checksum");
    damaged(source, offset, what)
}

/// The error for a frame that is not where it should be.
pub(crate) fn stranger<F>(source: &Source<'_, F>, offset: u64, header: &FrameHeader) -> ReadError {
    let first = header.first;
    let what = format!("the batch at position {first} here does not continue the one before it");
    damaged(source, offset, what)
}

/// The error for damage at `offset`.
pub(crate) fn damaged<F>(source: &Source<'_, F>, offset: u64, what: String) -> ReadError {
    ReadError::Damaged {
        path: source.path.to_owned(),
        offset,
        what,
        advice: ADVICE,
    }
}

/// What is in the rest of a file.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// From the first to after the last byte that is not zero.
    pub(crate) written: Option<(u64, u64)>,
    /// The highest position before which all was durable, as a header of this segment says, and where that header is.
    durable: Option<(u64, u64)>,
}

impl Rest {
    /// Whether a header says that the batch at `next` was durable once.
    fn has_after(&self, next: u64) -> bool {
        self.durable.is_some_and(|(durable, _)| durable > next)
    }

    /// Reads from `offset`, a multiple of 64, to the end of the file.
    pub(crate) fn of<F: DiskFile>(source: &Source<'_, F>, offset: u64) -> Result<Self, ReadError> {
        let mut rest = Self::default();
        let mut chunk = vec![0; CHUNK as usize];
        let mut at = offset;
        while at < source.end {
            let chunk = &mut chunk[..CHUNK.min(source.end - at) as usize];
            source.read(at, chunk)?;
            rest.look_at(at, chunk, source.salt);
            at += chunk.len() as u64;
        }
        Ok(rest)
    }

    fn look_at(&mut self, at: u64, bytes: &[u8], salt: u64) {
        if is_zero(bytes) {
            return;
        }
        let (Some(start), Some(end)) = (
            bytes.iter().position(|byte| *byte != 0),
            bytes.iter().rposition(|byte| *byte != 0),
        ) else {
            return;
        };
        let start = self.written.map_or(at + start as u64, |(start, _)| start);
        self.written = Some((start, at + end as u64 + 1));
        self.durable = self.durable.max(most_durable(at, bytes, salt));
    }
}

/// Sector by sector, so that the compiler may look at many bytes at once: at a start most of a file is zeros.
fn is_zero(bytes: &[u8]) -> bool {
    bytes
        .chunks(SECTOR as usize)
        .all(|sector| sector.iter().fold(0, |all, byte| all | byte) == 0)
}

fn most_durable(at: u64, bytes: &[u8], salt: u64) -> Option<(u64, u64)> {
    let records = bytes.chunks_exact(Record::BYTES).map(Record::read);
    let places = (at..).step_by(Record::BYTES);
    records
        .zip(places)
        .filter_map(|(record, at)| Some((FrameHeader::decode(&record, salt)?.durable(), at)))
        .max()
}
