//! Snapshot files, and the state in them.
//!
//! The input is a byte that says what the rest is: a file as it is, a file whose checksums are put right, the stream
//! that a file holds, or the items of a stream's one chunk.
//!
//! Oracle: an error that says what is wrong; or a state that can be looked at, written and read again, to the same
//! hash both times.

use crate::record::{self, RECORD, check, put, u32_at, u64_at};
use onhand_core::State;
use onhand_log::disk::{Disk, DiskFile, MemoryDisk};
use onhand_log::{ReadError, SnapshotStore};
use onhand_wire::snapshot::{SnapshotError, read, write};
use onhand_wire::state_hash;
use std::io::Write;
use std::path::Path;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The file is as it is.
pub const AS_IT_IS: u8 = 0;
/// The file's checksums are put right.
pub const CHECKED: u8 = 1;
/// The stream that a file holds.
pub const STREAM: u8 = 2;
/// The items of one chunk.
pub const ITEMS: u8 = 3;

/// The position in the file's name.
pub const POSITION: u64 = 14;

/// Runs one input.
pub fn run(input: &[u8]) {
    let (kind, bytes) = crate::first(input);
    match kind % 4 {
        AS_IT_IS => stored(bytes),
        CHECKED => stored(&checked(bytes)),
        STREAM => streamed(bytes),
        _ => streamed(&chunk(bytes)),
    }
}

fn dir() -> &'static Path {
    Path::new("snapshots")
}

/// A file is read through the store, as at a start.
fn stored(file: &[u8]) {
    let disk = MemoryDisk::new();
    put_file(&disk, file);
    let store = SnapshotStore::read_only(disk, dir());
    let mut reader = match store.open(POSITION) {
        Ok(reader) => reader,
        Err(error) => return is_damage(&error),
    };
    match read(&mut reader) {
        Ok(state) => sound(&state),
        Err(error) => named(&error),
    }
    // Whatever the state was: what is left of the file is damaged or not, and says so.
    if let Err(error) = reader.finish() {
        is_damage(&error);
    }
}

fn put_file(disk: &MemoryDisk, bytes: &[u8]) {
    disk.create_dir(dir())
        .expect("an empty disk takes a folder");
    let file = disk.create(&dir().join(format!("{POSITION:020}.snap")));
    let written = file.and_then(|file| file.write_at(0, bytes));
    written.expect("a disk in memory takes it");
}

fn is_damage(error: &ReadError) {
    let ReadError::Damaged { path, what, .. } = error else {
        panic!("not told as damage: {error}");
    };
    assert!(path.starts_with(dir()) && !what.is_empty(), "{error}");
}

fn named(error: &SnapshotError) {
    assert!(!error.to_string().is_empty(), "an error that says nothing");
}

/// A stream is read alone, and once more out of a file that holds it.
fn streamed(stream: &[u8]) {
    let state = match read(&mut &stream[..]) {
        Ok(state) => state,
        Err(error) => return named(&error),
    };
    sound(&state);
    let again = through_a_file(stream);
    assert_eq!(hash(&again), hash(&state), "a file changes what it holds");
}

fn through_a_file(stream: &[u8]) -> State {
    let disk = MemoryDisk::new();
    let store = SnapshotStore::new(disk, dir()).expect("an empty disk takes a folder");
    let mut writer = store.writer(POSITION).expect("a disk in memory takes it");
    writer.write_all(stream).expect("a disk in memory takes it");
    writer.finish().expect("a disk in memory takes it");
    let mut reader = store.open(POSITION).expect("it was just written");
    read(&mut reader).expect("the stream was read before")
}

fn hash(state: &State) -> u128 {
    state_hash(&state.freeze())
}

/// A state that was read can be looked at, written, and read again.
fn sound(state: &State) {
    let body = state.freeze();
    // Not every state that can be read adds up: who recovers from it checks that. It must only be possible to look.
    let _ = (
        body.check_conservation(),
        onhand_core::invariant::check(state),
    );
    let mut bytes = Vec::new();
    write(&body, &mut bytes, |_| {}).expect("a vector takes any number of bytes");
    let again =
        read(&mut &bytes[..]).unwrap_or_else(|error| panic!("written and not readable: {error}"));
    assert_eq!(
        hash(&again),
        hash(state),
        "written and read, it is another state"
    );
}

/// One chunk of items, as a stream.
pub fn chunk(items: &[u8]) -> Vec<u8> {
    let mut stream = vec![1];
    stream.extend_from_slice(&(items.len() as u32).to_le_bytes());
    stream.extend_from_slice(items);
    stream
}

/// A file whose checksums are put right: of the header, of every block, of the footer.
fn checked(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    put(&mut file, 0, b"ONHANDSN");
    put(&mut file, 8, &1_u32.to_le_bytes());
    put(&mut file, 16, &POSITION.to_le_bytes());
    let salt = check(&mut file, 0, 0);
    let Some(end) = file.len().checked_sub(RECORD).filter(|end| *end >= RECORD) else {
        return file;
    };
    let (mut at, mut checksums) = (RECORD, Xxh3::new());
    while at + RECORD <= end && record::at(&file, at).is_some() {
        let len = u32_at(&file, at + 4) as usize;
        if let Some(block) = file.get(at + RECORD..).and_then(|rest| rest.get(..len)) {
            let sum = xxh3_64(block).to_le_bytes();
            put(&mut file, at + 16, &sum);
            checksums.update(&sum);
        }
        check(&mut file, at, salt);
        at = at.saturating_add(RECORD).saturating_add(len);
    }
    put(&mut file, end, b"ONHANDSE");
    put(&mut file, end + 24, &checksums.digest().to_le_bytes());
    check(&mut file, end, salt);
    debug_assert_eq!(u64_at(&file, 16), POSITION);
    file
}
