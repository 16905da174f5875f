//! Idempotency keys: which entry answered a key, for the whole retention window.
//!
//! A key remembers a position, not an answer: the answer is a view of the entry there, so the first answer and every
//! repeated one are made from the same bytes and cannot differ. The key itself is kept as a 128-bit hash, with a
//! fingerprint of the request beside it, so that the same key with another request is noticed.

use crate::index::Index;
use crate::numbers::Seq;
use crate::pages::Queue;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// An idempotency key as the ledger keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// A 128-bit hash of the key's text (and of whose key it is), in two halves.
    pub hash: [u64; 2],
    /// A hash of the request that came with it.
    pub fingerprint: u64,
}

/// What is kept of a key: 36 bytes in 40.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The key.
    pub key: Key,
    /// The entry that answered it.
    pub seq: Seq,
    /// When, in whole seconds since the epoch, rounded up: a key is kept a second too long rather than too short.
    pub at_secs: u32,
}

impl Remembered {
    fn is_within(&self, retention: Span, now: Timestamp) -> bool {
        let at = Timestamp::from_millis(u64::from(self.at_secs) * 1000);
        now.since(at) <= retention
    }
}

/// Remembered keys, oldest first.
pub(crate) type KeyQueue = Queue<Remembered, 512>;

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
            index: Index::default(),
        };
        queue.iter().for_each(|(_, remembered)| {
            keys.forget_same(&remembered.key);
            keys.push(*remembered);
        });
        keys
    }

    pub(crate) fn queue(&self) -> &KeyQueue {
        &self.queue
    }

    /// What a key stands for, if it was used within `retention` before `now`.
    pub(crate) fn find(&self, key: &Key, retention: Span, now: Timestamp) -> Option<&Remembered> {
        let is_it = |low| {
            self.by_low(low)
                .is_some_and(|found| found.key.hash == key.hash)
        };
        let low = self.index.find(key.hash[0], is_it)?;
        self.by_low(low)
            .filter(|found| found.is_within(retention, now))
    }

    /// Remembers that the entry `seq` answered `key` at `at`.
    pub(crate) fn remember(&mut self, key: Key, seq: Seq, at: Timestamp) {
        let at_secs = u32::try_from(at.millis().div_ceil(1000)).unwrap_or(u32::MAX);
        self.forget_same(&key);
        self.push(Remembered { key, seq, at_secs });
    }

    /// Forgets up to `most` keys that are past the retention window.
    pub(crate) fn forget(&mut self, retention: Span, now: Timestamp, most: usize) {
        for _ in 0..most {
            let front = self.queue.front();
            match self.queue.get(front) {
                Some(oldest) if !oldest.is_within(retention, now) => {
                    self.index.remove(oldest.key.hash[0], front as u32);
                    self.queue.pop_front();
                }
                _ => return,
            }
        }
    }

    /// A key that comes again after its window replaces itself, so that the index never holds two of one hash.
    fn forget_same(&mut self, key: &Key) {
        let is_it = |low| {
            self.by_low(low)
                .is_some_and(|found| found.key.hash == key.hash)
        };
        if let Some(low) = self.index.find(key.hash[0], is_it) {
            self.index.remove(key.hash[0], low);
        }
    }

    fn push(&mut self, remembered: Remembered) {
        let low = self.queue.push(remembered) as u32;
        let queue = &self.queue;
        self.index.insert(remembered.key.hash[0], low, |low| {
            by_low(queue, low).map_or(0, |found| found.key.hash[0])
        });
    }

    fn by_low(&self, low: u32) -> Option<&Remembered> {
        by_low(&self.queue, low)
    }
}

/// The item whose number ends in these 32 bits; there is at most one, as fewer than 2^32 are kept.
fn by_low(queue: &KeyQueue, low: u32) -> Option<&Remembered> {
    let offset = low.wrapping_sub(queue.front() as u32);
    queue.get(queue.front() + u64::from(offset))
}
