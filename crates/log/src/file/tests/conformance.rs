//! The suite that every provider passes, on a real disk and on one in memory.

use crate::conformance::Provider;
use crate::conformance_tests;
use crate::disk::{Disk, MemoryDisk, OsDisk};
use crate::file::{FileLog, FileLogOptions};
use std::path::PathBuf;

/// Small segments, so that every case sees many.
const OPTIONS: FileLogOptions = FileLogOptions {
    segment_bytes: 8 << 10,
    verify_from: 1,
};

struct Files<D> {
    disk: D,
    dir: PathBuf,
    _keep: Option<tempfile::TempDir>,
}

fn real() -> Files<OsDisk> {
    let keep = tempfile::tempdir().unwrap();
    Files {
        disk: OsDisk,
        dir: keep.path().join("log"),
        _keep: Some(keep),
    }
}

fn simulated() -> Files<MemoryDisk> {
    Files {
        disk: MemoryDisk::new(),
        dir: PathBuf::from("log"),
        _keep: None,
    }
}

impl<D: Disk + Clone> Provider for Files<D> {
    type Log = FileLog<D>;

    fn fresh(&self) -> FileLog<D> {
        FileLog::create(self.disk.clone(), &self.dir, OPTIONS).unwrap()
    }

    fn reopen(&self, log: FileLog<D>) -> FileLog<D> {
        drop(log);
        let (log, recovery) = FileLog::open(self.disk.clone(), &self.dir, OPTIONS).unwrap();
        assert_eq!(recovery.cut, None, "an orderly stop leaves nothing to cut");
        log
    }
}

conformance_tests!(on_a_real_disk, real());
conformance_tests!(on_a_disk_in_memory, simulated());
