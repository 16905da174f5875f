//! The data folder: what lies where, and whose it is.
//!
//! ```text
//! identity.json          what this folder is; written first as "creating", and as "ready" when all is there
//! lock                   held by the one process that has the folder open
//! partition-0/log/       segments
//! partition-0/snapshots/ snapshots
//! ```
//!
//! A folder whose identity says "creating" was never used and is made anew. A folder with partitions but without an
//! identity has lost it, and is refused: an engine that starts empty where there was stock would sell it again.

use onhand_log::disk::{Disk, DiskFile};
use onhand_planted::Defect;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use xxhash_rust::xxh3::xxh3_64;

/// The format of the folder; a later one is refused.
const FORMAT: u32 = 1;

/// What the folder is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The format of the folder.
    pub format: u32,
    /// How many partitions it has; fixed when it is made.
    pub partitions: u16,
    /// Whether making it was completed.
    pub is_ready: bool,
    /// A hash of the above: a changed digit would send locations to partitions that do not know them. Missing in
    /// folders made before it was there.
    #[serde(default)]
    check: Option<String>,
}

impl Identity {
    fn new(partitions: u16, is_ready: bool) -> Self {
        let mut identity = Self {
            format: FORMAT,
            partitions,
            is_ready,
            check: None,
        };
        identity.check = Some(identity.hash());
        identity
    }

    fn hash(&self) -> String {
        let all = format!("{} {} {}", self.format, self.partitions, self.is_ready);
        format!("{:016x}", xxh3_64(all.as_bytes()))
    }

    fn is_sound(&self) -> bool {
        self.check
            .as_ref()
            .is_none_or(|check| *check == self.hash())
    }
}

/// Why a folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system failed.
    #[error("cannot use the data folder {}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("the data folder {} is in use by another process: stop that one first", .0.display())]
    Locked(PathBuf),
    /// There is no such folder.
    #[error("there is no data folder at {}", .0.display())]
    Missing(PathBuf),
    /// It lost its identity.
    #[error("{} holds partitions but no identity.json: restore that file from a copy; an engine that starts empty here would sell the stock again", .0.display())]
    NoIdentity(PathBuf),
    /// The identity cannot be read.
    #[error("{}: {why}", path.display())]
    BadIdentity {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It has another number of partitions than asked for.
    #[error(
        "the data folder has {has} partitions, not {wanted}: the number is fixed when the folder is made"
    )]
    Partitions {
        /// How many it has.
        has: u16,
        /// How many were asked for.
        wanted: u16,
    },
}

/// An open data folder.
pub(crate) struct Folder<D: Disk> {
    pub(crate) disk: D,
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
    /// Why the identity may not be on the disk, though the system shows it.
    unsure: Option<FolderError>,
    lock: Mutex<Option<D::File>>,
}

/// Where a partition's log lies.
pub fn log_dir(folder: &Path, partition: u16) -> PathBuf {
    folder.join(format!("partition-{partition}/log"))
}

/// Where a partition's snapshots lie.
pub fn snapshot_dir(folder: &Path, partition: u16) -> PathBuf {
    folder.join(format!("partition-{partition}/snapshots"))
}

impl<D: Disk + Clone> Folder<D> {
    /// Opens a folder that is there.
    pub(crate) fn open(disk: D, path: &Path) -> Result<Self, FolderError> {
        let is_ready = |found: Option<Identity>| {
            let missing = || FolderError::Missing(path.into());
            found
                .filter(|identity| identity.is_ready)
                .ok_or_else(missing)
        };
        // Looked at before the lock, which would leave its file in a folder that is none of ours, and once more under it.
        is_ready(read_identity(&disk, path)?)?;
        let lock = take_lock(&disk, path)?;
        let identity = is_ready(read_identity(&disk, path)?)?;
        Ok(Self::new(disk, path, identity, lock))
    }

    /// Opens a folder, or makes it with `partitions` partitions (1 if not said); `make` makes each partition. The lock
    /// comes first: of two processes that find no folder, one makes it.
    pub(crate) fn open_or_make(
        disk: D,
        path: &Path,
        partitions: Option<u16>,
        make: impl Fn(&D, u16) -> Result<(), FolderError>,
    ) -> Result<Self, FolderError> {
        disk.create_dir(path)
            .map_err(|source| io_at(path, source))?;
        let lock = take_lock(&disk, path)?;
        let mut unsure = None;
        let identity = match (
            read_identity(&disk, path)?.filter(|found| found.is_ready),
            partitions,
        ) {
            (
                Some(Identity {
                    partitions: has, ..
                }),
                Some(wanted),
            ) if has != wanted => {
                return Err(FolderError::Partitions { has, wanted });
            }
            (Some(identity), _) => {
                unsure = write_identity_again(&disk, path, &identity)?;
                identity
            }
            (None, partitions) => make_all(&disk, path, partitions.unwrap_or(1), make)?,
        };
        Ok(Self {
            unsure,
            ..Self::new(disk, path, identity, lock)
        })
    }

