//! The engine: the partitions of one data folder, and everything that is asked of them.

use crate::admission::Policy;
use crate::clock::{Clock, SystemClock};
use crate::courier;
use crate::durability::Durability;
use crate::folder::{Folder, FolderError, io_at, log_dir, snapshot_dir};
use crate::history::{HistoryError, Ledger};
use crate::inbox::{Inbox, ReplyTo, Waiting};
use crate::machine::{Answer, Machine, Request, Unavailable};
use crate::metrics::{Metrics, PartitionMetrics};
use crate::origin::Origin;
use crate::partition::{Partition, Workers};
use crate::priority::give_way;
use crate::recover::{Place, RecoverError, Recovered, RecoveryReport, recover};
use crate::snapshotter::{self, SnapshotFailure, Snapshots};
use crate::table::ReadTable;
use onhand_core::transfer::Outgoing;
use onhand_core::{Body, Command, Entry, LocationId, Seq, Settings, Span, TransferId};
use onhand_log::Log;
use onhand_log::disk::{Disk, OsDisk};
use onhand_log::file::{FileLog, FileLogOptions};
use onhand_planted::Defect;
use pollster::block_on;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

/// How an engine is run.
#[derive(Clone)]
pub struct Options {
    /// How many partitions a new data folder gets; an existing one must have as many, if said.
    pub partitions: Option<u16>,
    /// Who gets in, for each partition.
    pub admission: Policy,
    /// A batch is closed early when it has this many bytes.
    pub batch_bytes: usize,
    /// Bytes of a log segment.
    pub segment_bytes: u64,
    /// A snapshot is taken when the log grew by so many bytes.
    pub snapshot_bytes: u64,
    /// Entries younger than this are never trimmed; `None` keeps the ledger for ever.
    pub keep_ledger: Option<Span>,
    /// When answers leave.
    pub durability: Durability,
    /// Retentions and bounds.
    pub settings: Settings,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitions: None,
            admission: Policy::default(),
            batch_bytes: 1 << 20,
            segment_bytes: 64 << 20,
            snapshot_bytes: 256 << 20,
            keep_ledger: None,
            durability: Durability::default(),
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

struct Member<D: Disk> {
    partition: Partition,
    metrics: PartitionMetrics,
    /// Whether the settings are those of the options, as far as they were tried.
    is_configured: AtomicBool,
    /// One snapshot is taken at a time: two at once would write to the same file.
    snapshots: tokio::sync::Mutex<Snapshots<D>>,
}

/// An open data folder. Dropping it stops the partitions without a last snapshot; [`Engine::stop`] takes one. A round of
/// the background work holds on to it until the round is over, so only [`Engine::stop`] says when the folder is free.
pub struct Engine<D: Disk = OsDisk> {
    folder: Folder<D>,
    members: Vec<Member<D>>,
    options: Options,
    background: Background,
}

/// An engine that is recovered and stands still: nothing runs until the workers are stepped.
///
/// A server gives the workers threads ([`Engine::open`]). Who drives them by hand also does what the threads in the
/// background would: [`Engine::configure`] first, then now and then [`Engine::take_due_snapshots`] and
/// [`Engine::carry_transfers`].
pub struct Prepared<D: Disk> {
    /// The engine.
    pub engine: Arc<Engine<D>>,
    /// The workers of each partition, in order.
    pub workers: Vec<Workers>,
    /// What the recovery of each partition found, in order.
    pub reports: Vec<RecoveryReport>,
}

impl Engine {
    /// Opens a data folder of this machine, or makes it, recovers every partition, and runs.
    ///
    /// # Errors
    /// The folder is in use or damaged, or the system failed. Nothing was changed but a torn tail, which is cut back.
    pub fn open(
        path: &Path,
        options: Options,
        registry: &mut Registry,
        progress: Progress<'_>,
    ) -> Result<(Arc<Self>, Vec<RecoveryReport>), OpenError> {
        let prepared = Self::prepare(OsDisk, path, options, registry, progress)?;
        let (engine, reports) = (prepared.engine, prepared.reports);
        for (member, workers) in engine.members.iter().zip(prepared.workers) {
            member.partition.run(workers).map_err(OpenError::Thread)?;
        }
        block_on(engine.configure())?;
        engine.start_background()?;
        Ok((engine, reports))
    }
}

impl<D: Disk + Clone> Engine<D> {
    /// Opens a data folder on a disk, or makes it, and recovers every partition; nothing runs yet.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn prepare(
        disk: D,
        path: &Path,
        options: Options,
        registry: &mut Registry,
        progress: Progress<'_>,
    ) -> Result<Prepared<D>, OpenError> {
        let log_options = FileLogOptions {
            segment_bytes: options.segment_bytes,
            ..FileLogOptions::default()
        };
        let make = |disk: &D, partition| make_partition(disk, path, partition, log_options);
        let mut folder = Folder::open_or_make(disk, path, options.partitions, make)?;
        let metrics = Metrics::register(registry);
        let (mut members, mut workers, mut reports) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_used = false;
        for partition in 0..folder.identity.partitions {
            let place = Place {
                disk: folder.disk.clone(),
                log_dir: &log_dir(path, partition),
                snapshot_dir: &snapshot_dir(path, partition),
                options: log_options,
            };
            let recovered = recover(partition, place, |at, of| progress(partition, at, of))
                .map_err(|source| OpenError::Partition { partition, source })?;
            is_used |= recovered.state.last().seq > Seq::ZERO;
            reports.push(recovered.report.clone());
            let (member, both) = Member::new(recovered, &options, metrics.of(partition));
            members.push(member);
            workers.push(both);
        }
        if !is_used {
            folder.is_not_used_yet()?;
        }
        let engine = Arc::new(Self {
            folder,
            members,
            options,
            background: Mutex::default(),
        });
        Ok(Prepared {
            engine,
            workers,
            reports,
        })
    }

