//! # onhand-log: the durable sequence
//!
//! An ordered sequence of batches of records, durable before `append` returns, and a store for snapshots beside it.
//! Providers: [`memory`] and [`mod@file`]; one suite, `conformance`, that each of them passes.
//!
//! Floor 2. It imports no other crate of Onhand: a batch is bytes with positions, and what they mean is decided
//! elsewhere. Files, directories and their failures are behind [`disk::Disk`], so that the same log code runs on a
//! real disk and on a simulated one. It has no clock and no thread of its own; `clippy.toml` beside this crate holds
//! it to that.

pub mod batch;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod disk;
pub mod file;
pub mod log;
pub mod memory;
mod record;
pub mod snapshots;

pub use batch::{Batch, Checksum, Tail};
pub use disk::{Disk, DiskFile, OsDisk};
pub use file::{FileLog, FileLogOptions, Recovery, TornTail};
pub use log::{AppendError, Log, LogReader, ReadError};
pub use memory::MemoryLog;
pub use snapshots::{SnapshotReader, SnapshotStore, SnapshotWriter};
