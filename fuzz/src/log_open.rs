//! The files of a log: up to three of its segments and of the frames that a start kept aside, opened as a log.
//!
//! The input is a row of parts: a byte of [what is put right](Right), two bytes of length, and so many bytes. A part's
//! bytes are the header, the seal, the mark of the beginning (64 bytes each), then frames; or the file as it is; or the
//! file of frames kept aside.
//!
//! Oracle: the log is refused with an error that names a file of it and a place in that file, and no segment was
//! changed but in the place of the frames that were kept aside; or it opens, and nothing is kept aside any more. Then every batch can be read and continues the one before, an append is taken, and after a
//! crash that loses all that was not synced, everything is still there.

use crate::record::{self, RECORD, check, put, u32_at, u64_at};
use onhand_log::disk::{Disk, DiskFile, MemoryDisk};
use onhand_log::{Batch, Checksum, FileLog, FileLogOptions, Log, LogReader, ReadError, Tail};
use std::ops::Range;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

const PARTS: usize = 3;
const SEAL: usize = 512;
const BEGIN: usize = 1024;
const FRAMES: usize = 4096;

/// All is verified at the start, so that whatever opens can be read.
const OPTIONS: FileLogOptions = FileLogOptions {
    segment_bytes: 8 << 10,
    verify_from: 0,
};

/// What is put right in a part after it was changed.
pub struct Right(
    /// The bits.
    pub u8,
);

impl Right {
    /// The bytes are the file, and nothing is put right.
    pub const AS_IT_IS: u8 = 1;
    /// The header continues the part before.
    pub const JOINED: u8 = 2;
    /// The header's magic, version, length and checksum.
    pub const HEADER: u8 = 4;
    /// The checksums of seal and mark, if there is something in their places.
    pub const STAMPS: u8 = 8;
    /// The checksums of the headers of frames.
    pub const FRAME_HEADERS: u8 = 16;
    /// Positions, chain and checksums of payloads.
    pub const CHAINED: u8 = 32;
    /// There is a seal, and it says where the frames end.
    pub const SEALED: u8 = 64;
    /// There is a mark that the log begins here.
    pub const BEGINS: u8 = 128;

    /// The part is no segment: its bytes are the frames kept aside, and what precedes them.
    /// [`Right::HEADER`] puts magic, version, length and checksums right, [`Right::CHAINED`] the segment that they are of:
    /// the one before.
    pub const AGAIN: u8 = Self::AS_IT_IS | Self::JOINED;

    fn has(&self, bit: u8) -> bool {
        self.0 & bit == bit
    }
}

/// The file that keeps frames aside.
const AGAIN: &str = "again";

type Segments = Vec<(PathBuf, Vec<u8>)>;

/// The log at a point between two batches.
#[derive(Clone, Copy)]
struct Joint {
    next: u64,
    checksum: u64,
    at_millis: u64,
}

/// Runs one input.
pub fn run(input: &[u8]) {
    let disk = disk(input);
    let (before, again) = (segments(&disk), again_range(&disk));
    match FileLog::open(disk.clone(), dir(), OPTIONS) {
        Ok((log, recovery)) => {
            assert_eq!(
                recovery.next,
                log.tail().next,
                "the recovery tells another end"
            );
            opened(log, &disk);
        }
        Err(error) => {
            refused(&error, &before);
            is_unchanged(&before, &segments(&disk), &again);
            assert!(
                FileLog::inspect(&disk, dir(), &mut |_| {}).is_err(),
                "a check sees no damage: {error}"
            );
        }
    }
}

fn dir() -> &'static Path {
    Path::new("log")
}

fn segments(disk: &MemoryDisk) -> Segments {
    let files = disk.files().into_iter().map(|(path, _)| path);
    let segments = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
    segments
        .map(|path| {
            let bytes = disk.contents(&path).expect("it was just listed");
            (path, bytes)
        })
        .collect()
}

/// Which bytes of a segment a start may write again before it refuses the rest.
fn again_range(disk: &MemoryDisk) -> Range<usize> {
    let again = disk.contents(&dir().join(AGAIN)).unwrap_or_default();
    let begin = u64_at(&again, 24) as usize;
    begin..begin.saturating_add(again.len().saturating_sub(RECORD))
}

fn is_unchanged(before: &Segments, after: &Segments, again: &Range<usize>) {
    for ((path, before), (_, after)) in before.iter().zip(after) {
        let mut bytes = before.iter().zip(after).enumerate();
        let is_changed = bytes.any(|(at, (before, after))| before != after && !again.contains(&at));
        assert!(
            before.len() == after.len() && !is_changed,
            "refused, and {} is changed all the same",
            path.display()
        );
    }
    assert_eq!(before.len(), after.len(), "refused, and a segment is gone");
}

