//! Each crate behind the same small trait, set so that every append is synced,
//! and a count of what each one reads back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::plain::{self, SEGMENT};
use crate::{Log, Open, Outcome};

pub fn all() -> Vec<(&'static str, Open)> {
    vec![
        ("zeroed", plain::zeroed as Open),
        ("allocated", plain::allocated),
        ("ahead", plain::ahead),
        ("raft-engine", raft_engine),
        ("fjall", fjall),
        ("okaywal", okaywal),
        ("open-wal", open_wal),
        ("wal-db", wal_db),
        ("wal-db, own store", wal_db_own_store),
        ("walrus-rust", walrus),
        ("redb", redb),
    ]
}

struct Raft {
    engine: Engine,
    last: u64,
}

#[derive(Clone)]
struct Indexed;

impl MessageExt for Indexed {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        let mut index = [0; 8];
        index.copy_from_slice(&entry.value[..8]);
        u64::from_le_bytes(index)
    }
}

pub fn raft_engine(dir: &Path) -> Outcome<Box<dyn Log>> {
    let config = Config {
        dir: dir.to_string_lossy().into_owned(),
        target_file_size: ReadableSize(SEGMENT),
        batch_compression_threshold: ReadableSize(0),
        ..Config::default()
    };
    Ok(Box::new(Raft {
        engine: Engine::open(config)?,
        last: 0,
    }))
}

impl Log for Raft {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        // Its entries must know their own index: the first 8 bytes hold it.
        let mut entry = BytesValue::new();
        entry.value = batch.to_vec();
        entry.value[..8].copy_from_slice(&(self.last + 1).to_le_bytes());
        let mut writes = LogBatch::default();
        writes.add_entries::<Indexed>(1, &[entry])?;
        self.engine.write(&mut writes, true)?;
        self.last += 1;
        Ok(())
    }
}

struct Fjall {
    database: fjall::Database,
    keyspace: fjall::Keyspace,
    next: u64,
}

pub fn fjall(dir: &Path) -> Outcome<Box<dyn Log>> {
    let database = fjall::Database::builder(dir)
        .journal_compression(fjall::CompressionType::None)
        .manual_journal_persist(true)
        .open()?;
    let options = || fjall::KeyspaceCreateOptions::default().max_memtable_size(SEGMENT);
    let keyspace = database.keyspace("log", options)?;
    Ok(Box::new(Fjall {
        database,
        keyspace,
        next: 0,
    }))
}

impl Log for Fjall {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        self.keyspace.insert(self.next.to_be_bytes(), batch)?;
        self.database.persist(fjall::PersistMode::SyncData)?;
        self.next += 1;
        Ok(())
    }
}

struct Okay(okaywal::WriteAheadLog);

pub fn okaywal(dir: &Path) -> Outcome<Box<dyn Log>> {
    let log = okaywal::Configuration::default_for(dir)
        .preallocate_bytes(SEGMENT as u32)
        .checkpoint_after_bytes(SEGMENT - (1 << 20))
        .buffer_bytes(1 << 20)
        .open(okaywal::LogVoid)?;
    Ok(Box::new(Okay(log)))
}

impl Log for Okay {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        let mut entry = self.0.begin_entry()?;
        entry.write_chunk(batch)?;
        entry.commit()?;
        Ok(())
    }
}

struct OpenWal(open_wal::Wal);

pub fn open_wal(dir: &Path) -> Outcome<Box<dyn Log>> {
    let config = open_wal::WalConfig {
        segment_size: SEGMENT,
        max_record_size: 1 << 20,
    };
    Ok(Box::new(OpenWal(open_wal::Wal::open(dir, config)?.0)))
}

impl Log for OpenWal {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        self.0.append(batch)?;
        self.0.commit()?;
        Ok(())
    }
}

struct WalDb {
    log: wal_db::Wal<wal_db::SegmentedStore>,
    last: wal_db::Lsn,
}

pub fn wal_db(dir: &Path) -> Outcome<Box<dyn Log>> {
    let config = wal_db::WalConfig::new().with_open_policy(wal_db::OpenPolicy::Strict);
    let log = wal_db::Wal::open_segmented_with(dir, SEGMENT, config)?;
    Ok(Box::new(WalDb {
        log,
        last: wal_db::Lsn::new(0),
    }))
}

impl Log for WalDb {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        self.last = self.log.append_and_sync(batch)?;
        Ok(())
    }

    fn mend(&mut self) -> Outcome {
        Ok(self.log.truncate_after(self.last)?)
    }
}

/// A store of our own under wal-db: one segment, zeros written ahead, as in our
/// plain writer. Enough to measure appends with.
struct OwnStore {
    file: File,
    ready: AtomicU64,
    end: AtomicU64,
}

const STEP: u64 = 1 << 20;

impl wal_db::WalStore for OwnStore {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> wal_db::Result<()> {
        let end = offset + bytes.len() as u64;
        if end > self.ready.load(Ordering::Relaxed) {
            let zeros = plain::zeros_after(offset, end, STEP);
            self.file.write_all_at(zeros, end)?;
            self.ready
                .store(end + zeros.len() as u64, Ordering::Relaxed);
        }
        self.file.write_all_at(bytes, offset)?;
        self.end.fetch_max(end, Ordering::Relaxed);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> wal_db::Result<usize> {
        Ok(self.file.read_at(buffer, offset)?)
    }

    fn truncate(&self, _: u64) -> wal_db::Result<()> {
        Err(std::io::Error::other("not needed for measuring").into())
    }

