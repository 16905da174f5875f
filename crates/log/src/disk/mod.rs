//! Files and folders, and how they fail: the only door of this crate to a disk.
//!
//! The trait is as small as the log and the snapshot store need, and says of each call what survives a crash, so that
//! a simulated disk can take everything away that a real one may take.

#[cfg(any(test, feature = "conformance"))]
mod memory;
mod os;

#[cfg(any(test, feature = "conformance"))]
pub use memory::{Call, Choose, Happened, Interrupted, MemoryDisk, MemoryFile, Survives, seeded};
pub use os::OsDisk;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A disk. Paths are relative to its root or absolute, as the provider likes; nothing here follows links.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Creates a file that must not exist. Its name survives a crash only after [`Disk::sync_dir`].
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a file for reading only.
    fn open_read(&self, path: &Path) -> io::Result<Self::File>;
    /// Renames a file, over another if there is one. Survives a crash only after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. Survives a crash only after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, sorted; names only, without the folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes a folder and its parents, where they are missing. They survive a crash when this returns.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes names created, renamed and removed in a folder survive a crash.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes free for us, if that can be told.
    fn free_bytes(&self, dir: &Path) -> io::Result<Option<u64>>;
}

/// An open file. Reads and writes are at offsets, so one file may be read while it is written.
pub trait DiskFile: Send + Sync + 'static {
    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file. Gives how many.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`. Survives a crash only after [`DiskFile::sync`].
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written survive a crash. After a failure nothing is known about what was written since the
    /// last success, and a later success does not make up for it.
    fn sync(&self) -> io::Result<()>;
    /// Reserves room up to `len` bytes, zeroed; fails with `StorageFull` if there is not enough.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// How long the file is.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Takes the file for this process alone; `false` if another has it. Let go when the file is dropped.
    fn lock(&self) -> io::Result<bool>;
}

/// A disk shared by several owners.
impl<D: Disk> Disk for Arc<D> {
    type File = D::File;

    fn create(&self, path: &Path) -> io::Result<Self::File> {
        self.as_ref().create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Self::File> {
        self.as_ref().open(path)
    }

    fn open_read(&self, path: &Path) -> io::Result<Self::File> {
        self.as_ref().open_read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.as_ref().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.as_ref().remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.as_ref().list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.as_ref().create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.as_ref().sync_dir(dir)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<Option<u64>> {
        self.as_ref().free_bytes(dir)
    }
}
