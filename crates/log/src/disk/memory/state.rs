//! What each call does to the two pictures, and what a fault makes of it.

use super::happened::{Call, Happened, Interrupted};
use super::names::Names;
use super::orders::Orders;
use super::stored::{Change, Fate, Stored};
use super::{Choose, Survives, seeded};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) folders: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<u64, Stored>,
    pub(super) names: Names,
    last_id: u64,
    /// Files opened in an earlier life are dead.
    pub(super) life: u64,
    pub(super) changes: u64,
    pub(super) reads: u64,
    pub(super) crashed: bool,
    pub(super) capacity: u64,
    pub(super) orders: Orders,
    /// What is thrown within a call depends on this and on the number of the change.
    seed: u64,
    pub(super) happened: Happened,
    pub(super) interrupted: Option<Interrupted>,
}

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    Path(&'a Path),
    File(u64),
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            folders: BTreeSet::new(),
            files: BTreeMap::new(),
            names: Names::default(),
            last_id: 0,
            life: 0,
            changes: 0,
            reads: 0,
            crashed: false,
            capacity: u64::MAX,
            orders: Orders::default(),
            seed,
            happened: Happened::default(),
            interrupted: None,
        }
    }

    pub(super) fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn stored(&mut self, file: u64) -> &mut Stored {
        self.files.entry(file).or_default()
    }

    pub(super) fn used(&self) -> u64 {
        let files = self.names.all().map(|(_, file)| &self.files[&file]);
        files.map(|file| file.seen.len() as u64).sum()
    }

    pub(super) fn room_to_grow(&mut self, file: u64, len: u64) -> io::Result<()> {
        let more = len.saturating_sub(self.files[&file].seen.len() as u64);
        if self.used() + more > self.capacity && more > 0 {
            self.happened.no_room += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub(super) fn begins(&mut self, call: Call) {
        self.changes += 1;
        self.orders.begins(self.changes, call);
    }

    /// Stops the machine, if that was ordered for this change.
    pub(super) fn stop_if_due(&mut self, call: Call, subject: Subject<'_>) -> io::Result<()> {
        if self.orders.crash_at != Some(self.changes) {
            return Ok(());
        }
        self.crashed = true;
        self.happened.crashes += 1;
        let path = match subject {
            Subject::Path(path) => path,
            Subject::File(file) => self.names.name_of(file).unwrap_or(Path::new("")),
        };
        let path = path.to_owned();
        self.interrupted = Some(Interrupted { call, path });
        Err(dead())
    }

    pub(super) fn may_change(&mut self) -> io::Result<()> {
        let failure = self.orders.failure(self.changes);
        self.happened.failed_changes += u64::from(failure.is_some());
        failure.map_or(Ok(()), |kind| Err(kind.into()))
    }

    pub(super) fn may_read(&mut self) -> io::Result<()> {
        self.reads += 1;
        let failure = self.orders.fail_read_at.remove(&self.reads);
        self.happened.failed_reads += u64::from(failure.is_some());
        failure.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn may_sync(&mut self) -> io::Result<()> {
        let failure = self.orders.sync_failure(self.changes);
        failure.map_or(Ok(()), |kind| Err(io::Error::new(kind, "the disk fails")))
    }

    pub(super) fn write(&mut self, file: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.room_to_grow(file, offset + bytes.len() as u64)?;
        let failure = self.orders.failure(self.changes);
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

    pub(super) fn sync(&mut self, file: u64) -> io::Result<()> {
        if let Err(error) = self.may_sync() {
            self.happened.failed_syncs += 1;
            let mut choose = self.throws();
            let fate = self.stored(file).tear(Survives::Anything, &mut choose);
            self.suffered(&fate);
            return Err(error);
        }
        self.stored(file).sync();
        Ok(())
    }

    pub(super) fn sync_names(&mut self, dir: &Path) -> io::Result<()> {
        match self.may_sync() {
            Err(error) => {
                self.happened.failed_folder_syncs += 1;
                let mut choose = self.throws();
                self.happened.lost_names += self.names.settle(Some(dir), &mut choose);
                Err(error)
            }
            Ok(()) => {
                self.names.settle(Some(dir), &mut |_| 1);
                Ok(())
            }
        }
    }

    fn suffered(&mut self, fate: &Fate) {
        match fate {
            Fate::Lost => self.happened.lost_writes += 1,
            Fate::Torn => self.happened.torn_writes += 1,
            Fate::None | Fate::Kept => {}
        }
    }

    pub(super) fn restart(&mut self, survives: Survives, choose: Choose<'_>) {
        let mut name_survives = |alternatives| match survives {
            Survives::Nothing => 0,
            Survives::Everything => 1,
            Survives::Anything | Survives::Part => choose(alternatives),
        };
        self.happened.lost_names += self.names.settle(None, &mut name_survives);
        let named = self.names.restart();
        self.files.retain(|file, _| named.contains(file));
        let mut fates = Vec::new();
        for stored in self.files.values_mut() {
            fates.push(stored.tear(survives, choose));
            stored.seen = stored.platter.clone();
            stored.locked_by = None;
        }
        fates.iter().for_each(|fate| self.suffered(fate));
        self.changes = 0;
        self.reads = 0;
        self.crashed = false;
        self.orders = Orders::default();
        self.life += 1;
    }
}

/// What every call on a machine that has stopped gets.
pub(super) fn dead() -> io::Error {
    io::Error::other("the machine has stopped")
}
