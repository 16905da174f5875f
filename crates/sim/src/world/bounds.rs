//! What is kept is bounded: who never forgets, never trims and never removes a snapshot loses nothing, and stops one day
//! for want of room. So that has to be looked at by itself.
//!
//! At the end of some runs all falls silent for longer than anything is to be kept. Each entry forgets a few of each kind,
//! so enough entries are recorded after that, and two snapshots are taken. Then nothing old is there any more.

use super::World;
use crate::ask::{Ask, Look, Millis};
use crate::audit::{Caller, Question};
use crate::finding::{Check, Verdict, must};
use crate::translate::millis;
use crate::twin::Twin;
use onhand_engine::folder::{log_dir, snapshot_dir};
use std::path::{Path, PathBuf};

/// Snapshots that are kept.
const SNAPSHOTS: usize = 2;

/// An entry forgets at least so many of each kind.
const FORGETS: u64 = 4;

impl World {
    /// Nothing old is kept, in memory nor on the disk.
    pub(super) fn nothing_is_hoarded(&mut self) -> Verdict {
        if !self.dice.comes(1, 3) {
            return Ok(());
        }
        // A crash that was said and did not come is not to come here.
        self.disk.calm();
        let rules = self.scenario.rules;
        let keep = self.scenario.keep_ledger.unwrap_or(0);
        let longest = [rules.ended_retention, rules.count_window, keep];
        let longest = longest.into_iter().fold(rules.key_retention, Millis::max);
        // The ledger's time may be ahead of the clock.
        let times = self.books.iter().map(|book| book.twin().now());
        let ahead = times.max().unwrap_or(0).max(self.now()) - self.now();
        self.jump(ahead + longest + 1);
        for which in 0..self.books.len() {
            let young = self.books[which].twin().position() + 1;
            let changes = self.life.workers[which].state().changes();
            for _ in 0..=self.books[which].twin().position().max(changes) / FORGETS {
                self.record_something(which)?;
            }
            self.check_forgotten(which)?;
            for _ in 0..SNAPSHOTS {
                self.record_something(which)?;
                self.life.begin("last snapshots", |engine| async move {
                    engine.take_last_snapshots().await;
                });
                self.settle()?;
            }
            self.check_removed(which, young)?;
        }
        Ok(())
    }

    /// Somebody looks at a shelf that there is.
    fn record_something(&mut self, which: usize) -> Verdict {
        let Some(shelf) = self.books[which].twin().shelves().next() else {
            return Ok(());
        };
        let look = Look {
            item: shelf.item,
            found: true,
            at: self.now().min(self.books[which].twin().now()),
        };
        let (ask, shop) = (vec![look], shelf.shop);
        let question = Question::Ask {
            key: None,
            ask: Ask::Observe { shop, looks: ask },
            at: None,
        };
        self.submit_as(
            Caller::of_nobody(self.clock.passed()),
            which as u16,
            question,
        )?;
        self.settle()
    }

    /// Keys, changes of on hand, reservations and transfers past their retention are gone.
    fn check_forgotten(&self, which: usize) -> Verdict {
        let (twin, state) = (self.books[which].twin(), self.life.workers[which].state());
        if twin.shelves().next().is_none() {
            return Ok(());
        }
        must(state.keys() == 0, Check::Hoard, || {
            format!(
                "partition {which} keeps {} keys past their retention",
                state.keys()
            )
        })?;
        // The newest of the old ones tells how far back counts reach.
        must(state.changes() <= 1, Check::Hoard, || {
            format!(
                "partition {which} keeps {} changes past the count window",
                state.changes()
            )
        })?;
        let oldest = twin.now() - twin.rules().ended_retention;
        let mut ended = state
            .reservations()
            .iter()
            .filter(|(_, one)| !one.state.is_open());
        let old = ended.find(|(_, one)| millis(one.ended_at) < oldest);
        must(old.is_none(), Check::Hoard, || {
            format!("partition {which} keeps {old:?} past its retention")
        })?;
        let known = state.transfers();
        let mut gone = twin.all_incoming().filter(|one| {
            one.arrived
                .is_some_and(|at| at < oldest.min(first_unsettled(twin)))
        });
        let old = gone.find(|one| {
            known
                .incoming(crate::translate::transfer_id(one.parcel.name))
                .is_some()
        });
        must(old.is_none(), Check::Hoard, || {
            format!("partition {which} keeps {old:?} past its retention")
        })
    }

    /// Two snapshots are there, and of the log what comes after the older or is young; and nothing that was not completed.
    fn check_removed(&self, which: usize, young: u64) -> Verdict {
        if self.books[which].twin().shelves().next().is_none() {
            return Ok(());
        }
        let (logs, snapshots) = (
            log_dir(&self.path, which as u16),
            snapshot_dir(&self.path, which as u16),
        );
        let files: Vec<PathBuf> = self
            .disk
            .files()
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let segments = numbers(&files, &logs, "log");
        let snaps = numbers(&files, &snapshots, "snap");
        let here = |path: &&PathBuf| path.starts_with(&logs) || path.starts_with(&snapshots);
        let mut rest = files
            .iter()
            .filter(here)
            .filter(|path| !path.ends_with("lock"));
        let other = rest.find(|path| {
            path.extension()
                .is_none_or(|end| end != "log" && end != "snap")
        });
        must(
            snaps.len() <= SNAPSHOTS && other.is_none(),
            Check::Hoard,
            || format!("partition {which} keeps the snapshots {snaps:?}, and {other:?}"),
        )?;
        let (Some(_), Some(older)) = (self.scenario.keep_ledger, snaps.first()) else {
            return Ok(());
        };
        // What is young is found by segments, so one more may stay.
        let needed = young.min(older + 1);
        let before = segments.iter().filter(|first| **first <= needed).count();
        must(snaps.len() < SNAPSHOTS || before <= 2, Check::Hoard, || {
            format!("partition {which} needs its log from {needed} on, and keeps {segments:?}")
        })
    }
}

impl Caller {
    fn of_nobody(came: Millis) -> Self {
        Self {
            tenant: 0,
            came,
            deadline: None,
        }
    }
}

/// When the first transfer arrived of which its source did not say yet that it was handed over: what arrived later waits
/// behind it.
fn first_unsettled(twin: &Twin) -> Millis {
    let arrived = twin
        .all_incoming()
        .filter(|one| !twin.is_settled(one.parcel.name));
    arrived
        .filter_map(|one| one.arrived)
        .min()
        .unwrap_or(Millis::MAX)
}

/// The numbers that the files of a kind in a folder are named by, in order.
pub(super) fn numbers(files: &[PathBuf], folder: &Path, kind: &str) -> Vec<u64> {
    let here = files.iter().filter(|path| path.parent() == Some(folder));
    let named = here.filter(|path| path.extension().is_some_and(|end| end == kind));
    named
        .filter_map(|path| path.file_stem()?.to_str()?.parse().ok())
        .collect()
}
