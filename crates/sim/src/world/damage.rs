//! Damage to what lies on the disk: bits that flip, files cut short, files that are gone.
//!
//! It is tried on copies of the disk, once the machine has stopped, so the run itself goes on unharmed. First a clean
//! start on a copy tells what is there. Then copies are damaged: of the disk as that start left it, and of the disk as
//! the machine left it, with torn tails, missing seals, and what an interrupted start or trim left. Each damaged copy is started: either it is refused, and the error names the
//! file that was damaged, or its folder if a segment or a snapshot is gone; or it starts with the very same state, and every entry that
//! can be read is the same as before. Damage that changes nothing may pass in silence; damage that changes anything may
//! not. One damaged snapshot never stops a start, and is reported if it was the newest.

use super::World;
use crate::finding::{Check, Finding, Verdict, must};
use crate::life::Life;
use onhand_core::{Seq, State};
use onhand_engine::folder::snapshot_dir;
use onhand_engine::verify::Reading;
use onhand_engine::{OpenError, RecoveryReport};
use onhand_log::disk::MemoryDisk;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of a sector.
const SECTOR: usize = 512;

/// Where a segment says that the log begins with it (`crates/log/src/file/header.rs`).
const MARK: Range<usize> = 2 * SECTOR..3 * SECTOR;

/// How many copies are damaged after a crash.
const COPIES: usize = 3;

/// A way to damage a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip,
    Zero,
    Sector,
    Truncate,
    Lose,
}

/// What was done to a file.
struct Harm {
    damage: Damage,
    kind: Kind,
    path: PathBuf,
    /// In words.
    what: String,
    /// Whether it may have been the mark that the log begins here: without it, the file before it is missed.
    is_at_mark: bool,
    /// Whether the disk was as the machine left it: then what is harmed may be what nobody was shown, and go with it.
    is_raw: bool,
    /// Whether it was a snapshot that a start would have begun from, and there still is such a file.
    is_newest_snapshot: bool,
}

impl World {
    /// Damages copies of the disk and starts them.
    pub(super) fn damage_copies(&mut self) -> Verdict {
        if !self.dice.comes(1, 3) {
            return Ok(());
        }
        let (crashed, clean) = (self.disk.fork(), self.disk.fork());
        let Ok((life, _)) = Life::start(&clean, &self.path, self.options.clone()) else {
            // The start of the world itself says why.
            return Ok(());
        };
        let whole = Whole::of(&life);
        drop(life);
        for _ in 0..COPIES {
            let is_raw = self.dice.comes(1, 2);
            let copy = if is_raw { &crashed } else { &clean }.fork();
            if let Some(harm) = self.damage(&copy, is_raw) {
                self.verify_damaged(&copy.fork(), &harm, &whole)?;
                self.start_damaged(&copy, &harm, &whole)?;
            }
        }
        if self.dice.comes(1, 3) {
            self.damage_all_snapshots(&clean.fork(), &whole)?;
        }
        Ok(())
    }

    /// Damages one file; says what was done, if anything was.
    fn damage(&mut self, disk: &MemoryDisk, is_raw: bool) -> Option<Harm> {
        let files: Vec<_> = disk
            .files()
            .into_iter()
            .filter(|(path, _)| !path.ends_with("lock"))
            .collect();
        let (path, bytes) = files.get(self.dice.below(files.len()))?.clone();
        let damage = self.dice.one_of(&[
            Damage::Flip,
            Damage::Flip,
            Damage::Flip,
            Damage::Zero,
            Damage::Sector,
            Damage::Truncate,
            Damage::Lose,
        ]);
        let kind = kind_of(&path);
        let is_newest = newest_snapshots(disk).contains(&path);
        let before = disk.contents(&path).ok();
        let at = self.place(disk, &path, bytes);
        match damage {
            Damage::Flip => {
                let bit = 1 << self.dice.below(8);
                disk.damage(&path, |bytes| flip(bytes, at, bit));
            }
            Damage::Sector if is_followed(disk, &path) => {
                disk.damage(&path, |bytes| zero_sector(bytes, at));
            }
            Damage::Zero | Damage::Sector => disk.damage(&path, |bytes| zero(bytes, at)),
            Damage::Truncate => disk.damage(&path, |bytes| bytes.truncate(at)),
            Damage::Lose => disk.lose(&path),
        }
        let after = disk.contents(&path).ok();
        if after == before {
            return None;
        }
        self.counts.fault(name_of(damage, kind));
        Some(Harm {
            damage,
            is_raw,
            is_at_mark: MARK.contains(&at),
            kind,
            what: format!("{damage:?} of {} at byte {at} of {bytes}", path.display()),
            is_newest_snapshot: is_newest && after.is_some(),
            path,
        })
    }