fn refused(error: &ReadError, files: &Segments) {
    match error {
        ReadError::Damaged {
            path, offset, what, ..
        } => {
            let file = files.iter().find(|(name, _)| name == path);
            let (_, bytes) = file.unwrap_or_else(|| panic!("{error}: there is no such file"));
            assert!(
                *offset <= bytes.len() as u64 && !what.is_empty(),
                "{error}: there is no such place"
            );
        }
        ReadError::Missing { path, .. } => {
            assert!(path.starts_with(dir()), "{error}: not of this log")
        }
        other => panic!("neither damage nor a missing file: {other}"),
    }
}

fn opened(mut log: FileLog<MemoryDisk>, disk: &MemoryDisk) {
    let is_kept = disk.contents(&dir().join(AGAIN)).is_ok();
    assert!(!is_kept, "frames are still kept aside");
    let mut batches = contents(&log);
    if log.tail().next > Batch::LAST_POSITION / 2 {
        // Hardly room for another.
        return;
    }
    let batch = next_batch(&log.tail());
    log.append(&batch)
        .unwrap_or_else(|error| panic!("no append after a start: {error}"));
    batches.push(batch);
    assert_eq!(contents(&log), batches, "what was appended is not read");
    times_are_found(&*log.reader(), &batches);
    drop(log);
    disk.restart(&mut |_| 0);
    let (log, recovery) = FileLog::open(disk.clone(), dir(), OPTIONS)
        .unwrap_or_else(|error| panic!("a log that was open is refused: {error}"));
    assert_eq!(
        (recovery.cut, recovery.removed),
        (None, 0),
        "something was left to be made good"
    );
    assert_eq!(contents(&log), batches, "a crash lost something");
}

/// All batches, each continuing the one before.
fn contents(log: &FileLog<MemoryDisk>) -> Vec<Batch> {
    let reader = log.reader();
    let mut batches: Vec<Batch> = Vec::new();
    for batch in reader.read_from(reader.first()) {
        let batch = batch.unwrap_or_else(|error| panic!("verified and not readable: {error}"));
        if let Some(before) = batches.last() {
            assert!(
                batch.follows(&before.tail()),
                "the chain is broken at {}",
                batch.first
            );
        }
        batches.push(batch);
    }
    let end = batches.last().map_or(log.tail(), Batch::tail);
    assert_eq!(end, log.tail(), "the last batch is not at the tail");
    batches
}

fn next_batch(tail: &Tail) -> Batch {
    Batch {
        first: tail.next,
        records: 2,
        epoch: 0,
        // Whatever the time of the last batch is, this is not before it.
        at_millis: u64::MAX,
        before: tail.checksum,
        payload: b"appended by the fuzz target".to_vec(),
    }
}

/// The first batch of each time is found by it.
fn times_are_found(reader: &dyn LogReader, batches: &[Batch]) {
    for wanted in batches.iter().map(|batch| batch.at_millis) {
        let found = reader
            .first_since(wanted)
            .expect("every header was read before");
        let first = batches.iter().find(|batch| batch.at_millis >= wanted);
        assert_eq!(
            Some(found),
            first.map(|batch| batch.first),
            "the time {wanted} is not found"
        );
    }
}

/// A disk with the segments of an input.
fn disk(input: &[u8]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_dir(dir())
        .expect("an empty disk takes a folder");
    let mut join = Joint {
        next: 1,
        checksum: 0,
        at_millis: 0,
    };
    let mut segment = Vec::new();
    for (right, bytes) in parts(input) {
        if right.has(Right::AGAIN) {
            store(&disk, AGAIN, &again(&right, bytes, &segment));
            continue;
        }
        segment = file(&right, bytes, &mut join);
        let first = if segment.len() < RECORD {
            1
        } else {
            u64_at(&segment, 16)
        };
        store(&disk, &format!("{first:020}.log"), &segment);
    }
    disk
}

/// The file of frames kept aside, those of a segment.
fn again(right: &Right, bytes: &[u8], segment: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    if right.has(Right::CHAINED) {
        put(&mut file, 16, &u64_at(segment, 16).to_le_bytes());
        put(&mut file, 48, &u64_at(segment, 56).to_le_bytes());
    }
    if right.has(Right::HEADER) {
        let frames = file.get(RECORD..).unwrap_or_default();
        let (len, sum) = (frames.len() as u64, xxh3_64(frames));
        put(&mut file, 0, b"ONHANDAG");
        put(&mut file, 8, &1_u32.to_le_bytes());
        put(&mut file, 32, &len.to_le_bytes());
        put(&mut file, 40, &sum.to_le_bytes());
        check(&mut file, 0, 0);
    }
    file
}

fn parts(mut input: &[u8]) -> Vec<(Right, &[u8])> {
    let mut parts = Vec::new();
    while let Some(([right, low, high], rest)) = input.split_first_chunk()
        && parts.len() < PARTS
    {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (bytes, rest) = rest.split_at(len);
        parts.push((Right(*right), bytes));
        input = rest;
    }
    parts
}

