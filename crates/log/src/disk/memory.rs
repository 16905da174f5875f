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

use super::happened::{Call, Happened};
use super::{Disk, DiskFile};
use std::collections::{BTreeMap, BTreeSet};
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

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Debug)]
pub struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug)]
struct State {
    folders: BTreeSet<PathBuf>,
    files: BTreeMap<u64, Stored>,
    names: BTreeMap<PathBuf, u64>,
    names_on_platter: BTreeMap<PathBuf, u64>,
    names_pending: Vec<(PathBuf, NameChange)>,
    last_id: u64,
    /// Files opened in an earlier life are dead.
    life: u64,
    changes: u64,
    crash_at: Option<u64>,
    crashed: bool,
    capacity: u64,
    syncs_fail: bool,
    next_sync_fails: bool,
    fail_at: BTreeMap<u64, io::ErrorKind>,
    /// Of the next call of a kind.
    fail_next: BTreeMap<Call, io::ErrorKind>,
    crash_next: BTreeSet<Call>,
    reads: u64,
    fail_read_at: BTreeMap<u64, io::ErrorKind>,
    /// What is thrown within a call depends on this and on the number of the change.
    seed: u64,
    happened: Happened,
}

/// What became of the unsynced writes to a file.
enum Fate {
    None,
    Kept,
    Lost,
    Torn,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    seen: Vec<u8>,
    platter: Vec<u8>,
    pending: Vec<Change>,
    locked_by: Option<u64>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Put {
        name: PathBuf,
        file: u64,
    },
    Take {
        name: PathBuf,
    },
    Move {
        from: PathBuf,
        to: PathBuf,
        file: u64,
    },
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Put { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Take { name } => {
                names.remove(name);
            }
            Self::Move { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
        }
    }
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(len) => image.resize(*len, 0),
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                image.resize(image.len().max(end), 0);
                image[*offset..end].copy_from_slice(bytes);
            }
        }
    }

    fn sectors(&self) -> std::ops::Range<usize> {
        match self {
            Self::Length(_) => 0..0,
            Self::Write { offset, bytes } => {
                offset / SECTOR..(offset + bytes.len()).div_ceil(SECTOR)
            }
        }
    }
}

impl Stored {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.platter);
        }
    }

    /// Lets some of what was not synced reach the platter, and forgets the rest.
    fn tear(&mut self, choose: Choose<'_>) -> Fate {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Fate::None;
        }
        match choose(4) {
            0 => return Fate::Lost,
            1 => {
                pending
                    .iter()
                    .for_each(|change| change.apply(&mut self.platter));
                return Fate::Kept;
            }
            2 => self.tear_sectors(&pending, choose),
            _ => self.tear_prefix(pending, choose),
        }
        Fate::Torn
    }

    fn tear_sectors(&mut self, pending: &[Change], choose: Choose<'_>) {
        let mut image = self.platter.clone();
        let mut versions: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        for change in pending {
            change.apply(&mut image);
            for sector in change.sectors() {
                let end = image.len().min((sector + 1) * SECTOR);
                let version = image[sector * SECTOR..end].to_vec();
                versions.entry(sector).or_default().push(version);
            }
        }
        if choose(2) == 1 {
            self.platter.resize(image.len(), 0);
        }
        for (sector, versions) in versions {
            if let Some(chosen) = choose(versions.len() + 1).checked_sub(1) {
                self.put_sector(sector * SECTOR, &versions[chosen]);
            }
        }
    }

    fn put_sector(&mut self, offset: usize, bytes: &[u8]) {
        let room = self.platter.len().saturating_sub(offset).min(bytes.len());
        if room > 0 {
            self.platter[offset..offset + room].copy_from_slice(&bytes[..room]);
        }
    }

    fn tear_prefix(&mut self, mut pending: Vec<Change>, choose: Choose<'_>) {
        pending.truncate(choose(pending.len()) + 1);
        if let Some(Change::Write { bytes, .. }) = pending.last_mut() {
            bytes.truncate(choose(bytes.len() + 1));
        }
        pending
            .iter()
            .for_each(|change| change.apply(&mut self.platter));
    }
}

impl State {
    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn used(&self) -> u64 {
        self.names
            .values()
            .map(|file| self.files[file].seen.len() as u64)
            .sum()
    }