    /// Flips a bit in every snapshot: whether the log reaches back to its beginning or the start is refused, each one is
    /// named.
    fn damage_all_snapshots(&mut self, disk: &MemoryDisk, whole: &Whole) -> Verdict {
        let all = snapshots(disk);
        for path in &all {
            let at = self.place(disk, path, 0);
            disk.damage(path, |bytes| flip(bytes, at, 1));
            self.counts.fault("bit flip in a snapshot");
        }
        let told = match Life::start(disk, &self.path, self.options.clone()) {
            Ok((life, reports)) => {
                must(
                    stands(&life) == whole.states,
                    Check::SilenceOnDamage,
                    || "all snapshots are damaged, and it starts with another state".to_owned(),
                )?;
                let told = reports
                    .into_iter()
                    .flat_map(|report| report.damaged_snapshots);
                told.collect::<String>()
            }
            // Only the first partition that cannot be recovered is told of.
            Err(OpenError::Partition { partition, source }) => {
                let dir = snapshot_dir(&self.path, partition);
                return check_all_named(&all, |path| path.starts_with(&dir), &source.to_string());
            }
            Err(error) => return Err(Finding::new(Check::NeedlessRefusal, error.to_string())),
        };
        check_all_named(&all, |_| true, &told)
    }

    /// Where in a file: mostly where there is something.
    fn place(&mut self, disk: &MemoryDisk, path: &Path, bytes: u64) -> usize {
        let anywhere = self.dice.below(bytes as usize);
        let contents = disk.contents(path).unwrap_or_default();
        let written = contents.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        match self.dice.below(8) {
            0 => anywhere,
            1 => written.saturating_sub(self.dice.below(80)),
            _ => self.dice.below(written + 1),
        }
    }

    /// What `onhand check` says of a damaged folder: it names the damage, or there is none that changes anything.
    fn verify_damaged(&mut self, disk: &MemoryDisk, harm: &Harm, whole: &Whole) -> Verdict {
        let what = &harm.what;
        match self.checked(disk) {
            // The oldest snapshot of a trimmed log is where the proof begins; without it the log itself is what fails.
            Err(_) if harm.is_lost_snapshot() && whole.is_trimmed(&self.path, &harm.path) => Ok(()),
            Err(error) => check_named(harm, &error),
            Ok(states) => {
                self.compare_states(&states, whole, harm)?;
                let is_silent = harm.kind == Kind::Snapshot && !matches!(harm.damage, Damage::Lose);
                must(!is_silent, Check::SilenceOnDamage, || {
                    format!("{what}: check says that nothing is wrong")
                })
            }
        }
    }

