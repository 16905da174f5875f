//! Bytes that change, files that go away, files that are cut: refused with the place, or harmless; never fewer batches.

use super::{contents, dir, inspect, open, scripted, segment_paths, with_batches};
use crate::batch::{Batch, Checksum, Tail};
use crate::disk::{Disk, DiskFile, MemoryDisk};
use crate::file::frame::{self, Standing};
use crate::file::header::{self, Header, Joint, SEAL, Seal, Stamped};
use crate::log::{Log, ReadError};
use crate::record::Record;
use std::path::Path;

/// Two segments: three batches in a sealed one, two in the last.
const TWO_SEGMENTS: [usize; 5] = [300, 1_400, 1_100, 1_300, 900];

/// Opens a damaged copy. Gives whether it was refused; if not, everything must be there.
fn refused(disk: &MemoryDisk, path: &Path, batches: &[Batch], what: &str) -> bool {
    match open(disk) {
        Ok((log, _)) => {
            assert_eq!(contents(&log), batches, "{what}");
            false
        }
        Err(ReadError::Damaged {
            path: told, offset, ..
        }) => {
            assert_eq!(told, path, "{what}");
            assert!(offset <= 8 << 10, "{what}");
            true
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

fn segments(disk: &MemoryDisk) -> Vec<std::path::PathBuf> {
    segment_paths(&open(disk).unwrap().0)
}

fn flip_every_byte(disk: &MemoryDisk, batches: &[Batch]) -> Vec<(usize, u64)> {
    let mut harmless = Vec::new();
    for (segment, path) in segments(disk).iter().enumerate() {
        for at in 0..8_u64 << 10 {
            let byte = disk.contents(path).unwrap()[at as usize];
            for flip in [1 << (at % 8), 0xff, byte] {
                let copy = disk.fork();
                copy.damage(path, |bytes| bytes[at as usize] ^= flip);
                let what = format!("byte {at} of segment {segment} flipped by {flip:#x}");
                if flip != 0 && !refused(&copy, path, batches, &what) {
                    harmless.push((segment, at));
                }
            }
        }
    }
    harmless.dedup();
    harmless
}

#[test]
fn a_changed_byte_is_refused_or_harmless() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    let harmless = flip_every_byte(&disk, &batches);
    let in_use = |(segment, at): &(usize, u64)| {
        let frames_end = [4096 + 3008, 4096 + 2368][*segment];
        let in_records = [0..64, 512..576, 1024..1088]
            .iter()
            .any(|record| record.contains(at));
        // The last segment needs no begin mark. A seal whose last byte is zero may be torn: it is made again.
        let needed = if *segment == 0 {
            *at != 575
        } else {
            *at < 1024
        };
        in_records && needed || (4096..frames_end).contains(at)
    };
    let wrong: Vec<_> = harmless
        .iter()
        .filter(|place| in_use(place) && !is_padding(&disk, place))
        .collect();
    assert_eq!(wrong, [] as [&(usize, u64); 0]);
}

/// Whether a place is a zero in a frame, or in its trailer: nothing of a batch is stored there.
fn is_padding(disk: &MemoryDisk, (segment, at): &(usize, u64)) -> bool {
    let bytes = disk.contents(&segments(disk)[*segment]).unwrap();
    let at = *at as usize;
    let after = &bytes[at..(at + 72).min(bytes.len())];
    let before = &bytes[at.saturating_sub(8)..at];
    let trailer = b"OHFRMEND";
    let in_trailer = [before, &after[..8]]
        .concat()
        .windows(8)
        .any(|window| window == trailer);
    let zeros = after.iter().take_while(|byte| **byte == 0).count();
    in_trailer || zeros > 0 && after[zeros..].starts_with(trailer)
}

/// A batch of zeros but for one byte is stored so that no damaged byte makes it look torn.
#[test]
fn a_changed_byte_of_a_sparse_batch_is_refused_too() {
    let (disk, mut batches) = with_batches(&[300]);
    let mut log = open(&disk).unwrap().0;
    let sparse = scripted(&log, 3);
    assert!(sparse.payload.iter().filter(|byte| **byte != 0).count() == 1);
    log.append(&sparse).unwrap();
    batches.push(sparse);
    drop(log);
    flip_every_byte(&disk, &batches);
}

/// A whole sector that reads as zeros costs at most the last batch, and that only because it cannot be told from a
/// write that never was: see `judge`.
#[test]
fn a_zeroed_sector_never_costs_more_than_the_last_batch() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    for (segment, path) in segments(&disk).iter().enumerate() {
        for sector in (0..8 << 10).step_by(512) {
            let copy = disk.fork();
            copy.damage(path, |bytes| bytes[sector..sector + 512].fill(0));
            match open(&copy) {
                Ok((log, recovery)) if recovery.cut.is_some() => {
                    assert_eq!(contents(&log), batches[..4]);
                    assert!(segment == 1 && sector >= 4096 + 1_024, "sector at {sector}");
                }
                Ok((log, _)) => assert_eq!(contents(&log), batches),
                Err(error) => assert!(error.to_string().contains("log/0000"), "{error}"),
            }
        }
    }
}

/// A header alone is never what a torn write lacks: the rest of its sector is there.
#[test]
fn a_zeroed_header_is_refused() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    let path = &segments(&disk)[1];
    let last = 4096 + 1_408;
    disk.damage(path, |bytes| bytes[last..last + 64].fill(0));
    assert!(refused(&disk, path, &batches, "zeroed header"));
}