    fn room_to_grow(&mut self, file: u64, len: u64) -> io::Result<()> {
        let more = len.saturating_sub(self.files[&file].seen.len() as u64);
        if self.used() + more > self.capacity && more > 0 {
            self.happened.no_room += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn file(&self, path: &Path) -> io::Result<u64> {
        let not_found = || io::Error::from(io::ErrorKind::NotFound);
        self.names.get(path).copied().ok_or_else(not_found)
    }

    fn stored(&mut self, file: u64) -> &mut Stored {
        self.files.entry(file).or_default()
    }

    fn rename(&mut self, dir: &Path, change: NameChange) {
        change.apply(&mut self.names);
        self.names_pending.push((dir.to_owned(), change));
    }

    fn write(&mut self, file: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.room_to_grow(file, offset + bytes.len() as u64)?;
        let failure = self.fail_at.get(&self.changes).copied();
        let count = match failure {
            Some(_) => self.throws()(bytes.len() + 1),
            None => bytes.len(),
        };
        self.stored(file).change(Change::Write {
            offset: offset as usize,
            bytes: bytes[..count].to_vec(),
        });
        self.happened.failed_writes += u64::from(failure.is_some());
        failure.map_or(Ok(()), |kind| Err(kind.into()))
    }

    /// The throws of this change.
    fn throws(&self) -> impl FnMut(usize) -> usize + use<> {
        seeded(self.seed ^ self.changes)
    }

    fn sync(&mut self, file: u64) -> io::Result<()> {
        if let Err(error) = self.may_sync() {
            let mut choose = self.throws();
            let fate = self.stored(file).tear(&mut choose);
            self.suffered(&fate);
            return Err(error);
        }
        self.stored(file).sync();
        Ok(())
    }

    fn suffered(&mut self, fate: &Fate) {
        match fate {
            Fate::Lost => self.happened.lost_writes += 1,
            Fate::Torn => self.happened.torn_writes += 1,
            Fate::None | Fate::Kept => {}
        }
    }

    fn may_sync(&mut self) -> io::Result<()> {
        let fails = std::mem::take(&mut self.next_sync_fails) || self.syncs_fail;
        let failure = self.fail_at.get(&self.changes).copied();
        let failure = failure.or(fails.then_some(io::ErrorKind::Other));
        self.happened.failed_syncs += u64::from(failure.is_some());
        failure.map_or(Ok(()), |kind| Err(io::Error::new(kind, "the disk fails")))
    }

    fn may_change(&mut self) -> io::Result<()> {
        let failure = self.fail_at.get(&self.changes).copied();
        self.happened.failed_changes += u64::from(failure.is_some());
        failure.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn sync_names(&mut self, dir: &Path) -> io::Result<()> {
        let (here, elsewhere) = std::mem::take(&mut self.names_pending)
            .into_iter()
            .partition(|(of, _)| of == dir);
        self.names_pending = elsewhere;
        if let Err(error) = self.may_sync() {
            let mut choose = self.throws();
            self.tear_names(here, &mut choose);
            return Err(error);
        }
        self.tear_names(here, &mut |_| 1);
        Ok(())
    }

    /// Lets some names reach the platter, and forgets the others.
    fn tear_names(&mut self, names: Vec<(PathBuf, NameChange)>, choose: Choose<'_>) {
        for (_, change) in names {
            match choose(2) {
                1 => change.apply(&mut self.names_on_platter),
                _ => self.happened.lost_names += 1,
            }
        }
    }

    fn restart(&mut self, choose: Choose<'_>) {
        let pending = std::mem::take(&mut self.names_pending);
        self.tear_names(pending, choose);
        self.names = self.names_on_platter.clone();
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.files.retain(|file, _| named.contains(file));
        let mut fates = Vec::new();
        for stored in self.files.values_mut() {
            fates.push(stored.tear(choose));
            stored.seen = stored.platter.clone();
            stored.locked_by = None;
        }
        fates.iter().for_each(|fate| self.suffered(fate));
        self.heal();
        self.life += 1;
    }

    fn heal(&mut self) {
        self.changes = 0;
        self.reads = 0;
        self.crashed = false;
        self.calm();
    }

    fn calm(&mut self) {
        self.crash_at = None;
        self.syncs_fail = false;
        self.next_sync_fails = false;
        self.fail_at.clear();
        self.fail_next.clear();
        self.crash_next.clear();
        self.fail_read_at.clear();
    }

    /// A call begins: what was ordered for the next of its kind is due now.
    fn begins(&mut self, call: Call) {
        self.changes += 1;
        if let Some(kind) = self.fail_next.remove(&call) {
            self.fail_at.insert(self.changes, kind);
        }
        if self.crash_next.remove(&call) {
            self.crash_at = Some(self.changes);
        }
    }

    fn stop_if_due(&mut self) -> io::Result<()> {
        if self.crash_at != Some(self.changes) {
            return Ok(());
        }
        self.crashed = true;
        self.happened.crashes += 1;
        Err(dead())
    }
}

fn dead() -> io::Error {
    io::Error::other("the machine has stopped")
}

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
        Self(Arc::new(Mutex::new(State {
            folders: BTreeSet::new(),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            names_on_platter: BTreeMap::new(),
            names_pending: Vec::new(),
            last_id: 0,
            life: 0,
            changes: 0,
            crash_at: None,
            crashed: false,
            capacity: u64::MAX,
            syncs_fail: false,
            next_sync_fails: false,
            fail_at: BTreeMap::new(),
            fail_next: BTreeMap::new(),
            crash_next: BTreeSet::new(),
            reads: 0,
            fail_read_at: BTreeMap::new(),
            seed,
            happened: Happened::default(),
        })))
    }

    /// What it did to those who use it.
    pub fn happened(&self) -> Happened {
        self.state().happened
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
        self.state().syncs_fail = fail;
    }

    /// Makes the next sync fail.
    pub fn fail_next_sync(&self) {
        self.state().next_sync_fails = true;
    }

    /// Takes back every fault that was to come.
    pub fn calm(&self) {
        self.state().calm();
    }

    /// Makes the change with this number, counted as [`MemoryDisk::changes`] does, fail: a write after some of its
    /// bytes, a sync after some of what it should sync, everything else with nothing done.
    pub fn fail_at(&self, change: u64, kind: io::ErrorKind) {
        self.state().fail_at.insert(change, kind);
    }

    /// The same, with the next call of a kind.
    pub fn fail_next(&self, call: Call, kind: io::ErrorKind) {
        self.state().fail_next.insert(call, kind);
    }

    /// Makes the read with this number, counted as [`MemoryDisk::reads`] does, fail: of bytes, of a length, of a folder,
    /// or the opening of a file.
    pub fn fail_read_at(&self, read: u64, kind: io::ErrorKind) {
        self.state().fail_read_at.insert(read, kind);
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
        self.state().crash_at = Some(change);
    }

    /// The same, at the next call of a kind.
    pub fn crash_next(&self, call: Call) {
        self.state().crash_next.insert(call);
    }

    /// Whether the machine has stopped.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Stops the machine, if it has not, and starts it again: `choose` says what survived. All faults are gone.
    pub fn restart(&self, choose: Choose<'_>) {
        self.state().restart(choose);
    }

    /// Changes bytes of a file behind everybody's back.
    ///
    /// # Panics
    /// There is no such file.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state
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
        let mut state = self.state();
        state
            .names
            .remove(path)
            .expect("a test loses a file that is there");
        state.names_on_platter.remove(path);
    }

