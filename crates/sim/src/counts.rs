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
    /// Beside them, requests that were not made: two answers would be right, or the core has no words for them.
    pub left_out: u64,
    /// Of the requests, refused unqueued or undone.
    pub turned_away: u64,
    /// Answers compared with the twin's.
    pub answers: u64,
    /// Requests that were taken and could not be answered, during an outage.
    pub unanswered: u64,
    /// Ledger entries compared with the twin's.
    pub entries: u64,
    /// Bounded reads compared with the twin.
    pub reads: u64,
    /// Questions about the past compared with the twin or the ledger.
    pub past_reads: u64,
    /// Segments of logs that were begun after the first of their log.
    pub rotations: u64,
    /// Snapshots that were written.
    pub snapshots: u64,
    /// Trims that removed something.
    pub trims: u64,
    /// Starts after which the whole state was compared with the twin's.
    pub starts: u64,
    /// Milliseconds that passed in the simulated worlds, backward jumps not taken off.
    pub simulated_millis: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Calls within which the machine stopped, by their kind and that of the file.
    pub interrupted: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts a fault.
    pub fn fault(&mut self, kind: &'static str) {
        self.faults_of(kind, 1);
    }

    /// Counts faults of a kind.
    pub fn faults_of(&mut self, kind: &'static str, count: u64) {
        if count > 0 {
            *self.faults.entry(kind).or_default() += count;
        }
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
        self.left_out += other.left_out;
        self.turned_away += other.turned_away;
        self.answers += other.answers;
        self.unanswered += other.unanswered;
        self.entries += other.entries;
        self.reads += other.reads;
        self.past_reads += other.past_reads;
        self.rotations += other.rotations;
        self.snapshots += other.snapshots;
        self.trims += other.trims;
        self.starts += other.starts;
        self.simulated_millis += other.simulated_millis;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (call, count) in &other.interrupted {
            *self.interrupted.entry(call.clone()).or_default() += count;
        }
    }
}