fn is_missing(error: &ReadError) -> bool {
    matches!(error, ReadError::Missing { .. })
}

#[test]
fn a_missing_file_is_named() {
    let sizes: Vec<usize> = (0..20).map(|n| 500 + n * 40).collect();
    let (disk, _) = with_batches(&sizes);
    let all = segments(&disk);
    assert!(all.len() > 4);
    for path in &all {
        let copy = disk.fork();
        copy.remove(path).unwrap();
        for error in [open(&copy).err().unwrap(), inspect(&copy).err().unwrap()] {
            assert!(is_missing(&error), "{error}");
            // The first file's own name cannot be known any more.
            let name = path.to_str().unwrap();
            assert!(
                path == &all[0] || error.to_string().contains(name),
                "{error}"
            );
        }
    }
}

#[test]
fn the_first_file_is_missed_after_a_trim_too() {
    let sizes: Vec<usize> = (0..20).map(|n| 500 + n * 40).collect();
    let (disk, _) = with_batches(&sizes);
    let mut log = open(&disk).unwrap().0;
    log.trim(20).unwrap();
    drop(log);
    let first = &segments(&disk)[0];
    assert_ne!(
        header::first_of(first.file_name().unwrap().as_ref()),
        Some(1)
    );
    disk.remove(first).unwrap();
    assert!(is_missing(&open(&disk).err().unwrap()));
}

#[test]
fn a_folder_without_segments_misses_a_file() {
    let disk = MemoryDisk::new();
    assert!(is_missing(&open(&disk).err().unwrap()));
    disk.create_dir(dir()).unwrap();
    let error = open(&disk).err().unwrap();
    assert!(is_missing(&error), "{error}");
    assert!(
        disk.list(dir()).unwrap().is_empty(),
        "nothing was left there"
    );
}

#[test]
fn a_file_that_is_cut_or_longer_is_refused() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    let cut = (0..8_usize << 10).step_by(64);
    for path in &segments(&disk) {
        for len in cut.clone().chain([(8 << 10) + 1]) {
            let copy = disk.fork();
            copy.damage(path, |bytes| bytes.resize(len, 0));
            assert!(refused(&copy, path, &batches, &format!("cut to {len}")));
        }
    }
}

/// The check changes nothing, finds what a start does not look at, and tells a torn write from damage.
#[test]
fn a_check_reads_all_and_changes_nothing() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    let paths = segments(&disk);
    let summary = inspect(&disk).unwrap();
    assert_eq!((summary.segments, summary.first, summary.next), (2, 1, 11));
    assert_eq!(summary.batches, batches.len() as u64);
    assert_eq!((summary.bytes, summary.payload_bytes), (16 << 10, 5_000));

    let after_the_seal = disk.fork();
    after_the_seal.damage(&paths[0], |bytes| bytes[8_000] = 1);
    let error = inspect(&after_the_seal).err().unwrap().to_string();
    assert!(error.contains("damaged at byte 8000"), "{error}");

    let torn = disk.fork();
    torn.damage(&paths[1], |bytes| bytes[7_800] = 1);
    let before = (torn.changes(), torn.contents(&paths[1]).unwrap());
    let tail = inspect(&torn).unwrap().torn.unwrap();
    assert_eq!(
        (tail.segment.as_path(), tail.first_lost),
        (paths[1].as_path(), 11)
    );
    assert_eq!(before, (torn.changes(), torn.contents(&paths[1]).unwrap()));
}

/// Damage that comes while the log is open is found by whoever reads.
#[test]
fn a_reader_passes_no_damage_on() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    let log = open(&disk).unwrap().0;
    let path = &segment_paths(&log)[0];
    disk.damage(path, |bytes| bytes[4096 + 384 + 100] ^= 4);
    let reader = log.reader();
    assert_eq!(reader.batch_at(1).unwrap().as_ref(), Some(&batches[0]));
    assert!(matches!(
        reader.batch_at(3),
        Err(ReadError::Damaged { offset: 4480, .. })
    ));
    let read: Vec<_> = reader.read_from(1).collect();
    assert_eq!(read.len(), 2, "reading in order ends at the damage");
    assert!(read[1].is_err());
}

