//! One published level: a small record that one writer overwrites while readers read it, without locks.
//!
//! A sequence lock: the version is odd while the writer is inside. A reader that finds it odd, or changed, reads
//! again. The writer is inside for some nanoseconds and never waits for a reader.

use onhand_core::{Level, OnNotFound, Policy, Seq};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering, fence};

/// A level as readers may see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Units on hand.
    pub on_hand: i64,
    /// Units held by reservations that can still expire.
    pub reserved: u32,
    /// Units promised to confirmed orders.
    pub allocated: u32,
    /// Units on hand that cannot be sold.
    pub unavailable: u32,
    /// Units on their way here.
    pub in_transit: u32,
    /// Units kept back from sale.
    pub safety_stock: u32,
    /// Units that may be promised beyond what is there.
    pub oversell_limit: u32,
    /// What a not-found does.
    pub on_not_found: OnNotFound,
    /// On hand − reserved − allocated − unavailable − safety stock.
    pub available: i64,
    /// The entry that made it so.
    pub seq: Seq,
}

impl Seen {
    /// Units in each bucket, in the order of [`onhand_core::Bucket::ALL`]; nothing is outside.
    pub fn units(&self) -> [i64; 6] {
        let free = self.available + i64::from(self.safety_stock);
        let [reserved, allocated] = [self.reserved, self.allocated].map(i64::from);
        let [unavailable, in_transit] = [self.unavailable, self.in_transit].map(i64::from);
        [0, free, reserved, allocated, unavailable, in_transit]
    }

    /// The rules of the level, as far as readers see them.
    pub fn policy(&self) -> Policy {
        Policy {
            safety_stock: self.safety_stock,
            oversell_limit: self.oversell_limit,
            on_not_found: self.on_not_found,
        }
    }

    /// A level as it is after the entry `seq`.
    pub fn of(level: &Level, seq: Seq) -> Self {
        Self {
            on_hand: level.on_hand(),
            reserved: level.reserved(),
            allocated: level.allocated(),
            unavailable: level.unavailable(),
            in_transit: level.in_transit(),
            safety_stock: level.policy().safety_stock,
            oversell_limit: level.policy().oversell_limit,
            on_not_found: level.policy().on_not_found,
            available: level.available(),
            seq,
        }
    }
}

/// The shared record of a level, in 36 bytes.
///
/// The lowest bits of the position serve as the lock's version: the writer never stores two different records of a
/// level for one entry, so a record is known by its entry. Readers of a record would have to stand still for two
/// billion entries to take one for another.
#[derive(Debug, Default)]
pub(super) struct Cell {
    /// The low 31 bits of the position; the lowest bit is 1 while the writer is inside.
    version: AtomicU32,
    /// The rest of the position.
    seq_above: AtomicU32,
    free: AtomicI32,
    reserved: AtomicU32,
    allocated: AtomicU32,
    unavailable: AtomicU32,
    in_transit: AtomicU32,
    safety_stock: AtomicU32,
    /// The oversell limit, and in the lowest bit whether a not-found corrects.
    oversell_limit: AtomicU32,
}

const BELOW: u32 = 31;

impl Cell {
    /// Overwrites the record. Called by the one writer only.
    pub(super) fn store(&self, level: &Level, seq: Seq) {
        let version = (seq.0 as u32) << 1;
        self.version.store(version | 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let set = |number: &AtomicU32, units| number.store(units, Ordering::Relaxed);
        set(&self.seq_above, (seq.0 >> BELOW) as u32);
        self.free.store(level.free() as i32, Ordering::Relaxed);
        set(&self.reserved, level.reserved());
        set(&self.allocated, level.allocated());
        set(&self.unavailable, level.unavailable());
        set(&self.in_transit, level.in_transit());
        let policy = level.policy();
        let corrects = policy.on_not_found == OnNotFound::Correct;
        set(&self.safety_stock, policy.safety_stock);
        let limit = policy.oversell_limit << 1 | u32::from(corrects);
        set(&self.oversell_limit, limit);
        self.version.store(version, Ordering::Release);
    }

    /// The record as it was at one moment.
    pub(super) fn load(&self) -> Seen {
        loop {
            let before = self.version.load(Ordering::Acquire);
            let seen = self.peek(before);
            fence(Ordering::Acquire);
            let after = self.version.load(Ordering::Relaxed);
            if before == after && before.is_multiple_of(2) {
                return seen;
            }
            std::hint::spin_loop();
        }
    }

    fn peek(&self, version: u32) -> Seen {
        let get = |number: &AtomicU32| number.load(Ordering::Relaxed);
        let free = i64::from(self.free.load(Ordering::Relaxed));
        let (reserved, allocated) = (get(&self.reserved), get(&self.allocated));
        let unavailable = get(&self.unavailable);
        let safety_stock = get(&self.safety_stock);
        let oversell_limit = get(&self.oversell_limit);
        Seen {
            on_hand: free + i64::from(reserved) + i64::from(allocated) + i64::from(unavailable),
            reserved,
            allocated,
            unavailable,
            in_transit: get(&self.in_transit),
            safety_stock,
            oversell_limit: oversell_limit >> 1,
            on_not_found: match oversell_limit & 1 {
                0 => OnNotFound::Label,
                _ => OnNotFound::Correct,
            },
            available: free - i64::from(safety_stock),
            seq: Seq(u64::from(get(&self.seq_above)) << BELOW | u64::from(version >> 1)),
        }
    }
}
