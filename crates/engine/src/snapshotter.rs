//! Snapshots in the background.
//!
//! The problem: a restart replays the log since the last snapshot, and a snapshot of millions of levels must not stop
//! the writer. The rule: the writer freezes its state (a list of shared pages, microseconds; see `onhand_core::pages`)
//! and answers when all of it is durable, like any other question; this thread writes it out. Only when the snapshot
//! is durable itself may the log before the *older* of the two newest snapshots be trimmed, and only as far as the
//! ledger's retention allows. If writing fails, the log is simply longer.

use crate::engine::Engine;
use crate::machine::{Answer, Request, Unavailable};
use crate::query::{Found, Query, What};
use onhand_core::{Body, Seq};
use onhand_log::ReadError;
use onhand_log::disk::Disk;
use onhand_log::snapshots::SnapshotStore;
use std::io::{self, BufWriter, Write};
/// Snapshots that are kept: the newest, and one to fall back on.
const KEPT: usize = 2;

/// Why a snapshot was not written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFailure {
    /// The partition does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The file could not be written.
    #[error("cannot write the snapshot: {0}")]
    Io(#[from] io::Error),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] ReadError),
}

/// Takes the snapshots that are due.
pub(crate) fn round(engine: &Engine) {
    for partition in (0..engine.partitions()).filter(|partition| engine.is_snapshot_due(*partition)) {
        if let Err(error) = engine.snapshot(partition) {
            tracing::warn!(partition, %error, "no snapshot was written; the log keeps what it would have held");
        }
    }
}

/// The frozen state of a partition. All of it is durable.
pub(crate) fn freeze(engine: &Engine, partition: u16) -> Result<Box<Body>, Unavailable> {
    match engine.call_blocking(partition, Request::Query(Query::Freeze)) {
        Answer::Found(Found {
            what: What::Freeze(body),
            ..
        }) => Ok(body),
        Answer::Unavailable(why) => Err(why),
        other => Err(Unavailable::LogUnavailable(format!("unexpected answer {other:?}"))),
    }
}

/// Writes a frozen state. It exists when this returns.
///
/// # Errors
/// The disk failed; there is no new snapshot then.
pub(crate) fn write<D: Disk + Clone>(store: &SnapshotStore<D>, body: &Body) -> Result<Seq, SnapshotFailure> {
    let seq = body.head().last.seq;
    let mut sink = BufWriter::with_capacity(256 << 10, store.writer(seq.0)?);
    onhand_wire::snapshot::write(body, &mut sink, |_| {})?;
    sink.flush()?;
    sink.into_inner().map_err(|error| error.into_error())?.finish()?;
    Ok(seq)
}

/// Removes all but the newest snapshots, and gives the position that the log must still reach back to.
pub(crate) fn keep_newest<D: Disk + Clone>(store: &SnapshotStore<D>) -> Result<Option<u64>, ReadError> {
    store.remove_older_than(KEPT)?;
    let kept = store.list()?;
    Ok((kept.len() >= KEPT).then(|| kept[0] + 1))
}
