//! Idempotency keys: which entry answered a key, for the whole retention window.
//!
//! A key remembers a position, not an answer: the answer is a view of the entry there, so the first answer and every
//! repeated one are made from the same bytes and cannot differ. The key itself is kept as a 128-bit hash, with a
//! fingerprint of the request beside it, so that the same key with another request is noticed.

mod index;

use crate::numbers::Seq;
use crate::pages::{Queue, fitting};
use crate::time::{Span, Timestamp};
use index::Index;
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};

/// An idempotency key as the ledger keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u8; 24]", into = "[u8; 24]")]
pub struct Key {
    /// A 128-bit hash of the key's text (and of whose key it is), in two halves.
    pub hash: [u64; 2],
    /// A hash of the request that came with it.
    pub fingerprint: u64,
}

/// Hashes are random bytes: a fixed array is smaller than variable-length numbers.
impl From<Key> for [u8; 24] {
    fn from(key: Key) -> Self {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&key.hash[0].to_le_bytes());
        bytes[8..16].copy_from_slice(&key.hash[1].to_le_bytes());
        bytes[16..].copy_from_slice(&key.fingerprint.to_le_bytes());
        bytes
    }
}

impl From<[u8; 24]> for Key {
    fn from(bytes: [u8; 24]) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        Self {
            hash: [word(0), word(8)],
            fingerprint: word(16),
        }
    }
}

/// What is kept of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The key.
    pub key: Key,
    /// The entry that answered it.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
}

impl Remembered {
    fn is_within(&self, retention: Span, now: Timestamp) -> bool {
        let early = Span::from_millis(Defect::KeyForgottenEarly.is_on().into());
        now.since(self.at.minus(early)) <= retention
    }
}

/// A remembered key in 36 bytes: position and time take 48 bits each, which is what [`Seq::MOST`] and
/// [`Timestamp::MAX`] need.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packed {
    hash: [[u32; 2]; 2],
    fingerprint: [u32; 2],
    seq_low: u32,
    at_low: u32,
    seq_and_at_high: u32,
}

impl Packed {
    fn hash(&self) -> [u64; 2] {
        self.hash.map(whole)
    }
}

impl From<Remembered> for Packed {
    fn from(one: Remembered) -> Self {
        let at = Timestamp::from_millis(one.at.millis()).millis();
        let high = |number: u64| (number >> 32) as u32;
        Self {
            hash: one.key.hash.map(halves),
            fingerprint: halves(one.key.fingerprint),
            seq_low: one.seq.0 as u32,
            at_low: at as u32,
            seq_and_at_high: high(one.seq.0) << 16 | high(at),
        }
    }
}

impl From<&Packed> for Remembered {
    fn from(packed: &Packed) -> Self {
        let high = packed.seq_and_at_high;
        let at = whole([packed.at_low, high & 0xffff]);
        Self {
            key: Key {
                hash: packed.hash(),
                fingerprint: whole(packed.fingerprint),
            },
            seq: Seq(whole([packed.seq_low, high >> 16])),
            at: Timestamp::from_millis(at),
        }
    }
}

fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

fn whole([low, high]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Remembered keys, oldest first.
pub(crate) type KeyQueue = Queue<Packed, { fitting::<Packed>() }>;

/// The keys within the retention window, found by their hash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    queue: KeyQueue,
    index: Index,
}

impl Keys {
    pub(crate) fn from_queue(queue: KeyQueue) -> Self {
        let mut keys = Self {
            queue: Queue::starting_at(queue.front()),
            index: Index::with_room_for((queue.back() - queue.front()) as usize),
        };
        queue.iter().for_each(|(_, packed)| {
            keys.forget_same(packed.hash());
            keys.push(*packed);
        });
        keys
    }

    pub(crate) fn queue(&self) -> &KeyQueue {
        &self.queue
    }

    /// What a key stands for, if it was used within `retention` before `now`.
    pub(crate) fn find(&self, key: &Key, retention: Span, now: Timestamp) -> Option<Remembered> {
        let is_unseen = |found: &Remembered| Defect::KeyUnseenInFlight.is_on() && found.at == now;
        self.newest(key)
            .filter(|found| found.is_within(retention, now) && !is_unseen(found))
    }

