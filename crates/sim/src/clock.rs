//! The clock of a simulated machine: it stands still between steps, and goes where it is set.

use crate::ask::Millis;
use crate::translate::{millis, moment};
use onhand_core::Timestamp;
use onhand_engine::Clock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that is set.
#[derive(Debug)]
pub struct SimulatedClock(AtomicU64);

impl SimulatedClock {
    /// A clock that shows a time.
    pub fn at(time: Millis) -> Self {
        Self(AtomicU64::new(moment(time).millis()))
    }

    /// What it shows.
    pub fn shows(&self) -> Millis {
        millis(self.now())
    }

    /// Sets it, forward or back.
    pub fn set(&self, time: Millis) {
        self.0.store(moment(time).millis(), Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}
