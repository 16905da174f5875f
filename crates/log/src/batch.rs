//! A batch: what one append makes durable.

use xxhash_rust::xxh3::Xxh3;

/// The xxh3-64 checksum of a batch: of its position, its epoch, the checksum of the batch before, and its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Checksum(pub u64);

/// Where a log ends. The next batch must start here and carry this checksum; an append that expects another tail is
/// fenced off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The position of the next record; the first record of a log has 1.
    pub next: u64,
    /// The checksum of the last batch; zero if there is none.
    pub checksum: Checksum,
}

impl Tail {
    /// The tail of an empty log.
    pub const EMPTY: Self = Self {
        next: 1,
        checksum: Checksum(0),
    };
}

/// Records with consecutive positions that become durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The position of the first record.
    pub first: u64,
    /// How many records; at least one.
    pub records: u32,
    /// The term of the leader that wrote it; 0 where there is only one.
    pub epoch: u32,
    /// When it was closed, in milliseconds since the epoch of time; never before that of the batch before it. Lets a
    /// reader find a time without decoding.
    pub at_millis: u64,
    /// The checksum of the batch before it: the chain.
    pub before: Checksum,
    /// The records' bytes.
    pub payload: Vec<u8>,
}

impl Batch {
    /// The most bytes of a payload.
    pub const MOST_BYTES: usize = 32 << 20;

    /// Positions end here: far more than will ever be written, and adding to one never overflows.
    pub const LAST_POSITION: u64 = u64::MAX / 2;

    /// The position after its last record.
    pub fn next(&self) -> u64 {
        self.first + u64::from(self.records)
    }

    /// Its checksum, which covers everything in it.
    pub fn checksum(&self) -> Checksum {
        let mut hash = Xxh3::new();
        hash.update(&self.first.to_le_bytes());
        hash.update(&self.records.to_le_bytes());
        hash.update(&self.epoch.to_le_bytes());
        hash.update(&self.at_millis.to_le_bytes());
        hash.update(&self.before.0.to_le_bytes());
        hash.update(&self.payload);
        Checksum(hash.digest())
    }

    /// The tail of a log that ends with it.
    pub fn tail(&self) -> Tail {
        Tail {
            next: self.next(),
            checksum: self.checksum(),
        }
    }

    /// Whether it can follow a log with this tail.
    pub fn follows(&self, tail: &Tail) -> bool {
        self.first == tail.next && self.before == tail.checksum
    }
}
