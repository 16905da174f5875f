//! Snapshots in the background.
//!
//! The problem: a restart replays the log since the last snapshot, and a snapshot of millions of levels must not stop
//! the writer. The rule: the writer freezes its state (a list of shared pages, microseconds; see `onhand_core::pages`)
//! and answers when all of it is durable, like any other question; this thread writes it out. Only when the snapshot
//! is durable itself may the log before the *older* of the two newest snapshots be trimmed, and only as far as the
//! ledger's retention allows. If writing fails, the log is simply longer. A snapshot that was found damaged does not
//! count as one of the two.

use crate::engine::Engine;
use crate::machine::{Answer, Request, Unavailable};
use crate::query::{Found, Query, What};
use onhand_core::Violation;
use onhand_core::{Body, Seq};
use onhand_log::ReadError;
use onhand_log::disk::Disk;
use onhand_log::snapshots::SnapshotStore;
use std::io::{self, BufWriter};

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
    /// The state is not sound, and is not written down.
    #[error(transparent)]
    Unsound(#[from] Violation),
}

/// Takes the snapshots that are due.
pub(crate) async fn round<D: Disk + Clone>(engine: &Engine<D>) {
    for partition in (0..engine.partitions()).filter(|partition| engine.is_snapshot_due(*partition))
    {
        if let Err(error) = engine.take_snapshot(partition).await {
            tracing::warn!(partition, %error, "no snapshot was written; the log keeps what it would have held");
        }
    }
}

/// The frozen state of a partition. All of it is durable.
pub(crate) async fn freeze<D: Disk + Clone>(
    engine: &Engine<D>,
    partition: u16,
) -> Result<Box<Body>, Unavailable> {
    match engine
        .call_own(partition, Request::Query(Query::Freeze))
        .await
    {
        Answer::Found(Found {
            what: What::Freeze(body),
            ..
        }) => Ok(body),
        Answer::Unavailable(why) => Err(why),
        other => Err(Unavailable::LogUnavailable(format!(
            "unexpected answer {other:?}"
        ))),
    }
}

/// The snapshots of a partition.
pub(crate) struct Snapshots<D: Disk> {
    store: SnapshotStore<D>,
    /// The last entry of the newest that is sound.
    newest: Seq,
    /// The positions of those that could not be read. They are kept for who wants to look, and are nothing to fall
    /// back on.
    damaged: Vec<u64>,
    /// Bytes in the log when the last was begun.
    log_bytes: u64,
}

impl<D: Disk> Snapshots<D> {
    pub(crate) fn new(
        store: SnapshotStore<D>,
        newest: Seq,
        damaged: Vec<u64>,
        log_bytes: u64,
    ) -> Self {
        Self {
            store,
            newest,
            damaged,
            log_bytes,
        }
    }

    /// The last entry of the newest that is sound; zero if there is none.
    pub(crate) fn newest(&self) -> Seq {
        self.newest
    }

    /// By how many bytes the log grew since the last was begun. A log that was trimmed meanwhile grows from there.
    pub(crate) fn grown(&mut self, log_bytes: u64) -> u64 {
        self.log_bytes = self.log_bytes.min(log_bytes);
        log_bytes - self.log_bytes
    }

    /// Writes a frozen state, of a log of so many bytes. It exists when this returns.
    ///
    /// # Errors
    /// The disk failed; there is no new snapshot then. The next is due when the log has grown once more, so that a
    /// full disk is not filled and emptied all the time.
    pub(crate) fn write(&mut self, body: &Body, log_bytes: u64) -> Result<(), SnapshotFailure> {
        self.log_bytes = log_bytes;
        let seq = body.head().last.seq;
        let mut sink = BufWriter::with_capacity(256 << 10, self.store.writer(seq.0)?);
        onhand_wire::snapshot::write(body, &mut sink, |_| {})?;
        sink.into_inner()
            .map_err(|error| error.into_error())?
            .finish()?;
        self.newest = seq;
        self.damaged.retain(|position| *position != seq.0);
        Ok(())
    }

    /// Removes what is older than the newest sound ones, and gives the position that the log must still reach back to.
    pub(crate) fn keep_newest(&self) -> Result<Option<u64>, ReadError> {
        let all = self.store.list()?;
        let is_sound = |position: &&u64| !self.damaged.contains(position);
        let oldest = all.iter().rev().filter(is_sound).nth(KEPT - 1);
        let is_kept = |position: &&u64| oldest.is_none_or(|oldest| *position >= oldest);
        self.store
            .remove_older_than(all.iter().filter(is_kept).count())?;
        Ok(oldest.map(|oldest| oldest + 1))
    }
}
