//! The engine: the partitions of one data folder, and everything that is asked of them.

use crate::clock::{Clock, SystemClock};
use crate::courier;
use crate::folder::{Folder, FolderError, io_at, log_dir, snapshot_dir};
use crate::history::{HistoryError, Ledger};
use crate::inbox::{ReplyTo, Waiting};
use crate::machine::{Answer, Machine, Request, Unavailable};
use crate::metrics::{Metrics, PartitionMetrics};
use crate::partition::Partition;
use crate::recover::{Place, RecoverError, Recovered, RecoveryReport, recover};
use crate::snapshotter::{self, SnapshotFailure, Snapshots};
use crate::table::ReadTable;
use onhand_core::transfer::Outgoing;
use onhand_core::{Command, Entry, LocationId, Seq, Settings, Span, Timestamp, TransferId};
use onhand_log::Log;
use onhand_log::disk::{Disk, OsDisk};
use onhand_log::file::{FileLog, FileLogOptions};
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

/// How an engine is run.
#[derive(Clone)]
pub struct Options {
    /// How many partitions a new data folder gets; an existing one must have as many, if said.
    pub partitions: Option<u16>,
    /// Requests that may wait for an answer, for each partition.
    pub capacity: usize,
    /// Bytes of a log segment.
    pub segment_bytes: u64,
    /// A snapshot is taken when the log grew by so many bytes.
    pub snapshot_bytes: u64,
    /// Entries younger than this are never trimmed; `None` keeps the ledger for ever.
    pub keep_ledger: Option<Span>,
    /// Retentions and bounds.
    pub settings: Settings,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitions: None,
            capacity: 16_384,
            segment_bytes: 64 << 20,
            snapshot_bytes: 256 << 20,
            keep_ledger: None,
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A partition.
    #[error("partition {partition} cannot be opened: {source}")]
    Partition {
        /// Which.
        partition: u16,
        /// Why.
        source: RecoverError,
    },
    /// The system gives no threads.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The settings could not be recorded.
    #[error("the settings could not be recorded: {0}")]
    Settings(Unavailable),
}

/// What the engine tells while it opens: which partition, the last position replayed, the last there is.
pub type Progress<'a> = &'a mut dyn FnMut(u16, u64, u64);

struct Member {
    partition: Partition,
    metrics: PartitionMetrics,
    snapshots: Mutex<Snapshots<OsDisk>>,
}

/// An open data folder. Dropping it stops the partitions without a last snapshot; [`Engine::stop`] takes one. A round of
/// the background work holds on to it until the round is over, so only [`Engine::stop`] says when the folder is free.
pub struct Engine {
    folder: Folder<OsDisk>,
    members: Vec<Member>,
    options: Options,
    background: Mutex<Vec<(Sender<()>, JoinHandle<()>)>>,
}

impl Engine {
    /// Opens a data folder, or makes it, and recovers every partition.
    ///
    /// # Errors
    /// The folder is in use or damaged, or the system failed. Nothing was changed but a torn tail, which is cut back.
    pub fn open(
        path: &Path,
        options: Options,
        registry: &mut Registry,
        progress: Progress<'_>,
    ) -> Result<(Arc<Self>, Vec<RecoveryReport>), OpenError> {
        let log_options = FileLogOptions {
            segment_bytes: options.segment_bytes,
            ..FileLogOptions::default()
        };
        let make = |disk: &OsDisk, partition| make_partition(disk, path, partition, log_options);
        let folder = Folder::open_or_make(OsDisk, path, options.partitions, make)?;
        let metrics = Metrics::register(registry);
        let (mut members, mut reports) = (Vec::new(), Vec::new());
        for partition in 0..folder.identity.partitions {
            let place = Place {
                disk: folder.disk,
                log_dir: &log_dir(path, partition),
                snapshot_dir: &snapshot_dir(path, partition),
                options: log_options,
            };
            let recovered = recover(partition, place, |at, of| progress(partition, at, of))
                .map_err(|source| OpenError::Partition { partition, source })?;
            reports.push(recovered.report.clone());
            members.push(Member::start(recovered, &options, metrics.of(partition))?);
        }
        let engine = Arc::new(Self {
            folder,
            members,
            options,
            background: Mutex::default(),
        });
        engine.configure()?;
        engine.start_background()?;
        Ok((engine, reports))
    }

    /// Records the settings where they differ from those in force.
    fn configure(&self) -> Result<(), OpenError> {
        for partition in 0..self.partitions() {
            let request = Request::Command {
                key: None,
                command: Command::Configure(self.options.settings),
                at: None,
            };
            match self.call_blocking(partition, request) {
                Answer::Unavailable(Unavailable::StorageFull) => {
                    tracing::warn!(
                        partition,
                        "the disk is full: the settings of the last start stay in force"
                    );
                }
                Answer::Unavailable(why) => return Err(OpenError::Settings(why)),
                _ => {}
            }
        }
        Ok(())
    }