/// A segment of another log, however sound in itself, does not continue this one.
#[test]
fn a_segment_of_another_log_is_refused() {
    let (disk, _) = with_batches(&TWO_SEGMENTS);
    let (other, _) = with_batches(&[301, 1_400, 1_100, 1_300, 900]);
    for path in &segments(&disk) {
        let copy = disk.fork();
        let foreign = other.contents(path).unwrap();
        copy.damage(path, |bytes| *bytes = foreign);
        assert!(matches!(
            open(&copy).err().unwrap(),
            ReadError::Damaged { .. }
        ));
    }
}

/// Reading in order finds that a segment was exchanged under an open log, though both are sound in themselves.
#[test]
fn a_reader_finds_that_the_chain_is_broken() {
    let (disk, _) = with_batches(&TWO_SEGMENTS);
    let (other, _) = with_batches(&[301, 1_400, 1_100, 1_300, 900]);
    let log = open(&disk).unwrap().0;
    let path = &segment_paths(&log)[0];
    disk.damage(path, |bytes| *bytes = other.contents(path).unwrap());
    let read: Vec<_> = log.reader().read_from(1).collect();
    assert_eq!(read.len(), 4);
    let error = read[3].as_ref().err().unwrap().to_string();
    assert!(error.contains("does not continue"), "{error}");
}

/// A payload that holds frames of this very log does not pass for frames, not even when it is all that is left of a
/// torn write.
#[test]
fn frames_in_a_payload_are_payload() {
    let (disk, mut batches) = with_batches(&[100, 100]);
    let mut log = open(&disk).unwrap().0;
    let path = segment_paths(&log)[0].clone();
    let frames = disk.contents(&path).unwrap()[4096..4096 + 384].repeat(5);
    let batch = Batch {
        payload: frames,
        ..scripted(&log, 1)
    };
    log.append(&batch).unwrap();
    drop(log);
    let torn = disk.fork();
    torn.damage(&path, |bytes| bytes[4096 + 384..4096 + 512].fill(0));
    let (log, recovery) = open(&torn).unwrap();
    assert!(recovery.cut.is_some());
    assert_eq!(contents(&log), batches);
    batches.push(batch);
    assert_eq!(contents(&open(&disk).unwrap().0), batches);
}

/// Found by fuzzing: a seal whose checksum is right, and that speaks of a place far outside of its segment.
#[test]
fn a_seal_outside_of_its_segment_is_damaged() {
    let (disk, batches) = with_batches(&TWO_SEGMENTS);
    let path = &segments(&disk)[0];
    disk.damage(path, |bytes| {
        let header = Header::decode(&Record::read(bytes)).unwrap();
        let at = SEAL as usize..SEAL as usize + Record::BYTES;
        let Stamped::Sound(seal) = Seal::decode(&Record::read(&bytes[at.clone()]), &header) else {
            panic!("there is a seal");
        };
        let mut end = seal.end;
        // The next segment does not continue this: the error names the place that the seal speaks of.
        end.tail.checksum = Checksum(0);
        let offset = u64::MAX - 7;
        let outside = Seal { end, offset }.record(header.salt());
        bytes[at].copy_from_slice(outside.bytes());
    });
    assert!(refused(&disk, path, &batches, "a seal outside"));
}

/// Positions begin with 1 and end long before they overflow: a header that says otherwise is damaged.
#[test]
fn a_segment_begins_at_a_position_that_can_be() {
    for next in [0, Batch::LAST_POSITION + 1, u64::MAX] {
        let (disk, path) = (MemoryDisk::new(), header::path(dir(), next));
        disk.create_dir(dir()).unwrap();
        let tail = Tail {
            next,
            checksum: Checksum(0),
        };
        let start = Joint { tail, at_millis: 0 };
        let header = Header {
            start,
            bytes: 8 << 10,
        };
        let mut bytes = header.block(true);
        bytes.resize(8 << 10, 0);
        let file = disk.create(&path).unwrap();
        file.write_at(0, &bytes).unwrap();
        assert!(refused(&disk, &path, &[], &format!("it begins at {next}")));
    }
}

/// Found by fuzzing: a batch in its place in the chain, closed before the one that it follows. A search by time would
/// pass by it, and nobody can have appended it.
#[test]
fn a_time_that_goes_back_is_damage() {
    let (disk, mut batches) = with_batches(&[300, 300]);
    let path = segments(&disk)[0].clone();
    batches[1].at_millis = batches[0].at_millis - 1;
    disk.damage(&path, |bytes| {
        let salt = Header::decode(&Record::read(bytes)).unwrap().salt();
        let (mut again, at) = (Vec::new(), 4096 + frame::size(300));
        let (checksum, standing) = (batches[1].checksum(), Standing::default());
        frame::encode(&batches[1], checksum, standing, at, salt, &mut again);
        bytes[at as usize..at as usize + again.len()].copy_from_slice(&again);
    });
    assert!(refused(&disk, &path, &batches, "an earlier time"));
}
