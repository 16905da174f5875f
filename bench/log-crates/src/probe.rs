//! What each crate does when the disk lies or is full. Not timed.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};

use crate::crates::{self, Count};
use crate::{Log, Open, Outcome, measure};

const BATCHES: u8 = 40;
const VICTIM: u8 = 20;
const BATCH: usize = 8 << 10;
const FILLER: u64 = 100 << 20;
const MANY: usize = 2000;

/// What a harm does, and the range of bytes it zeroes, counted from the start of
/// the victim's payload; an empty range flips one bit in the payload instead.
const HARMS: [(&str, Range<i64>); 4] = [
    ("one bit flipped", 0..0),
    ("a 512-byte sector inside it zeroed", 1024..1536),
    ("the 20 bytes before its payload zeroed", -20..0),
    (
        "all of it and 512 bytes either side zeroed",
        -512..BATCH as i64 + 512,
    ),
];

/// Writes 40 batches, harms the 20th on disk, and tells how many of the 40 each
/// crate gives back, or the error it gives instead.
pub fn damage(dir: &Path) -> Outcome {
    silence_panics();
    for (what, zeroed) in HARMS {
        println!("\n{what}:");
        for (name, open, count) in crates::counts() {
            match damage_one(dir, name, open, count, &zeroed) {
                Ok(read) => println!("  {name}: {read} of {BATCHES} batches, no error"),
                Err(error) => println!("  {name}: {error}"),
            }
        }
    }
    measure::clear(dir)
}

fn damage_one(
    dir: &Path,
    name: &str,
    open: Open,
    count: Count,
    zeroed: &Range<i64>,
) -> Outcome<usize> {
    measure::clear(dir)?;
    let home = measure::fresh(dir, name)?;
    let mut log = open(&home)?;
    for number in 1..=BATCHES {
        log.append(&vec![number; BATCH])?;
    }
    drop(log);
    let (path, payload) = find_victim(dir)?.ok_or("the victim is not on disk")?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    match zeroed.is_empty() {
        true => file.write_all_at(&[VICTIM ^ 1], payload + BATCH as u64 / 2)?,
        false => {
            let zeros = vec![0; (zeroed.end - zeroed.start) as usize];
            file.write_all_at(&zeros, payload.strict_add_signed(zeroed.start))?;
        }
    }
    catch(|| count(&home))
}

/// A batch that holds, as a client's text might, the bytes of a whole record of
/// wal-db, torn by a crash: is it taken for a torn end, or for damage?
pub fn lookalike(dir: &Path) -> Outcome {
    let other = measure::fresh(dir, "other")?;
    crates::wal_db(&other)?.append(b"a client's text")?;
    let record = std::fs::read(only_file(&other)?)?;
    let mut batch = vec![VICTIM; BATCH];
    batch[1000..1000 + record.len()].copy_from_slice(&record);

    let home = measure::fresh(dir, "wal-db")?;
    let mut log = crates::wal_db(&home)?;
    log.append(&[VICTIM; 100])?;
    log.append(&batch)?;
    drop(log);
    let file = OpenOptions::new().write(true).open(only_file(&home)?)?;
    file.set_len(file.metadata()?.len() - 512)?;
    tell(
        "wal-db, a torn last batch with a record inside",
        crates::wal_db(&home).map(drop),
    );
    measure::clear(dir)
}

fn only_file(home: &Path) -> Outcome<PathBuf> {
    Ok(std::fs::read_dir(home)?.next().ok_or("no file")??.path())
}

/// Where the payload of the victim lies: the first run of its byte.
fn find_victim(home: &Path) -> Outcome<Option<(PathBuf, u64)>> {
    for entry in std::fs::read_dir(home)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find_victim(&path)? {
                return Ok(Some(found));
            }
            continue;
        }
        let bytes = read_start(&path)?;
        if let Some(at) = bytes
            .windows(256)
            .position(|run| run.iter().all(|b| *b == VICTIM))
        {
            return Ok(Some((path, at as u64)));
        }
    }
    Ok(None)
}

fn read_start(path: &Path) -> Outcome<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = vec![0; file.metadata()?.len().min(4 << 20) as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Appends until the disk is full, frees space, and appends again. Give it a
/// file system of 200 MiB: half goes to a filler file, freed after the failure.
pub fn full_disk(dir: &Path, name: &str) -> Outcome {
    silence_panics();
    let (_, open, count) = crates::counts()
        .into_iter()
        .find(|(known, ..)| *known == name)
        .ok_or("no such crate")?;
    std::thread::spawn(give_up_later);
    fill_one(dir, name, open, count)?;
    measure::clear(dir)
}

fn give_up_later() {
    std::thread::sleep(Duration::from_secs(20));
    println!("  hangs: nothing more after 20 s");
    std::process::exit(1);
}

fn fill_one(dir: &Path, name: &str, open: Open, count: Count) -> Outcome {
    let filler = dir.join("filler");
    fallocate(File::create(&filler)?, FallocateFlags::empty(), 0, FILLER)?;
    let home = measure::fresh(dir, name)?;
    let mut log = open(&home)?;
    let batch = measure::noise(256 << 10);
    let done = fill(&mut *log, &batch)?;
    std::fs::remove_file(&filler)?;
    tell("append after space is freed", catch(|| log.append(&batch)));
    tell("mending call", catch(|| log.mend()));
    tell("append after that", catch(|| log.append(&batch)));
    drop(log);
    match catch(|| count(&home)) {
        Ok(read) => println!("  read back on reopening: {read} (accepted before: {done})"),
        Err(error) => println!("  reopening: {error}"),
    }
    Ok(())
}

fn fill(log: &mut dyn Log, batch: &[u8]) -> Outcome<usize> {
    for done in 0..MANY {
        if let Err(error) = catch(|| log.append(batch)) {
            println!("  full after {done} batches: {error}");
            return Ok(done);
        }
    }
    println!("  accepted {MANY} batches, more than the disk holds");
    Ok(MANY)
}

fn tell(what: &str, outcome: Outcome) {
    match outcome {
        Ok(()) => println!("  {what}: ok"),
        Err(error) => println!("  {what}: {error}"),
    }
}

fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Turns a panic into an error, so that one crate does not end the probe.
fn catch<T>(call: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(format!("PANIC: {}", message(&*panic)).into()))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("?")
}