    fn start_background(self: &Arc<Self>) -> Result<(), OpenError> {
        self.start_rounds("snapshotter", snapshotter::round)?;
        self.start_rounds("courier", courier::round)
    }

    fn start_rounds(self: &Arc<Self>, name: &str, round: fn(&Self)) -> Result<(), OpenError> {
        let (stop, stopped) = channel();
        let engine = Arc::downgrade(self);
        let run = move || rounds(&engine, &stopped, round);
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        let thread = thread.map_err(OpenError::Thread)?;
        if let Ok(mut background) = self.background.lock() {
            background.push((stop, thread));
        }
        Ok(())
    }

    /// The data folder.
    pub fn path(&self) -> &Path {
        &self.folder.path
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u16 {
        self.members.len() as u16
    }

    /// The partition that keeps all stock of a location.
    pub fn partition_of(&self, location: &LocationId) -> u16 {
        (xxh3_64(location.as_str().as_bytes()) % self.members.len() as u64) as u16
    }

    /// Queues a request; its answer goes to `to`.
    ///
    /// # Errors
    /// The partition takes no requests now, or has too many; nothing was queued, and nothing goes to `to`.
    pub fn submit(&self, partition: u16, request: Request, to: ReplyTo) -> Result<(), Unavailable> {
        let Some(member) = self.members.get(usize::from(partition)) else {
            return Err(Unavailable::Stopped(format!(
                "there is no partition {partition}"
            )));
        };
        member.partition.inbox.send(request, to)
    }

    /// Asks a partition and waits for the answer.
    pub async fn call(&self, partition: u16, request: Request) -> Answer {
        call(self, partition, request).await
    }

    /// Asks a partition and blocks this thread until the answer is there. Not for async tasks.
    pub fn call_blocking(&self, partition: u16, request: Request) -> Answer {
        let (sender, receiver) = oneshot::channel();
        match self.submit(partition, request, ReplyTo::Once(sender)) {
            Ok(()) => receiver.blocking_recv().unwrap_or_else(|_| lost()),
            Err(why) => Answer::Unavailable(why),
        }
    }

    /// The read table of a partition. There must be such a partition.
    pub fn table(&self, partition: u16) -> &ReadTable {
        &self.members[usize::from(partition)].partition.table
    }

    /// How long ago the read table of a partition was last known to show all there is.
    pub fn age(&self, partition: u16) -> Span {
        self.options
            .clock
            .now()
            .since(self.table(partition).fresh_as_of())
    }

    /// The ledger of a partition. There must be such a partition.
    pub fn ledger(&self, partition: u16) -> Ledger<'_> {
        let member = &self.members[usize::from(partition)].partition;
        Ledger {
            reader: &*member.reader,
            table: &member.table,
        }
    }

    /// The entry at a position.
    ///
    /// # Errors
    /// The position was trimmed, or the log cannot be read.
    pub fn entry(&self, partition: u16, seq: Seq) -> Result<Option<Entry>, HistoryError> {
        self.ledger(partition).entry(seq)
    }

    /// Why a partition takes no writes now, if so.
    pub fn outage(&self, partition: u16) -> Option<Unavailable> {
        self.members
            .get(usize::from(partition))?
            .partition
            .inbox
            .outage()
    }

