//! An engine in a temporary folder, with a clock that the test sets.

use onhand_core::{Command, Entry, Seq, Span, Timestamp};
use onhand_engine::folder::FolderError;
use onhand_engine::table::Seen;
use onhand_engine::{Answer, Clock, Engine, OpenError, Options, RecoveryReport, Request};
use prometheus_client::registry::Registry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::requests::{key, location, sku};

pub(crate) const START: u64 = 1_700_000_000_000;
pub(crate) const MINUTE: u64 = 60_000;

#[derive(Debug)]
pub(crate) struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(START)))
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, millis: u64) {
        self.0.store(millis, Ordering::SeqCst);
    }
}

/// Small segments, so that a trim has something to take.
pub(crate) fn options(clock: &Arc<ManualClock>) -> Options {
    Options {
        segment_bytes: 8 << 10,
        clock: clock.clone(),
        ..Options::default()
    }
}

pub(crate) fn try_open(
    path: &Path,
    options: Options,
) -> Result<(Arc<Engine>, Vec<RecoveryReport>), OpenError> {
    Engine::open(path, options, &mut Registry::default(), &mut |_, _, _| {})
}

pub(crate) fn open(path: &Path, options: Options) -> Arc<Engine> {
    reopen(path, options).unwrap().0
}

/// Opens a folder whose engine was just dropped: a background round may hold on to it for a moment.
pub(crate) fn reopen(
    path: &Path,
    options: Options,
) -> Result<(Arc<Engine>, Vec<RecoveryReport>), OpenError> {
    let start = Instant::now();
    loop {
        match try_open(path, options.clone()) {
            Err(OpenError::Folder(FolderError::Locked(_)))
                if start.elapsed() < Duration::from_secs(20) =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

pub(crate) fn ask(engine: &Engine, partition: u16, command: Command) -> Answer {
    let (key, at) = (None, None);
    engine.call_blocking(partition, Request::Command { key, command, at })
}

pub(crate) fn ask_once(engine: &Engine, text: &str, command: Command) -> Answer {
    let (key, at) = (key(text, &command), None);
    engine.call_blocking(0, Request::Command { key, command, at })
}

/// The entry that a command was recorded as.
pub(crate) fn record(engine: &Engine, partition: u16, command: Command) -> Box<Entry> {
    match ask(engine, partition, command) {
        Answer::Recorded(entry) => entry,
        other => panic!("not recorded: {other:?}"),
    }
}

pub(crate) fn seen(engine: &Engine, at: &str, what: &str) -> Option<Seen> {
    let table = engine.table(engine.partition_of(&location(at)));
    Some(table.find(table.location(&location(at))?, &sku(what))?.1)
}

/// The hash of partition 0, with its position.
pub(crate) fn hash(engine: &Engine) -> (Seq, u128) {
    engine.state_hash(0).unwrap()
}

pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The folder as a power cut would leave it: a copy of every byte that is there now.
pub(crate) fn copy_of(path: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(path, copy.path());
    copy
}

pub(crate) fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_into(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The files of partition 0 with this ending, oldest first.
pub(crate) fn files(path: &Path, folder: &str, ending: &str) -> Vec<PathBuf> {
    let dir = path.join("partition-0").join(folder);
    let names = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = names
        .filter(|path| path.extension().is_some_and(|it| it == ending))
        .collect();
    files.sort();
    files
}

/// Changes a byte in the middle of a file.
pub(crate) fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn days(days: u64) -> Span {
    Span::from_secs(days * 86_400)
}
