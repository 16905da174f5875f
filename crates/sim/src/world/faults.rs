//! What breaks while the engine runs.

use super::World;
use crate::finding::Verdict;
use onhand_log::disk::{Call, MemoryDisk};
use std::io::ErrorKind;

/// What is out of order for a while: steps that it still lasts.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    pub(super) slow_disk: usize,
    pub(super) slow_writer: usize,
    pub(super) full_disk: usize,
    /// Whether the clock went back since the process began.
    pub(super) clock_went_back: bool,
}

impl Weather {
    /// A step passes.
    pub(super) fn passes(&mut self, disk: &MemoryDisk) {
        self.slow_disk = self.slow_disk.saturating_sub(1);
        self.slow_writer = self.slow_writer.saturating_sub(1);
        if self.full_disk == 1 {
            disk.set_capacity(u64::MAX);
        }
        self.full_disk = self.full_disk.saturating_sub(1);
    }

    /// All is in order again.
    pub(super) fn clear(&mut self, disk: &MemoryDisk) {
        disk.set_capacity(u64::MAX);
        *self = Self::default();
    }
}

impl World {
    /// Something breaks.
    pub(super) fn fault(&mut self) -> Verdict {
        match self.dice.below(18) {
            0..3 => self.crash_soon(),
            3..5 => return self.crash(),
            5 => self.sync_fails_soon(),
            6 => self.call_fails_soon(ErrorKind::TimedOut, "an error of the disk"),
            7 => self.call_fails_soon(ErrorKind::StorageFull, "no room, once"),
            8 => self.disk_is_full(),
            9 => self.slow_disk(),
            10 => self.slow_writer(),
            11 => self.clock_goes_back(),
            12 => self.clock_jumps(),
            13 => self.long_pause(),
            14 => return self.restart_process(),
            15 | 16 => self.read_fails_soon(),
            _ => return self.stop_in_order(),
        }
        Ok(())
    }

    fn soon(&mut self) -> u64 {
        self.disk.changes() + 1 + self.dice.below(12) as u64
    }

    /// A crash at one of the next calls, or at the next of some kind: most calls write and sync a batch, and what is done
    /// once a segment or once a snapshot is to be interrupted as often.
    fn crash_soon(&mut self) {
        if self.dice.comes(1, 3) {
            let call = self.dice.one_of(&Call::ALL);
            self.note(format_args!("a crash at the next {call:?}"));
            return self.disk.crash_next(call);
        }
        let soon = self.soon();
        self.note(format_args!("a crash at change {soon}"));
        self.disk.crash_at(soon);
    }

    fn sync_fails_soon(&mut self) {
        if self.dice.comes(1, 2) {
            return self.next_fails(Call::SyncFolder, ErrorKind::Other, "an error of the disk");
        }
        self.note(format_args!("the next sync fails"));
        self.disk.fail_next_sync();
    }

    fn call_fails_soon(&mut self, kind: ErrorKind, what: &'static str) {
        if self.dice.comes(1, 2) {
            let call = self.dice.one_of(&Call::ALL);
            return self.next_fails(call, kind, what);
        }
        let soon = self.soon();
        self.note(format_args!("{what} at change {soon}"));
        self.disk.fail_at(soon, kind);
    }

    fn next_fails(&mut self, call: Call, kind: ErrorKind, what: &'static str) {
        self.note(format_args!("{what} at the next {call:?}"));
        self.disk.fail_next(call, kind);
    }

    fn read_fails_soon(&mut self) {
        let soon = self.disk.reads() + 1 + self.dice.below(12) as u64;
        self.note(format_args!("read {soon} fails"));
        self.disk.fail_read_at(soon, ErrorKind::TimedOut);
    }

    pub(super) fn disk_is_full(&mut self) {
        self.counts.fault("full disk");
        let room = self.dice.one_of(&[0, 100, 5_000]);
        let used: u64 = self.disk.files().iter().map(|(_, bytes)| bytes).sum();
        self.note(format_args!("the disk has room for {room} bytes"));
        self.weather.full_disk = self.dice.within(20, 300) as usize;
        self.disk.set_capacity(used + room);
    }

    fn slow_disk(&mut self) {
        self.counts.fault("slow disk");
        self.weather.slow_disk = self.dice.within(50, 400) as usize;
    }

    fn slow_writer(&mut self) {
        self.counts.fault("slow writer");
        self.weather.slow_writer = self.dice.within(50, 400) as usize;
    }

    fn clock_goes_back(&mut self) {
        self.counts.fault("clock goes back");
        let back = self.dice.one_of(&[1, 500, 60_000, 86_400_000]);
        self.note(format_args!("the clock goes back by {back} ms"));
        self.weather.clock_went_back = true;
        self.set_clock(-back);
    }

    fn clock_jumps(&mut self) {
        self.counts.fault("clock jumps");
        let ahead = self.dice.one_of(&[1_000, 60_000, 3_600_000]);
        self.set_clock(ahead);
    }

    fn long_pause(&mut self) {
        self.counts.fault("long pause");
        let days = self.dice.one_of(&[1, 7, 400]);
        self.note(format_args!("nothing happens for {days} days"));
        self.jump(days * 86_400_000);
    }
}
