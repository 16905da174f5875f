//! The whole proof over a data folder that no server has open: the chain of every batch, a replay from the first
//! entry, every invariant, and every snapshot against the replayed state. Changes nothing: a
//! write that a crash interrupted is told of and passed over.

use crate::folder::{Folder, FolderError, log_dir, snapshot_dir};
use crate::machine::{ReplayError, replay};
use crate::recover::{RecoverError, read_snapshot};
use onhand_core::{Invariant, Seq, Stamp, State, Timestamp, Violation, invariant};
use onhand_log::disk::{Disk, OsDisk};
use onhand_log::file::{FileLog, Summary};
use onhand_log::snapshots::SnapshotStore;
use onhand_log::{Batch, LogReader};
use onhand_planted::Defect;
use onhand_wire::state_hash;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Why a folder could not be verified: it is damaged, in use, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A partition.
    #[error("partition {partition}: {source}")]
    Partition {
        /// Which.
        partition: u16,
        /// What is wrong.
        source: RecoverError,
    },
}

/// What was found in one partition.
#[derive(Debug)]
pub struct PartitionReport {
    /// Which.
    pub partition: u16,
    /// What the log holds.
    pub log: Summary,
    /// Where the replay began: 0 for the first entry, else the snapshot that the trimmed log goes on from.
    pub replayed_from: Seq,
    /// The state after the last entry.
    pub state: State,
    /// Its hash.
    pub hash: u128,
    /// What does not hold.
    pub violations: Vec<Violation>,
    /// Snapshots compared with the replayed state, and whether they could be read and agreed.
    pub snapshots: Vec<(Seq, Result<(), String>)>,
    /// Snapshots that can be read, of positions that the trimmed log no longer has: left where removing them failed.
    /// Nothing is there to compare them with, and nothing needs them.
    pub left_over: Vec<Seq>,
}

/// How far a verification is: the partition, the last position, the last there is.
pub type Progress<'a> = &'a mut dyn FnMut(u16, u64, u64);

/// A data folder opened for reading alone; other processes are kept out while it is.
pub struct Reading<D: Disk = OsDisk> {
    pub(crate) folder: Folder<D>,
}

impl Reading {
    /// Opens a folder of this machine.
    ///
    /// # Errors
    /// There is none, it is in use, or its identity cannot be read.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        Self::open_on(OsDisk, path)
    }
}

impl<D: Disk + Clone> Reading<D> {
    /// Opens a folder on a disk.
    ///
    /// # Errors
    /// As [`Reading::open`].
    pub fn open_on(disk: D, path: &Path) -> Result<Self, FolderError> {
        let folder = Folder::open(disk, path)?;
        Ok(Self { folder })
    }

    /// How many partitions it has.
    pub fn partitions(&self) -> u16 {
        self.folder.identity.partitions
    }

    /// Verifies one partition.
    ///
    /// # Errors
    /// The log is damaged or cannot be read.
    pub fn verify(
        &self,
        partition: u16,
        progress: Progress<'_>,
    ) -> Result<PartitionReport, VerifyError> {
        let wrap = |source| VerifyError::Partition { partition, source };
        self.verify_partition(partition, progress).map_err(wrap)
    }

    fn verify_partition(
        &self,
        partition: u16,
        progress: Progress<'_>,
    ) -> Result<PartitionReport, RecoverError> {
        let store = self.store(partition);
        let (log, reader) = self.inspect(partition)?;
        let mut hashes = snapshot_hashes(partition, &store)?;
        let start = first_state(partition, &store, &*reader)?;
        let replayed_from = start.last().seq;
        let mut compared = Vec::new();
        let state = replay_with(start, &*reader, &mut |state, last| {
            progress(partition, state.last().seq.0, last);
            if let Some(hash) = hashes.remove(&state.last().seq.0) {
                compared.push((state.last().seq, agrees(hash, state)));
            }
        })?;
        let mut left_over = Vec::new();
        for (position, hash) in hashes {
            if hash.is_ok() && !reaches(position, &*reader) {
                left_over.push(Seq(position));
                continue;
            }
            let (first, last) = (replayed_from, state.last().seq);
            let elsewhere =
                format!("the log does not pass by it: it was replayed from {first} to {last}");
            compared.push((Seq(position), hash.and(Err(elsewhere))));
        }
        let violations = violations(&state, &compared);
        Ok(PartitionReport {
            partition,
            log,
            replayed_from,
            hash: state_hash(&state.freeze()),
            violations,
            snapshots: compared,
            left_over,
            state,
        })
    }

    fn store(&self, partition: u16) -> SnapshotStore<D> {
        let dir = snapshot_dir(&self.folder.path, partition);
        SnapshotStore::read_only(self.folder.disk.clone(), &dir)
    }

    fn inspect(&self, partition: u16) -> Result<(Summary, Arc<dyn LogReader>), RecoverError> {
        let dir = log_dir(&self.folder.path, partition);
        let disk = &self.folder.disk;
        let summary = FileLog::inspect(disk, &dir, &mut |_| {})?;
        Ok((summary, FileLog::read_only(disk.clone(), &dir)?))
    }

