//! A frame: one batch in a segment.
//!
//! ```text
//! offset, a multiple of 64
//! ┌────────────┬──────────────────┬─────────┬───────────┐
//! │ header, 64 │ payload          │ zeros   │ trailer, 8│  the whole: a multiple of 64
//! └────────────┴──────────────────┴─────────┴───────────┘
//!
//! header   0 magic "OHFR"      4 payload bytes u32   8 first position u64   16 records u32   20 epoch u32
//!         24 at_millis u64    32 before u64         40 checksum u64        48 flags u32     52 in doubt u32
//!         56 xxh3-64 of bytes 0..56, seeded with the segment's salt
//! trailer  the bytes "OHFRMEND"
//! ```
//!
//! `in doubt` says how many records right before the batch were written and not yet known to be durable when it was
//! written itself. So a frame that is there proves that all before those was durable once ([`super::judge`]). With the
//! flag *loose* more may have been written after the frame before it was durable; without it nothing was.
//!
//! Header and trailer lie within one sector each. The header has a checksum of its own, so a damaged length is told
//! from a payload that was not written. The trailer has no zero byte and is the last that is written.
//!
//! What tells an unwritten sector from a written one is that it is all zero. So no sector of a frame may be all zero,
//! or so nearly that one damaged byte makes it so: a payload with such a sector is stored masked, each word XORed with
//! a stream of words that its checksum seeds.

use crate::batch::{Batch, Checksum, Tail};
use crate::record::{Record, SECTOR};
use onhand_planted::Defect;

const MAGIC: u32 = u32::from_le_bytes(*b"OHFR");
const TRAILER: [u8; 8] = *b"OHFRMEND";
const MASKED: u32 = 1;
const LOOSE: u32 = 2;

/// The bytes of a frame's trailer.
pub(crate) const TRAILER_BYTES: u64 = TRAILER.len() as u64;

/// The fewest bytes other than zero in a sector of a frame.
const FEWEST: usize = 16;

/// The bytes of a frame's header; also what frames are aligned to.
pub(crate) const HEADER: u64 = Record::BYTES as u64;

/// How many bytes a frame with a payload of so many takes.
pub(crate) fn size(payload: u64) -> u64 {
    (HEADER + payload + TRAILER_BYTES).next_multiple_of(HEADER)
}

/// What is known about the disk when a frame is written: by default, that all before it is durable, and that nothing
/// follows until it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many records right before it are not known to be durable.
    pub(crate) in_doubt: u32,
    /// Whether more may be written before the frame is durable.
    pub(crate) is_loose: bool,
}

impl Standing {
    fn flags(self, masked: bool) -> u32 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        flag(masked, MASKED) | flag(self.is_loose, LOOSE)
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) first: u64,
    pub(crate) at_millis: u64,
    pub(crate) before: Checksum,
    pub(crate) checksum: Checksum,
    pub(crate) payload: u32,
    records: u32,
    epoch: u32,
    masked: bool,
    pub(crate) standing: Standing,
}

impl FrameHeader {
    fn of(batch: &Batch, checksum: Checksum, standing: Standing, masked: bool) -> Self {
        Self {
            first: batch.first,
            at_millis: batch.at_millis,
            before: batch.before,
            checksum,
            // Sound: a batch over `Batch::MOST_BYTES` is never appended.
            payload: batch.payload.len() as u32,
            records: batch.records,
            epoch: batch.epoch,
            masked,
            standing,
        }
    }

    fn record(&self, salt: u64) -> Record {
        Record::blank()
            .with_u32(0, MAGIC)
            .with_u32(4, self.payload)
            .with_u64(8, self.first)
            .with_u32(16, self.records)
            .with_u32(20, self.epoch)
            .with_u64(24, self.at_millis)
            .with_u64(32, self.before.0)
            .with_u64(40, self.checksum.0)
            .with_u32(48, self.standing.flags(self.masked))
            .with_u32(52, self.standing.in_doubt)
            .checked(salt)
    }

