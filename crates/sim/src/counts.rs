//! What a run, or many, came to.

use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Counters of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs.
    pub seeds: u64,
    /// Steps of the scheduler.
    pub steps: u64,
    /// Requests of clients.
    pub requests: u64,
    /// Of these, refused unqueued or undone.
    pub turned_away: u64,
    /// Answers compared with the twin's.
    pub answers: u64,
    /// Ledger entries compared with the twin's.
    pub entries: u64,
    /// Bounded reads compared with the twin.
    pub reads: u64,
    /// Starts after which the whole state was compared with the twin's.
    pub starts: u64,
    /// Milliseconds that passed in the simulated worlds, backward jumps not taken off.
    pub simulated_millis: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// Counts a fault.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Days that passed in the simulated worlds.
    pub fn simulated_days(&self) -> u64 {
        self.simulated_millis / 86_400_000
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.requests += other.requests;
        self.turned_away += other.turned_away;
        self.answers += other.answers;
        self.entries += other.entries;
        self.reads += other.reads;
        self.starts += other.starts;
        self.simulated_millis += other.simulated_millis;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}
