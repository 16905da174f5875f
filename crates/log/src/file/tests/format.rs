//! The format is a promise: what one release wrote, every later one reads. The fixtures are never edited.

use super::{contents, dir, inspect, open, scripted, with_batches};
use crate::batch::{Batch, Tail};
use crate::conformance::batch_after;
use crate::disk::{Disk, DiskFile, MemoryDisk};
use crate::log::Log;

/// A log of format 1: a sealed segment, and the last one with a masked batch.
const V1: [(&str, &[u8]); 2] = [
    (
        "00000000000000000001.log",
        include_bytes!("fixtures/v1/00000000000000000001.log"),
    ),
    (
        "00000000000000000005.log",
        include_bytes!("fixtures/v1/00000000000000000005.log"),
    ),
];

fn v1_batches() -> Vec<Batch> {
    let mut tail = Tail::EMPTY;
    let mut batches = Vec::new();
    for bytes in [300, 3_000, 1_500] {
        batches.push(batch_after(tail, 2, bytes));
        tail = batches[batches.len() - 1].tail();
    }
    let mut masked = batch_after(tail, 1, 1_200);
    masked.payload.fill(0);
    batches.push(masked);
    batches
}

fn place(disk: &MemoryDisk, name: &str, bytes: &[u8]) {
    let file = disk.create(&dir().join(name)).unwrap();
    file.write_at(0, bytes).unwrap();
}

#[test]
fn format_1_is_read_and_continued() {
    let disk = MemoryDisk::new();
    disk.create_dir(dir()).unwrap();
    V1.iter()
        .for_each(|(name, bytes)| place(&disk, name, bytes));
    assert_eq!(inspect(&disk).unwrap().batches, 4);
    let (mut log, recovery) = open(&disk).unwrap();
    assert_eq!(recovery.cut, None);
    assert_eq!(contents(&log), v1_batches());
    let batch = scripted(&log, 1);
    log.append(&batch).unwrap();
}

/// This release writes format 1, byte for byte as the first did.
#[test]
fn format_1_is_what_is_written() {
    let (disk, _) = with_batches(&[]);
    let mut log = open(&disk).unwrap().0;
    v1_batches().iter().for_each(|batch| {
        log.append(batch).unwrap();
    });
    for (name, bytes) in V1 {
        let path = dir().join(name);
        let written = disk.contents(&path).unwrap();
        assert!(written == bytes, "{name}");
    }
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let (disk, _) = with_batches(&[300]);
    let path = crate::file::header::path(dir(), 1);
    disk.damage(&path, |bytes| {
        let record = crate::record::Record::read(bytes).with_u32(8, 2).checked(0);
        bytes[..64].copy_from_slice(record.bytes());
    });
    let error = open(&disk).err().unwrap().to_string();
    assert!(
        error.contains("format 2") && error.contains("newer"),
        "{error}"
    );
}
