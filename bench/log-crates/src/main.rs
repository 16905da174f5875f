//! How fast can batches be made durable, one at a time: our own segment writer
//! against the log crates that exist.
//!
//! Every timed call writes one batch and returns only when it is on stable
//! storage. Rounds are interleaved, so noise on the machine falls on all alike.

mod crates;
mod measure;
mod plain;
mod probe;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

/// What the measured calls return.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A log under test.
pub trait Log {
    /// Appends one batch; when this returns, the batch is durable.
    fn append(&mut self, batch: &[u8]) -> Outcome;

    /// Makes the log usable again after a failed append, without reopening it.
    fn mend(&mut self) -> Outcome {
        Err("no such call".into())
    }
}

/// Makes a fresh log in an empty directory.
pub type Open = fn(&Path) -> Outcome<Box<dyn Log>>;

const USAGE: &str = "usage: log-crates crates   DIR [ROUNDS]      our writer against the crates
       log-crates variants DIR [ROUNDS]      ways of writing our own
       log-crates prepare  DIR               what a segment costs to make ready
       log-crates one      DIR NAME SIZE N   N appends and nothing else, for strace
       log-crates damage   DIR               what each crate says of a damaged middle
       log-crates lookalike DIR              a torn batch that holds a whole record of wal-db
       log-crates full     DIR NAME          what a crate does on a full (small) disk";

fn main() -> Outcome {
    if std::env::var_os("WALRUS_QUIET").is_none() {
        return again_with_quiet_walrus();
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, dir, rest @ ..] = args.as_slice() else {
        return Err(USAGE.into());
    };
    std::fs::create_dir_all(dir)?;
    let dir = std::fs::canonicalize(dir)?;
    // walrus-rust puts its files under the working directory.
    std::env::set_current_dir(&dir)?;
    run(mode, dir, rest)
}

fn run(mode: &str, dir: PathBuf, rest: &[String]) -> Outcome {
    let rounds = || rest.first().map_or(Ok(5), |n| n.parse());
    match mode {
        "crates" => measure::compare(&dir, &crates::all(), rounds()?),
        "variants" => measure::compare(&dir, &plain::all(), rounds()?),
        "prepare" => plain::time_preparation(&dir),
        "one" => one(&dir, rest),
        "damage" => probe::damage(&dir),
        "lookalike" => probe::lookalike(&dir),
        "full" => probe::full_disk(&dir, rest.first().ok_or(USAGE)?),
        _ => Err(USAGE.into()),
    }
}

/// walrus-rust prints a line for every append unless told not to, and reads
/// that from the environment, which cannot be changed safely from inside.
fn again_with_quiet_walrus() -> Outcome {
    let status = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env("WALRUS_QUIET", "1")
        .status()?;
    exit(status.code().unwrap_or(1))
}

fn one(dir: &Path, rest: &[String]) -> Outcome {
    let [name, size, count] = rest else {
        return Err(USAGE.into());
    };
    let mut every = crates::all();
    every.extend(plain::all());
    let (_, open) = every
        .into_iter()
        .find(|(known, _)| known == name)
        .ok_or("no such log")?;
    let home = measure::fresh(dir, name)?;
    let mut log = open(&home)?;
    let batch = measure::noise(size.parse()?);
    for _ in 0..count.parse()? {
        log.append(&batch)?;
    }
    drop(log);
    measure::clear(dir)
}
