//! The clock of a simulated machine: it stands still between steps, and goes where it is set.

use crate::ask::Millis;
use crate::translate::{millis, moment};
use onhand_core::Timestamp;
use onhand_engine::{Clock, Moment};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that is set.
#[derive(Debug)]
pub struct SimulatedClock {
    shows: AtomicU64,
    /// Milliseconds that went by since it was made, however it was set meanwhile.
    passed: AtomicU64,
}

impl SimulatedClock {
    /// A clock that shows a time.
    pub fn at(time: Millis) -> Self {
        Self {
            shows: AtomicU64::new(moment(time).millis()),
            passed: AtomicU64::new(0),
        }
    }

    /// What it shows.
    pub fn shows(&self) -> Millis {
        millis(self.now())
    }

    /// How much time went by since it was made.
    pub fn passed(&self) -> Millis {
        self.passed.load(Ordering::Relaxed) as Millis
    }

    /// Lets time go by.
    pub fn pass(&self, time: Millis) {
        self.set(self.shows() + time);
        self.passed.fetch_add(time.max(0) as u64, Ordering::Relaxed);
    }

    /// Sets it, forward or back; no time goes by.
    pub fn set(&self, time: Millis) {
        self.shows.store(moment(time).millis(), Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.shows.load(Ordering::Relaxed))
    }

    fn moment(&self) -> Moment {
        let passed = self.passed.load(Ordering::Relaxed);
        Moment::after_beginning(Duration::from_millis(passed))
    }
}
