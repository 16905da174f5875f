//! From a key's hash to its place in the queue.
//!
//! The problem: beside its key a place must cost little, whatever the number of keys; and keys come and go at the same
//! rate for ever. The rule: a slot holds five bytes, four of the place and one of the hash, and never the key, which lies
//! where the place points. Slots are searched one after the other from where the hash falls, so that most searches end
//! within a cache line or two. A slot whose place was taken out stays marked, as searches must go on past it, unless
//! nothing comes after it; the next place that is put there takes it again.
//!
//! It is cut into shards, so that the writer never stops for the whole of it: one small shard at a time is built anew when
//! four fifths of it are taken or marked, in another size if need be. Sizes are powers of two and those and a half, which
//! allocators keep nearly without a remainder. It is never iterated, so its order cannot leak into the state.

use crate::ahead::NEAR;
use crate::probe::probe;

const SHARDS: usize = 256;
const LEAST_SLOTS: usize = 12;
/// The first byte of a slot that nothing was put into yet, …
const FREE: u8 = 0;
/// … and of one that its place was taken out of. In all others it is a part of the hash.
const GONE: u8 = 1;

type Slot = [u8; 5];

/// Places by hash. The hash must be mixed well in all its bits.
#[derive(Clone, Debug)]
pub(super) struct Index {
    shards: Vec<Shard>,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    slots: Box<[Slot]>,
    /// Slots with a place.
    live: usize,
    /// Slots that are not free: those, and the marked.
    taken: usize,
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
            shards: vec![Shard::with_room_for(places / SHARDS); SHARDS],
        }
    }

    /// The number under `hash` for which `is_it` holds.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let shard = &self.shards[shard(hash)];
        shard.find(hash, is_it).map(|at| no(shard.slots[at]))
    }

    /// Adds `no` under `hash`; `rehash` tells the hash of a number that is there already.
    pub(super) fn insert(&mut self, hash: u64, no: u32, rehash: impl Fn(u32) -> u64) {
        let shard = &mut self.shards[shard(hash)];
        if (shard.taken + 1) * 5 > shard.slots.len() * 4 {
            *shard = shard.rebuilt(rehash);
        }
        shard.place(hash, no);
    }

    /// Takes `no` out.
    pub(super) fn remove(&mut self, hash: u64, no: u32) {
        let shard = &mut self.shards[shard(hash)];
        if let Some(at) = shard.find(hash, |other| other == no) {
            shard.take_out(at);
        }
    }
}

impl Shard {
    fn with_room_for(places: usize) -> Self {
        let slots = match places {
            0 => 0,
            some => size(some * 5 / 4 + 1),
        };
        Self {
            slots: vec![[FREE; 5]; slots].into(),
            ..Self::default()
        }
    }

    /// The slot under `hash` for whose number `is_it` holds.
    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let tag = tag(hash);
        for at in probe(hash, self.slots.len()) {
            let slot = self.slots[at];
            match slot[0] {
                FREE => return None,
                found if found == tag && is_it(no(slot)) => return Some(at),
                _ => {}
            }
        }
        None
    }

    fn place(&mut self, hash: u64, no: u32) {
        let is_open = |at: &usize| self.slots[*at][0] <= GONE;
        if let Some(at) = probe(hash, self.slots.len()).find(is_open) {
            self.taken += usize::from(self.slots[at][0] == FREE);
            self.live += 1;
            let [a, b, c, d] = no.to_le_bytes();
            self.slots[at] = [tag(hash), a, b, c, d];
        }
    }

    fn take_out(&mut self, mut at: usize) {
        let slots = self.slots.len();
        self.live -= 1;
        self.slots[at][0] = GONE;
        // No search goes on past a free slot, so marks before one are of no use.
        if self.slots[(at + 1) % slots][0] == FREE {
            while self.slots[at][0] == GONE {
                self.slots[at][0] = FREE;
                self.taken -= 1;
                at = (at + slots - 1) % slots;
            }
        }
    }

    /// The same places with no marks between them, and room for an eighth more at least.
    fn rebuilt(&self, rehash: impl Fn(u32) -> u64) -> Self {
        let mut new = Self::with_room_for((self.live + 1) * 9 / 8);
        let live = self.slots.iter().filter(|slot| slot[0] > GONE);
        let live: Vec<u32> = live.map(|slot| no(*slot)).collect();
        for some in live.chunks(NEAR) {
            // All hashes first: each waits for the queue's memory.
            let mut hashes = [0; NEAR];
            some.iter()
                .zip(&mut hashes)
                .for_each(|(no, hash)| *hash = rehash(*no));
            some.iter()
                .zip(hashes)
                .for_each(|(no, hash)| new.place(hash, *no));
        }
        new
    }
}

