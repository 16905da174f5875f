//! A hash index that one writer extends while any number of readers search, without locks.
//!
//! Open addressing in shards; a slot holds a number plus one, 0 if it is free, and the key lies where the number
//! points. A shard that grows is built anew and put in place of the old one; a reader that still has the old one
//! misses only what came after it began.

use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const SHARDS: usize = 64;
const FIRST_SLOTS: usize = 16;

type Slots = Box<[AtomicU32]>;

/// Numbers found by the hash of what they stand for.
#[derive(Debug)]
pub(super) struct SharedIndex {
    shards: Vec<Shard>,
}

#[derive(Debug)]
struct Shard {
    slots: ArcSwap<Slots>,
    used: AtomicU32,
}

impl SharedIndex {
    pub(super) fn new() -> Self {
        let shard = |_| Shard {
            slots: ArcSwap::new(Arc::new(free_slots(FIRST_SLOTS))),
            used: AtomicU32::new(0),
        };
        Self {
            shards: (0..SHARDS).map(shard).collect(),
        }
    }

    /// The number under `hash` for which `is_it` holds.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let slots = self.shard(hash).slots.load();
        for at in probe(hash, slots.len()) {
            match slots[at].load(Ordering::Acquire) {
                0 => return None,
                slot if is_it(slot - 1) => return Some(slot - 1),
                _ => {}
            }
        }
        None
    }

    /// Adds `no` under `hash`. Called by the one writer only; `rehash` tells the hash of a number that is there.
    pub(super) fn insert(&self, hash: u64, no: u32, rehash: impl Fn(u32) -> u64) {
        let shard = self.shard(hash);
        let used = shard.used.load(Ordering::Relaxed) + 1;
        let mut slots = shard.slots.load_full();
        let is_crowded = used as usize * 4 > slots.len() * 3;
        if is_crowded {
            slots = Arc::new(grown(&slots, rehash));
            place(&slots, hash, no);
            shard.slots.store(slots);
        } else {
            place(&slots, hash, no);
        }
        shard.used.store(used, Ordering::Relaxed);
    }

    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> 56) as usize % SHARDS]
    }
}

fn free_slots(slots: usize) -> Slots {
    (0..slots).map(|_| AtomicU32::new(0)).collect()
}

fn grown(old: &Slots, rehash: impl Fn(u32) -> u64) -> Slots {
    let new = free_slots(old.len() * 2);
    let numbers = old.iter().map(|slot| slot.load(Ordering::Relaxed));
    for slot in numbers.filter(|slot| *slot != 0) {
        place(&new, rehash(slot - 1), slot - 1);
    }
    new
}

fn place(slots: &Slots, hash: u64, no: u32) {
    let is_free = |at: &usize| slots[*at].load(Ordering::Relaxed) == 0;
    if let Some(at) = probe(hash, slots.len()).find(is_free) {
        slots[at].store(no + 1, Ordering::Release);
    }
}

/// Every slot once, from the hash's own on. The number of slots is a power of two.
fn probe(hash: u64, slots: usize) -> impl Iterator<Item = usize> {
    (0..slots).map(move |step| (hash as usize).wrapping_add(step) & (slots - 1))
}
