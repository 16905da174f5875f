//! The 64-byte records of log and snapshot files, as the modules of the log describe them, written by hand: what puts
//! right must not trust what is fuzzed.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The bytes of a record.
pub const RECORD: usize = 64;
const CHECK: usize = 56;

/// The 64 bytes at `at`, if they are there.
pub fn at(file: &[u8], at: usize) -> Option<&[u8; RECORD]> {
    file.get(at..)?.first_chunk()
}

/// The number in the 8 bytes at `at`; 0 where there are none.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The number in the 4 bytes at `at`; 0 where there are none.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Writes over the bytes at `at`, as far as the file goes.
pub fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    let there = file.get_mut(at..).unwrap_or_default().iter_mut();
    there.zip(bytes).for_each(|(to, from)| *to = *from);
}

/// Puts the checksum of the record at `at` right. Gives it.
pub fn check(file: &mut [u8], at: usize, salt: u64) -> u64 {
    let Some(record) = self::at(file, at) else {
        return 0;
    };
    let sum = xxh3_64_with_seed(&record[..CHECK], salt);
    put(file, at + CHECK, &sum.to_le_bytes());
    sum
}
