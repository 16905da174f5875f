//! The 64-byte record: the one shape of everything in a file that is not payload.
//!
//! The last eight bytes are a checksum of the others. A record lies at a multiple of 64, so it never straddles a
//! 512-byte sector, and a sector is written as a whole or not at all, or at worst up to some byte. So a record that
//! was not fully written ends in a zero byte, and one that does not was written in full: if its checksum is wrong, it
//! was damaged later.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a disk writes as a whole.
pub(crate) const SECTOR: u64 = 512;

const CHECK: usize = 56;

/// 64 bytes; little endian.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record([u8; Self::BYTES]);

impl Record {
    pub(crate) const BYTES: usize = 64;

    pub(crate) fn blank() -> Self {
        Self([0; Self::BYTES])
    }

    /// The record at the start of `bytes`; what is missing counts as zero.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut record = Self::blank();
        let there = bytes.len().min(Self::BYTES);
        record.0[..there].copy_from_slice(&bytes[..there]);
        record
    }

    pub(crate) fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_le_bytes(bytes)
    }

    pub(crate) fn u64(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(bytes)
    }

    pub(crate) fn with_u32(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn with_u64(mut self, at: usize, value: u64) -> Self {
        self.0[at..at + 8].copy_from_slice(&value.to_le_bytes());
        self
    }

    /// Writes the checksum; `salt` ties the record to the file it is in.
    pub(crate) fn checked(self, salt: u64) -> Self {
        let sum = xxh3_64_with_seed(&self.0[..CHECK], salt);
        self.with_u64(CHECK, sum)
    }

    pub(crate) fn check(&self) -> u64 {
        self.u64(CHECK)
    }

    pub(crate) fn is_sound(&self, salt: u64) -> bool {
        xxh3_64_with_seed(&self.0[..CHECK], salt) == self.check()
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether it can be the beginning of a record that was not fully written.
    pub(crate) fn may_be_torn(&self) -> bool {
        self.0[Self::BYTES - 1] == 0
    }
}
