//! What a disk in memory did to those who use it: what came to pass, not what was ordered.

use std::path::PathBuf;

/// The kinds of calls that change something or sync. Their numbers differ much, from many a batch to one a segment, so
/// whoever orders a fault by kind reaches the rare ones as often as the frequent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A file is created.
    Create,
    /// A file is renamed.
    Rename,
    /// A file is removed.
    Remove,
    /// A folder is created.
    CreateFolder,
    /// Names are made durable.
    SyncFolder,
    /// Bytes are written.
    Write,
    /// Room is reserved.
    Allocate,
    /// Bytes are made durable.
    Sync,
}

impl Call {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Rename,
        Self::Remove,
        Self::CreateFolder,
        Self::SyncFolder,
        Self::Write,
        Self::Allocate,
        Self::Sync,
    ];
}

/// A call within which the machine stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// Its kind.
    pub call: Call,
    /// The file or folder that it was about; empty for a file that has no name any more.
    pub path: PathBuf,
}

/// Counted since the disk was made, through restarts; a fork goes on by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// Times that the machine stopped at a change.
    pub crashes: u64,
    /// Writes that failed, in part or as a whole.
    pub failed_writes: u64,
    /// Syncs of files that failed.
    pub failed_syncs: u64,
    /// Syncs of folders that failed.
    pub failed_folder_syncs: u64,
    /// Creations of files and folders, renames, removals and reservations of room that failed.
    pub failed_changes: u64,
    /// Reads, openings and listings that failed.
    pub failed_reads: u64,
    /// Calls that found no room.
    pub no_room: u64,
    /// Files of which something unsynced was lost as a whole.
    pub lost_writes: u64,
    /// Files of which something unsynced survived in part.
    pub torn_writes: u64,
    /// Names created, renamed or removed that did not survive.
    pub lost_names: u64,
}

impl Happened {
    /// Calls that failed though the machine went on.
    pub fn failures(&self) -> u64 {
        self.failed_writes
            + self.failed_syncs
            + self.failed_folder_syncs
            + self.failed_changes
            + self.failed_reads
            + self.no_room
    }

    /// Each kind by its name.
    pub fn by_kind(&self) -> [(&'static str, u64); 10] {
        [
            ("crash in a call", self.crashes),
            ("failed write", self.failed_writes),
            ("failed sync of a file", self.failed_syncs),
            ("failed sync of a folder", self.failed_folder_syncs),
            (
                "failed create, rename, remove or allocate",
                self.failed_changes,
            ),
            ("failed read", self.failed_reads),
            ("no room", self.no_room),
            ("unsynced writes lost", self.lost_writes),
            ("unsynced writes torn", self.torn_writes),
            ("unsynced name lost", self.lost_names),
        ]
    }
}
