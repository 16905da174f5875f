//! Recovery: from what lies on disk to a state and a log that go on.
//!
//! The newest snapshot that can be read, and every batch after it. If a snapshot is damaged the one before it is
//! taken, as long as the log still reaches back to it; one that the disk does not give now stops the start, because it
//! may be sound. A log that ends before a snapshot, or begins after it, has lost
//! a part, and the start is refused: nothing acknowledged may be forgotten silently.

use crate::machine::{ReplayError, add_up, entries};
use onhand_core::{Entry, Seq, State};
use onhand_log::disk::Disk;
use onhand_log::file::{FileLog, FileLogOptions, Recovery};
use onhand_log::snapshots::SnapshotStore;
use onhand_log::{Log, LogReader, ReadError};
use onhand_planted::Defect;
use onhand_wire::Malformed;
use onhand_wire::snapshot::{SnapshotError, read};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Batches that are decoded before they are added up.
const AHEAD: usize = 2;

/// Why a partition could not be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The log or the snapshots cannot be read, or are damaged.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A batch cannot be replayed.
    #[error("the log at position {at} does not replay: {source}")]
    Replay {
        /// The first position of the batch.
        at: u64,
        /// Why.
        source: ReplayError,
    },
    /// A part of the ledger is missing.
    #[error("{}: the log holds positions {first} to {last}, but the state to go on from ends at {have}: {advice}{}", path.display(), and_all(damaged))]
    Gap {
        /// The folder of the log.
        path: PathBuf,
        /// The first position in the log.
        first: u64,
        /// The last position in the log.
        last: u64,
        /// The last position of the newest snapshot that can be read; 0 without one.
        have: u64,
        /// What to do.
        advice: &'static str,
        /// Snapshots that could not be read, and why.
        damaged: Vec<String>,
    },
}

fn and_all(damaged: &[String]) -> String {
    damaged.iter().map(|one| format!("; {one}")).collect()
}

/// A recovered partition.
pub struct Recovered<D: Disk> {
    /// The state after the last durable entry.
    pub state: State,
    /// The log.
    pub log: FileLog<D>,
    /// The snapshots.
    pub snapshots: SnapshotStore<D>,
    /// The positions of the snapshots that could not be read.
    pub damaged: Vec<u64>,
    /// What was found.
    pub report: RecoveryReport,
}

/// What a recovery found, to be told to the operator.
#[derive(Clone, Debug)]
pub struct RecoveryReport {
    /// The partition.
    pub partition: u16,
    /// The snapshot that it began from; zero if none.
    pub snapshot: Seq,
    /// Entries replayed after it.
    pub replayed: u64,
    /// Snapshots that could not be read, and why.
    pub damaged_snapshots: Vec<String>,
    /// What the log found.
    pub log: Recovery,
}

/// Where a partition's files lie, and how its log is kept.
pub struct Place<'a, D> {
    /// The disk.
    pub disk: D,
    /// The folder of the log.
    pub log_dir: &'a Path,
    /// The folder of the snapshots.
    pub snapshot_dir: &'a Path,
    /// How the log is kept.
    pub options: FileLogOptions,
}

/// Recovers a partition. `progress` is called now and then with the last position replayed and the last there is.
///
/// # Errors
/// See [`RecoverError`]; nothing was changed but a torn tail, which was cut back.
pub fn recover<D: Disk + Clone>(
    partition: u16,
    place: Place<'_, D>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Recovered<D>, RecoverError> {
    let snapshots = SnapshotStore::new(place.disk.clone(), place.snapshot_dir)?;
    let (state, damaged) = newest_state(partition, &snapshots)?;
    let (damaged, mut damaged_snapshots): (_, Vec<_>) = damaged.into_iter().unzip();
    if Defect::DamagedSnapshotUntold.is_on() {
        damaged_snapshots.clear();
    }
    let snapshot = state.last().seq;
    let (log, found) = FileLog::open(place.disk, place.log_dir, place.options)?;
    let reader = log.reader();
    check_reach(place.log_dir, &*reader, snapshot.0, &damaged_snapshots)?;
    let state = replay_all(state, &*reader, &mut progress)?;
    let report = RecoveryReport {
        partition,
        snapshot,
        replayed: state.last().seq.0 - snapshot.0,
        damaged_snapshots,
        log: found,
    };
    Ok(Recovered {
        state,
        log,
        snapshots,
        damaged,
        report,
    })
}

/// The state of the newest snapshot that can be read, and where newer ones are and what was wrong with them.
fn newest_state<D: Disk + Clone>(
    partition: u16,
    snapshots: &SnapshotStore<D>,
) -> Result<(State, Vec<(u64, String)>), ReadError> {
    let mut damaged = Vec::new();
    for position in snapshots.list()?.into_iter().rev() {
        match read_snapshot(partition, snapshots, position) {
            Ok(state) => return Ok((state, damaged)),
            Err(Unreadable::Disk(error)) => return Err(error),
            Err(Unreadable::Damaged(why)) if Defect::DamagedSnapshotRefused.is_on() => {
                let source = io::Error::other(why);
                return Err(ReadError::Io {
                    path: PathBuf::new(),
                    source,
                });
            }
            Err(Unreadable::Damaged(why)) => {
                damaged.push((position, format!("snapshot {position}: {why}")))
            }
        }
    }
    Ok((State::new(partition), damaged))
}