    /// Records the settings where they differ from those in force.
    ///
    /// # Errors
    /// A partition cannot answer. A full disk is no error: the settings of the last start stay in force, and
    /// [`Engine::take_due_snapshots`] tries again.
    pub async fn configure(&self) -> Result<(), OpenError> {
        for partition in 0..self.partitions() {
            match self.configure_one(partition).await {
                Err(Unavailable::StorageFull) => {
                    tracing::warn!(
                        partition,
                        "the disk is full: the settings of the last start stay in force until there is room"
                    );
                }
                Err(why) => return Err(OpenError::Settings(why)),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Records the settings where there was no room for them, if there is now.
    pub(crate) async fn configure_late(&self) {
        for (partition, member) in (0..).zip(&self.members) {
            let is_late = !member.is_configured.load(Ordering::Relaxed);
            if is_late && self.outage(partition).is_none() {
                match self.configure_one(partition).await {
                    Ok(()) => tracing::info!(partition, "the settings are in force now"),
                    Err(why) => tracing::debug!(partition, %why, "the settings still wait"),
                }
            }
        }
    }

    async fn configure_one(&self, partition: u16) -> Result<(), Unavailable> {
        let request = Request::Command {
            key: None,
            command: Command::Configure(self.options.settings),
            at: None,
        };
        let answer = self.call_own(partition, request).await;
        let is_configured = &self.members[usize::from(partition)].is_configured;
        match answer {
            Answer::Unavailable(why) => {
                is_configured.store(false, Ordering::Relaxed);
                Err(why)
            }
            _ => {
                is_configured.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    fn start_background(self: &Arc<Self>) -> Result<(), OpenError> {
        self.start_rounds("snapshotter", async |engine| {
            give_way();
            engine.take_due_snapshots().await
        })?;
        self.start_rounds("courier", async |engine| engine.carry_transfers().await)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a server's background work has threads of its own"
    )]
    fn start_rounds(
        self: &Arc<Self>,
        name: &str,
        round: impl AsyncFn(&Self) + Send + 'static,
    ) -> Result<(), OpenError> {
        let (stop, stopped) = channel();
        let engine = Arc::downgrade(self);
        let run = move || rounds(&engine, &stopped, &round);
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        let thread = thread.map_err(OpenError::Thread)?;
        if let Ok(mut background) = self.background.lock() {
            background.push((stop, thread));
        }
        Ok(())
    }

    /// Takes the snapshots that are due, and trims the logs as far as allowed. Settings that found no room are tried
    /// again before.
    pub async fn take_due_snapshots(&self) {
        self.configure_late().await;
        snapshotter::round(self).await;
    }

    /// Delivers the transfers that wait in the outboxes.
    pub async fn carry_transfers(&self) {
        courier::round(self).await;
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
        match self.members.len() as u64 {
            1 => 0,
            partitions => (xxh3_64(location.as_str().as_bytes()) % partitions) as u16,
        }
    }

    /// Queues a request of the default tenant, who waits as long as it takes; its answer goes to `to`.
    ///
    /// # Errors
    /// As [`Engine::submit_from`].
    pub fn submit(&self, partition: u16, request: Request, to: ReplyTo) -> Result<(), Unavailable> {
        self.submit_from(Origin::default(), partition, request, to)
    }

    /// Queues a request; its answer goes to `to`.
    ///
    /// # Errors
    /// The partition takes no requests now, or has too many; nothing was queued, and nothing goes to `to`.
    pub fn submit_from(
        &self,
        origin: Origin,
        partition: u16,
        request: Request,
        to: ReplyTo,
    ) -> Result<(), Unavailable> {
        self.inbox(partition)?.send(origin, request, to)
    }

    fn inbox(&self, partition: u16) -> Result<&Inbox, Unavailable> {
        let member = self.members.get(usize::from(partition));
        let none = || Unavailable::Stopped(format!("there is no partition {partition}"));
        Ok(&*member.ok_or_else(none)?.partition.inbox)
    }

    /// Asks a partition for the default tenant, and waits for the answer as long as it takes.
    pub async fn call(&self, partition: u16, request: Request) -> Answer {
        self.call_from(Origin::default(), partition, request).await
    }

    /// Asks a partition and waits for the answer. Who asks says until when; this does not watch the time for him.
    pub async fn call_from(&self, origin: Origin, partition: u16, request: Request) -> Answer {
        answer_of(|to| self.submit_from(origin, partition, request, to)).await
    }

    /// Asks a partition for a client, or for the engine itself.
    pub(crate) async fn call_for(
        &self,
        client: Option<Origin>,
        partition: u16,
        request: Request,
    ) -> Answer {
        match client {
            Some(origin) => self.call_from(origin, partition, request).await,
            None => self.call_own(partition, request).await,
        }
    }

    /// Asks a partition for the engine itself: before all clients, and past every bound. Nobody else may.
    pub(crate) async fn call_own(&self, partition: u16, request: Request) -> Answer {
        answer_of(|to| self.inbox(partition)?.send_own(request, to)).await
    }

    /// Asks a partition and blocks this thread until the answer is there. Not for async tasks.
    pub fn call_blocking(&self, partition: u16, request: Request) -> Answer {
        block_on(self.call(partition, request))
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

    /// How durable an answer is when it leaves: what clients are told.
    pub fn durability(&self) -> Durability {
        if Defect::DurabilityOverclaimed.is_on() {
            return Durability::BeforeAnswer;
        }
        self.options.durability
    }

    /// The clock that the engine goes by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.options.clock
    }

    /// Delivers a dispatched transfer now, for whoever waits for it; see [`crate::courier`].
    ///
    /// # Errors
    /// It could not be delivered now; it will be.
    pub async fn deliver_from(
        &self,
        origin: Origin,
        id: TransferId,
        outgoing: Outgoing,
    ) -> Result<(), Unavailable> {
        if self.options.durability != Durability::BeforeAnswer
            && !Defect::DispatchNotDurable.is_on()
        {
            courier::make_durable(self, origin, id.source).await?;
        }
        courier::deliver(self, Some(origin), id, outgoing).await
    }

    /// Brings the gauges up to date; called before metrics are read.
    pub fn refresh_metrics(&self) {
        for member in &self.members {
            let levels = member.partition.table.len();
            let door = member.partition.inbox.door();
            member
                .metrics
                .gauges(door.in_flight(), door.longest_wait(), levels);
        }
    }

    pub(crate) fn metrics(&self, partition: u16) -> &PartitionMetrics {
        &self.members[usize::from(partition)].metrics
    }

    /// The hash of a partition's state, all of it durable. Blocks this thread.
    ///
    /// # Errors
    /// The partition cannot answer.
    pub fn state_hash(&self, partition: u16) -> Result<(Seq, u128), Unavailable> {
        let body = block_on(snapshotter::freeze(self, partition))?;
        Ok((body.head().last.seq, onhand_wire::state_hash(&body)))
    }

    /// Takes a snapshot of a partition now, and trims its log as far as allowed. Blocks this thread.
    ///
    /// # Errors
    /// The partition cannot answer, its levels do not add up (INV-02), or the disk failed.
    pub fn snapshot(&self, partition: u16) -> Result<Seq, SnapshotFailure> {
        block_on(self.take_snapshot(partition))
    }

    /// As [`Engine::snapshot`], but waits for the partition without blocking; the disk is still waited for.
    ///
    /// # Errors
    /// The same.
    pub async fn take_snapshot(&self, partition: u16) -> Result<Seq, SnapshotFailure> {
        let member = &self.members[usize::from(partition)];
        // Held until the end.
        let mut snapshots = member.snapshots.lock().await;
        let log_bytes = member.partition.reader.bytes();
        let body = snapshotter::freeze(self, partition).await?;
        let last = body.head().last;
        if last.seq == snapshots.newest() {
            return Ok(last.seq);
        }
        if let Err(violation) = body.check_conservation() {
            tracing::error!(%violation, "an invariant does not hold: the partition stops");
            member.metrics.violation(violation.invariant);
            let stopped = Unavailable::Stopped(violation.to_string());
            member.partition.inbox.set_outage(Some(stopped));
            return Err(violation.into());
        }
        if Defect::TrimBeforeSnapshot.is_on() {
            self.trim(member, last.seq.0 + 1, &body)?;
        }
        snapshots.write(&body, log_bytes)?;
        member.metrics.snapshot_written();
        tracing::info!(partition, position = last.seq.0, "snapshot written");
        if let Some(needed) = snapshots.keep_newest()? {
            self.trim(member, needed, &body)?;
        }
        Ok(last.seq)
    }

    fn trim(&self, member: &Member<D>, needed: u64, body: &Body) -> Result<(), SnapshotFailure> {
        let Some(keep) = self
            .options
            .keep_ledger
            .filter(|_| !Defect::NeverTrimmed.is_on())
        else {
            return Ok(());
        };
        // An idempotency key is answered from the ledger, so the ledger is kept at least as long: by the retention in
        // force, which may not be the one that was asked for, and by the ledger's own time, where that is behind the
        // clock. And as long as any key is kept, for a longer retention may come before it is forgotten.
        let head = body.head();
        let (keep, oldest_key) = match Defect::TrimForgetsKeys.is_on() {
            false => (keep.max(head.settings.key_retention), body.oldest_key()),
            true => (keep, None),
        };
        let horizon = self.options.clock.now().min(head.last.at).minus(keep);
        let kept = member.partition.reader.first_since(horizon.millis())?;
        let asked_for = oldest_key.map_or(u64::MAX, |seq| seq.0);
        member.partition.trim(needed.min(kept).min(asked_for));
        Ok(())
    }

    pub(crate) fn is_snapshot_due(&self, partition: u16) -> bool {
        let member = &self.members[usize::from(partition)];
        // One that is being taken is not due.
        let Ok(mut snapshots) = member.snapshots.try_lock() else {
            return false;
        };
        let has_grown =
            snapshots.grown(member.partition.reader.bytes()) >= self.options.snapshot_bytes;
        has_grown && self.outage(partition).is_none()
    }

    /// Answers what is queued, takes a last snapshot of each partition, stops, and lets go of the folder. Reads go on
    /// showing what was there.
    pub fn stop(&self) {
        stop_all(&self.background);
        block_on(self.take_last_snapshots());
        self.members
            .iter()
            .for_each(|member| member.partition.stop());
        self.folder.release();
    }

    /// Takes a snapshot of each partition that can answer, so that the next start replays nothing.
    pub async fn take_last_snapshots(&self) {
        for partition in 0..self.partitions() {
            if self.outage(partition).is_none()
                && let Err(error) = self.take_snapshot(partition).await
            {
                tracing::warn!(partition, %error, "no snapshot at the stop; the next start replays the log");
            }
        }
    }

    /// Takes no more requests. Workers that are stepped by hand end when they have answered what is queued.
    pub fn close(&self) {
        self.members
            .iter()
            .for_each(|member| member.partition.close());
    }
}

impl<D: Disk> Drop for Engine<D> {
    fn drop(&mut self) {
        stop_all(&self.background);
        self.members
            .iter()
            .for_each(|member| member.partition.stop());
    }
}

impl<D: Disk> Member<D> {
    fn new(
        recovered: Recovered<D>,
        options: &Options,
        metrics: PartitionMetrics,
    ) -> (Self, Workers) {
        let Recovered {
            state,
            log,
            snapshots,
            damaged,
            report,
        } = recovered;
        let machine: Machine<Waiting> = Machine::new(state, log.tail(), 0, options.batch_bytes);
        let log_bytes = log.reader().bytes();
        let (partition, workers) = Partition::new(
            machine,
            Box::new(log),
            Arc::clone(&options.clock),
            options.admission,
            options.durability,
            Arc::new(metrics.clone()),
        );
        // What was replayed now need not be replayed again.
        let log_bytes = if report.replayed == 0 { log_bytes } else { 0 };
        let snapshots = Snapshots::new(snapshots, report.snapshot, damaged, log_bytes);
        let member = Self {
            partition,
            metrics,
            is_configured: AtomicBool::new(true),
            snapshots: tokio::sync::Mutex::new(snapshots),
        };
        (member, workers)
    }
}

fn make_partition<D: Disk + Clone>(
    disk: &D,
    path: &Path,
    partition: u16,
    options: FileLogOptions,
) -> Result<(), FolderError> {
    let (logs, snapshots) = (log_dir(path, partition), snapshot_dir(path, partition));
    for dir in [&logs, &snapshots] {
        disk.create_dir(dir).map_err(|source| io_at(dir, source))?;
    }
    FileLog::create(disk.clone(), &logs, options)
        .map(drop)
        .map_err(|error| io_at(&logs, std::io::Error::other(error)))
}

/// Waits for the answer of a request that `submit` queues.
async fn answer_of(submit: impl FnOnce(ReplyTo) -> Result<(), Unavailable>) -> Answer {
    let (sender, receiver) = oneshot::channel();
    match submit(ReplyTo::Once(sender, None)) {
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
fn rounds<D: Disk>(
    engine: &Weak<Engine<D>>,
    stopped: &Receiver<()>,
    round: &impl AsyncFn(&Engine<D>),
) {
    const PAUSE: Duration = Duration::from_secs(1);
    loop {
        match engine.upgrade() {
            Some(engine) => block_on(round(&engine)),
            None => return,
        }
        if !matches!(stopped.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}

type Background = Mutex<Vec<(Sender<()>, JoinHandle<()>)>>;

fn stop_all(background: &Background) {
    let background = match background.lock() {
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
