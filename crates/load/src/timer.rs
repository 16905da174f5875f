//! Waiting for a moment, to the microsecond. The timeouts of `epoll` and of async runtimes are as coarse as a
//! millisecond, which at 10,000 requests a second is ten requests late.

use crate::arrivals::Nanos;
use rustix::io;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

const SECOND: Nanos = 1_000_000_000;

/// A timer that becomes readable when its time has come.
#[derive(Debug)]
pub(crate) struct Timer {
    timer: OwnedFd,
    set_to: Cell<Option<Nanos>>,
}

impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self {
            timer: timerfd_create(TimerfdClockId::Monotonic, flags)?,
            set_to: Cell::new(None),
        })
    }

    /// Sets it to `due`, if it is not already.
    pub(crate) fn set(&self, due: Nanos, now: Nanos) -> io::Result<()> {
        if self.set_to.get() == Some(due) {
            return Ok(());
        }
        // Zero would switch it off.
        let wait = due.saturating_sub(now).max(1);
        let spec = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: (wait / SECOND) as i64,
                tv_nsec: (wait % SECOND) as _,
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        self.set_to.set(Some(due));
        Ok(())
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.timer.as_raw_fd()
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
