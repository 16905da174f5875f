//! A series: everything kept of one measure for one kind of entity.

use crate::calendar::{HOURS_A_DAY, hour_of};
use crate::decay::Decay;
use crate::plan::{LEAST_HOURS, SeriesPlan};
use crate::ring::{Buckets, Ring};
use onhand_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Flat arrays by the number of the entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Series {
    hours: Option<Ring>,
    days: Option<Ring>,
    usual: Vec<Decay>,
    /// When it last grew; the epoch if it never did.
    last: Vec<Timestamp>,
}

impl Series {
    pub(crate) fn new(plan: &SeriesPlan) -> Self {
        let ring = |length, is_narrow| (length > 0).then(|| Ring::new(length, is_narrow));
        Self {
            hours: ring(plan.hours, plan.is_narrow()),
            days: ring(plan.days, false),
            usual: plan
                .usual
                .iter()
                .map(|half_life| Decay::new(*half_life))
                .collect(),
            last: Vec::new(),
        }
    }

    /// Whether it is what a plan asks for, of so many entities.
    pub(crate) fn fits(&self, plan: &SeriesPlan, rows: usize) -> bool {
        let fits = |ring: &Option<Ring>, length, is_narrow| match ring {
            Some(ring) => length > 0 && ring.fits(length, is_narrow, rows),
            None => length == 0,
        };
        let mut usual = self.usual.iter().zip(&plan.usual);
        fits(&self.hours, plan.hours, plan.is_narrow())
            && fits(&self.days, plan.days, false)
            && self.usual.len() == plan.usual.len()
            && usual.all(|(usual, half_life)| usual.fits(*half_life, rows))
            && self.last.len() == rows
    }

    /// Makes it ready for use, after it was read.
    pub(crate) fn make_ready(&mut self) {
        self.usual.iter_mut().for_each(Decay::make_ready);
    }

    /// Makes room for so many entities.
    pub(crate) fn resize(&mut self, rows: usize) {
        let rings = [&mut self.hours, &mut self.days];
        rings
            .into_iter()
            .flatten()
            .for_each(|ring| ring.resize(rows));
        self.usual.iter_mut().for_each(|usual| usual.resize(rows));
        self.last.resize(rows, Timestamp::default());
    }

    /// Forgets an entity.
    pub(crate) fn clear(&mut self, row: usize) {
        let rings = [&mut self.hours, &mut self.days];
        rings.into_iter().flatten().for_each(|ring| ring.clear(row));
        self.usual.iter_mut().for_each(|usual| usual.clear(row));
        self.last[row] = Timestamp::default();
    }

    /// Adds what happened at a time to an entity known since a day; `false` if that is too long ago for a window, or
    /// before that day.
    pub(crate) fn add(&mut self, row: usize, first: u32, amount: u32, at: Timestamp) -> bool {
        if amount == 0 {
            return true;
        }
        let hour = hour_of(at);
        let mut fits = true;
        if let Some(hours) = &mut self.hours {
            fits &= hours.add(row, hour, amount);
        }
        if let Some(days) = &mut self.days {
            fits &= days.add(row, hour / HOURS_A_DAY, amount);
        }
        match hour / HOURS_A_DAY < first {
            true => fits = false,
            false => self
                .usual
                .iter_mut()
                .for_each(|usual| usual.add(row, hour, amount)),
        }
        self.last[row] = self.last[row].max(at);
        fits
    }

    /// Takes back what was added; when it last grew stays.
    pub(crate) fn take_back(&mut self, row: usize, first: u32, amount: u32, at: Timestamp) {
        let hour = hour_of(at);
        if let Some(hours) = &mut self.hours {
            hours.take_back(row, hour, amount);
        }
        if let Some(days) = &mut self.days {
            days.take_back(row, hour / HOURS_A_DAY, amount);
        }
        if hour / HOURS_A_DAY >= first {
            let usual = self.usual.iter_mut();
            usual.for_each(|usual| usual.take_back(row, hour, amount));
        }
    }

    /// What happened once at a time happened earlier. If it was the last, it is so still: of a group another one may have
    /// been in between, and is then passed over.
    pub(crate) fn move_back(
        &mut self,
        row: usize,
        first: u32,
        (from, to): (Timestamp, Timestamp),
    ) -> bool {
        self.take_back(row, first, 1, from);
        let was_last = self.last[row] == from;
        let fits = self.add(row, first, 1, to);
        if was_last {
            self.last[row] = to;
        }
        fits
    }

    /// Whether a first amount can be added to the hour of a time: it has none, and is not too long ago.
    pub(crate) fn is_first(&self, row: usize, at: Timestamp) -> bool {
        let hour = hour_of(at);
        // A fixed reach: how long the ring is depends on what other features ask of it.
        let reach = LEAST_HOURS as u32;
        let is_first =
            |hours: &Ring| hours.reaches_within(row, hour, reach) && hours.row(row).get(hour) == 0;
        self.hours.as_ref().is_some_and(is_first)
    }

    /// The sums by hour.
    pub(crate) fn hours(&self, row: usize) -> Buckets<'_> {
        let hours = self.hours.as_ref();
        hours.map_or(Buckets::NONE, |hours| hours.row(row))
    }

    /// The sums by day.
    pub(crate) fn days(&self, row: usize) -> Buckets<'_> {
        let days = self.days.as_ref();
        days.map_or(Buckets::NONE, |days| days.row(row))
    }

    /// Usual amounts, by their place in the plan.
    pub(crate) fn usual(&self, place: usize) -> &Decay {
        &self.usual[place]
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let rings = [&self.hours, &self.days].into_iter().flatten();
        let usual = self.usual.iter().map(Decay::bytes);
        rings.map(Ring::bytes).chain(usual).sum::<usize>() + size_of_val(&self.last[..])
    }

    /// When it last grew.
    pub(crate) fn last(&self, row: usize) -> Option<Timestamp> {
        let last = self.last[row];
        (last > Timestamp::default()).then_some(last)
    }
}
