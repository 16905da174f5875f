//! A state as a stream of bytes: a version byte, then chunks of items, each chunk with its length before it.
//!
//! Version 2 gives each reservation that is kept with its number. Version 1 gave every slot from the oldest that was kept
//! on, forgotten or not; it is still read.

use crate::Malformed;
use onhand_core::body::Head;
use onhand_core::{Body, Catalogue, Item, LevelNo, LocationId, Seq, Sku, State, Thaw};
use std::io::{self, Read, Write};
use xxhash_rust::xxh3::Xxh3;

/// The version that is written.
const VERSION: u8 = 2;
/// The oldest version that is read.
const OLDEST: u8 = 1;
/// A chunk is closed when it has this many bytes.
const CHUNK: usize = 64 << 10;
/// A chunk that says it is longer is damaged.
const MOST_CHUNK: usize = 64 << 20;
/// Positions and numbers that are counted on from here never reach their end.
const MOST_NUMBER: u64 = u64::MAX / 2;

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
    if !(OLDEST..=VERSION).contains(&version[0]) {
        return Err(SnapshotError::Malformed(Malformed::Version {
            found: version[0],
            newest: VERSION,
        }));
    }
    let (mut thaw, mut seen) = (Thaw::default(), Seen::default());
    let mut chunk = Vec::new();
    loop {
        read_chunk(source, &mut chunk)?;
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let (item, after) = postcard::take_from_bytes::<Item>(rest)
                .map_err(|error| malformed(error.to_string()))?;
            rest = after;
            seen.admit(&item).map_err(|why| malformed(why.into()))?;
            if let Some(state) = thaw.take(item) {
                return Ok(*state);
            }
        }
    }
}

/// How much of a state was read. A number stands for what came before it; one that does not is refused, as a state
/// with it would reserve room for all numbers below, or fail where it is looked at.
#[derive(Default)]
struct Seen {
    head: bool,
    locations: u64,
    skus: u64,
    levels: u64,
    /// The numbers that the next reservation that is kept may have.
    reservations: std::ops::Range<u64>,
}

impl Seen {
    fn admit(&mut self, item: &Item) -> Result<(), &'static str> {
        let is_first = !std::mem::replace(&mut self.head, true);
        if is_first != matches!(item, Item::Head(_)) {
            return Err("it does not begin with its one head");
        }
        let is_sound = match item {
            Item::Head(head) => {
                self.reservations = 0..head.fronts[0];
                can_be_counted_on(head)
            }
            Item::Location(name) => count(&mut self.locations, LocationId::new(name).is_ok()),
            Item::Sku(name) => count(&mut self.skus, Sku::new(name).is_ok()),
            Item::Level(location, sku, _) => {
                let is_named =
                    u64::from(location.0) < self.locations && u64::from(sku.0) < self.skus;
                count(&mut self.levels, is_named)
            }
            Item::Reservation(Some(one)) => one.lines.iter().all(|line| self.has(line.level)),
            Item::Kept(no, one) => {
                let is_next = self.reservations.contains(&no.0);
                self.reservations.start = no.0.saturating_add(1);
                is_next && one.lines.iter().all(|line| self.has(line.level))
            }
            Item::Key(key) => key.seq <= Seq::MOST,
            Item::Change(change) => self.has(change.level),
            Item::Incoming(_, one) => one.lines.iter().all(|line| self.has(line.level)),
            _ => true,
        };
        is_sound
            .then_some(())
            .ok_or("it holds a name or a number that cannot be")
    }

    fn has(&self, level: LevelNo) -> bool {
        u64::from(level.0) < self.levels
    }
}

fn count(counter: &mut u64, is_sound: bool) -> bool {
    *counter += 1;
    is_sound && *counter <= Catalogue::MOST_LEVELS.into()
}

fn can_be_counted_on(head: &Head) -> bool {
    let numbers = head.fronts.iter().copied();
    numbers
        .chain([head.last.seq.0, head.next_transfer])
        .all(|number| number <= MOST_NUMBER)
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
