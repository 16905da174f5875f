//! The format is a promise: what one release wrote, every later one reads. The fixtures are never edited.

use super::{contents, create, dir, inspect, open, scripted, with_batches};
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

/// What a start keeps aside of that log before it writes its last frame again.
const V1_AGAIN: &[u8] = include_bytes!("fixtures/v1/again");

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

/// A trimmed log of format 1: its beginning is marked, and its last two frames were written and not synced.
const V1_LOOSE: [(&str, &[u8]); 2] = [
    (
        "00000000000000000003.log",
        include_bytes!("fixtures/v1-loose/00000000000000000003.log"),
    ),
    (
        "00000000000000000005.log",
        include_bytes!("fixtures/v1-loose/00000000000000000005.log"),
    ),
];

/// Writes that log, with one batch more that is trimmed.
fn write_loose(log: &mut impl Log) -> Vec<Batch> {
    let mut batches = Vec::new();
    for bytes in [3_000, 3_001, 1_000] {
        batches.push(batch_after(log.tail(), 2, bytes));
        log.append(batches.last().unwrap()).unwrap();
    }
    for bytes in [300, 500] {
        batches.push(batch_after(log.tail(), 2, bytes));
        log.write(batches.last().unwrap()).unwrap();
    }
    log.trim(3).unwrap();
    batches.split_off(1)
}

fn place_file(disk: &MemoryDisk, name: &str, bytes: &[u8]) {
    let file = disk.create(&dir().join(name)).unwrap();
    file.write_at(0, bytes).unwrap();
}

fn holding(files: &[(&str, &[u8])]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_dir(dir()).unwrap();
    files
        .iter()
        .for_each(|(name, bytes)| place_file(&disk, name, bytes));
    disk
}

#[test]
fn format_1_is_read_and_continued() {
    let disk = holding(&V1);
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
fn a_trimmed_and_loose_log_of_format_1_is_read_and_written() {
    let disk = MemoryDisk::new();
    let batches = write_loose(&mut create(&disk).unwrap());
    for (name, bytes) in V1_LOOSE {
        assert!(disk.contents(&dir().join(name)).unwrap() == bytes, "{name}");
    }
    let (log, _) = open(&holding(&V1_LOOSE)).unwrap();
    assert_eq!(contents(&log), batches);
}

/// A start of an earlier release stopped within its write: the last frame is neither what it was nor what it was to be.
#[test]
fn frames_kept_aside_in_format_1_are_put_back() {
    let disk = holding(&V1);
    disk.damage(&dir().join(V1[1].0), |bytes| {
        let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[last - 600..last].fill(0x77);
    });
    assert!(open(&disk.fork()).is_err());
    place_file(&disk, "again", V1_AGAIN);
    assert_eq!(contents(&open(&disk).unwrap().0), v1_batches());
    assert!(disk.contents(&dir().join("again")).is_err());
}

#[test]
fn frames_are_kept_aside_in_format_1() {
    let kept = (1..100).find_map(|change| {
        let disk = holding(&V1);
        disk.crash_at(disk.changes() + change);
        open(&disk).err();
        disk.contents(&dir().join("again")).ok()
    });
    assert!(kept.unwrap() == V1_AGAIN);
}

/// Only frames are ever kept aside: what says that it goes elsewhere is not written anywhere.
#[test]
fn nothing_is_put_back_outside_the_frames() {
    for place in [0, 64, 4032, u64::MAX - 63] {
        let disk = holding(&V1);
        let mut again = V1_AGAIN.to_vec();
        let record = crate::record::Record::read(&again).with_u64(24, place);
        again[..64].copy_from_slice(record.checked(0).bytes());
        place_file(&disk, "again", &again);
        assert_eq!(contents(&open(&disk).unwrap().0), v1_batches(), "{place}");
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
