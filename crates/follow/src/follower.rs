//! The thread that follows, and the stores that it keeps.

use crate::metrics::Metrics;
use crate::reader::{Pool, Reader};
use crate::sampler::Sampler;
use crate::saved::Saved;
use onhand_core::{Entry, Seq, Timestamp};
use onhand_features::{FeatureSet, Limits, Store};
use prometheus_client::registry::Registry;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Entries read at once.
const READ: usize = 256;
/// Entries applied before readers get a turn, and their lines: one line takes some microseconds.
const APPLIED: usize = 16;
const LINES: usize = 256;
/// How long to wait where nothing is new.
const IDLE: Duration = Duration::from_millis(5);
/// How often the stores are weighed, which takes a look at each of their rows, and what was sampled goes to its file.
const TIDIED: Duration = Duration::from_secs(1);
/// How long to wait after a ledger could not be read.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);

/// A ledger that grows.
pub trait Source: Send + Sync + 'static {
    /// How many partitions it has.
    fn partitions(&self) -> u16;

    /// The newest position of a partition that has been answered for.
    fn last(&self, partition: u16) -> Seq;

    /// At most `most` entries of a partition, in order, from a position on.
    ///
    /// # Errors
    /// The ledger cannot be read, or no longer reaches back so far.
    fn read(
        &self,
        partition: u16,
        from: Seq,
        most: usize,
    ) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>>;

    /// The time of day, for the lag.
    fn now(&self) -> Timestamp;
}

/// What to keep, and where.
#[derive(Debug)]
pub struct Plan {
    /// The definitions.
    pub set: Arc<FeatureSet>,
    /// What a store may grow to, in each partition.
    pub limits: Limits,
    /// The folder of the saved stores; made if it is not there.
    pub folder: PathBuf,
    /// How often they are saved.
    pub save_every: Duration,
    /// Who writes down what is served, if anybody does.
    pub sampler: Option<Sampler>,
}

/// The stores that follow a ledger.
#[derive(Debug)]
pub struct Follower {
    set: Arc<FeatureSet>,
    stores: Arc<[RwLock<Store>]>,
    /// By partition.
    pools: Vec<Pool>,
    sampler: Option<Arc<Sampler>>,
    /// Dropped to stop the thread.
    running: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Follower {
    /// Takes up the saved stores, and follows on a thread of its own. `registry` gets its metrics.
    ///
    /// # Errors
    /// The folder cannot be made, or the thread not started.
    pub fn start(source: impl Source, plan: Plan, registry: &mut Registry) -> io::Result<Self> {
        let saved = Saved::open(plan.folder.clone())?;
        let stores = (0..source.partitions()).map(|partition| {
            let last = source.last(partition);
            let written = |seq| {
                let entry = source.read(partition, seq, 1).ok()?.into_iter().next()?;
                (entry.stamp.seq == seq).then_some(entry.stamp)
            };
            let store = saved.load(partition, &plan.set, last, &written);
            let new = || Store::new(Arc::clone(&plan.set), plan.limits);
            RwLock::new(store.unwrap_or_else(new))
        });
        let stores: Arc<[_]> = stores.collect();
        let sampler = plan.sampler.map(Arc::new);
        let follow = Follow {
            sampler: sampler.clone(),
            started: source.now(),
            source,
            save_every: plan.save_every,
            stores: Arc::clone(&stores),
            failing: vec![None; stores.len()],
            saved,
            metrics: Metrics::register(registry),
        };
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("features".into());
        let thread = thread.spawn(move || follow.run(&stopped))?;
        Ok(Self {
            set: plan.set,
            pools: stores.iter().map(|_| Pool::default()).collect(),
            sampler,
            stores,
            running: Mutex::new(Some((stop, thread))),
        })
    }

    /// The definitions.
    pub fn set(&self) -> &Arc<FeatureSet> {
        &self.set
    }

    /// A reader of a partition, as of now. There must be such a partition. Following waits while there is one: read
    /// some rows, and let it go.
    pub fn reader(&self, partition: u16) -> Reader<'_> {
        let number = usize::from(partition);
        let store = read(&self.stores[number]);
        Reader::new(
            partition,
            store,
            &self.pools[number],
            self.sampler.as_deref(),
        )
    }

