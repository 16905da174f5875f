//! The store: the state of every feature, after the last entry that it was given.
//!
//! It takes entries one by one, in the order of the ledger, and never looks back: what is known is what was in the
//! entries so far, so a row is what was known at that position, and a fact that comes in later never changes it. Who
//! follows the ledger live and who replays it for a training frame give the same entries to the same code.
//!
//! Memory is bounded. A SKU at a location of which nothing was heard for [`Limits::cold_after_days`] gives its row
//! back; one beyond [`Limits::most_rows`] gets none, and its features have their defaults. A group that its last member
//! has left gives its row back; one beyond [`Limits::most_groups`] gets none. All are counted. SKUs, locations and names
//! are as many as the ledger has.

use crate::calendar::day_of;
use crate::fact::facts;
use crate::feature::FeatureSet;
use crate::looks::Looks;
use crate::members::{Members, NONE, News};
use crate::pushed::PushedValues;
use crate::series::Series;
use crate::versions::Versions;
use onhand_core::{Entry, LevelNo, Seq, Stamp, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a store may grow to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most SKUs at locations with a row of their own.
    pub most_rows: usize,
    /// The most groups of each kind: categories at locations, SKUs in cities.
    pub most_groups: usize,
    /// Days without any fact after which a SKU at a location gives its row back.
    pub cold_after_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            most_rows: 2_000_000,
            most_groups: 1_000_000,
            cold_after_days: 60,
        }
    }
}

/// What was dropped to stay within bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Rows given back because nothing was heard of them for long.
    pub cold_rows: u64,
    /// Facts about SKUs at locations for which there was no row left.
    pub facts_without_row: u64,
    /// How often a SKU at a location would have begun a group for which there was no row left.
    pub levels_without_group: u64,
    /// Amounts told too late for a window that they belong to.
    pub late_amounts: u64,
    /// Pushed values let go because more lie ahead than there is room for.
    pub values_ahead: u64,
}

/// An entry that does not follow the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {} does not follow entry {}: give every entry once, in order", .next.0, .last.0)]
pub struct NotNext {
    /// The last entry that was taken.
    pub last: Seq,
    /// The one that was given.
    pub next: Seq,
}

/// The state of every feature of a set.
#[derive(Debug)]
pub struct Store {
    pub(crate) set: Arc<FeatureSet>,
    pub(crate) kept: Kept,
    pub(crate) versions: Versions,
}

/// All that a snapshot holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) limits: Limits,
    pub(crate) last: Stamp,
    pub(crate) dropped: Dropped,
    pub(crate) members: Members,
    pub(crate) series: Vec<Series>,
    pub(crate) pushed: Vec<PushedValues>,
    pub(crate) looks: Looks,
    /// When each entity begins, by kind.
    pub(crate) begun: Vec<Vec<Beginning>>,
    /// Units on hand and promised, by level: they add up from the first entry, so they are never dropped.
    pub(crate) balances: Vec<[i64; 2]>,
    /// The day on which a level was last heard of.
    pub(crate) heard: Vec<u32>,
    /// When the newest thing happened that was told of a level's shelf; the epoch if nothing was.
    pub(crate) newest: Vec<Timestamp>,
}

/// Since when something is known of an entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beginning {
    /// When it was first heard of.
    pub(crate) heard: Timestamp,
    /// The first day of which anything was told: that day, or an earlier one that was told later.
    pub(crate) first_day: u32,
}

impl Store {
    /// An empty store, to be given the ledger from its first entry.
    pub fn new(set: Arc<FeatureSet>, limits: Limits) -> Self {
        let plan = set.plan();
        let kept = Kept {
            limits,
            last: Stamp::default(),
            dropped: Dropped::default(),
            members: Members::new(&plan.entities, &plan.listed, limits.most_groups),
            series: plan.series.iter().map(Series::new).collect(),
            pushed: plan
                .pushed
                .iter()
                .map(|_| PushedValues::default())
                .collect(),
            looks: Looks::default(),
            begun: vec![Vec::new(); plan.entities.len()],
            balances: Vec::new(),
            heard: Vec::new(),
            newest: Vec::new(),
        };
        Self::of(set, kept)
    }

    pub(crate) fn of(set: Arc<FeatureSet>, kept: Kept) -> Self {
        let versions = Versions::new(set.plan().entities.len());
        Self {
            set,
            kept,
            versions,
        }
    }

    /// The definitions.
    pub fn set(&self) -> &Arc<FeatureSet> {
        &self.set
    }

    /// The last entry taken; zero before the first.
    pub fn last(&self) -> Stamp {
        self.kept.last
    }

    /// What was dropped so far.
    pub fn dropped(&self) -> Dropped {
        self.kept.dropped
    }

    /// When the newest thing happened that was told of a SKU's shelf at a location: a sale, a pick, a look, a delivery, a
    /// count, a loss. Reservations, holds that end and what others push are not among them: they say nothing of the shelf.
    pub fn newest_fact(&self, level: LevelNo) -> Option<Timestamp> {
        let newest = self.kept.newest.get(level.0 as usize).copied()?;
        (newest > Timestamp::default()).then_some(newest)
    }