    /// The state of a partition after the last entry at or before a position and a time, by replay alone.
    ///
    /// # Errors
    /// The log is damaged, cannot be read, or was trimmed beyond what is asked for.
    pub fn replay_to(
        &self,
        partition: u16,
        until: (Seq, Timestamp),
        progress: Progress<'_>,
    ) -> Result<State, VerifyError> {
        let wrap = |source| VerifyError::Partition { partition, source };
        let path = &self.folder.path;
        let mut replayed = || {
            let store = self.store(partition);
            let (_, reader) = self.inspect(partition)?;
            let start = first_state(partition, &store, &*reader)?;
            check_start(&log_dir(path, partition), &start, &*reader, until)?;
            replay_until(start, &*reader, until, &mut |at, of| {
                progress(partition, at, of)
            })
        };
        replayed().map_err(wrap)
    }
}

fn agrees(snapshot: Result<u128, String>, state: &State) -> Result<(), String> {
    let (snapshot, replayed) = (snapshot?, state_hash(&state.freeze()));
    let differ = || format!("its hash is {snapshot:032x}, the replayed state's is {replayed:032x}");
    (snapshot == replayed).then_some(()).ok_or_else(differ)
}

fn violations(state: &State, snapshots: &[(Seq, Result<(), String>)]) -> Vec<Violation> {
    let mut violations = invariant::check(state);
    for (position, outcome) in snapshots {
        if let Err(why) = outcome {
            let what = format!("snapshot {position}: {why}");
            violations.push(Violation::new(Invariant::ReplayAgrees, state.last(), what));
        }
    }
    violations
}

type Hashes = BTreeMap<u64, Result<u128, String>>;

fn snapshot_hashes<D: Disk + Clone>(
    partition: u16,
    store: &SnapshotStore<D>,
) -> Result<Hashes, RecoverError> {
    let mut hashes = Hashes::new();
    for position in store.list()? {
        let hash = match read_snapshot(partition, store, position) {
            Ok(state) => Ok(state_hash(&state.freeze())),
            Err(_) if Defect::CheckSkipsSnapshots.is_on() => continue,
            Err(unreadable) => Err(unreadable.damage()?),
        };
        hashes.insert(position, hash);
    }
    Ok(hashes)
}

/// Refuses to replay to what lies before the state to begin from.
fn check_start(
    path: &Path,
    start: &State,
    reader: &dyn LogReader,
    (seq, at): (Seq, Timestamp),
) -> Result<(), RecoverError> {
    let Stamp {
        seq: have,
        at: then,
    } = start.last();
    if have <= seq && then <= at {
        return Ok(());
    }
    Err(RecoverError::Gap {
        path: path.into(),
        first: reader.first(),
        last: reader.next() - 1,
        have: have.0,
        advice: "what was before is trimmed; ask for a later position or time, or restore a copy",
        damaged: Vec::new(),
    })
}

/// The state to replay from: empty, or the oldest snapshot that can be read if the log no longer has its first entries.
fn first_state<D: Disk + Clone>(
    partition: u16,
    store: &SnapshotStore<D>,
    reader: &dyn LogReader,
) -> Result<State, RecoverError> {
    if reader.first() <= 1 {
        return Ok(State::new(partition));
    }
    let positions = store.list()?.into_iter();
    for position in positions.filter(|position| reaches(*position, reader)) {
        match read_snapshot(partition, store, position) {
            Ok(state) => return Ok(state),
            Err(unreadable) => drop(unreadable.damage()?),
        }
    }
    Ok(State::new(partition))
}

/// Whether the log goes on from a snapshot.
fn reaches(position: u64, reader: &dyn LogReader) -> bool {
    position + 1 >= reader.first()
}

/// Replays every batch; `each` sees the state after every entry.
fn replay_with(
    mut state: State,
    reader: &dyn LogReader,
    each: &mut dyn FnMut(&State, u64),
) -> Result<State, RecoverError> {
    let last = reader.next() - 1;
    each(&state, last);
    for batch in reader.read_from(state.last().seq.next().0) {
        let batch = batch?;
        each_entry(&batch, &mut |entry| {
            if entry.stamp.seq > state.last().seq {
                state.apply(entry)?;
                each(&state, last);
            }
            Ok(())
        })?;
    }
    Ok(state)
}

fn each_entry(
    batch: &Batch,
    each: &mut dyn FnMut(&onhand_core::Entry) -> Result<(), Violation>,
) -> Result<(), RecoverError> {
    let read = || -> Result<(), ReplayError> {
        for entry in onhand_wire::BatchReader::new(&batch.payload)? {
            each(&entry?)?;
        }
        Ok(())
    };
    let mut read = read;
    read().map_err(|source| RecoverError::Replay {
        at: batch.first,
        source,
    })
}

fn replay_until(
    mut state: State,
    reader: &dyn LogReader,
    (seq, at): (Seq, Timestamp),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<State, RecoverError> {
    let last = (reader.next() - 1).min(seq.0);
    for batch in reader.read_from(state.last().seq.next().0) {
        let batch = batch?;
        let is_whole = batch.next() <= seq.0.saturating_add(1) && batch.at_millis <= at.millis();
        if is_whole {
            replay(&mut state, &batch).map_err(|source| RecoverError::Replay {
                at: batch.first,
                source,
            })?;
            progress(state.last().seq.0, last);
            continue;
        }
        each_entry(&batch, &mut |entry| {
            let is_within = (entry.stamp.seq <= seq && entry.stamp.at <= at)
                || Defect::ReplayGoesBeyond.is_on();
            if is_within && entry.stamp.seq > state.last().seq {
                state.apply(entry)?;
            }
            Ok(())
        })?;
        break;
    }
    Ok(state)
}
