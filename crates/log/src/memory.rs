//! A log in memory: for tests, for a ledger that need not outlive its process, and as the slow obvious twin of
//! [`crate::file`].

use crate::batch::{Batch, Tail};
use crate::log::{AppendError, Log, LogReader, ReadError, admit};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A log in memory. A clone writes to the same log, as another leader would: whoever is overtaken is fenced off.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    kept: Arc<Kept>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }
}

#[derive(Debug, Default)]
struct Kept(RwLock<Batches>);

#[derive(Debug)]
struct Batches {
    batches: VecDeque<Batch>,
    tail: Tail,
    last_millis: u64,
    bytes: u64,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            batches: VecDeque::new(),
            tail: Tail::EMPTY,
            last_millis: 0,
            bytes: 0,
        }
    }
}

impl Batches {
    fn first(&self) -> u64 {
        self.batches
            .front()
            .map_or(self.tail.next, |batch| batch.first)
    }

    fn push(&mut self, batch: &Batch) -> Tail {
        self.tail = batch.tail();
        self.last_millis = batch.at_millis;
        self.bytes += batch.payload.len() as u64;
        self.batches.push_back(batch.clone());
        self.tail
    }

    fn pop(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.bytes -= batch.payload.len() as u64;
        }
    }
}

// A panic while the lock is held leaves the batches whole: every change is one push or pop.
impl Kept {
    fn read(&self) -> RwLockReadGuard<'_, Batches> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Batches> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for MemoryLog {
    fn append(&mut self, batch: &Batch) -> Result<Tail, AppendError> {
        let mut kept = self.kept.write();
        admit(batch, &kept.tail, kept.last_millis)?;
        Ok(kept.push(batch))
    }

    fn tail(&self) -> Tail {
        self.kept.read().tail
    }

    fn trim(&mut self, before: u64) -> Result<(), ReadError> {
        let mut kept = self.kept.write();
        while kept
            .batches
            .front()
            .is_some_and(|batch| batch.next() <= before)
        {
            kept.pop();
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.kept.clone()
    }
}

impl LogReader for Kept {
    fn batch_at(&self, position: u64) -> Result<Option<Batch>, ReadError> {
        let kept = self.read();
        let first = kept.first();
        if position < first {
            return Err(ReadError::Trimmed {
                wanted: position,
                first,
            });
        }
        let at = kept
            .batches
            .partition_point(|batch| batch.next() <= position);
        Ok(kept.batches.get(at).cloned())
    }

    fn first(&self) -> u64 {
        self.read().first()
    }

    fn next(&self) -> u64 {
        self.read().tail.next
    }

    fn first_since(&self, at_millis: u64) -> Result<u64, ReadError> {
        let kept = self.read();
        let at = kept
            .batches
            .partition_point(|batch| batch.at_millis < at_millis);
        Ok(kept
            .batches
            .get(at)
            .map_or(kept.tail.next, |batch| batch.first))
    }

    fn bytes(&self) -> u64 {
        self.read().bytes
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryLog;
    use crate::conformance::Provider;

    struct InMemory;

    impl Provider for InMemory {
        type Log = MemoryLog;

        fn fresh(&self) -> MemoryLog {
            MemoryLog::new()
        }

        fn reopen(&self, log: MemoryLog) -> MemoryLog {
            log
        }

        fn rival(&self, log: &MemoryLog) -> Option<MemoryLog> {
            Some(log.clone())
        }
    }

    crate::conformance_tests!(conformance, InMemory);
}
