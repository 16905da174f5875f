//! A disk in memory that crashes, fills up and fails on demand, for tests of what stands on [`Disk`].
//!
//! It keeps two pictures: what a running system sees, and what is on the platter. A write changes the first; a sync
//! brings it to the second. [`MemoryDisk::restart`] throws the first away, after it gave each thing that was not synced
//! a chance to have reached the platter all the same:
//! - of the writes to a file: none, all, any of their sectors in any of their versions, or all up to some byte;
//! - of the names created, renamed and removed in a folder: any, each by itself.
//!
//! A sync that fails treats the writes, or the names, the same way and then forgets them, as Linux does: the system goes
//! on showing them, and no later sync brings them to the platter.

mod calls;
mod happened;
mod names;
mod orders;
mod state;
mod stored;

pub use calls::MemoryFile;
pub use happened::{Call, Happened, Interrupted};

use orders::Orders;
use state::State;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// A source of choices: given how many alternatives there are, says which, from 0. Of "whether", 1 is yes.
pub type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

/// Choices that only depend on a seed (SplitMix64: Steele, Lea, Flood 2014).
pub fn seeded(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |alternatives| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % alternatives as u64) as usize
    }
}

/// What survives, when the machine stops, of the writes to a file and of the names that were not synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Survives {
    /// What the choices say.
    #[default]
    Anything,
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Of the writes some sectors, or a beginning; of the names what the choices say.
    Part,
}

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Debug)]
pub struct MemoryDisk(Arc<Mutex<State>>);

impl Default for MemoryDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryDisk {
    /// An empty disk with endless room.
    pub fn new() -> Self {
        Self::seeded(0)
    }

    /// The same; what it throws by itself when a call fails depends on a seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed))))
    }

    /// What it did to those who use it.
    pub fn happened(&self) -> Happened {
        self.state().happened
    }

    /// The call within which the machine last stopped.
    pub fn interrupted(&self) -> Option<Interrupted> {
        self.state().interrupted.clone()
    }

    /// Another disk with the same contents.
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// How many bytes all files may have together.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Whether every sync fails from now on.
    pub fn fail_syncs(&self, fail: bool) {
        self.state().orders.syncs_fail = fail;
    }

    /// Makes the next sync fail.
    pub fn fail_next_sync(&self) {
        self.state().orders.next_sync_fails = true;
    }

    /// Takes back every fault that was to come.
    pub fn calm(&self) {
        self.state().orders = Orders::default();
    }

    /// Makes the change with this number, counted as [`MemoryDisk::changes`] does, fail: a write after some of its
    /// bytes, a sync after some of what it should sync, everything else with nothing done.
    pub fn fail_at(&self, change: u64, kind: io::ErrorKind) {
        self.state().orders.fail_at.insert(change, kind);
    }

    /// The same, with the next call of a kind.
    pub fn fail_next(&self, call: Call, kind: io::ErrorKind) {
        self.state().orders.fail_next.insert(call, kind);
    }

    /// Makes the read with this number, counted as [`MemoryDisk::reads`] does, fail: of bytes, of a length, of a folder,
    /// or the opening of a file.
    pub fn fail_read_at(&self, read: u64, kind: io::ErrorKind) {
        self.state().orders.fail_read_at.insert(read, kind);
    }

    /// How many calls read something or opened a file, since the disk was made or restarted.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    /// How many calls changed something or synced, since the disk was made or restarted.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Stops the machine at the change with this number, counted from 1: a write or a new name is done but not
    /// synced, a sync is not done. All calls fail from then on.
    pub fn crash_at(&self, change: u64) {
        self.state().orders.crash_at = Some(change);
    }

    /// The same, at the next call of a kind.
    pub fn crash_next(&self, call: Call) {
        self.state().orders.crash_next.insert(call);
    }

    /// Whether the machine has stopped.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Stops the machine, if it has not, and starts it again: `choose` says what survived. All faults are gone.
    pub fn restart(&self, choose: Choose<'_>) {
        self.restart_with(Survives::Anything, choose);
    }

    /// The same, when something is known of what survives.
    pub fn restart_with(&self, survives: Survives, choose: Choose<'_>) {
        self.state().restart(survives, choose);
    }

    /// Changes bytes of a file behind everybody's back.
    ///
    /// # Panics
    /// There is no such file.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state
            .names
            .file(path)
            .expect("a test damages a file that is there");
        let stored = state.stored(file);
        change(&mut stored.seen);
        stored.platter = stored.seen.clone();
    }

    /// Takes a file away behind everybody's back.
    ///
    /// # Panics
    /// There is no such file.
    pub fn lose(&self, path: &Path) {
        let was_there = self.state().names.lose(path);
        assert!(was_there, "a test loses a file that is there");
    }

    /// Every file and its length, as a running system sees them, by name.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let length = |file| state.files[&file].seen.len() as u64;
        let names = state.names.all();
        names
            .map(|(name, file)| (name.to_owned(), length(file)))
            .collect()
    }

    /// What is in a file, as a running system sees it.
    ///
    /// # Errors
    /// There is no such file.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let file = state.names.file(path)?;
        Ok(state.stored(file).seen.clone())
    }

    // A panic of a test while the lock is held must not hide behind another.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
