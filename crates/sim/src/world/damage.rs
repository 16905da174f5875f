//! Damage to what lies on the disk: bits that flip, files cut short, files that are gone.
//!
//! It is tried on copies of the disk, once the machine has stopped, so the run itself goes on unharmed. First a clean
//! start on a copy tells what is there. Then each damaged copy is started: either it is refused, and the error says
//! which file or folder is at fault; or it starts with the very same state, and every entry that can be read is the same
//! as before. Damage that changes nothing may pass in silence; damage that changes anything may not.

use super::World;
use super::starts::names_what_is_wrong;
use crate::finding::{Check, Finding, Verdict, must};
use crate::life::Life;
use onhand_core::Seq;
use onhand_log::disk::MemoryDisk;
use std::ops::Range;
use std::path::Path;

/// How many copies are damaged after a crash.
const COPIES: usize = 3;

/// A way to damage a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip,
    Zero,
    Truncate,
    Lose,
}

impl World {
    /// Damages copies of the disk and starts them.
    pub(super) fn damage_copies(&mut self) -> Verdict {
        if !self.dice.comes(1, 3) {
            return Ok(());
        }
        let clean = self.disk.fork();
        let Ok((life, _)) = Life::start(&clean, &self.path, self.options.clone()) else {
            // The start of the world itself says why.
            return Ok(());
        };
        let whole = Whole::of(&life);
        drop(life);
        for _ in 0..COPIES {
            let copy = clean.fork();
            if let Some((damage, what)) = self.damage(&copy) {
                self.start_damaged(&copy, damage, &what, &whole)?;
            }
        }
        Ok(())
    }

    /// Damages one file; says what was done.
    fn damage(&mut self, disk: &MemoryDisk) -> Option<(Damage, String)> {
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
            Damage::Truncate,
            Damage::Lose,
        ]);
        let kind = kind_of(&path);
        let at = self.place(disk, &path, bytes);
        match damage {
            Damage::Flip => {
                let bit = 1 << self.dice.below(8);
                disk.damage(&path, |bytes| flip(bytes, at, bit));
            }
            Damage::Zero => disk.damage(&path, |bytes| zero(bytes, at)),
            Damage::Truncate => disk.damage(&path, |bytes| bytes.truncate(at)),
            Damage::Lose => disk.lose(&path),
        }
        self.counts.fault(name_of(damage, kind));
        let what = format!("{damage:?} of {} at byte {at} of {bytes}", path.display());
        Some((damage, what))
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

    fn start_damaged(
        &mut self,
        disk: &MemoryDisk,
        damage: Damage,
        what: &str,
        whole: &Whole,
    ) -> Verdict {
        let started = Life::start(disk, &self.path, self.options.clone());
        let life = match started {
            Ok((life, _)) => life,
            Err(error) => {
                self.note(format_args!("{what}: refused: {error}"));
                return must(names_what_is_wrong(&error), Check::SilenceOnDamage, || {
                    format!("{what}: the refusal does not say what is damaged: {error}")
                });
            }
        };
        self.note(format_args!("{what}: starts"));
        must(
            hashes(&life) == whole.states,
            Check::SilenceOnDamage,
            || format!("{what}: it starts with another state and does not say so"),
        )?;
        for (which, readable) in whole.readable.iter().enumerate() {
            for position in readable.clone() {
                self.read_damaged(&life, which, position, damage, what)?;
            }
        }
        Ok(())
    }

    /// Reads an entry that could be read before the damage. What lies within a file may be found to be damaged when it
    /// is read; a file that is gone or too short must have been missed at the start.
    fn read_damaged(
        &self,
        life: &Life,
        which: usize,
        position: u64,
        damage: Damage,
        what: &str,
    ) -> Verdict {
        match life.engine.entry(which as u16, Seq(position)) {
            Ok(Some(entry)) => self.books[which].read_again(position, &entry),
            Err(_) if matches!(damage, Damage::Flip | Damage::Zero) => Ok(()),
            Ok(None) | Err(_) => {
                let what = format!("{what}: it starts, and entry {position} is gone");
                Err(Finding::new(Check::SilenceOnDamage, what))
            }
        }
    }
}

/// What there is before the damage.
struct Whole {
    states: Vec<u128>,
    /// The positions that can be read, of each partition.
    readable: Vec<Range<u64>>,
}

impl Whole {
    fn of(life: &Life) -> Self {
        let partitions = 0..life.engine.partitions();
        Self {
            states: hashes(life),
            readable: partitions
                .map(|one| life.engine.ledger(one).positions())
                .collect(),
        }
    }
}

fn hashes(life: &Life) -> Vec<u128> {
    let states = life.workers.iter().map(|workers| workers.state().freeze());
    states.map(|body| onhand_wire::state_hash(&body)).collect()
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

#[derive(Clone, Copy)]
enum Kind {
    Segment,
    Snapshot,
    Identity,
}

fn kind_of(path: &Path) -> Kind {
    match path.extension().and_then(|end| end.to_str()) {
        Some("log") => Kind::Segment,
        Some("json") => Kind::Identity,
        _ => Kind::Snapshot,
    }
}

fn name_of(damage: Damage, kind: Kind) -> &'static str {
    match (damage, kind) {
        (Damage::Flip, Kind::Segment) => "bit flip in a segment",
        (Damage::Flip, Kind::Snapshot) => "bit flip in a snapshot",
        (Damage::Flip, Kind::Identity) => "bit flip in the identity",
        (Damage::Zero, Kind::Segment) => "zeros in a segment",
        (Damage::Zero, Kind::Snapshot) => "zeros in a snapshot",
        (Damage::Zero, Kind::Identity) => "zeros in the identity",
        (Damage::Truncate, Kind::Segment) => "segment cut short",
        (Damage::Truncate, Kind::Snapshot) => "snapshot cut short",
        (Damage::Truncate, Kind::Identity) => "identity cut short",
        (Damage::Lose, Kind::Segment) => "segment gone",
        (Damage::Lose, Kind::Snapshot) => "snapshot gone",
        (Damage::Lose, Kind::Identity) => "identity gone",
    }
}
