//! The plain segment writer, in every way of making it durable we thought of.

use std::fs::{File, OpenOptions};
use std::io::IoSlice;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::{ReadWriteFlags, pwritev2};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Log, Open, Outcome};

pub const SEGMENT: u64 = 64 << 20;
const HEADER: usize = 48;
const BLOCK: usize = 4096;
/// From this size on, a batch has no zeros written after it.
const LARGE: u64 = 128 << 10;
/// Enough for the longest run of zeros written at once.
static ZEROS: [u8; (1 << 20) + BLOCK] = [0; (1 << 20) + BLOCK];
const MAGIC: u32 = 0x4f48_4c47;

/// How the space of a segment is made ready.
#[derive(Clone, Copy)]
enum Space {
    /// The file grows with every batch.
    Grows,
    /// `fallocate`: the space is there, but its blocks count as never written.
    Allocated,
    /// Written with zeros and synced, before the first batch.
    Zeroed,
    /// Allocated; whenever a batch reaches blocks not yet written, this many
    /// bytes after it are written with zeros, and its own sync covers them.
    Ahead(u64),
}

/// How a batch is made durable.
#[derive(Clone, Copy)]
enum Sync {
    Fdatasync,
    /// The file is opened with `O_DSYNC`.
    Dsync,
    /// `pwritev2` with `RWF_DSYNC`.
    WriteDsync,
    /// `O_DIRECT`, batches padded to 4 KiB, then `fdatasync`.
    Direct,
    /// `O_DIRECT` and `O_DSYNC`, batches padded to 4 KiB.
    DirectDsync,
}

impl Sync {
    fn flags(self) -> OFlags {
        match self {
            Sync::Fdatasync | Sync::WriteDsync => OFlags::empty(),
            Sync::Dsync => OFlags::DSYNC,
            Sync::Direct => OFlags::DIRECT,
            Sync::DirectDsync => OFlags::DIRECT | OFlags::DSYNC,
        }
    }

    fn is_direct(self) -> bool {
        matches!(self, Sync::Direct | Sync::DirectDsync)
    }
}

struct Plain {
    dir: PathBuf,
    space: Space,
    sync: Sync,
    file: File,
    segment: u64,
    offset: u64,
    /// Up to here the segment has been written with zeros.
    ready: u64,
    sequence: u64,
    chain: u64,
    buffer: Vec<u8>,
}

impl Plain {
    fn open(dir: &Path, space: Space, sync: Sync) -> Outcome<Box<dyn Log>> {
        Ok(Box::new(Plain {
            dir: dir.to_owned(),
            space,
            sync,
            file: new_segment(dir, 0, space, sync)?,
            segment: 0,
            offset: 0,
            ready: 0,
            sequence: 0,
            chain: 0,
            buffer: Vec::new(),
        }))
    }

    /// Lays header and payload into the buffer and returns where they lie in it:
    /// aligned and padded to whole blocks if the writes are direct.
    fn frame(&mut self, batch: &[u8]) -> (usize, usize) {
        let len = HEADER + batch.len();
        let padded = if self.sync.is_direct() {
            len.next_multiple_of(BLOCK)
        } else {
            len
        };
        self.buffer.resize(padded + BLOCK, 0);
        let start = match self.sync.is_direct() {
            true => self.buffer.as_ptr().align_offset(BLOCK),
            false => 0,
        };
        let header = self.header(batch);
        let place = &mut self.buffer[start..start + padded];
        place[..HEADER].copy_from_slice(&header);
        place[HEADER..len].copy_from_slice(batch);
        place[len..].fill(0);
        (start, start + padded)
    }

    /// Each header carries the checksum of its payload, the checksum of the
    /// header before it, and its own, which the next one will carry.
    fn header(&mut self, batch: &[u8]) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        header[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        header[16..24].copy_from_slice(&(batch.len() as u64).to_le_bytes());
        header[24..32].copy_from_slice(&self.chain.to_le_bytes());
        header[32..40].copy_from_slice(&xxh3_64(batch).to_le_bytes());
        self.chain = xxh3_64(&header[..40]);
        header[40..48].copy_from_slice(&self.chain.to_le_bytes());
        header
    }

    fn roll(&mut self) -> Outcome {
        self.segment += 1;
        self.file = new_segment(&self.dir, self.segment, self.space, self.sync)?;
        self.offset = 0;
        self.ready = 0;
        Ok(())
    }

    /// Writes zeros after a batch that is about to be written, if it is due.
    fn zero_ahead(&mut self, start: u64, end: u64) -> Outcome {
        if let Space::Ahead(step) = self.space
            && end > self.ready
        {
            let zeros = zeros_after(start, end, step);
            self.file.write_all_at(zeros, end)?;
            self.ready = end + zeros.len() as u64;
        }
        Ok(())
    }
}

/// The zeros to write after a batch that lies at `start..end`. A large batch
/// gains nothing by them: they would be most of the work.
pub fn zeros_after(start: u64, end: u64, step: u64) -> &'static [u8] {
    if end - start >= LARGE {
        return &[];
    }
    let ready = (end + step).next_multiple_of(BLOCK as u64).min(SEGMENT);
    &ZEROS[..ready.saturating_sub(end) as usize]
}

