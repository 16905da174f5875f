//! From a hash to a number: the only hash table of the core.
//!
//! It holds four bytes an item and never the key, which lies where the number points. It is never iterated, so its
//! order cannot leak into the state. It is cut into shards, so that growing moves one small shard at a time and the
//! writer never stops for the whole of it.

use hashbrown::HashTable;

const SHARDS: usize = 256;

/// Numbers found by the hash of what they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    shards: Vec<HashTable<u32>>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            shards: vec![HashTable::new(); SHARDS],
        }
    }
}

impl Index {
    /// The number under `hash` for which `is_it` holds.
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.shards[shard(hash)]
            .find(hash, |&no| is_it(no))
            .copied()
    }

    /// Adds `no` under `hash`; `rehash` tells the hash of a number that is there already.
    pub(crate) fn insert(&mut self, hash: u64, no: u32, rehash: impl Fn(u32) -> u64) {
        self.shards[shard(hash)].insert_unique(hash, no, |&no| rehash(no));
    }

    /// Takes `no` out.
    pub(crate) fn remove(&mut self, hash: u64, no: u32) {
        if let Ok(found) = self.shards[shard(hash)].find_entry(hash, |&other| other == no) {
            found.remove();
        }
    }
}

/// The table itself uses the lowest and the highest bits; the shard is told by bits in between.
fn shard(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}
