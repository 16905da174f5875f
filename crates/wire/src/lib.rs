//! # onhand-wire: every byte and every shape
//!
//! How entries lie in a batch, how a state lies in a snapshot, what a state hash and a fingerprint are made of.
//!
//! Floor 1. It imports the core and does no I/O of its own: it turns values into bytes and back. Whatever was written
//! once can be read for ever; the fixtures in `tests/fixtures` hold it to that and are never edited.

pub mod batch;
pub mod json;
pub mod key;
pub mod proto;
pub mod snapshot;

pub use batch::{BatchReader, BatchWriter};
pub use snapshot::state_hash;

/// Bytes that do not say what they should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Written by a later version.
    #[error(
        "format version {found} is not known to this build (the newest it knows is {newest}): use a newer one"
    )]
    Version {
        /// What the bytes say.
        found: u8,
        /// What this build can read.
        newest: u8,
    },
    /// Cut off, or not of this format at all.
    #[error("cannot read {what}: {why}")]
    Content {
        /// What was being read.
        what: &'static str,
        /// Why it failed.
        why: String,
    },
}