    /// The hashes of all partitions as `onhand check` finds them, or everything that it complains of.
    fn checked(&self, disk: &MemoryDisk) -> Result<Vec<Stand>, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let reading = Reading::open_on(disk.clone(), &self.path).map_err(|error| text(&error))?;
        let mut states = Vec::new();
        let mut complaints = String::new();
        for partition in 0..reading.partitions() {
            let report = reading.verify(partition, &mut |_, _, _| {});
            let report = report.map_err(|error| text(&error))?;
            let dir = snapshot_dir(&self.path, partition);
            for (position, found) in report.snapshots {
                if let Err(why) = found {
                    complaints += &format!("{}/{:020}.snap: {why}; ", dir.display(), position.0);
                }
            }
            complaints.extend(report.violations.iter().map(|one| text(one)));
            states.push((report.state.last().seq.0, report.hash));
        }
        match complaints.is_empty() {
            true => Ok(states),
            false => Err(complaints),
        }
    }

    fn start_damaged(&mut self, disk: &MemoryDisk, harm: &Harm, whole: &Whole) -> Verdict {
        let what = &harm.what;
        let started = Life::start(disk, &self.path, self.options.clone());
        let (life, reports) = match started {
            Ok(started) => started,
            Err(error) => {
                self.note(format_args!("{what}: refused: {error}"));
                return check_refusal(harm, &error.to_string());
            }
        };
        self.note(format_args!("{what}: starts"));
        must(
            !harm.is_newest_snapshot || is_reported(harm, &reports),
            Check::SilenceOnDamage,
            || format!("{what}: it starts from another and does not say so"),
        )?;
        let states = stands(&life);
        self.compare_states(&states, whole, harm)?;
        for (which, readable) in whole.readable.iter().enumerate() {
            for position in readable.start..readable.end.min(states[which].0 + 1) {
                self.read_damaged(&life, which, position, harm)?;
            }
        }
        Ok(())
    }

    /// A damaged folder gives the state that was there before the damage; or of a disk as the machine left it, an earlier
    /// one with all that may not be lost: its last write may not have come to its end, and was never acknowledged.
    fn compare_states(&self, found: &[Stand], whole: &Whole, harm: &Harm) -> Verdict {
        let what = &harm.what;
        for ((found, there), book) in found.iter().zip(&whole.states).zip(&self.books) {
            let is_earlier = harm.is_raw && found.0 < there.0 && found.0 >= book.kept();
            must(found == there || is_earlier, Check::SilenceOnDamage, || {
                let (found, there, kept) = (found.0, there.0, book.kept());
                format!(
                    "{what}: nobody says so, and it comes to another state, of {found} and not {there} ({kept})"
                )
            })?;
        }
        Ok(())
    }

    /// Reads an entry that could be read before the damage. What lies within a file may be found to be damaged when it
    /// is read; a file that is gone or too short must have been missed at the start.
    fn read_damaged(&self, life: &Life, which: usize, position: u64, harm: &Harm) -> Verdict {
        match life.engine.entry(which as u16, Seq(position)) {
            Ok(Some(entry)) => self.books[which].read_again(position, &entry),
            Err(error) if matches!(harm.damage, Damage::Flip | Damage::Zero | Damage::Sector) => {
                check_refusal(harm, &error.to_string())
            }
            Ok(None) | Err(_) => {
                let what = &harm.what;
                let what = format!("{what}: it starts, and entry {position} is gone");
                Err(Finding::new(Check::SilenceOnDamage, what))
            }
        }
    }
}

/// What there is before the damage.
struct Whole {
    states: Vec<Stand>,
    /// The positions that can be read, of each partition.
    readable: Vec<Range<u64>>,
}

impl Whole {
    fn of(life: &Life) -> Self {
        let partitions = 0..life.engine.partitions();
        Self {
            states: stands(life),
            readable: partitions
                .map(|one| life.engine.ledger(one).positions())
                .collect(),
        }
    }

    /// Whether the log of the partition that a file is of was trimmed.
    fn is_trimmed(&self, folder: &Path, file: &Path) -> bool {
        let mut partitions = 0..self.readable.len() as u16;
        let of = partitions.find(|one| file.starts_with(snapshot_dir(folder, *one)));
        of.is_some_and(|one| self.readable[usize::from(one)].start > 1)
    }
}

impl Harm {
    fn is_lost_snapshot(&self) -> bool {
        self.kind == Kind::Snapshot && matches!(self.damage, Damage::Lose)
    }
}

/// A partition's last position, and the hash of its state.
type Stand = (u64, u128);

fn stands(life: &Life) -> Vec<Stand> {
    let states = life.workers.iter().map(|workers| workers.state());
    let stand = |state: &State| (state.last().seq.0, onhand_wire::state_hash(&state.freeze()));
    states.map(stand).collect()
}

fn flip(bytes: &mut [u8], at: usize, bit: u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= bit;
    }
}

/// Zeroes eight bytes at a place, but not the last that was written. A log whose last sectors are zeroed cannot be told
/// from one whose last write was interrupted, and nobody claims that it can (`docs/fault-model.md`).
fn zero(bytes: &mut [u8], at: usize) {
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    if let Some(bytes) = bytes.get_mut(at..written.min(at + 8)) {
        bytes.fill(0);
    }
}

/// Zeroes the sector of a place.
fn zero_sector(bytes: &mut [u8], at: usize) {
    let start = at / SECTOR * SECTOR;
    let end = bytes.len().min(start + SECTOR);
    bytes[start..end].fill(0);
}

/// Whether a file is a segment with a later one: then no sector of it can be missing for want of a sync.
fn is_followed(disk: &MemoryDisk, path: &Path) -> bool {
    let is_later = |other: &Path| other.parent() == path.parent() && other > path;
    let mut segments = disk.files().into_iter().map(|(other, _)| other);
    kind_of(path) == Kind::Segment
        && segments.any(|other| kind_of(&other) == Kind::Segment && is_later(&other))
}