    /// Nothing was ever recorded here. So it may be that no start wrote the identity yet, and if this one could not
    /// either, what it answered would go with the power.
    ///
    /// # Errors
    /// Why the identity could not be written.
    pub(crate) fn is_not_used_yet(&mut self) -> Result<(), FolderError> {
        self.unsure.take().map_or(Ok(()), Err)
    }

    fn new(disk: D, path: &Path, identity: Identity, lock: D::File) -> Self {
        Self {
            disk,
            path: path.into(),
            identity,
            unsure: None,
            lock: Mutex::new(Some(lock)),
        }
    }

    /// Lets another process have the folder. Nothing may be written in it after that.
    pub(crate) fn release(&self) {
        if let Ok(mut lock) = self.lock.lock() {
            *lock = None;
        }
    }
}

fn make_all<D: Disk>(
    disk: &D,
    path: &Path,
    partitions: u16,
    make: impl Fn(&D, u16) -> Result<(), FolderError>,
) -> Result<Identity, FolderError> {
    let identity = |is_ready| Identity::new(partitions, is_ready);
    if partitions == 0 {
        return Err(no_partition(path));
    }
    write_identity(disk, path, &identity(false))?;
    for partition in 0..partitions {
        make(disk, partition)?;
    }
    write_identity(disk, path, &identity(true))?;
    Ok(identity(true))
}

fn no_partition(path: &Path) -> FolderError {
    FolderError::BadIdentity {
        path: path.join("identity.json"),
        why: "a data folder has at least one partition".into(),
    }
}

fn take_lock<D: Disk>(disk: &D, path: &Path) -> Result<D::File, FolderError> {
    let at = path.join("lock");
    let file = match disk.open(&at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&at),
        other => other,
    };
    let file = match file {
        // Another process made it just now.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&at),
        other => other,
    };
    let file = file.map_err(|source| io_at(&at, source))?;
    match file.lock().map_err(|source| io_at(&at, source))? {
        true => Ok(file),
        false if Defect::FolderShared.is_on() => Ok(file),
        false => Err(FolderError::Locked(path.into())),
    }
}

pub(crate) fn io_at(path: &Path, source: io::Error) -> FolderError {
    FolderError::Io {
        path: path.into(),
        source,
    }
}

fn read_identity(disk: &impl Disk, path: &Path) -> Result<Option<Identity>, FolderError> {
    let at = path.join("identity.json");
    let file = match disk.open_read(&at) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return lost_identity(disk, path).map(|()| None);
        }
        Err(source) => return Err(io_at(&at, source)),
    };
    let length = file.len().map_err(|source| io_at(&at, source))?;
    let mut bytes = vec![0; length.min(1 << 16) as usize];
    file.read_at(0, &mut bytes)
        .map_err(|source| io_at(&at, source))?;
    let bad = |why: String| FolderError::BadIdentity {
        path: at.clone(),
        why,
    };
    let identity: Identity = serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("not an identity ({error}): restore it from a copy")))?;
    if identity.format > FORMAT {
        let found = identity.format;
        return Err(bad(format!(
            "format {found} is newer than this build knows ({FORMAT}): use a newer build"
        )));
    }
    if !identity.is_sound() {
        let why = "it does not match its own check: restore it from a copy";
        return Err(bad(why.to_owned()));
    }
    if identity.partitions == 0 {
        return Err(no_partition(path));
    }
    Ok(Some(identity))
}

/// Refuses a folder that holds partitions and no identity.
fn lost_identity(disk: &impl Disk, path: &Path) -> Result<(), FolderError> {
    let names = match disk.list(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|source| io_at(path, source))?,
    };
    let is_partition = |name: &PathBuf| {
        let name = name.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("partition-"))
    };
    if names.iter().any(is_partition) {
        return Err(FolderError::NoIdentity(path.into()));
    }
    Ok(())
}

/// The sync that failed when the folder was made, or at an earlier start, may have been that of the folder: then the
/// identity is shown and is not on the disk. What is written anew is there after it. A disk without room is no reason
/// not to start where something is recorded already, for then an earlier start wrote it; gives what the disk said.
fn write_identity_again(
    disk: &impl Disk,
    path: &Path,
    identity: &Identity,
) -> Result<Option<FolderError>, FolderError> {
    match write_identity(disk, path, identity) {
        Err(FolderError::Io { path, source })
            if matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ) =>
        {
            Ok(Some(FolderError::Io { path, source }))
        }
        other => other.map(|()| None),
    }
}

fn write_identity(disk: &impl Disk, path: &Path, identity: &Identity) -> Result<(), FolderError> {
    let (at, draft) = (path.join("identity.json"), path.join("identity.draft"));
    let bytes = serde_json::to_vec_pretty(identity).expect("an identity is plain data");
    let write = || -> io::Result<()> {
        match disk.remove(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = disk.create(&draft)?;
        file.write_at(0, &bytes)?;
        file.sync()?;
        disk.rename(&draft, &at)?;
        disk.sync_dir(path)
    };
    write().map_err(|source| io_at(&at, source))
}
