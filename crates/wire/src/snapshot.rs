//! A state as a stream of bytes: a version byte, then chunks of items, each chunk with its length before it.

use crate::Malformed;
use onhand_core::{Body, Item, State, Thaw};
use std::io::{self, Read, Write};
use xxhash_rust::xxh3::Xxh3;

/// The version that is written.
const VERSION: u8 = 1;
/// A chunk is closed when it has this many bytes.
const CHUNK: usize = 64 << 10;
/// A chunk that says it is longer is damaged.
const MOST_CHUNK: usize = 64 << 20;

/// Why a snapshot could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The source failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are not a snapshot.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Writes a frozen state; calls `progress` with the number of items written so far, now and then.
///
/// # Errors
/// The sink failed.
pub fn write(
    body: &Body,
    sink: &mut impl Write,
    mut progress: impl FnMut(usize),
) -> io::Result<()> {
    sink.write_all(&[VERSION])?;
    let mut chunk = Vec::with_capacity(CHUNK + 1024);
    for (done, item) in body.items().enumerate() {
        chunk = postcard::to_extend(&item, chunk).expect("a vector takes any number of bytes");
        if chunk.len() >= CHUNK {
            write_chunk(sink, &mut chunk)?;
            progress(done);
        }
    }
    write_chunk(sink, &mut chunk)
}

fn write_chunk(sink: &mut impl Write, chunk: &mut Vec<u8>) -> io::Result<()> {
    sink.write_all(&(chunk.len() as u32).to_le_bytes())?;
    sink.write_all(chunk)?;
    chunk.clear();
    Ok(())
}

/// Reads a state.
///
/// # Errors
/// The source failed, or what it gives is not a snapshot.
pub fn read(source: &mut impl Read) -> Result<State, SnapshotError> {
    let mut version = [0];
    source.read_exact(&mut version)?;
    if version[0] != VERSION {
        return Err(SnapshotError::Malformed(Malformed::Version {
            found: version[0],
            newest: VERSION,
        }));
    }
    let mut thaw = Thaw::default();
    let mut chunk = Vec::new();
    loop {
        read_chunk(source, &mut chunk)?;
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let (item, after) = postcard::take_from_bytes::<Item>(rest)
                .map_err(|error| malformed(error.to_string()))?;
            rest = after;
            match thaw.take(item) {
                Ok(next) => thaw = next,
                Err(state) => return Ok(*state),
            }
        }
    }
}

fn read_chunk(source: &mut impl Read, chunk: &mut Vec<u8>) -> Result<(), SnapshotError> {
    let mut length = [0; 4];
    source.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length == 0 || length > MOST_CHUNK {
        return Err(malformed(format!("a chunk of {length} bytes")).into());
    }
    chunk.resize(length, 0);
    source.read_exact(chunk)?;
    Ok(())
}

fn malformed(why: String) -> Malformed {
    Malformed::Content {
        what: "a snapshot",
        why,
    }
}

/// The xxh3-128 hash of all items of a state: equal for equal states, whatever way they came about.
pub fn state_hash(body: &Body) -> u128 {
    let mut hash = Xxh3::new();
    let mut bytes = Vec::with_capacity(CHUNK);
    for item in body.items() {
        bytes = postcard::to_extend(&item, bytes).expect("a vector takes any number of bytes");
        if bytes.len() >= CHUNK / 2 {
            hash.update(&bytes);
            bytes.clear();
        }
    }
    hash.update(&bytes);
    hash.digest128()
}
