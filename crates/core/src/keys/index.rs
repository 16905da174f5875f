//! From a key's hash to its place in the queue.
//!
//! It holds five bytes a key, four of its place and one of its hash, and never the key, which lies where the place
//! points. It is never iterated, so its order cannot leak into the state. It is cut into shards, so that growing moves
//! one small shard at a time and the writer never stops for the whole of it.

use hashbrown::HashTable;

const SHARDS: usize = 256;

/// Places by hash.
#[derive(Clone, Debug)]
pub(super) struct Index {
    shards: Vec<HashTable<u32>>,
}

impl Default for Index {
    fn default() -> Self {
        Self::with_room_for(0)
    }
}

impl Index {
    /// An index that so many places fit in before it grows, give or take what chance gives one shard more than another.
    pub(super) fn with_room_for(places: usize) -> Self {
        Self {
            shards: vec![HashTable::with_capacity(places / SHARDS); SHARDS],
        }
    }

    /// The number under `hash` for which `is_it` holds.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.shards[shard(hash)]
            .find(hash, |&no| is_it(no))
            .copied()
    }

    /// Adds `no` under `hash`; `rehash` tells the hash of a number that is there already.
    pub(super) fn insert(&mut self, hash: u64, no: u32, rehash: impl Fn(u32) -> u64) {
        self.shards[shard(hash)].insert_unique(hash, no, |&no| rehash(no));
    }

    /// Takes `no` out.
    pub(super) fn remove(&mut self, hash: u64, no: u32) {
        if let Ok(found) = self.shards[shard(hash)].find_entry(hash, |&other| other == no) {
            found.remove();
        }
    }
}

/// The table itself uses the lowest and the highest bits; the shard is told by bits in between.
fn shard(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}