impl Log for Plain {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        let (start, end) = self.frame(batch);
        if self.offset + (end - start) as u64 > SEGMENT {
            self.roll()?;
        }
        self.zero_ahead(self.offset, self.offset + (end - start) as u64)?;
        let bytes = &self.buffer[start..end];
        match self.sync {
            Sync::WriteDsync => write_dsync(&self.file, bytes, self.offset)?,
            _ => self.file.write_all_at(bytes, self.offset)?,
        }
        if matches!(self.sync, Sync::Fdatasync | Sync::Direct) {
            self.file.sync_data()?;
        }
        self.offset += bytes.len() as u64;
        self.sequence += 1;
        Ok(())
    }
}

fn write_dsync(file: &File, bytes: &[u8], offset: u64) -> Outcome {
    let written = pwritev2(file, &[IoSlice::new(bytes)], offset, ReadWriteFlags::DSYNC)?;
    if written == bytes.len() {
        Ok(())
    } else {
        Err("short write".into())
    }
}

fn new_segment(dir: &Path, number: u64, space: Space, sync: Sync) -> Outcome<File> {
    let path = dir.join(format!("{number:020}.log"));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    match space {
        Space::Grows => {}
        Space::Allocated | Space::Ahead(_) => {
            fallocate(&file, FallocateFlags::empty(), 0, SEGMENT)?
        }
        Space::Zeroed => fill_with_zeros(&file)?,
    }
    file.sync_all()?;
    File::open(dir)?.sync_all()?;
    drop(file);
    let flags = sync.flags().bits() as i32;
    Ok(OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(&path)?)
}

/// A segment file with its space allocated, for a store of our own.
pub fn allocated_file(dir: &Path) -> Outcome<File> {
    new_segment(dir, 0, Space::Allocated, Sync::Fdatasync)
}

fn fill_with_zeros(file: &File) -> Outcome {
    let zeros = &ZEROS[..1 << 20];
    for offset in (0..SEGMENT).step_by(zeros.len()) {
        file.write_all_at(zeros, offset)?;
    }
    Ok(())
}

/// The writer as the rule words it: space allocated, `fdatasync`.
pub fn allocated(dir: &Path) -> Outcome<Box<dyn Log>> {
    Plain::open(dir, Space::Allocated, Sync::Fdatasync)
}

/// The same with its space written beforehand.
pub fn zeroed(dir: &Path) -> Outcome<Box<dyn Log>> {
    Plain::open(dir, Space::Zeroed, Sync::Fdatasync)
}

/// Zeros written 1 MiB ahead of the batches, and made durable with them.
pub fn ahead(dir: &Path) -> Outcome<Box<dyn Log>> {
    Plain::open(dir, Space::Ahead(1 << 20), Sync::Fdatasync)
}

pub fn all() -> Vec<(&'static str, Open)> {
    use Space::*;
    vec![
        ("zeroed+fdatasync", zeroed as Open),
        ("allocated+fdatasync", allocated),
        ("ahead 1M+fdatasync", ahead),
        ("ahead 256K+fdatasync", |d| {
            Plain::open(d, Ahead(256 << 10), Sync::Fdatasync)
        }),
        ("ahead 1M+RWF_DSYNC", |d| {
            Plain::open(d, Ahead(1 << 20), Sync::WriteDsync)
        }),
        ("grows+fdatasync", |d| {
            Plain::open(d, Grows, Sync::Fdatasync)
        }),
        ("zeroed+O_DSYNC", |d| Plain::open(d, Zeroed, Sync::Dsync)),
        ("zeroed+RWF_DSYNC", |d| {
            Plain::open(d, Zeroed, Sync::WriteDsync)
        }),
        ("zeroed+O_DIRECT+fdatasync", |d| {
            Plain::open(d, Zeroed, Sync::Direct)
        }),
        ("zeroed+O_DIRECT+O_DSYNC", |d| {
            Plain::open(d, Zeroed, Sync::DirectDsync)
        }),
        ("allocated+O_DIRECT+O_DSYNC", |d| {
            Plain::open(d, Allocated, Sync::DirectDsync)
        }),
    ]
}

/// What it costs to make a segment ready, the part `append` does not show.
pub fn time_preparation(dir: &Path) -> Outcome {
    for (name, space) in [("allocated", Space::Allocated), ("zeroed", Space::Zeroed)] {
        let mut times = Vec::new();
        for round in 0..7 {
            let home = crate::measure::fresh(dir, &format!("{name}-{round}"))?;
            let start = Instant::now();
            new_segment(&home, 0, space, Sync::Fdatasync)?;
            times.push(start.elapsed());
        }
        times.sort();
        println!(
            "{name}: a 64 MiB segment ready in {:.1?} (median of 7)",
            times[3]
        );
    }
    crate::measure::clear(dir)
}
