//! The clock, as an input of the engine.
//!
//! It tells two times. The time of day is what entries and expiries go by; it may be set, forward or back. The moment
//! is what waiting is measured by; it only goes on.

use onhand_core::Timestamp;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// The moment that it is. A clock that is only set, as in a test, has no other than its time of day.
    fn moment(&self) -> Moment {
        Moment(self.now().millis().saturating_mul(1_000_000))
    }
}

/// A point on the time that only goes on: nanoseconds since some beginning that is the clock's own. Nothing that lasts
/// longer than the process may keep one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// The moment so long after the beginning.
    pub fn after_beginning(time: Duration) -> Self {
        Self(nanos(time))
    }

    /// This moment and `time` more.
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }

    /// How long after `earlier` this is; zero if it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn moment(&self) -> Moment {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        Moment::after_beginning(BEGINNING.elapsed())
    }
}
