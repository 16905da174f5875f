//! The file log on a disk that crashes, fills up, fails and is damaged.

mod conformance;
mod crash;
mod damage;
mod failure;
mod format;
mod loose;

use crate::batch::Batch;
use crate::conformance::{batch_after, read_all};
use crate::disk::MemoryDisk;
use crate::file::{FileLog, FileLogOptions, Recovery};
use crate::log::{Log, ReadError};
use std::path::{Path, PathBuf};

type MemoryFileLog = FileLog<MemoryDisk>;

/// Segments of 8 KiB, half of it for frames; all verified at the start.
const OPTIONS: FileLogOptions = FileLogOptions {
    segment_bytes: 8 << 10,
    verify_from: 1,
};

fn dir() -> &'static Path {
    Path::new("log")
}

fn create(disk: &MemoryDisk) -> Result<MemoryFileLog, ReadError> {
    FileLog::create(disk.clone(), dir(), OPTIONS)
}

fn open(disk: &MemoryDisk) -> Result<(MemoryFileLog, Recovery), ReadError> {
    FileLog::open(disk.clone(), dir(), OPTIONS)
}

fn inspect(disk: &MemoryDisk) -> Result<crate::file::Summary, ReadError> {
    FileLog::inspect(disk, dir(), &mut |_| {})
}

/// The `n`th batch of a scripted run: all sizes from a few bytes to more than a segment, and some that are all zeros
/// but for a byte.
fn scripted(log: &impl Log, n: u64) -> Batch {
    let bytes = match n % 10 {
        9 => 6_000,
        3 => 1_500,
        6 => 450,
        small => 20 + small as usize * 60,
    };
    let mut batch = batch_after(log.tail(), 1 + (n % 3) as u32, bytes);
    if n % 5 == 3 {
        batch.payload.fill(0);
        batch.payload[bytes / 2] = 1;
    }
    batch
}

/// A log of one batch after another, of these sizes.
fn with_batches(sizes: &[usize]) -> (MemoryDisk, Vec<Batch>) {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    let append = |bytes: &usize| {
        let batch = batch_after(log.tail(), 2, *bytes);
        log.append(&batch).unwrap();
        batch
    };
    let batches = sizes.iter().map(append).collect();
    (disk, batches)
}

fn contents(log: &impl Log) -> Vec<Batch> {
    read_all(log, log.reader().first())
}

fn segment_paths(log: &MemoryFileLog) -> Vec<PathBuf> {
    log.segments().into_iter().map(|file| file.path).collect()
}