    /// Every file and its length, as a running system sees them, by name.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let length = |file: &u64| state.files[file].seen.len() as u64;
        let names = state.names.iter();
        names
            .map(|(name, file)| (name.clone(), length(file)))
            .collect()
    }

    /// What is in a file, as a running system sees it.
    ///
    /// # Errors
    /// There is no such file.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let file = state.file(path)?;
        Ok(state.stored(file).seen.clone())
    }

    // A panic of a test while the lock is held must not hide behind another.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, look: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        if state.crashed {
            return Err(dead());
        }
        look(&mut state)
    }

    fn change<T>(
        &self,
        call: Call,
        change: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        self.look(|state| {
            state.begins(call);
            let done = change(state);
            state.stop_if_due()?;
            done
        })
    }

    fn read<T>(&self, read: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.look(|state| {
            state.reads += 1;
            if let Some(kind) = state.fail_read_at.remove(&state.reads) {
                state.happened.failed_reads += 1;
                return Err(kind.into());
            }
            read(state)
        })
    }

    fn make_durable(
        &self,
        call: Call,
        sync: impl FnOnce(&mut State) -> io::Result<()>,
    ) -> io::Result<()> {
        self.look(|state| {
            state.begins(call);
            state.stop_if_due()?;
            sync(state)
        })
    }

    // Outside of any closure that has the state: a handle takes the state when it is dropped.
    fn handle(&self, file: u64) -> MemoryFile {
        let mut state = self.state();
        MemoryFile {
            disk: self.clone(),
            file,
            handle: state.id(),
            life: state.life,
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

impl Disk for MemoryDisk {
    type File = MemoryFile;

    fn create(&self, path: &Path) -> io::Result<MemoryFile> {
        self.change(Call::Create, |state| {
            state.may_change()?;
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let dir = folder_of(path);
            if !state.folders.contains(&dir) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let file = state.id();
            state.stored(file);
            let name = path.to_owned();
            state.rename(&dir, NameChange::Put { name, file });
            Ok(file)
        })
        .map(|file| self.handle(file))
    }

    fn open(&self, path: &Path) -> io::Result<MemoryFile> {
        self.read(|state| state.file(path))
            .map(|file| self.handle(file))
    }

    fn open_read(&self, path: &Path) -> io::Result<MemoryFile> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Rename, |state| {
            state.may_change()?;
            let file = state.file(from)?;
            let change = NameChange::Move {
                from: from.to_owned(),
                to: to.to_owned(),
                file,
            };
            state.rename(&folder_of(to), change);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, |state| {
            state.may_change()?;
            state.file(path)?;
            let name = path.to_owned();
            state.rename(&folder_of(path), NameChange::Take { name });
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.read(|state| {
            if !state.folders.contains(dir) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let inside = state.names.keys().filter(|path| folder_of(path) == dir);
            Ok(inside
                .filter_map(|path| path.file_name().map(PathBuf::from))
                .collect())
        })
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Call::CreateFolder, |state| {
            state.folders.extend(dir.ancestors().map(Path::to_path_buf));
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.make_durable(Call::SyncFolder, |state| state.sync_names(dir))
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<Option<u64>> {
        self.look(|state| Ok(Some(state.capacity.saturating_sub(state.used()))))
    }
}

/// An open file of a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryFile {
    disk: MemoryDisk,
    file: u64,
    handle: u64,
    life: u64,
}

impl MemoryFile {
    fn alive(&self, state: &State) -> io::Result<()> {
        if self.life == state.life {
            Ok(())
        } else {
            Err(dead())
        }
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.read(|state| {
            self.alive(state)?;
            let bytes = &state.stored(self.file).seen;
            let from = bytes.get(offset as usize..).unwrap_or_default();
            let count = from.len().min(buffer.len());
            buffer[..count].copy_from_slice(&from[..count]);
            Ok(count)
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(Call::Write, |state| {
            self.alive(state)?;
            state.write(self.file, offset, bytes)
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.make_durable(Call::Sync, |state| {
            self.alive(state)?;
            state.sync(self.file)
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.change(Call::Allocate, |state| {
            self.alive(state)?;
            state.may_change()?;
            state.room_to_grow(self.file, len)?;
            let stored = state.stored(self.file);
            let len = stored.seen.len().max(len as usize);
            stored.change(Change::Length(len));
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.change(Call::SetLength, |state| {
            self.alive(state)?;
            state.may_change()?;
            state.room_to_grow(self.file, len)?;
            state.stored(self.file).change(Change::Length(len as usize));
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.read(|state| {
            self.alive(state)?;
            Ok(state.stored(self.file).seen.len() as u64)
        })
    }

    fn lock(&self) -> io::Result<bool> {
        self.disk.look(|state| {
            self.alive(state)?;
            let holder = *state.stored(self.file).locked_by.get_or_insert(self.handle);
            Ok(holder == self.handle)
        })
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if let Some(stored) = state.files.get_mut(&self.file)
            && stored.locked_by == Some(self.handle)
        {
            stored.locked_by = None;
        }
    }
}