fn store(disk: &MemoryDisk, name: &str, bytes: &[u8]) {
    // Two of one name: the first one stays.
    let Ok(file) = disk.create(&dir().join(name)) else {
        return;
    };
    let stored = file
        .write_at(0, bytes)
        .and_then(|()| file.sync())
        .and_then(|()| disk.sync_dir(dir()));
    stored.expect("a disk in memory takes it");
}

/// A segment file of a part's bytes; `join` is moved to its end.
fn file(right: &Right, bytes: &[u8], join: &mut Joint) -> Vec<u8> {
    if right.has(Right::AS_IT_IS) {
        return bytes.to_vec();
    }
    let mut file = laid_out(bytes);
    let salt = put_header_right(right, &mut file, join);
    if right.has(Right::STAMPS) {
        check_stamp(&mut file, SEAL, salt);
        check_stamp(&mut file, BEGIN, salt);
    }
    if right.has(Right::BEGINS) {
        put(&mut file, BEGIN, b"ONHANDBG");
        check(&mut file, BEGIN, salt);
    }
    let end = put_frames_right(right, &mut file, salt, join);
    if right.has(Right::SEALED) {
        put_seal(&mut file, end, salt, join);
    }
    file
}

/// The records in their places, the frames, and zeros to the end of the last sector and one more.
fn laid_out(bytes: &[u8]) -> Vec<u8> {
    let frames = bytes.get(3 * RECORD..).unwrap_or_default();
    let mut file = vec![0; (FRAMES + frames.len()).next_multiple_of(SEAL) + SEAL];
    let places = [0, SEAL, BEGIN].into_iter();
    for (place, record) in places.zip(bytes.chunks(RECORD)) {
        put(&mut file, place, record);
    }
    put(&mut file, FRAMES, frames);
    file
}

fn check_stamp(file: &mut [u8], at: usize, salt: u64) {
    if record::at(file, at).is_some_and(|record| record.iter().any(|byte| *byte != 0)) {
        check(file, at, salt);
    }
}

fn put_header_right(right: &Right, file: &mut [u8], join: &mut Joint) -> u64 {
    if right.has(Right::JOINED) {
        put(file, 16, &join.next.to_le_bytes());
        put(file, 24, &join.checksum.to_le_bytes());
        put(file, 32, &join.at_millis.to_le_bytes());
    } else {
        *join = Joint {
            next: u64_at(file, 16),
            checksum: u64_at(file, 24),
            at_millis: u64_at(file, 32),
        };
    }
    if right.has(Right::HEADER) {
        let len = file.len() as u64;
        put(file, 0, b"ONHANDLG");
        put(file, 8, &1_u32.to_le_bytes());
        put(file, 40, &len.to_le_bytes());
        check(file, 0, 0);
    }
    u64_at(file, 56)
}

/// Walks over the frames and puts right what is asked for. Gives where they end.
fn put_frames_right(right: &Right, file: &mut [u8], salt: u64, join: &mut Joint) -> usize {
    let mut at = FRAMES;
    while let Some(header) = record::at(file, at)
        && header.iter().any(|byte| *byte != 0)
    {
        let payload = u32_at(header, 4) as usize;
        let end = at + (RECORD + payload + 8).next_multiple_of(RECORD);
        let is_whole = end <= file.len();
        if right.has(Right::CHAINED) && is_whole {
            chain(file, at, payload, end, join);
        }
        if right.has(Right::FRAME_HEADERS) {
            put(file, at, b"OHFR");
            check(file, at, salt);
        }
        if !is_whole {
            break;
        }
        at = end;
    }
    at
}

fn chain(file: &mut [u8], at: usize, payload: usize, end: usize, join: &mut Joint) {
    let batch = Batch {
        first: join.next,
        records: u32_at(file, at + 16),
        epoch: u32_at(file, at + 20),
        at_millis: u64_at(file, at + 24),
        before: Checksum(join.checksum),
        payload: file[at + RECORD..at + RECORD + payload].to_vec(),
    };
    let checksum = batch.checksum();
    put(file, at + 8, &batch.first.to_le_bytes());
    put(file, at + 32, &batch.before.0.to_le_bytes());
    put(file, at + 40, &checksum.0.to_le_bytes());
    // Not masked: the payload is as it is told.
    put(file, at + 48, &[0; 4]);
    put(file, end - 8, b"OHFRMEND");
    *join = Joint {
        next: batch.first.saturating_add(batch.records.into()),
        checksum: checksum.0,
        at_millis: batch.at_millis,
    };
}

fn put_seal(file: &mut [u8], end: usize, salt: u64, join: &Joint) {
    put(file, SEAL, b"ONHANDSL");
    put(file, SEAL + 16, &join.next.to_le_bytes());
    put(file, SEAL + 24, &join.checksum.to_le_bytes());
    put(file, SEAL + 32, &join.at_millis.to_le_bytes());
    put(file, SEAL + 40, &(end as u64).to_le_bytes());
    check(file, SEAL, salt);
}