    /// Reads a header; `None` if it is not one of the segment with this salt.
    pub(crate) fn decode(record: &Record, salt: u64) -> Option<Self> {
        // The magic first: a search for frames asks this of every 64 bytes.
        if record.u32(0) != MAGIC || !record.is_sound(salt) {
            return None;
        }
        let header = Self {
            first: record.u64(8),
            at_millis: record.u64(24),
            before: Checksum(record.u64(32)),
            checksum: Checksum(record.u64(40)),
            payload: record.u32(4),
            records: record.u32(16),
            epoch: record.u32(20),
            masked: record.u32(48) & MASKED != 0,
            standing: Standing {
                in_doubt: record.u32(52),
                is_loose: record.u32(48) & LOOSE != 0,
            },
        };
        let fits = header.payload as usize <= Batch::MOST_BYTES;
        let has_places = header.records > 0 && header.next() <= Batch::LAST_POSITION;
        (fits && has_places).then_some(header)
    }

    /// The bytes of the whole frame.
    pub(crate) fn size(&self) -> u64 {
        size(u64::from(self.payload))
    }

    /// The position after its last record.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.records))
    }

    /// The position before which all was durable when the frame was written.
    pub(crate) fn durable(&self) -> u64 {
        self.first.saturating_sub(u64::from(self.standing.in_doubt))
    }

    pub(crate) fn holds(&self, position: u64) -> bool {
        (self.first..self.next()).contains(&position)
    }

    pub(crate) fn follows(&self, tail: &Tail) -> bool {
        self.first == tail.next && self.before == tail.checksum
    }

    /// The batch with this stored payload; `None` if that is not what was written.
    pub(crate) fn batch(&self, mut payload: Vec<u8>) -> Option<Batch> {
        if self.masked {
            mask(&mut payload, self.checksum);
        }
        let batch = Batch {
            first: self.first,
            records: self.records,
            epoch: self.epoch,
            at_millis: self.at_millis,
            before: self.before,
            payload,
        };
        let is_whole = batch.checksum() == self.checksum || Defect::TornTailTaken.is_on();
        is_whole.then_some(batch)
    }
}

/// Writes the frame of a batch that goes to `offset` into `frame`, over what was there.
pub(crate) fn encode(
    batch: &Batch,
    checksum: Checksum,
    standing: Standing,
    offset: u64,
    salt: u64,
    frame: &mut Vec<u8>,
) {
    let header = FrameHeader::of(batch, checksum, standing, false);
    lay_out(&header, batch, salt, frame);
    if has_nearly_empty_sector(frame, offset) {
        let header = FrameHeader::of(batch, checksum, standing, true);
        lay_out(&header, batch, salt, frame);
        let start = HEADER as usize;
        mask(&mut frame[start..start + batch.payload.len()], checksum);
    }
}

fn lay_out(header: &FrameHeader, batch: &Batch, salt: u64, frame: &mut Vec<u8>) {
    frame.clear();
    frame.extend_from_slice(header.record(salt).bytes());
    frame.extend_from_slice(&batch.payload);
    frame.resize(header.size() as usize - TRAILER.len(), 0);
    frame.extend_from_slice(&TRAILER);
}

/// The whole sectors of a frame that lies at `offset`.
fn sectors(frame: &[u8], offset: u64) -> impl Iterator<Item = &[u8]> {
    let lead = (offset.next_multiple_of(SECTOR) - offset) as usize;
    frame
        .get(lead..)
        .unwrap_or_default()
        .chunks_exact(SECTOR as usize)
}

fn has_nearly_empty_sector(frame: &[u8], offset: u64) -> bool {
    sectors(frame, offset).any(|sector| {
        let written = sector.iter().filter(|byte| **byte != 0).take(FEWEST);
        written.count() < FEWEST
    })
}

/// Whether the end of a frame was never written.
pub(crate) fn lacks_end(frame: &[u8]) -> bool {
    frame.last().is_none_or(|byte| *byte == 0)
}

/// Whether a sector within a frame was never written. Bytes after the frame may be given, too, up to the end of its last
/// sector: that one is zero as a whole where it was not written, whatever else was to be in it.
pub(crate) fn lacks_sector(frame: &[u8], offset: u64) -> bool {
    sectors(frame, offset).any(|sector| sector.iter().all(|byte| *byte == 0))
}

/// XORs bytes with the stream of a seed; twice gives them back. The stream is SplitMix64 (Steele, Lea, Flood 2014).
fn mask(bytes: &mut [u8], seed: Checksum) {
    let mut state = seed.0;
    for word in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let stream = z.to_le_bytes();
        word.iter_mut()
            .zip(stream)
            .for_each(|(byte, other)| *byte ^= other);
    }
}