    fn sync(&self) -> wal_db::Result<()> {
        Ok(self.file.sync_data()?)
    }

    fn len(&self) -> wal_db::Result<u64> {
        Ok(self.end.load(Ordering::Relaxed))
    }
}

struct WalDbOwn(wal_db::Wal<OwnStore>);

fn wal_db_own_store(dir: &Path) -> Outcome<Box<dyn Log>> {
    let store = OwnStore {
        file: plain::allocated_file(dir)?,
        ready: AtomicU64::new(0),
        end: AtomicU64::new(0),
    };
    Ok(Box::new(WalDbOwn(wal_db::Wal::with_store(store)?)))
}

impl Log for WalDbOwn {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        let _at = self.0.append_and_sync(batch)?;
        Ok(())
    }
}

struct Walrus(walrus_rust::Walrus);

pub fn walrus(dir: &Path) -> Outcome<Box<dyn Log>> {
    // Its files go under the working directory, in a folder named by this key.
    let key = dir.file_name().ok_or("no name")?.to_string_lossy();
    let log = walrus_rust::Walrus::with_consistency_and_schedule_for_key(
        &key,
        walrus_rust::ReadConsistency::StrictlyAtOnce,
        walrus_rust::FsyncSchedule::SyncEach,
    )?;
    Ok(Box::new(Walrus(log)))
}

impl Log for Walrus {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        self.0.append_for_topic("log", batch)?;
        Ok(())
    }
}

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("log");

struct Redb {
    database: Database,
    next: u64,
}

pub fn redb(dir: &Path) -> Outcome<Box<dyn Log>> {
    let database = Database::create(dir.join("log.redb"))?;
    Ok(Box::new(Redb { database, next: 0 }))
}

impl Log for Redb {
    fn append(&mut self, batch: &[u8]) -> Outcome {
        let writes = self.database.begin_write()?;
        writes.open_table(TABLE)?.insert(self.next, batch)?;
        writes.commit()?;
        self.next += 1;
        Ok(())
    }
}

/// Opens a log again and counts the batches it gives back.
pub type Count = fn(&Path) -> Outcome<usize>;

pub fn counts() -> Vec<(&'static str, Open, Count)> {
    vec![
        (
            "raft-engine",
            raft_engine as Open,
            count_raft_engine as Count,
        ),
        ("fjall", fjall, count_fjall),
        ("okaywal", okaywal, count_okaywal),
        ("open-wal", open_wal, count_open_wal),
        ("wal-db", wal_db, count_wal_db),
        ("walrus-rust", walrus, count_walrus),
        ("redb", redb, count_redb),
    ]
}

fn count_raft_engine(dir: &Path) -> Outcome<usize> {
    let config = Config {
        dir: dir.to_string_lossy().into_owned(),
        ..Config::default()
    };
    let engine = Engine::open(config)?;
    let Some(last) = engine.last_index(1) else {
        return Ok(0);
    };
    let mut entries = Vec::new();
    Ok(engine.fetch_entries_to::<Indexed>(1, 1, last + 1, None, &mut entries)?)
}

fn count_fjall(dir: &Path) -> Outcome<usize> {
    let database = fjall::Database::builder(dir).open()?;
    Ok(database
        .keyspace("log", fjall::KeyspaceCreateOptions::default)?
        .len()?)
}

#[derive(Debug)]
struct Counter(Arc<AtomicUsize>);

impl okaywal::LogManager for Counter {
    fn recover(&mut self, entry: &mut okaywal::Entry<'_>) -> std::io::Result<()> {
        if entry.read_all_chunks()?.is_some() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn checkpoint_to(
        &mut self,
        _: okaywal::EntryId,
        _: &mut okaywal::SegmentReader,
        _: &okaywal::WriteAheadLog,
    ) -> std::io::Result<()> {
        Ok(())
    }
}

fn count_okaywal(dir: &Path) -> Outcome<usize> {
    let seen = Arc::new(AtomicUsize::new(0));
    okaywal::Configuration::default_for(dir)
        .open(Counter(seen.clone()))?
        .shutdown()?;
    Ok(seen.load(Ordering::Relaxed))
}

fn count_open_wal(dir: &Path) -> Outcome<usize> {
    let config = open_wal::WalConfig {
        segment_size: SEGMENT,
        max_record_size: 1 << 20,
    };
    Ok(open_wal::Wal::open(dir, config)?.1.durable_lsn.0 as usize)
}

fn count_wal_db(dir: &Path) -> Outcome<usize> {
    let config = wal_db::WalConfig::new().with_open_policy(wal_db::OpenPolicy::Strict);
    let log = wal_db::Wal::open_segmented_with(dir, SEGMENT, config)?;
    let mut count = 0;
    for record in log.iter()? {
        record?;
        count += 1;
    }
    Ok(count)
}

fn count_walrus(dir: &Path) -> Outcome<usize> {
    let log = walrus_rust::Walrus::with_consistency_and_schedule_for_key(
        &dir.file_name().ok_or("no name")?.to_string_lossy(),
        walrus_rust::ReadConsistency::StrictlyAtOnce,
        walrus_rust::FsyncSchedule::SyncEach,
    )?;
    let mut count = 0;
    while log.read_next("log", true)?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn count_redb(dir: &Path) -> Outcome<usize> {
    let database = Database::create(dir.join("log.redb"))?;
    let mut count = 0;
    for entry in database.begin_read()?.open_table(TABLE)?.iter()? {
        let (_, batch) = entry?;
        count += usize::from(!batch.value().is_empty());
    }
    Ok(count)
}