/// Why a snapshot gives no state.
pub(crate) enum Unreadable {
    /// The disk failed: what it holds may be sound.
    Disk(ReadError),
    /// What it holds is not what was written.
    Damaged(String),
}

impl Unreadable {
    /// What is wrong, of one that is damaged.
    ///
    /// # Errors
    /// The disk failed.
    pub(crate) fn damage(self) -> Result<String, ReadError> {
        match self {
            Self::Disk(error) => Err(error),
            Self::Damaged(why) => Ok(why),
        }
    }

    fn opening(error: ReadError) -> Self {
        match error {
            ReadError::Io { .. } => Self::Disk(error),
            other => Self::Damaged(other.to_string()),
        }
    }

    /// Bytes that are wrong or end early are damage; every other error is the disk's.
    fn reading(path: PathBuf, error: SnapshotError) -> Self {
        match error {
            SnapshotError::Io(source) if !is_about_bytes(&source) => {
                Self::Disk(ReadError::Io { path, source })
            }
            other => Self::Damaged(other.to_string()),
        }
    }
}

fn is_about_bytes(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

/// The state in a snapshot, or why there is none.
pub(crate) fn read_snapshot<D: Disk>(
    partition: u16,
    snapshots: &SnapshotStore<D>,
    position: u64,
) -> Result<State, Unreadable> {
    let mut reader = snapshots.open(position).map_err(Unreadable::opening)?;
    let read = read(&mut reader).and_then(|state| match reader.read(&mut [0])? {
        0 => Ok(state),
        _ => Err(SnapshotError::Io(goes_on())),
    });
    let state = read.map_err(|error| Unreadable::reading(snapshots.path(position), error))?;
    // The state has an end of its own; that of the file says that nothing is after it.
    reader.finish().map_err(Unreadable::opening)?;
    let (whose, last) = (state.partition(), state.last().seq.0);
    if (whose, last) != (partition, position) {
        let path = snapshots.path(position);
        return Err(Unreadable::Damaged(format!(
            "{} is of partition {whose} and ends at {last}: it belongs elsewhere",
            path.display()
        )));
    }
    Ok(state)
}

/// At its end a snapshot compares its blocks with what it says of them; one that does not end there is none of ours.
fn goes_on() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the snapshot goes on after its last item",
    )
}

fn check_reach(
    path: &Path,
    reader: &dyn LogReader,
    have: u64,
    damaged: &[String],
) -> Result<(), RecoverError> {
    let (first, last) = (reader.first(), reader.next() - 1);
    let advice = if first > have + 1 {
        "restore the missing segments or a snapshot from a copy"
    } else if last < have {
        "the newest part of the log is missing: restore it from a copy"
    } else {
        return Ok(());
    };
    Err(RecoverError::Gap {
        path: path.into(),
        first,
        last,
        have,
        advice,
        damaged: damaged.to_vec(),
    })
}

/// Adds up every batch after the state's last entry. Another thread reads and decodes the batches to come meanwhile,
/// as that takes about as long as adding one up.
///
/// # Errors
/// A batch cannot be read or does not fit.
pub fn replay_all(
    mut state: State,
    reader: &dyn LogReader,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<State, RecoverError> {
    let last = reader.next() - 1;
    let from = state.last().seq.next().0;
    std::thread::scope(|scope| {
        let (sender, decoded) = sync_channel(AHEAD);
        scope.spawn(move || read_ahead(reader, from, &sender));
        for batch in decoded {
            let (at, entries) = batch?;
            add_up(&mut state, &entries).map_err(|violation| RecoverError::Replay {
                at,
                source: violation.into(),
            })?;
            progress(state.last().seq.0, last);
        }
        Ok(state)
    })
}

/// The entries of a batch and its first position, or why there are none.
type Decoded = Result<(u64, Vec<Entry>), RecoverError>;

/// Decodes batches until the end, the first error, or until nobody takes them any more.
fn read_ahead(reader: &dyn LogReader, from: u64, to: &SyncSender<Decoded>) {
    for batch in reader.read_from(from) {
        let decoded = batch.map_err(RecoverError::from).and_then(|batch| {
            let at = batch.first;
            let failed = |error: Malformed| RecoverError::Replay {
                at,
                source: error.into(),
            };
            entries(&batch).map(|entries| (at, entries)).map_err(failed)
        });
        let is_last = decoded.is_err();
        if to.send(decoded).is_err() || is_last {
            return;
        }
    }
}