    /// Stops following, and saves the stores. Blocks until that is done.
    pub fn stop(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((stop, thread)) = running {
            drop(stop);
            if thread.join().is_err() {
                tracing::error!("the follower of features ended by a panic");
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How many of some entries are applied before readers get a turn: one at least.
fn in_one_turn(entries: &[Entry]) -> usize {
    let mut lines = 0;
    let fits = |entry: &&Entry| {
        lines += entry.event.lines();
        lines <= LINES
    };
    let few = entries.iter().take(APPLIED).take_while(fits).count();
    few.max(1)
}

/// A reader that panicked has changed nothing.
fn read(store: &RwLock<Store>) -> RwLockReadGuard<'_, Store> {
    store.read().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread has.
struct Follow<S> {
    source: S,
    /// What was recorded before was late for another reason than that following takes time.
    started: Timestamp,
    save_every: Duration,
    stores: Arc<[RwLock<Store>]>,
    /// Until when a partition that could not be followed is left alone.
    failing: Vec<Option<Instant>>,
    saved: Saved,
    sampler: Option<Arc<Sampler>>,
    metrics: Metrics,
}

impl<S: Source> Follow<S> {
    fn run(mut self, stopped: &Receiver<()>) {
        let (mut saved_at, mut tidied_at) = (Instant::now(), None);
        loop {
            let taken: usize = (0..self.stores.len())
                .map(|number| self.follow(number))
                .sum();
            self.measure();
            if tidied_at.is_none_or(|at: Instant| at.elapsed() >= TIDIED) {
                self.weigh();
                // It holds the sampler for a write of some kilobytes: who serves a row that is to be written down waits.
                if let Some(sampler) = &self.sampler {
                    sampler.flush();
                }
                tidied_at = Some(Instant::now());
            }
            if saved_at.elapsed() >= self.save_every {
                self.save();
                saved_at = Instant::now();
            }
            let pause = if taken == 0 { IDLE } else { Duration::ZERO };
            if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        self.save();
    }

    /// Takes what is new in a partition, up to a bound; gives how many entries.
    fn follow(&mut self, number: usize) -> usize {
        if self.failing[number].is_some_and(|until| Instant::now() < until) {
            return 0;
        }
        match self.take(number) {
            Ok(taken) => {
                self.failing[number] = None;
                taken
            }
            Err(error) => {
                if self.failing[number].is_none() {
                    tracing::warn!(partition = number, %error, "features stand still: the ledger cannot be followed; it is tried every second");
                }
                self.metrics.failures.inc();
                self.failing[number] = Some(Instant::now() + AFTER_A_FAILURE);
                0
            }
        }
    }

    fn take(&self, number: usize) -> Result<usize, Box<dyn Error + Send + Sync>> {
        let (partition, store) = (number as u16, &self.stores[number]);
        let last = read(store).last().seq;
        if self.source.last(partition) <= last {
            return Ok(0);
        }
        let entries = self.source.read(partition, last.next(), READ)?;
        let mut rest = &entries[..];
        while !rest.is_empty() {
            let (some, more) = rest.split_at(in_one_turn(rest));
            rest = more;
            let mut store = store.write().unwrap_or_else(PoisonError::into_inner);
            some.iter().try_for_each(|entry| store.apply(entry))?;
            drop(store);
            let now = self.source.now();
            some.iter()
                .filter(|entry| entry.stamp.at >= self.started)
                .for_each(|entry| self.metrics.taken(now.since(entry.stamp.at)));
        }
        Ok(entries.len())
    }

    fn measure(&self) {
        let (mut entries, mut millis) = (0, 0);
        for (number, store) in self.stores.iter().enumerate() {
            let store = read(store);
            let behind = self
                .source
                .last(number as u16)
                .0
                .saturating_sub(store.last().seq.0);
            if behind > 0 {
                millis = millis.max(self.source.now().since(store.last().at).millis());
            }
            entries += behind;
        }
        self.metrics.stand(entries, millis);
    }

    fn weigh(&self) {
        let each = self.stores.iter().map(read);
        let (rows, bytes) = each.fold((0, 0), |(rows, bytes), store| {
            (rows + store.rows(), bytes + store.bytes())
        });
        self.metrics.weigh(rows, bytes);
    }

    fn save(&self) {
        for (number, store) in self.stores.iter().enumerate() {
            let store = read(store);
            if store.last().seq == Seq::ZERO {
                // It knows nothing. What was saved before, though it does not fit, may be all that a trimmed ledger left.
                continue;
            }
            let bytes = store.snapshot();
            drop(store);
            if let Err(error) = self.saved.save(number as u16, &bytes) {
                tracing::warn!(partition = number, %error, "the feature store could not be saved: the next start replays more");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onhand_core::stock::receive::{Received, ReceivedLine};
    use onhand_core::{Event, LevelNo, Stamp};

    fn of_lines(lines: usize) -> Entry {
        let line = |level| ReceivedLine {
            level: LevelNo(level),
            units: 1,
            lot: None,
            expires_on: None,
        };
        Entry {
            stamp: Stamp::default(),
            key: None,
            openings: Vec::new(),
            event: Event::Received(Received {
                occurred_at: Timestamp::default(),
                reference: None,
                lines: (0..lines as u32).map(line).collect(),
            }),
        }
    }

    #[test]
    fn readers_get_a_turn_after_so_many_entries_or_so_many_lines() {
        let turn = |lines: &[usize]| {
            let entries: Vec<_> = lines.iter().map(|lines| of_lines(*lines)).collect();
            in_one_turn(&entries)
        };
        assert_eq!(turn(&[1; 40]), APPLIED);
        assert_eq!(turn(&[100; 40]), 2);
        assert_eq!(turn(&[10_000, 1]), 1);
        assert_eq!(turn(&[1, 10_000]), 1);
    }
}
