//! Data folders for a bench.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// Tells the folders of one run apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A data folder that is removed again, if it is nobody's.
pub(super) struct Scratch {
    pub(super) path: PathBuf,
    is_ours: bool,
}

impl Scratch {
    pub(super) fn new(given: Option<PathBuf>) -> Self {
        let is_ours = given.is_none();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("onhand-bench-{}-{number}", std::process::id());
        let path = given.unwrap_or_else(|| std::env::temp_dir().join(name));
        Self { path, is_ours }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_ours {
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}
