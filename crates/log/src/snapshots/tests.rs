//! Snapshots that are whole, and every way in which they are not.

use super::{BLOCK, SnapshotStore};
use crate::disk::{Call, Disk, DiskFile, MemoryDisk, OsDisk, seeded};
use crate::log::ReadError;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

fn dir() -> &'static Path {
    Path::new("snapshots")
}

fn store(disk: &MemoryDisk) -> SnapshotStore<MemoryDisk> {
    SnapshotStore::new(disk.clone(), dir()).unwrap()
}

fn bytes(count: usize) -> Vec<u8> {
    let mut choose = seeded(count as u64);
    (0..count).map(|_| choose(256) as u8).collect()
}

fn write<D: Disk>(store: &SnapshotStore<D>, position: u64, bytes: &[u8]) -> io::Result<u64> {
    let mut writer = store.writer(position)?;
    for part in bytes.chunks(1_000) {
        writer.write_all(part)?;
    }
    writer.finish()
}

fn read<D: Disk>(store: &SnapshotStore<D>, position: u64) -> Result<Vec<u8>, ReadError> {
    let mut reader = store.open(position)?;
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    read.map_err(|error| {
        let inner = error.into_inner().unwrap();
        *inner.downcast::<ReadError>().unwrap()
    })?;
    Ok(bytes)
}

fn file(position: u64) -> PathBuf {
    super::path(dir(), position)
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::new(OsDisk, &folder.path().join("of/a/shard")).unwrap();
    for (position, count) in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17]
        .into_iter()
        .enumerate()
    {
        let bytes = bytes(count);
        let size = write(&store, position as u64, &bytes).unwrap();
        assert!(size > count as u64);
        assert_eq!(read(&store, position as u64).unwrap(), bytes);
        let reader = store.open(position as u64).unwrap();
        assert_eq!(reader.size(), count as u64);
        reader.finish().unwrap();
    }
    assert_eq!(store.list().unwrap(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn only_the_newest_are_kept() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    store.remove_older_than(2).unwrap();
    for position in [5, 900, 17, 30] {
        write(&store, position, b"levels").unwrap();
    }
    assert_eq!(store.list().unwrap(), [5, 17, 30, 900]);
    store.remove_older_than(2).unwrap();
    assert_eq!(store.list().unwrap(), [30, 900]);
    disk.restart(&mut |_| 0);
    assert_eq!(store.list().unwrap(), [30, 900]);
}

#[test]
fn an_unfinished_snapshot_was_never_there() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    let mut writer = store.writer(7).unwrap();
    writer.write_all(&bytes(2 * BLOCK)).unwrap();
    assert_eq!(store.list().unwrap(), []);
    drop(writer);
    assert!(disk.list(dir()).unwrap().is_empty());

    std::mem::forget(store.writer(8).unwrap());
    assert_eq!(disk.list(dir()).unwrap().len(), 1);
    self::store(&disk);
    assert!(disk.list(dir()).unwrap().is_empty(), "removed at the start");

    std::mem::forget(store.writer(8).unwrap());
    write(&store, 9, b"whole").unwrap();
    store.remove_older_than(2).unwrap();
    assert_eq!(
        disk.list(dir()).unwrap().len(),
        1,
        "removed with what is old"
    );
    assert_eq!(store.list().unwrap(), [9]);
}

#[test]
fn a_snapshot_may_be_written_again() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    write(&store, 7, b"first").unwrap();
    write(&store, 7, b"second").unwrap();
    disk.restart(&mut |_| 0);
    assert_eq!(read(&store, 7).unwrap(), b"second");
}

#[test]
fn a_crash_leaves_the_whole_snapshot_or_none() {
    let content = bytes(BLOCK + 100);
    let mut change = 1;
    loop {
        let mut crashed = true;
        for seed in 0..40 {
            let disk = MemoryDisk::new();
            let store = store(&disk);
            write(&store, 3, b"older").unwrap();
            disk.crash_at(disk.changes() + change);
            let finished = write(&store, 9, &content).is_ok();
            crashed = disk.has_crashed();
            disk.restart(&mut seeded(seed));
            let store = self::store(&disk);
            let there = store.list().unwrap();
            assert!(there == [3, 9] || there == [3] && !finished);
            for position in there {
                let read = read(&store, position).unwrap();
                assert!(
                    read == if position == 3 {
                        b"older".to_vec()
                    } else {
                        content.clone()
                    }
                );
            }
        }
        if !crashed {
            break;
        }
        change += 1;
    }
    assert!(change > 8);
}