    /// SKUs at locations that have a row now.
    pub fn rows(&self) -> usize {
        self.kept.members.seated()
    }

    /// The memory of all sums and values, in bytes; that of names and of what belongs to what comes on top.
    pub fn bytes(&self) -> usize {
        let series = self.kept.series.iter().map(Series::bytes);
        let pushed = self.kept.pushed.iter().map(PushedValues::bytes);
        series.chain(pushed).sum::<usize>() + self.kept.looks.bytes()
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// It is not the next; nothing changed.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), NotNext> {
        let (last, next) = (self.kept.last.seq, entry.stamp.seq);
        if next != last.next() {
            return Err(NotNext { last, next });
        }
        let day = day_of(entry.stamp.at);
        if day > day_of(self.kept.last.at) && last > Seq::ZERO {
            self.drop_cold(day);
        }
        self.kept.last = entry.stamp;
        for opening in &entry.openings {
            let entities = &self.set.plan().entities;
            let Some(level) = self.kept.members.open(entities, opening) else {
                continue;
            };
            self.kept.balances.push([0; 2]);
            self.kept.heard.push(day);
            self.kept.newest.push(Timestamp::default());
            self.make_room();
            self.seat(level);
        }
        facts(entry, &mut |at, fact| self.take(at, &fact));
        entry
            .event
            .movements(&mut |movement| self.add_up(&movement));
        Ok(())
    }

    /// The levels of SKUs at locations, in their order; each if the ledger knows it.
    pub fn levels<'a>(
        &self,
        names: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> impl Iterator<Item = Option<LevelNo>> {
        self.kept.members.find_all(names)
    }

    pub(crate) fn row(&self, level: LevelNo, kind: usize) -> u32 {
        self.kept
            .members
            .rows(level)
            .get(kind)
            .copied()
            .unwrap_or(NONE)
    }

    /// Gives a level a row of its own; `false` if there is none left.
    pub(crate) fn seat(&mut self, level: LevelNo) -> bool {
        if self.kept.members.seated() >= self.kept.limits.most_rows {
            return false;
        }
        let row = self.kept.members.seat(level) as usize;
        self.versions.change(level, self.kept.members.rows(level));
        if row < self.kept.begun[0].len() {
            // It was given back.
            self.clear(0, row);
            self.kept.looks.clear(row);
        }
        self.make_room();
        true
    }

    /// Makes room for rows that are new, of every kind.
    pub(crate) fn make_room(&mut self) {
        let News { again, refused } = self.kept.members.news();
        self.kept.dropped.levels_without_group += refused;
        for (kind, row) in again {
            if (row as usize) < self.kept.begun[kind].len() {
                self.clear(kind, row as usize);
            }
        }
        for kind in 0..self.kept.begun.len() {
            let rows = self.kept.members.count(kind);
            if rows <= self.kept.begun[kind].len() {
                continue;
            }
            let beginning = self.beginning();
            self.kept.begun[kind].resize(rows, beginning);
            self.each_of(kind, &mut |series| series.resize(rows), &mut |pushed| {
                pushed.resize(rows)
            });
            if kind == 0 {
                self.kept.looks.resize(rows);
            }
        }
    }

    /// Makes a row begin again, as if nothing was ever heard.
    fn clear(&mut self, kind: usize, row: usize) {
        self.kept.begun[kind][row] = self.beginning();
        self.each_of(kind, &mut |series| series.clear(row), &mut |pushed| {
            pushed.clear(row)
        });
    }

    fn beginning(&self) -> Beginning {
        Beginning {
            heard: self.kept.last.at,
            first_day: day_of(self.kept.last.at),
        }
    }

    fn each_of(
        &mut self,
        kind: usize,
        series: &mut dyn FnMut(&mut Series),
        pushed: &mut dyn FnMut(&mut PushedValues),
    ) {
        let plan = self.set.plan();
        let of_kind = plan.series.iter().zip(&mut self.kept.series);
        of_kind
            .filter(|(plan, _)| plan.entity == kind)
            .for_each(|(_, one)| series(one));
        let of_kind = plan.pushed.iter().zip(&mut self.kept.pushed);
        of_kind
            .filter(|(plan, _)| plan.entity == kind)
            .for_each(|(_, one)| pushed(one));
    }

    /// Takes back the rows of which nothing was heard for long. Once a day, at its first entry.
    fn drop_cold(&mut self, day: u32) {
        let oldest = day.saturating_sub(self.kept.limits.cold_after_days);
        let before = self.kept.dropped.cold_rows;
        for level in 0..self.kept.heard.len() {
            if self.kept.heard[level] >= oldest {
                continue;
            }
            let level = LevelNo(level as u32);
            if self.kept.members.unseat(level).is_some() {
                self.versions.change(level, self.kept.members.rows(level));
                // Its row is emptied when another one begins in it.
                self.kept.dropped.cold_rows += 1;
            }
        }
        if self.kept.dropped.cold_rows > before {
            self.versions.regroup();
        }
    }
}
