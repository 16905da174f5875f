//! What those see who have the folder to themselves while no engine runs: the check of it, the entries one by one, and
//! a replay to a position.

use super::World;
use super::bounds::numbers;
use crate::dice::Dice;
use crate::finding::{Check, Finding, Verdict, must};
use onhand_core::{Seq, Timestamp};
use onhand_engine::folder::snapshot_dir;
use onhand_engine::verify::Reading;
use onhand_log::disk::MemoryDisk;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

impl World {
    /// Reads the folder as it is now, all synced.
    pub(super) fn read_folder(&mut self) -> Verdict {
        let copy = self.disk.fork();
        copy.restart(&mut |_| 1);
        // Of the copy: in it a snapshot whose removal was not synced is there again.
        let files: Vec<_> = copy.files().into_iter().map(|(path, _)| path).collect();
        let reading = Reading::open_on(copy, &self.path).map_err(failed)?;
        let mut dice = Dice::new(self.scenario.seed ^ 0x4ead);
        for which in 0..self.books.len() {
            self.check_folder(&reading, which)?;
            let there = self.life.engine.ledger(which as u16).positions();
            self.read_entries(&reading, which, there.clone(), &mut dice)?;
            let begins = self.replays_from(&files, which, there.start);
            self.replay_to_a_position(&reading, which, begins..there.end, &mut dice)?;
        }
        Ok(())
    }

    /// What `onhand check` says of a partition.
    fn check_folder(&self, reading: &Reading<MemoryDisk>, which: usize) -> Verdict {
        let report = reading
            .verify(which as u16, &mut |_, _, _| {})
            .map_err(failed)?;
        if let Some(violation) = report.violations.first() {
            return Err(Finding::new(Check::Invariant, violation.to_string()));
        }
        let body = self.life.workers[which].state().freeze();
        must(
            report.hash == onhand_wire::state_hash(&body),
            Check::State,
            || format!("the replay of partition {which} comes to another state"),
        )
    }

    /// The entries from a position on, all of them and as they were; from one that is trimmed on, none.
    fn read_entries(
        &self,
        reading: &Reading<MemoryDisk>,
        which: usize,
        there: Range<u64>,
        dice: &mut Dice,
    ) -> Verdict {
        let from = there.start + dice.below((there.end - there.start) as usize + 1) as u64;
        let (mut next, mut wrong) = (from, Ok(()));
        let read = reading.entries(which as u16, Seq(from), &mut |entry, _| {
            wrong = self.books[which].read_again(next, entry);
            next += 1;
            match wrong.is_ok() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        wrong?;
        read.map_err(failed)?;
        must(next == there.end, Check::Entry, || {
            format!(
                "of the entries {from} to {} of partition {which} those before {next} are given",
                there.end
            )
        })?;
        if there.start <= 1 {
            return Ok(());
        }
        let trimmed = Seq(there.start - 1);
        let read = reading.entries(which as u16, trimmed, &mut |_, _| ControlFlow::Break(()));
        must(read.is_err(), Check::Entry, || {
            format!("entry {trimmed} of partition {which} is trimmed, and nothing says so")
        })
    }

    /// A replay comes to the shelves as they were then, as far back as a snapshot and the log reach; not beyond.
    fn replay_to_a_position(
        &self,
        reading: &Reading<MemoryDisk>,
        which: usize,
        reach: Range<u64>,
        dice: &mut Dice,
    ) -> Verdict {
        let begins = reach.start;
        let position = begins + dice.below((reach.end - begins) as usize) as u64;
        let replay = |position| {
            let until = (Seq(position), Timestamp::MAX);
            reading.replay_to(which as u16, until, &mut |_, _, _| {})
        };
        let state = replay(position).map_err(failed)?;
        let stands = state.last().seq.0;
        must(stands == position, Check::State, || {
            format!("a replay of partition {which} to {position} comes to {stands}")
        })?;
        self.books[which].check_shelves_then(&state)?;
        must(
            begins == 0 || replay(begins - 1).is_err(),
            Check::State,
            || format!("a replay of partition {which} to what is trimmed says nothing"),
        )
    }

    /// The position from which a partition is replayed, if its log begins with entry `first`.
    fn replays_from(&self, files: &[PathBuf], which: usize, first: u64) -> u64 {
        let snapshots = numbers(files, &snapshot_dir(&self.path, which as u16), "snap");
        let mut reach = snapshots
            .into_iter()
            .filter(|position| position + 1 >= first);
        match first {
            0 | 1 => 0,
            _ => reach.next().unwrap_or(first),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Finding {
    let what = format!("who has the folder to himself is told: {error}");
    Finding::new(Check::Recovery, what)
}