/// Gives the error of reading a damaged copy.
fn refused(disk: &MemoryDisk, change: impl FnOnce(&mut Vec<u8>)) -> Option<ReadError> {
    let copy = disk.fork();
    copy.damage(&file(4), change);
    let error = read(&store(&copy), 4).err()?;
    assert!(
        matches!(&error, ReadError::Damaged { path, .. } if *path == file(4)),
        "{error}"
    );
    assert!(error.to_string().contains("Move this file away"));
    Some(error)
}

#[test]
fn a_changed_byte_is_refused() {
    let disk = MemoryDisk::new();
    let size = write(&store(&disk), 4, &bytes(1_500)).unwrap() as usize;
    for at in 0..size {
        for flip in [1 << (at % 8), 0xff] {
            let refused = refused(&disk, |bytes| bytes[at] ^= flip);
            assert!(refused.is_some(), "byte {at}");
        }
    }
}

#[test]
fn a_snapshot_cut_anywhere_is_refused_when_it_is_opened() {
    let disk = MemoryDisk::new();
    let size = write(&store(&disk), 4, &bytes(2 * BLOCK + 500)).unwrap() as usize;
    let between_blocks = [64, 64 + 64 + BLOCK, 64 + 2 * (64 + BLOCK), size - 64];
    for len in (0..size)
        .step_by(9_973)
        .chain(between_blocks)
        .chain([size + 1])
    {
        let copy = disk.fork();
        copy.damage(&file(4), |bytes| bytes.resize(len, 0));
        let error = store(&copy).open(4).err();
        assert!(matches!(error, Some(ReadError::Damaged { .. })), "{len}");
    }
}

#[test]
fn blocks_in_another_order_are_refused() {
    let disk = MemoryDisk::new();
    write(&store(&disk), 4, &bytes(2 * BLOCK)).unwrap();
    let block = BLOCK + 64;
    let swapped = refused(&disk, |bytes| {
        let (first, second) = bytes[64..].split_at_mut(block);
        first.swap_with_slice(&mut second[..block]);
    });
    assert!(swapped.is_some());
    let dropped = refused(&disk, |bytes| {
        bytes.drain(64 + block..64 + 2 * block);
    });
    assert!(dropped.is_some());
}

#[test]
fn a_snapshot_of_another_position_is_refused() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    write(&store, 4, b"levels").unwrap();
    disk.rename(&file(4), &file(5)).unwrap();
    let error = store.open(5).err().unwrap().to_string();
    assert!(error.contains("snapshot of position 4"), "{error}");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    disk.set_capacity(BLOCK as u64);
    let error = write(&store, 4, &bytes(2 * BLOCK)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(disk.list(dir()).unwrap().is_empty());
}

/// A snapshot of format 1, of position 42: [`format_1_bytes`] in one block.
const V1: &[u8] = include_bytes!("fixtures/v1/00000000000000000042.snap");

fn format_1_bytes() -> Vec<u8> {
    bytes(1_000)
}

/// What one release wrote, every later one reads. The fixture is never edited.
#[test]
fn format_1_is_read() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    let placed = disk.create(&store.path(42)).unwrap();
    placed.write_at(0, V1).unwrap();
    assert_eq!(read(&store, 42).unwrap(), format_1_bytes());
}

#[test]
fn format_1_is_what_is_written() {
    let disk = MemoryDisk::new();
    write(&store(&disk), 42, &format_1_bytes()).unwrap();
    assert!(disk.contents(&file(42)).unwrap() == V1);
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let disk = MemoryDisk::new();
    write(&store(&disk), 4, b"levels").unwrap();
    disk.damage(&file(4), |bytes| {
        let record = crate::record::Record::read(bytes).with_u32(8, 2).checked(0);
        bytes[..64].copy_from_slice(record.bytes());
    });
    let error = store(&disk).open(4).err().unwrap().to_string();
    assert!(
        error.contains("format 2") && error.contains("newer"),
        "{error}"
    );
}

/// Found by the simulator: its name is shown, and would be gone after a loss of power, with the log trimmed up to it.
#[test]
fn a_snapshot_whose_folder_sync_failed_is_removed() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    write(&store, 3, b"older").unwrap();
    disk.fail_next(Call::SyncFolder, std::io::ErrorKind::Other);
    write(&store, 9, b"newer").unwrap_err();
    assert_eq!(store.list().unwrap(), [3]);
    write(&store, 9, b"newer").unwrap();
    disk.restart(&mut |_| 0);
    assert_eq!(store.list().unwrap(), [3, 9]);
    assert_eq!(read(&store, 9).unwrap(), b"newer");
}
