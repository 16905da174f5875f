//! The store: the state of every feature, after the last entry that it was given.
//!
//! It takes entries one by one, in the order of the ledger, and never looks back: what is known is what was in the
//! entries so far, so a row is what was known at that position, and a fact that comes in later never changes it. Who
//! follows the ledger live and who replays it for a training frame give the same entries to the same code.
//!
//! Memory is bounded. A SKU at a location of which nothing was heard for [`Limits::cold_after_days`] gives its row
//! back; one beyond [`Limits::most_rows`] gets none, and its features have their defaults. Both are counted.

use crate::calendar::day_of;
use crate::fact::{Fact, facts};
use crate::feature::FeatureSet;
use crate::looks::{Looks, Told};
use crate::measure::{Measure, amounts};
use crate::members::{Members, NONE};
use crate::pushed::PushedValues;
use crate::series::Series;
use crate::versions::Versions;
use onhand_core::{Bucket, Entry, LevelNo, LocationNo, Movement, Seq, Stamp, Timestamp, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Days after which what is told late is too old to be an entity's first: a clock that was wrong would make everything
/// usual too little for weeks.
const MOST_DAYS_LATE: u32 = 366;

/// What a store may grow to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most SKUs at locations with a row of their own.
    pub most_rows: usize,
    /// Days without any fact after which a SKU at a location gives its row back.
    pub cold_after_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            most_rows: 2_000_000,
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
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) set: Arc<FeatureSet>,
    pub(crate) kept: Kept,
    pub(crate) versions: Versions,
}

