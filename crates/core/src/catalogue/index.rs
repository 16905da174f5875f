//! From a hash to a number: a hash table that one writer extends while any number of readers search, without locks.
//!
//! The problem: ten million levels must be found by name, by the writer and by every reader, and a byte in each slot
//! is ten megabytes. The rule: a slot holds four bytes, a number of 27 bits and 5 bits of the hash, and never the key,
//! which lies where the number points. The 5 bits spare all but one in 32 looks at a key that is another's. Slots are
//! searched one after the other from where the hash falls, so that most searches end within a cache line.
//!
//! It is cut into shards, so that growing moves one small shard at a time. A shard that grows is built anew, half as
//! large again, and a new list of shards is put in place of the old one; a reader that still has the old one misses only
//! what came after it began. Nothing is ever taken out.
//!
//! Taking the list costs two locked instructions, across which a processor looks nothing up ahead. So who has many to
//! find takes it once ([`Index::view`]): then the cache misses of all of them overlap.

use crate::probe::probe;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const SHARDS: usize = 256;
const FIRST_SLOTS: usize = 16;
const NUMBER_BITS: u32 = 27;
const NUMBER: u32 = (1 << NUMBER_BITS) - 1;

type Slots = Box<[AtomicU32]>;
type Shards = Box<[Arc<Slots>]>;

/// Numbers found by the hash of what they stand for. The hash must be mixed well in all its bits.
#[derive(Debug)]
pub(super) struct Index {
    shards: ArcSwap<Shards>,
    /// How many slots of each shard are taken.
    used: Box<[AtomicU32]>,
}

/// The index as it was at one moment, or newer.
pub(super) struct View(Guard<Arc<Shards>>);

impl Default for Index {
    fn default() -> Self {
        Self::with_room_for(0)
    }
}

impl Index {
    /// Numbers from here on have no place in a slot.
    pub(super) const MOST: u32 = NUMBER;

    /// An index that so many numbers fit in before it grows, give or take what chance gives one shard more than
    /// another.
    pub(super) fn with_room_for(numbers: usize) -> Self {
        let slots = (numbers / SHARDS) * 5 / 4;
        let none = Arc::new(free_slots(0));
        let shards: Shards = match slots {
            0 => vec![none; SHARDS].into(),
            some => (0..SHARDS).map(|_| Arc::new(free_slots(some))).collect(),
        };
        Self {
            shards: ArcSwap::new(Arc::new(shards)),
            used: (0..SHARDS).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// The index as it is now, to find many.
    pub(super) fn view(&self) -> View {
        View(self.shards.load())
    }

    /// The number under `hash` for which `is_it` holds.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.view().find(hash, is_it)
    }

    /// Adds `no`, which is below [`Index::MOST`], under `hash`. Called by the one writer only; `rehash` tells the hash
    /// of a number that is there.
    pub(super) fn insert(&self, hash: u64, no: u32, rehash: impl Fn(u32) -> u64) {
        let shard = shard(hash);
        let used = self.used[shard].load(Ordering::Relaxed) + 1;
        let shards = self.shards.load();
        let slots = &shards[shard];
        let is_crowded = used as usize * 8 > slots.len() * 7;
        if is_crowded {
            let slots = grown(slots, rehash);
            place(&slots, hash, no);
            let mut shards = Shards::clone(&shards);
            shards[shard] = Arc::new(slots);
            self.shards.store(Arc::new(shards));
        } else {
            place(slots, hash, no);
        }
        self.used[shard].store(used, Ordering::Relaxed);
    }
}

impl View {
    /// The number under `hash` for which `is_it` holds.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let slots = &self.0[shard(hash)];
        for at in probe(hash, slots.len()) {
            match slots[at].load(Ordering::Acquire) {
                0 => return None,
                slot if slot >> NUMBER_BITS == tag(hash) && is_it(number(slot)) => {
                    return Some(number(slot));
                }
                _ => {}
            }
        }
        None
    }

    /// A number that may be the one under `hash`: nearly always it is, and it is told without a look at what the
    /// number stands for.
    pub(super) fn guess(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }
}

fn shard(hash: u64) -> usize {
    (hash >> 5) as usize % SHARDS
}

fn number(slot: u32) -> u32 {
    (slot & NUMBER) - 1
}

/// The hash's lowest bits. The shard is told by those above them, the place in it by the highest.
fn tag(hash: u64) -> u32 {
    hash as u32 & (u32::MAX >> NUMBER_BITS)
}

fn free_slots(slots: usize) -> Slots {
    (0..slots).map(|_| AtomicU32::new(0)).collect()
}

fn grown(old: &Slots, rehash: impl Fn(u32) -> u64) -> Slots {
    let new = free_slots((old.len() + old.len() / 2).max(FIRST_SLOTS));
    let slots = old.iter().map(|slot| slot.load(Ordering::Relaxed));
    for no in slots.filter(|slot| *slot != 0).map(number) {
        place(&new, rehash(no), no);
    }
    new
}

fn place(slots: &Slots, hash: u64, no: u32) {
    let is_free = |at: &usize| slots[*at].load(Ordering::Relaxed) == 0;
    if let Some(at) = probe(hash, slots.len()).find(is_free) {
        slots[at].store(tag(hash) << NUMBER_BITS | (no + 1), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    fn hash(no: u32) -> u64 {
        xxh3_64(&no.to_le_bytes())
    }

    fn is_whole(index: &Index, count: u32) {
        for no in 0..count {
            assert_eq!(index.find(hash(no), |found| found == no), Some(no));
        }
        let absent = (count..2 * count).find_map(|no| index.find(hash(no), |found| found == no));
        assert_eq!(absent, None);
    }

    #[test]
    fn what_was_added_is_found_and_nothing_else_however_it_grew() {
        for room in [0, 10, 50_000] {
            let index = Index::with_room_for(room);
            (0..50_000).for_each(|no| index.insert(hash(no), no, hash));
            is_whole(&index, 50_000);
        }
    }

    #[test]
    fn numbers_of_one_hash_are_told_apart_by_what_they_stand_for() {
        let index = Index::default();
        (0..100).for_each(|no| index.insert(7, no, |_| 7));
        (0..100).for_each(|no| assert_eq!(index.find(7, |found| found == no), Some(no)));
        assert_eq!(index.find(7, |_| false), None);
    }

    #[test]
    fn the_highest_number_has_a_place() {
        let (index, no) = (Index::default(), Index::MOST - 1);
        index.insert(hash(no), no, hash);
        assert_eq!(index.find(hash(no), |found| found == no), Some(no));
    }
}