/// A refusal names the damaged file, or the folder if the file is gone; and one snapshot is never missed so much, nor
/// what is removed anyway. Only frames that were kept aside may be missed: then it is their segment that cannot be told
/// from a damaged one.
fn check_refusal(harm: &Harm, error: &str) -> Verdict {
    let what = &harm.what;
    let is_kept_aside = harm.path.ends_with("again");
    let is_needless = matches!(harm.kind, Kind::Snapshot | Kind::Remains) && !is_kept_aside;
    must(!is_needless, Check::NeedlessRefusal, || {
        format!("{what}: refused, though there is another snapshot or all of the log: {error}")
    })?;
    match (is_kept_aside, harm.path.parent()) {
        (true, Some(folder)) => must(
            error.contains(&folder.display().to_string()),
            Check::SilenceOnDamage,
            || format!("{what}: the refusal names nothing of its log: {error}"),
        ),
        _ => check_named(harm, error),
    }
}

fn check_named(harm: &Harm, error: &str) -> Verdict {
    let what = &harm.what;
    let named = match (harm.damage, harm.kind) {
        // The folder that it is gone from stands in every path.
        (Damage::Lose, Kind::Identity) => harm.path.file_name().map(Path::new),
        (Damage::Lose, _) => harm.path.parent(),
        (Damage::Zero | Damage::Sector, Kind::Segment) if harm.is_at_mark => harm.path.parent(),
        _ => Some(harm.path.as_path()),
    };
    let is_named = named.is_some_and(|named| error.contains(&named.display().to_string()));
    must(is_named, Check::SilenceOnDamage, || {
        format!("{what}: the refusal does not name it: {error}")
    })
}

fn is_reported(harm: &Harm, reports: &[RecoveryReport]) -> bool {
    let name = harm.path.display().to_string();
    let mut told = reports.iter().flat_map(|report| &report.damaged_snapshots);
    told.any(|one| one.contains(&name))
}

fn check_all_named(all: &[PathBuf], which: impl Fn(&Path) -> bool, told: &str) -> Verdict {
    let mut named = all.iter().filter(|path| which(path));
    let missing = named.find(|path| !told.contains(&path.display().to_string()));
    must(missing.is_none(), Check::SilenceOnDamage, || {
        format!("all snapshots are damaged; {missing:?} is not named: {told}")
    })
}

/// All snapshots, by folder and position.
fn snapshots(disk: &MemoryDisk) -> Vec<PathBuf> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    files
        .filter(|path| path.extension().is_some_and(|end| end == "snap"))
        .collect()
}

/// The newest snapshot of each partition.
fn newest_snapshots(disk: &MemoryDisk) -> Vec<PathBuf> {
    // By folder; the files come by name, and the last of a folder is the newest.
    let newest: BTreeMap<PathBuf, PathBuf> = snapshots(disk)
        .into_iter()
        .filter_map(|path| Some((path.parent()?.to_owned(), path)))
        .collect();
    newest.into_values().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Segment,
    Snapshot,
    Identity,
    /// What an interrupted step left, to be removed.
    Remains,
}

fn kind_of(path: &Path) -> Kind {
    match path.extension().and_then(|end| end.to_str()) {
        Some("log") => Kind::Segment,
        Some("json") => Kind::Identity,
        Some("snap") => Kind::Snapshot,
        _ => Kind::Remains,
    }
}

fn name_of(damage: Damage, kind: Kind) -> &'static str {
    match (damage, kind) {
        (Damage::Flip, Kind::Segment) => "bit flip in a segment",
        (Damage::Flip, Kind::Snapshot) => "bit flip in a snapshot",
        (Damage::Flip, Kind::Identity) => "bit flip in the identity",
        (Damage::Sector, Kind::Segment) => "sector of a segment zeroed",
        (Damage::Zero, Kind::Segment) => "zeros in a segment",
        (Damage::Zero | Damage::Sector, Kind::Snapshot) => "zeros in a snapshot",
        (Damage::Zero | Damage::Sector, Kind::Identity) => "zeros in the identity",
        (Damage::Truncate, Kind::Segment) => "segment cut short",
        (Damage::Truncate, Kind::Snapshot) => "snapshot cut short",
        (Damage::Truncate, Kind::Identity) => "identity cut short",
        (_, Kind::Remains) => "damaged remains",
        (Damage::Lose, Kind::Segment) => "segment gone",
        (Damage::Lose, Kind::Snapshot) => "snapshot gone",
        (Damage::Lose, Kind::Identity) => "identity gone",
    }
}