    /// The clock that the engine goes by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.options.clock
    }

    /// Delivers a dispatched transfer now; see [`crate::courier`].
    ///
    /// # Errors
    /// It could not be delivered now; it will be.
    pub async fn deliver(&self, id: TransferId, outgoing: Outgoing) -> Result<(), Unavailable> {
        courier::deliver(self, id, outgoing).await
    }

    /// Brings the gauges up to date; called before metrics are read.
    pub fn refresh_metrics(&self) {
        for member in &self.members {
            let levels = member.partition.table.len();
            member
                .metrics
                .gauges(member.partition.inbox.in_flight(), levels);
        }
    }

    /// The hash of a partition's state, all of it durable. Blocks this thread.
    ///
    /// # Errors
    /// The partition cannot answer.
    pub fn state_hash(&self, partition: u16) -> Result<(Seq, u128), Unavailable> {
        let body = snapshotter::freeze(self, partition)?;
        Ok((body.head().last.seq, onhand_wire::state_hash(&body)))
    }

    /// Takes a snapshot of a partition now, and trims its log as far as allowed. Blocks this thread.
    ///
    /// # Errors
    /// The partition cannot answer, its levels do not add up (INV-02), or the disk failed.
    pub fn snapshot(&self, partition: u16) -> Result<Seq, SnapshotFailure> {
        let member = &self.members[usize::from(partition)];
        // Held until the end: two at once would write to the same file.
        let mut snapshots = member.snapshots();
        let log_bytes = member.partition.reader.bytes();
        let body = snapshotter::freeze(self, partition)?;
        let last = body.head().last;
        if last.seq == snapshots.newest() {
            return Ok(last.seq);
        }
        if let Err(violation) = body.check_conservation() {
            member.metrics.violation(violation.invariant);
            return Err(violation.into());
        }
        snapshots.write(&body, log_bytes)?;
        member.metrics.snapshot_written();
        tracing::info!(partition, position = last.seq.0, "snapshot written");
        if let Some(needed) = snapshots.keep_newest()? {
            self.trim(member, needed, last.at)?;
        }
        Ok(last.seq)
    }

    fn trim(
        &self,
        member: &Member,
        needed: u64,
        ledger_time: Timestamp,
    ) -> Result<(), SnapshotFailure> {
        let Some(keep) = self.options.keep_ledger else {
            return Ok(());
        };
        // An idempotency key is answered from the ledger, so the ledger is kept at least as long; by the ledger's own
        // time, as the key is, where that is behind the clock.
        let keep = keep.max(self.options.settings.key_retention);
        let horizon = self.options.clock.now().min(ledger_time).minus(keep);
        let kept = member.partition.reader.first_since(horizon.millis())?;
        member.partition.trim(needed.min(kept));
        Ok(())
    }

    pub(crate) fn is_snapshot_due(&self, partition: u16) -> bool {
        let member = &self.members[usize::from(partition)];
        let log_bytes = member.partition.reader.bytes();
        let has_grown = member.snapshots().grown(log_bytes) >= self.options.snapshot_bytes;
        has_grown && self.outage(partition).is_none()
    }

    /// Answers what is queued, takes a last snapshot of each partition, stops, and lets go of the folder. Reads go on
    /// showing what was there.
    pub fn stop(&self) {
        self.stop_background();
        for partition in 0..self.partitions() {
            if self.outage(partition).is_none()
                && let Err(error) = self.snapshot(partition)
            {
                tracing::warn!(partition, %error, "no snapshot at the stop; the next start replays the log");
            }
        }
        self.members
            .iter()
            .for_each(|member| member.partition.stop());
        self.folder.release();
    }

    fn stop_background(&self) {
        let background = match self.background.lock() {
            Ok(mut background) => std::mem::take(&mut *background),
            Err(_) => return,
        };
        for (stop, thread) in background {
            drop(stop);
            let is_this_thread = thread.thread().id() == std::thread::current().id();
            if !is_this_thread {
                // A thread that panicked has said so already.
                drop(thread.join());
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop_background();
        self.members
            .iter()
            .for_each(|member| member.partition.stop());
    }
}

impl Member {
    fn start(
        recovered: Recovered<OsDisk>,
        options: &Options,
        metrics: PartitionMetrics,
    ) -> Result<Self, OpenError> {
        let Recovered {
            state,
            log,
            snapshots,
            damaged,
            report,
        } = recovered;
        let machine: Machine<Waiting> = Machine::new(state, log.tail(), 0);
        let log_bytes = log.reader().bytes();
        let partition = Partition::start(
            machine,
            Box::new(log),
            Arc::clone(&options.clock),
            options.capacity,
            Arc::new(metrics.clone()),
        );
        // What was replayed now need not be replayed again.
        let log_bytes = if report.replayed == 0 { log_bytes } else { 0 };
        Ok(Self {
            partition: partition.map_err(OpenError::Thread)?,
            metrics,
            snapshots: Mutex::new(Snapshots::new(
                snapshots,
                report.snapshot,
                damaged,
                log_bytes,
            )),
        })
    }

    /// A panic elsewhere leaves them sound: what is on the disk decides.
    fn snapshots(&self) -> MutexGuard<'_, Snapshots<OsDisk>> {
        self.snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_partition(
    disk: &OsDisk,
    path: &Path,
    partition: u16,
    options: FileLogOptions,
) -> Result<(), FolderError> {
    let (logs, snapshots) = (log_dir(path, partition), snapshot_dir(path, partition));
    for dir in [&logs, &snapshots] {
        disk.create_dir(dir).map_err(|source| io_at(dir, source))?;
    }
    FileLog::create(*disk, &logs, options)
        .map(drop)
        .map_err(|error| io_at(&logs, std::io::Error::other(error)))
}

/// Asks a partition and waits for the answer.
pub(crate) async fn call(engine: &Engine, partition: u16, request: Request) -> Answer {
    let (sender, receiver) = oneshot::channel();
    match engine.submit(partition, request, ReplyTo::Once(sender)) {
        Ok(()) => receiver.await.unwrap_or_else(|_| lost()),
        Err(why) => Answer::Unavailable(why),
    }
}

fn lost() -> Answer {
    Answer::Unavailable(Unavailable::Stopped(
        "the partition ended before it answered".into(),
    ))
}

/// Background work: a round now and then, until the engine stops or is gone.
fn rounds(engine: &Weak<Engine>, stopped: &Receiver<()>, round: fn(&Engine)) {
    const PAUSE: Duration = Duration::from_secs(1);
    loop {
        match engine.upgrade() {
            Some(engine) => round(&engine),
            None => return,
        }
        if !matches!(stopped.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}