    /// The newest entry that answered a key, as long as it is kept.
    pub(crate) fn newest(&self, key: &Key) -> Option<Remembered> {
        by_low(&self.queue, self.place(key.hash)?).map(Remembered::from)
    }

    fn place(&self, hash: [u64; 2]) -> Option<u32> {
        let is_it = |low| by_low(&self.queue, low).is_some_and(|found| found.hash() == hash);
        self.index.find(hash[0], is_it)
    }

    /// Whether there may be such a key: a look at its place that does not wait for the key.
    pub(crate) fn may_know(&self, key: &Key) -> bool {
        self.index.find(key.hash[0], |_| true).is_some()
    }

    /// Remembers that the entry `seq` answered `key` at `at`.
    pub(crate) fn remember(&mut self, key: Key, seq: Seq, at: Timestamp) {
        self.forget_same(key.hash);
        self.push(Remembered { key, seq, at }.into());
    }

    /// Forgets up to `most` keys that are past the retention window.
    pub(crate) fn forget(&mut self, retention: Span, now: Timestamp, most: usize) {
        for _ in 0..most {
            let front = self.queue.front();
            match self.queue.get(front).map(Remembered::from) {
                Some(oldest) if !oldest.is_within(retention, now) => {
                    self.index.remove(oldest.key.hash[0], front as u32);
                    self.queue.pop_front();
                }
                _ => return,
            }
        }
    }

    /// A key that comes again after its window replaces itself, so that the index never holds two of one hash.
    fn forget_same(&mut self, hash: [u64; 2]) {
        if let Some(low) = self.place(hash) {
            self.index.remove(hash[0], low);
        }
    }

    fn push(&mut self, packed: Packed) {
        let low = self.queue.push(packed) as u32;
        let queue = &self.queue;
        self.index.insert(packed.hash()[0], low, |low| {
            by_low(queue, low).map_or(0, |found| found.hash()[0])
        });
    }
}

/// The item whose number ends in these 32 bits; there is at most one, as fewer than 2^32 are kept.
fn by_low(queue: &KeyQueue, low: u32) -> Option<&Packed> {
    let offset = low.wrapping_sub(queue.front() as u32);
    queue.get(queue.front() + u64::from(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hash: u64) -> Key {
        Key {
            hash: [hash, 1],
            fingerprint: 7,
        }
    }

    #[test]
    fn a_key_takes_36_bytes_and_nothing_is_lost_at_the_bounds() {
        assert_eq!(size_of::<Packed>(), 36);
        for (seq, at) in [
            (Seq::ZERO, Timestamp::default()),
            (Seq::MOST, Timestamp::MAX),
            (Seq(1 << 32), Timestamp::from_millis(u64::from(u32::MAX))),
        ] {
            let hash = [u64::MAX - 1, 1 << 32];
            let key = Key {
                hash,
                fingerprint: 0x0123_4567_89ab_cdef,
            };
            let one = Remembered { key, seq, at };
            assert_eq!(Remembered::from(&Packed::from(one)), one);
        }
    }

    #[test]
    fn a_key_is_kept_for_its_whole_retention_also_after_the_year_2106() {
        let (mut keys, day) = (Keys::default(), Span::from_secs(86_400));
        let at = Timestamp::from_millis(5_000_000_000_001);
        keys.remember(key(1), Seq(1), at);
        let last = at.plus(day);
        assert!(keys.find(&key(1), day, last).is_some());
        let after = last.plus(Span::from_millis(1));
        assert!(keys.find(&key(1), day, after).is_none());
    }

    #[test]
    fn a_key_that_came_again_is_the_newer_one_also_when_the_older_is_forgotten() {
        let (mut keys, second) = (Keys::default(), Span::from_secs(1));
        keys.remember(key(1), Seq(1), Timestamp::from_millis(0));
        keys.remember(key(1), Seq(2), Timestamp::from_millis(2_000));
        keys.forget(second, Timestamp::from_millis(2_000), 4);
        assert_eq!(keys.queue().front(), 1);
        assert_eq!(keys.newest(&key(1)).map(|found| found.seq), Some(Seq(2)));
        let restored = Keys::from_queue(keys.queue().clone());
        assert_eq!(
            restored.newest(&key(1)).map(|found| found.seq),
            Some(Seq(2))
        );
    }
}
