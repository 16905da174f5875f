//! What the log and the snapshot store call.

use super::MemoryDisk;
use super::happened::Call;
use super::names::{NameChange, folder_of};
use super::state::{State, Subject, dead};
use super::stored::Change;
use crate::disk::{Disk, DiskFile};
use std::io;
use std::path::{Path, PathBuf};

impl MemoryDisk {
    fn look<T>(&self, look: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        if state.crashed {
            return Err(dead());
        }
        look(&mut state)
    }

    /// A crash comes when the change is done and not synced.
    fn change<T>(
        &self,
        call: Call,
        subject: Subject<'_>,
        change: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        self.look(|state| {
            state.begins(call);
            let done = change(state);
            state.stop_if_due(call, subject)?;
            done
        })
    }

    /// A crash comes before anything is durable.
    fn make_durable(
        &self,
        call: Call,
        subject: Subject<'_>,
        sync: impl FnOnce(&mut State) -> io::Result<()>,
    ) -> io::Result<()> {
        self.look(|state| {
            state.begins(call);
            state.stop_if_due(call, subject)?;
            sync(state)
        })
    }

    fn read<T>(&self, read: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.look(|state| {
            state.may_read()?;
            read(state)
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

impl Disk for MemoryDisk {
    type File = MemoryFile;

    fn create(&self, path: &Path) -> io::Result<MemoryFile> {
        self.change(Call::Create, Subject::Path(path), |state| {
            state.may_change()?;
            if state.names.file(path).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let dir = folder_of(path);
            if !state.folders.contains(&dir) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let file = state.id();
            state.stored(file);
            let name = path.to_owned();
            state.names.change(&dir, NameChange::Put { name, file });
            Ok(file)
        })
        .map(|file| self.handle(file))
    }

    fn open(&self, path: &Path) -> io::Result<MemoryFile> {
        self.read(|state| state.names.file(path))
            .map(|file| self.handle(file))
    }

    fn open_read(&self, path: &Path) -> io::Result<MemoryFile> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Rename, Subject::Path(to), |state| {
            state.may_change()?;
            let file = state.names.file(from)?;
            let change = NameChange::Move {
                from: from.to_owned(),
                to: to.to_owned(),
                file,
            };
            state.names.change(&folder_of(to), change);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, Subject::Path(path), |state| {
            state.may_change()?;
            state.names.file(path)?;
            let name = path.to_owned();
            let change = NameChange::Take { name };
            state.names.change(&folder_of(path), change);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.read(|state| {
            if !state.folders.contains(dir) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let files = state.names.all().map(|(name, _)| name);
            let all = files.chain(state.folders.iter().map(PathBuf::as_path));
            let inside = all.filter(|path| folder_of(path) == dir);
            let mut names: Vec<_> = inside
                .filter_map(|path| path.file_name().map(PathBuf::from))
                .collect();
            names.sort();
            Ok(names)
        })
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Call::CreateFolder, Subject::Path(dir), |state| {
            state.may_change()?;
            state.folders.extend(dir.ancestors().map(Path::to_path_buf));
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.make_durable(Call::SyncFolder, Subject::Path(dir), |state| {
            state.sync_names(dir)
        })
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

    fn change(
        &self,
        call: Call,
        change: impl FnOnce(&mut State) -> io::Result<()>,
    ) -> io::Result<()> {
        self.disk.change(call, Subject::File(self.file), |state| {
            self.alive(state)?;
            change(state)
        })
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
        self.change(Call::Write, |state| state.write(self.file, offset, bytes))
    }

    fn sync(&self) -> io::Result<()> {
        let subject = Subject::File(self.file);
        self.disk.make_durable(Call::Sync, subject, |state| {
            self.alive(state)?;
            state.sync(self.file)
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.change(Call::Allocate, |state| {
            state.may_change()?;
            state.room_to_grow(self.file, len)?;
            let stored = state.stored(self.file);
            let len = stored.seen.len().max(len as usize);
            stored.change(Change::Length(len));
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
