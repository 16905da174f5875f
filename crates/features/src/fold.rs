//! Folding: what a fact changes in the store.
//!
//! A fact adds amounts to every entity that its level is part of, each at the time that it happened; a look may also take
//! back what was told before it came in. Pushed numbers are kept as they are, and pushed texts move levels between groups.

use crate::calendar::{day_of, hour_of};
use crate::fact::Fact;
use crate::looks::Told;
use crate::measure::{Measure, amounts};
use crate::members::NONE;
use crate::series::{Amounts, Series};
use crate::store::{Kept, Store};
use onhand_core::{Bucket, Few, LevelNo, LocationNo, Movement, Timestamp, Value};
use std::sync::Arc;

/// Days after which what is told late is too old to be an entity's first: a clock that was wrong would make everything
/// usual too little for weeks.
const MOST_DAYS_LATE: u32 = 366;

impl Store {
    pub(crate) fn take(&mut self, at: Timestamp, fact: &Fact<'_>) {
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
        let (rows, known) = (self.kept.members.rows(level), self.kept.last.at);
        self.versions.take(level, rows, (at, known));
        if !matches!(fact, Fact::Pushed { .. }) {
            self.reach_back(level, day_of(at));
        }
        if fact.is_of_shelf() {
            let newest = &mut self.kept.newest[level.0 as usize];
            *newest = at.max(*newest);
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
        let mut all = Vec::new();
        let looks = &mut self.kept.looks;
        looks.add(row as usize, at, found, &mut |measure, told| {
            all.push((measure, told));
        });
        // Hours that are told one after the other are added together.
        let added = |told: &(Measure, Told)| match told.1 {
            Told::Added(amount, at) => Some((amount, at)),
            Told::TakenBack(..) | Told::Moved { .. } => None,
        };
        let go_on = |one: &(Measure, Told), next: &(Measure, Told)| {
            let times = added(one).zip(added(next));
            one.0 == next.0 && times.is_some_and(|(one, next)| one.1 < next.1)
        };
        let mut hours = Vec::new();
        for told in all.chunk_by(go_on) {
            let (measure, one) = told[0];
            hours.clear();
            hours.extend(told.iter().filter_map(added));
            match hours.is_empty() {
                true => self.tell(level, measure, one),
                false => self.add_all(level, measure, &hours),
            }
        }
    }

    fn tell(&mut self, level: LevelNo, measure: Measure, told: Told) {
        match told {
            Told::Added(amount, at) => self.add(level, measure, amount, at),
            // If the level has changed its group since, the new one is corrected, as far as it has anything.
            Told::TakenBack(amount, at) => {
                self.see(level, at);
                self.each_series(level, measure, &mut |series, row, first| {
                    series.take_back(row, first, amount, at);
                    0
                });
            }
            Told::Moved { from, to } => {
                self.see(level, from);
                self.each_series(level, measure, &mut |series, row, first| {
                    u64::from(!series.move_back(row, first, (from, to)))
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
        self.add_all(level, measure, &[(amount, at)]);
    }

    /// Adds what happened one after the other.
    fn add_all(&mut self, level: LevelNo, measure: Measure, told: &[(u32, Timestamp)]) {
        let (mut hours, mut newest) = (Few::<(u32, u32)>::new(), Timestamp::default());
        for &(amount, at) in told {
            self.see(level, at);
            if amount > 0 {
                hours.push((hour_of(at), amount));
                newest = at;
            }
        }
        let hours = &hours[..];
        self.each_series(level, measure, &mut |series, row, first| {
            series.add_all(row, first, Amounts { hours, newest })
        });
    }

    /// What changed at a time is of another day than the entry, perhaps: readers that remember hear of it.
    fn see(&mut self, level: LevelNo, at: Timestamp) {
        if let Some(sku) = self.set.plan().sku {
            let rows = self.kept.members.rows(level);
            self.versions.tell(rows[sku], at, self.kept.last.at);
        }
    }

    /// Changes a measure of every entity that the level is part of; counts what does not fit.
    fn each_series(
        &mut self,
        level: LevelNo,
        measure: Measure,
        each: &mut dyn FnMut(&mut Series, usize, u32) -> u64,
    ) {
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
            dropped.late_amounts += each(&mut series[number], row, first);
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

    pub(crate) fn add_up(&mut self, movement: &Movement) {
        let Some(balance) = self.kept.balances.get_mut(movement.level.0 as usize) else {
            return;
        };
        let (rows, known) = (self.kept.members.rows(movement.level), self.kept.last.at);
        self.versions.take(movement.level, rows, (known, known));
        balance[0] += movement.on_hand_change();
        let is_promise = |bucket| matches!(bucket, Bucket::Reserved | Bucket::Allocated);
        let units = i64::from(movement.units);
        balance[1] += units * i64::from(is_promise(movement.to));
        balance[1] -= units * i64::from(is_promise(movement.from));
    }
}

impl Fact<'_> {
    /// Whether it says anything of the shelf. That a shopper asks, and that a hold ends, the shop's own record says; what
    /// is pushed is what others say of the item.
    fn is_of_shelf(&self) -> bool {
        match self {
            Self::Sold { .. }
            | Self::Picked { .. }
            | Self::Looked { .. }
            | Self::Delivered { .. }
            | Self::Counted { .. }
            | Self::Lost { .. } => true,
            Self::Asked { .. } | Self::Dropped { .. } | Self::Pushed { .. } => false,
        }
    }

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
