//! The faults that were ordered and did not come yet.

use super::Call;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What is to break, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) crash_at: Option<u64>,
    pub(super) crash_next: BTreeSet<Call>,
    pub(super) syncs_fail: bool,
    pub(super) next_sync_fails: bool,
    pub(super) fail_at: BTreeMap<u64, io::ErrorKind>,
    pub(super) fail_next: BTreeMap<Call, io::ErrorKind>,
    pub(super) fail_read_at: BTreeMap<u64, io::ErrorKind>,
}

impl Orders {
    /// A change begins: what was ordered for the next of its kind is due now.
    pub(super) fn begins(&mut self, change: u64, call: Call) {
        if let Some(kind) = self.fail_next.remove(&call) {
            self.fail_at.insert(change, kind);
        }
        if self.crash_next.remove(&call) {
            self.crash_at = Some(change);
        }
    }

    /// How a change fails, if it does.
    pub(super) fn failure(&self, change: u64) -> Option<io::ErrorKind> {
        self.fail_at.get(&change).copied()
    }

    /// How a change that is a sync fails, if it does.
    pub(super) fn sync_failure(&mut self, change: u64) -> Option<io::ErrorKind> {
        let fails = std::mem::take(&mut self.next_sync_fails) || self.syncs_fail;
        self.failure(change)
            .or(fails.then_some(io::ErrorKind::Other))
    }
}