/// All that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    heard: Vec<u32>,
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
            members: Members::new(&plan.entities, &plan.listed),
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
            let level = self.kept.members.open(&self.set.plan().entities, opening);
            self.kept.balances.push([0; 2]);
            self.kept.heard.push(day);
            self.make_room();
            self.seat(level);
        }
        facts(entry, &mut |at, fact| self.take(at, &fact));
        entry
            .event
            .movements(&mut |movement| self.add_up(&movement));
        Ok(())
    }

    fn take(&mut self, at: Timestamp, fact: &Fact<'_>) {
        let Some(level) = fact.level() else {
            return self.take_push(at, fact);
        };
        if level.0 as usize >= self.kept.members.levels() {
            return;
        }
        self.kept.heard[level.0 as usize] = day_of(self.kept.last.at);
        if self.row(level, 0) == NONE && !self.seat(level) {
            self.kept.dropped.facts_without_row += 1;
        }
        self.versions.change(self.kept.members.rows(level));
        if !matches!(fact, Fact::Pushed { .. }) {
            self.reach_back(level, day_of(at));
        }
        amounts(fact, &mut |measure, amount| {
            self.add(level, measure, amount, at)
        });
        match *fact {
            Fact::Looked { found, .. } => self.take_look(level, at, found),
            // Units that were not found tell that the shelf ran empty, even if some were found before.
            Fact::Picked { not_found, .. } => self.take_look(level, at, not_found == 0),
            Fact::Pushed { .. } => self.take_push(at, fact),
            _ => {}
        }
    }

    /// What is told of a day before all others makes it the first day of all that the level is part of: days without
    /// any amount after it count as such.
    fn reach_back(&mut self, level: LevelNo, day: u32) {
        let today = day_of(self.kept.last.at);
        if day >= today || day + MOST_DAYS_LATE < today {
            return;
        }
        let rows = self.kept.members.rows(level);
        for (begun, row) in self.kept.begun.iter_mut().zip(rows) {
            if *row != NONE {
                let first = &mut begun[*row as usize].first_day;
                *first = day.min(*first);
            }
        }
    }

    fn take_look(&mut self, level: LevelNo, at: Timestamp, found: bool) {
        let row = self.row(level, 0);
        if row == NONE {
            return;
        }
        let mut looks = std::mem::take(&mut self.kept.looks);
        looks.add(row as usize, at, found, &mut |measure, told| {
            self.tell(level, measure, told);
        });
        self.kept.looks = looks;
    }

    fn tell(&mut self, level: LevelNo, measure: Measure, told: Told) {
        match told {
            Told::Added(amount, at) => self.add(level, measure, amount, at),
            // If the level has changed its group since, the new one is corrected, as far as it has anything.
            Told::TakenBack(amount, at) => {
                self.each_series(level, measure, at, &mut |series, row, first| {
                    series.take_back(row, first, amount, at);
                    true
                });
            }
            Told::Moved { from, to } => {
                self.each_series(level, measure, from, &mut |series, row, first| {
                    series.move_back(row, first, (from, to))
                });
                self.see(level, to);
            }
        }
    }

    /// Adds an amount to every entity that the level is part of.
    fn add(&mut self, level: LevelNo, measure: Measure, amount: u32, at: Timestamp) {
        if measure == Measure::UnitsSold && self.is_first_sale(level, at) {
            self.add(level, Measure::SellingHours, 1, at);
        }
        self.each_series(level, measure, at, &mut |series, row, first| {
            series.add(row, first, amount, at)
        });
    }

    /// What changed at a time is of another day than the entry, perhaps: readers that remember hear of it.
    fn see(&mut self, level: LevelNo, at: Timestamp) {
        if let Some(sku) = self.set.plan().sku {
            let rows = self.kept.members.rows(level);
            self.versions.tell(rows[sku], at, self.kept.last.at);
        }
    }

    /// Changes a measure, at a time, of every entity that the level is part of; counts what it does not fit.
    fn each_series(
        &mut self,
        level: LevelNo,
        measure: Measure,
        at: Timestamp,
        each: &mut dyn FnMut(&mut Series, usize, u32) -> bool,
    ) {
        self.see(level, at);
        let Kept {
            members,
            series,
            begun,
            dropped,
            ..
        } = &mut self.kept;
        let rows = members.rows(level);
        let plan = self.set.plan();
        for &number in plan.of_measure(measure) {
            let kind = plan.series[number].entity;
            let row = rows[kind] as usize;
            if rows[kind] == NONE {
                continue;
            }
            let first = begun[kind][row].first_day;
            if !each(&mut series[number], row, first) {
                dropped.late_amounts += 1;
            }
        }
    }

    /// Whether a sale is the first in its hour, as far as that is counted.
    fn is_first_sale(&self, level: LevelNo, at: Timestamp) -> bool {
        let row = self.row(level, 0);
        let is_first = |series: usize| self.kept.series[series].is_first(row as usize, at);
        row != NONE && self.set.plan().firsts.is_some_and(is_first)
    }

    fn take_push(&mut self, at: Timestamp, fact: &Fact<'_>) {
        let Fact::Pushed {
            location,
            level,
            name,
            value,
        } = *fact
        else {
            return;
        };
        match value {
            Value::Text(text) => self.regroup(location, level, name, text.as_str()),
            Value::Number(number) => self.put(location, level, (name, at), number.get()),
        }
    }

    /// A text says which group a level, or which region a location, belongs to from now on.
    fn regroup(&mut self, location: LocationNo, level: Option<LevelNo>, name: &str, text: &str) {
        let set = Arc::clone(&self.set);
        let entities = &set.plan().entities;
        let mut moved = false;
        for (kind, entity) in entities.iter().enumerate() {
            if entity.grouped_by() != Some(name) {
                continue;
            }
            let members = &mut self.kept.members;
            moved |= match (entity.is_in_region(), level) {
                (true, None) => members.settle(*entity, kind, location, text),
                (false, Some(level)) => members.join(entities, kind, level, text),
                _ => false,
            };
        }
        if moved {
            self.versions.regroup();
        }
        self.make_room();
    }

    fn put(
        &mut self,
        location: LocationNo,
        level: Option<LevelNo>,
        (name, at): (&str, Timestamp),
        value: i64,
    ) {
        let plan = self.set.plan();
        for (number, pushed) in plan.pushed.iter().enumerate() {
            let kind = pushed.entity;
            let row = match level {
                Some(level) => self.kept.members.rows(level).get(kind).copied(),
                None => {
                    let members = &self.kept.members;
                    members.row_of_location(plan.entities[kind], kind, location)
                }
            };
            // What is said of a SKU says nothing of its location, and the other way round.
            let is_of_location = plan.entities[kind].is_of_location();
            let is_kept = |row: &u32| (*row as usize) < self.kept.members.count(kind);
            let row = row.filter(|row| is_kept(row) && level.is_none() == is_of_location);
            if let Some(row) = row.filter(|_| pushed.name == name) {
                let now = self.kept.last.at;
                let fits = self.kept.pushed[number].put(row as usize, at, value, now);
                self.kept.dropped.values_ahead += u64::from(!fits);
            }
        }
    }

    fn add_up(&mut self, movement: &Movement) {
        let Some(balance) = self.kept.balances.get_mut(movement.level.0 as usize) else {
            return;
        };
        self.versions.change(self.kept.members.rows(movement.level));
        balance[0] += movement.on_hand_change();
        let is_promise = |bucket| matches!(bucket, Bucket::Reserved | Bucket::Allocated);
        let units = i64::from(movement.units);
        balance[1] += units * i64::from(is_promise(movement.to));
        balance[1] -= units * i64::from(is_promise(movement.from));
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
    fn seat(&mut self, level: LevelNo) -> bool {
        if self.kept.members.seated() >= self.kept.limits.most_rows {
            return false;
        }
        let row = self.kept.members.seat(level) as usize;
        self.versions.change(self.kept.members.rows(level));
        if row < self.kept.begun[0].len() {
            // A row that was given back begins again.
            self.kept.begun[0][row] = self.beginning();
        }
        self.make_room();
        true
    }

    /// Makes room for rows that are new, of every kind.
    fn make_room(&mut self) {
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
            if let Some(row) = self.kept.members.unseat(level) {
                self.versions.change(self.kept.members.rows(level));
                let row = row as usize;
                self.each_of(0, &mut |series| series.clear(row), &mut |pushed| {
                    pushed.clear(row)
                });
                self.kept.looks.clear(row);
                self.kept.dropped.cold_rows += 1;
            }
        }
        if self.kept.dropped.cold_rows > before {
            self.versions.regroup();
        }
    }
}

impl Fact<'_> {
    fn level(&self) -> Option<LevelNo> {
        match *self {
            Self::Sold { level, .. }
            | Self::Picked { level, .. }
            | Self::Looked { level, .. }
            | Self::Delivered { level, .. }
            | Self::Counted { level, .. }
            | Self::Lost { level, .. }
            | Self::Asked { level, .. }
            | Self::Dropped { level, .. } => Some(level),
            Self::Pushed { level, .. } => level,
        }
    }
}
