//! # onhand-log: the durable sequence
//!
//! An ordered sequence of batches of records, durable before `append` returns, and a store for snapshots beside it.
//! Providers: [`memory`] and [`file`]; one [`conformance`] suite that each of them passes.
//!
//! Floor 2. It imports no other crate of Onhand: a batch is bytes with positions, and what they mean is decided
//! elsewhere. Files, directories and their failures are behind [`disk::Disk`], so that the same log code runs on a
//! real disk and on a simulated one.

pub mod batch;
pub mod disk;
pub mod log;

pub use batch::{Batch, Checksum, Tail};
pub use log::{AppendError, Log, LogReader, ReadError};
