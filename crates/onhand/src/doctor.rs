//! `onhand doctor`: looks at the machine and the data folder as an operator would, and says what to do.

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use clap::Args;
use onhand_engine::folder::{FolderError, log_dir, snapshot_dir};
use onhand_engine::verify::Reading;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Looks at the machine and the data folder and says what is wrong and what to do. Changes nothing but a probe file
/// that it removes again.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand doctor --data ./onhand-data

Ends with code 0 if nothing must be mended.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    folder: DataFolder,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    Good,
    Note,
    Mend,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    grade: Grade,
    says: String,
    advice: Option<String>,
}

impl Finding {
    fn good(what: &'static str, says: String) -> Self {
        Self {
            what,
            grade: Grade::Good,
            says,
            advice: None,
        }
    }

    fn bad(what: &'static str, grade: Grade, says: String, advice: impl Into<String>) -> Self {
        Self {
            what,
            grade,
            says,
            advice: Some(advice.into()),
        }
    }

    fn print(&self) {
        let mark = match self.grade {
            Grade::Good => "ok  ",
            Grade::Note => "note",
            Grade::Mend => "MEND",
        };
        output::text(format!("{mark}  {:<14} {}", self.what, self.says));
        if let Some(advice) = &self.advice {
            output::text(format!("      {:<14} -> {advice}", ""));
        }
    }
}

impl Doctor {
    /// Looks at everything.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let dir = nearest_folder(&self.folder.data);
        let mut findings = vec![cores(), open_files(), clock(), room(&dir), sync_speed(&dir)];
        findings.extend(folder(&self.folder.data));
        match self.json {
            true => output::json(&findings),
            false => findings.iter().for_each(Finding::print),
        }
        let to_mend = findings
            .iter()
            .filter(|finding| finding.grade == Grade::Mend)
            .count();
        match to_mend {
            0 => Ok(()),
            count => Err(Failure::say(format!("{count} findings to mend"))),
        }
    }
}

/// The folder itself, or the nearest one above it that is there.
fn nearest_folder(data: &Path) -> PathBuf {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.into());
    let found = absolute.ancestors().find(|path| path.is_dir());
    found.unwrap_or(Path::new("/")).into()
}

fn cores() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let says = format!("{cores} for this process");
    match cores {
        1 => Finding::bad(
            "cores",
            Grade::Note,
            says,
            "a writer, its log and the connections share one core: expect less",
        ),
        _ => Finding::good("cores", says),
    }
}

fn open_files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let says = limit.map_or("no limit".into(), |limit| format!("at most {limit}"));
    match limit {
        Some(limit) if limit < 4096 => Finding::bad(
            "open files",
            Grade::Note,
            says,
            "each connection takes one: raise it with `ulimit -n 65536` or LimitNOFILE",
        ),
        _ => Finding::good("open files", says),
    }
}

fn clock() -> Finding {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let at = jiff::Timestamp::from_millisecond(now.as_millis() as i64).unwrap_or_default();
    let is_sound = now > Duration::from_secs(1_700_000_000);
    match is_sound {
        true => Finding::good("clock", format!("{at}")),
        false => Finding::bad(
            "clock",
            Grade::Mend,
            format!("{at}"),
            "set the clock: holds expire by it",
        ),
    }
}

fn room(dir: &Path) -> Finding {
    let Ok(stat) = rustix::fs::statvfs(dir) else {
        return Finding::bad(
            "room",
            Grade::Note,
            format!("cannot tell for {}", dir.display()),
            "look with df",
        );
    };
    let free = stat.f_bavail * stat.f_frsize;
    let says = format!("{} MiB free at {}", free >> 20, dir.display());
    match free >> 20 {
        0..256 => Finding::bad(
            "room",
            Grade::Mend,
            says,
            "writes will be refused when it is full: free some, or move the data folder",
        ),
        256..4096 => Finding::bad(
            "room",
            Grade::Note,
            says,
            "enough for now; a busy ledger grows by about 70 bytes an entry",
        ),
        _ => Finding::good("room", says),
    }
}

/// Appends and syncs like the log does, and tells how long that takes.
fn sync_speed(dir: &Path) -> Finding {
    match probe(dir) {
        Ok(mut micros) => {
            micros.sort_unstable();
            let (p50, p99) = (micros[micros.len() / 2], micros[micros.len() * 99 / 100]);
            let says = format!("append of 4 KiB and fdatasync: p50 {p50} µs, p99 {p99} µs");
            match p50 {
                0..20 => Finding::bad(
                    "sync",
                    Grade::Note,
                    says,
                    "faster than most disks can be: make sure that the disk does not lie about syncs",
                ),
                20..20_000 => Finding::good("sync", says),
                _ => Finding::bad(
                    "sync",
                    Grade::Note,
                    says,
                    "every answer waits for one: a disk with power-loss protection is faster",
                ),
            }
        }
        Err(error) => Finding::bad(
            "sync",
            Grade::Mend,
            format!("cannot write in {}: {error}", dir.display()),
            "give this user the right to write there",
        ),
    }
}

fn probe(dir: &Path) -> std::io::Result<Vec<u128>> {
    let path = dir.join(format!(".onhand-doctor-{}", std::process::id()));
    let measured = (|| {
        let mut file = std::fs::File::create_new(&path)?;
        (0..200)
            .map(|_| {
                let start = Instant::now();
                file.write_all(&[7; 4096])?;
                file.sync_data()?;
                Ok(start.elapsed().as_micros())
            })
            .collect()
    })();
    drop(std::fs::remove_file(&path));
    measured
}

fn folder(data: &Path) -> Vec<Finding> {
    match Reading::open(data) {
        Ok(reading) => (0..reading.partitions())
            .map(|partition| logs(data, partition))
            .collect(),
        Err(FolderError::Missing(_)) => {
            vec![Finding::good(
                "data folder",
                format!(
                    "{} is not there yet; `onhand serve` makes it",
                    data.display()
                ),
            )]
        }
        Err(FolderError::Locked(_)) => {
            vec![Finding::good(
                "data folder",
                format!(
                    "{} is in use by a running server; /readyz and /metrics tell of it",
                    data.display()
                ),
            )]
        }
        Err(error) => vec![Finding::bad(
            "data folder",
            Grade::Mend,
            error.to_string(),
            "see the message; `onhand check` tells more",
        )],
    }
}

fn logs(data: &Path, partition: u16) -> Finding {
    let size = |dir: PathBuf, ending: &str| -> (usize, u64) {
        let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|name| name == ending));
        let sizes = files.filter_map(|file| Some(file.metadata().ok()?.len()));
        sizes.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes))
    };
    let (segments, log) = size(log_dir(data, partition), "log");
    let (snapshots, bytes) = size(snapshot_dir(data, partition), "snap");
    let says = format!(
        "partition {partition}: {segments} segments, {} MiB; {snapshots} snapshots, {} MiB",
        log >> 20,
        bytes >> 20
    );
    match (segments, snapshots) {
        (0, _) => Finding::bad(
            "data folder",
            Grade::Mend,
            says,
            "the log is missing: restore it from a copy",
        ),
        (3.., 0) => Finding::bad(
            "data folder",
            Grade::Note,
            says,
            "no snapshot yet: a start replays all of the log",
        ),
        _ => Finding::good("data folder", says),
    }
}