/// The next size up: a power of two, or one and a half.
fn size(slots: usize) -> usize {
    let power = slots.max(LEAST_SLOTS).next_power_of_two();
    match power / 4 * 3 {
        less if less >= slots => less,
        _ => power,
    }
}

fn no(slot: Slot) -> u32 {
    let [_, a, b, c, d] = slot;
    u32::from_le_bytes([a, b, c, d])
}

/// The hash's lowest bits, none of which is free or gone. The shard is told by those above them, the place in it by the
/// highest.
fn tag(hash: u64) -> u8 {
    (hash as u8).max(GONE + 1)
}

fn shard(hash: u64) -> usize {
    (hash >> 8) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn hash(no: u32) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&no.to_le_bytes())
    }

    fn has(index: &Index, no: u32) -> bool {
        index.find(hash(no), |found| found == no).is_some()
    }

    #[test]
    fn what_is_in_is_found_and_nothing_else_however_keys_come_and_go() {
        for room in [0, 10, 30_000] {
            let mut index = Index::with_room_for(room);
            let mut there = VecDeque::new();
            // It grows, is held at that for ten times as many, and shrinks.
            for no in 0..300_000 {
                index.insert(hash(no), no, hash);
                there.push_back(no);
                let most = if no < 250_000 { 25_000 } else { 1_000 };
                while there.len() > most {
                    let oldest = there.pop_front().unwrap();
                    index.remove(hash(oldest), oldest);
                }
            }
            assert!(there.iter().all(|no| has(&index, *no)));
            assert!(!(0..there[0]).any(|no| has(&index, no)));
            assert!(!(300_000..400_000).any(|no| has(&index, no)));
            let live: usize = index.shards.iter().map(|shard| shard.live).sum();
            assert_eq!(live, there.len());
        }
    }

    #[test]
    fn numbers_of_one_hash_are_told_apart_by_what_they_stand_for() {
        let mut index = Index::default();
        (0..100).for_each(|no| index.insert(7, no, |_| 7));
        (0..100).for_each(|no| assert_eq!(index.find(7, |found| found == no), Some(no)));
        (0..99).for_each(|no| index.remove(7, no));
        assert_eq!(index.find(7, |_| true), Some(99));
        index.remove(7, 99);
        assert_eq!(index.find(7, |_| true), None);
        assert!(index.shards.iter().all(|shard| shard.taken == 0));
    }

    /// Between 6.25 bytes, when it is full, and 10.5, of a shard that was just built anew.
    #[test]
    fn a_place_takes_less_than_eleven_bytes_however_many_there_are() {
        for most in [usize::MAX, 180_000, 186_000, 200_000] {
            let (mut index, mut there) = (Index::default(), VecDeque::new());
            for no in 0..500_000 {
                index.insert(hash(no), no, hash);
                there.push_back(no);
                if there.len() > most {
                    let oldest = there.pop_front().unwrap();
                    index.remove(hash(oldest), oldest);
                }
                if no >= 50_000 && no % 10_000 == 0 {
                    let slots: usize = index.shards.iter().map(|shard| shard.slots.len()).sum();
                    let (bytes, live) = (size_of::<Slot>() * slots, there.len());
                    assert!(bytes <= live * 11, "{bytes} bytes for {live}");
                }
            }
        }
    }
}
