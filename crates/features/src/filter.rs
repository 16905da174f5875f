//! The filter: what today's sales and silences tell of a shelf that nobody looked at.
//!
//! A shelf is in one of two states, in stock or empty, and nobody tells which until the night. But the till tells every
//! hour whether anything was sold. A sale says that the shelf was not empty; an hour without one says the more, the
//! surer a sale would have been. This is a hidden Markov chain with two states and one observation an hour, and its
//! forward pass (Rabiner 1989, section III.A) is a handful of operations:
//!
//! - in the first hour of trade, the chance of an empty shelf is how often it was empty in that hour;
//! - with each hour it goes out with the rate at which it usually does in that hour, and comes back likewise;
//! - then the hour's sale, or silence, is weighed: how probable is it from a full shelf, how probable from an empty one?
//!
//! All rates are usual amounts by hour of the day: decayed sums over full days, drawn to the SKU's at all locations by a
//! few pseudo days, and the SKU's to a constant by one. So nothing is done for an hour in which nothing happened, and
//! nothing is kept for the filter itself: it runs when a row is read, over what is kept anyway.

use crate::calendar::{HOURS_A_DAY, hour_of_day};
use crate::decay::Sums;
use std::fmt;

/// The first hour of trade.
const FIRST_HOUR: u32 = 6;
/// The chance of a sale in an hour at whose end the shelf was empty.
const SOLD_WHEN_EMPTY: f64 = 0.03;
/// How often a shelf is empty.
const OUT: Rate = Rate::new(2.0, 0.2, (0.0, 1.0));
/// How often one in stock is empty an hour later.
const GOES_OUT: Rate = Rate::new(4.0, 0.03, (0.002, 0.6));
/// How often an empty one is in stock an hour later.
const COMES_BACK: Rate = Rate::new(4.0, 0.1, (0.002, 0.6));
/// How often one in stock sells anything in an hour.
const SELLS: Rate = Rate::new(3.0, 0.3, (0.005, 0.98));
const SECONDS: f64 = 3600.0;

/// Which filter: how fast it forgets, and how much it makes of a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// Days after which a day weighs half.
    pub half_life: u16,
    /// The power, in percent, to which the evidence of an hour without a sale is raised: below 100, hours in a row are
    /// not taken for independent.
    pub silence_percent: u16,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (half_life, percent) = (self.half_life, self.silence_percent);
        write!(
            f,
            "half-life {half_life} days, silence to {percent} %, from {FIRST_HOUR}, sold when empty {SOLD_WHEN_EMPTY}, \
             out {OUT}, goes out {GOES_OUT}, comes back {COMES_BACK}, sells {SELLS}"
        )
    }
}

/// A rate that is little known is drawn to others.
struct Rate {
    /// Days of the SKU's rate that the own begins with.
    days: f64,
    /// One day of this the SKU's begins with.
    base: f64,
    bounds: (f64, f64),
}

impl Rate {
    const fn new(days: f64, base: f64, bounds: (f64, f64)) -> Self {
        Self { days, base, bounds }
    }

    /// Of how often it was so, in how many hours; own, and the SKU's.
    fn of(&self, own: (f64, f64), sku: (f64, f64)) -> f64 {
        let prior = (sku.0 + self.base) / (sku.1 + 1.0);
        let rate = (own.0 + prior * self.days) / (own.1 + self.days);
        rate.clamp(self.bounds.0, self.bounds.1)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.bounds;
        write!(f, "{} of {} in {low}..{high}", self.base, self.days)
    }
}

/// The usual amounts, by hour of the day, that the rates are made of.
pub(crate) struct Usual<'a> {
    pub(crate) seconds_in: Sums<'a>,
    pub(crate) seconds_out: Sums<'a>,
    pub(crate) went_out: Sums<'a>,
    pub(crate) came_back: Sums<'a>,
    pub(crate) selling: Sums<'a>,
}

impl Usual<'_> {
    /// Sums of an hour of the day over all full days before `day`.
    fn hour(&self, hour: u32, day: u32) -> Hour {
        let sum = |of: Sums<'_>| of.sum(hour, day);
        Hour {
            there: sum(self.seconds_in) / SECONDS,
            empty: sum(self.seconds_out) / SECONDS,
            went_out: sum(self.went_out),
            came_back: sum(self.came_back),
            selling: sum(self.selling),
        }
    }
}

/// Decayed sums of an hour of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Hour {
    /// Hours in stock.
    there: f64,
    /// Hours empty.
    empty: f64,
    went_out: f64,
    came_back: f64,
    selling: f64,
}

/// What the filter says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Belief {
    pub(crate) now: f64,
    pub(crate) ahead: f64,
    pub(crate) silence: f64,
}

/// A filter at work on one SKU at one location.
pub(crate) struct Pass<'a> {
    pub(crate) filter: Filter,
    pub(crate) own: Usual<'a>,
    pub(crate) sku: Usual<'a>,
    /// The day of the request.
    pub(crate) today: u32,
}

/// How far a filter has come today. It stands on usual amounts and on which hours sold, so a later request of the day
/// may go on from here as long as those are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    /// The first hour that it has not taken in, since the epoch.
    pub(crate) begun: u32,
    empty: f64,
    /// The chance of no sale since the last one, with goods on the shelf.
    unsold: f64,
    /// The hour before the begun one, and the begun one itself.
    before: Both,
    next: Both,
}

/// Hours of today that sold anything, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sold(u32);

impl Sold {
    /// Asks about the hours of trade before the begun one.
    pub(crate) fn before(begun: u32, today: u32, sold: impl Fn(u32) -> bool) -> Self {
        let hours = first_hour(today)..begun.min((today + 1) * HOURS_A_DAY);
        Self(hours.fold(0, |bits, hour| {
            bits | u32::from(sold(hour)) << hour_of_day(hour)
        }))
    }

    /// Whether both say the same of the hours before the begun one of the same day.
    pub(crate) fn agrees(self, other: Self, begun: u32) -> bool {
        let before = (1 << hour_of_day(begun)) - 1;
        (self.0 ^ other.0) & before == 0
    }

    fn has(self, hour: u32) -> bool {
        self.0 >> hour_of_day(hour) & 1 == 1
    }
}

fn first_hour(day: u32) -> u32 {
    day * HOURS_A_DAY + FIRST_HOUR
}

impl Pass<'_> {
    /// How often the shelf is empty in the begun hour and in the one asked about, both as hours since the epoch: all
    /// there is to say where no hour of trade has passed. `None` if no look ever told anything of the SKU then.
    pub(crate) fn usually(&self, begun: u32, target: u32) -> Option<Belief> {
        Some(Belief {
            now: self.usually_out(begun)?,
            ahead: self.usually_out(target)?,
            silence: 0.0,
        })
    }

    /// Whether an hour of trade has passed before the begun one.
    pub(crate) fn has_begun(&self, begun: u32) -> bool {
        begun > first_hour(self.today)
    }

    /// The beginning of trade. `None` if no look ever told anything of the SKU in its first hour.
    pub(crate) fn start(&self) -> Option<Progress> {
        let first = first_hour(self.today);
        Some(Progress {
            begun: first,
            empty: self.usually_out(first)?,
            unsold: 1.0,
            before: Both::default(),
            next: self.hour(first),
        })
    }

    /// Goes on over the full hours before the begun one.
    pub(crate) fn go_on(&self, mut progress: Progress, begun: u32, sold: Sold) -> Progress {
        while progress.begun < begun {
            progress = self.step(progress, sold.has(progress.begun));
        }
        progress
    }

    fn step(&self, progress: Progress, sold: bool) -> Progress {
        let Progress {
            begun,
            mut empty,
            mut unsold,
            before,
            next,
        } = progress;
        if begun > first_hour(self.today) {
            empty = passes(empty, &before, &next);
        }
        let sells = next.rate(&SELLS, |one| (one.selling, one.there));
        unsold = if sold { 1.0 } else { unsold * (1.0 - sells) };
        Progress {
            begun: begun + 1,
            empty: self.weighed(empty, sells, sold),
            unsold,
            before: next,
            next: self.hour(begun + 1),
        }
    }

    /// What it says of the begun hour and of the one asked about; of another day, how often the shelf is empty then.
    pub(crate) fn belief(&self, progress: &Progress, target: u32) -> Option<Belief> {
        let is_today = target / HOURS_A_DAY == self.today;
        let ahead = match is_today {
            true => self.ahead(progress, target),
            false => self.usually_out(target)?,
        };
        Some(Belief {
            now: progress.empty,
            ahead,
            silence: -libm::log(progress.unsold),
        })
    }

    fn ahead(&self, progress: &Progress, target: u32) -> f64 {
        if target < progress.begun {
            return progress.empty;
        }
        let mut empty = passes(progress.empty, &progress.before, &progress.next);
        let mut before = progress.next;
        for hour in progress.begun + 1..=target {
            let both = self.hour(hour);
            empty = passes(empty, &before, &both);
            before = both;
        }
        empty
    }

    /// How often the shelf is empty in an hour.
    fn usually_out(&self, hour: u32) -> Option<f64> {
        let both = self.hour(hour);
        let is_known = both.own.there + both.own.empty + both.sku.there + both.sku.empty > 0.0;
        is_known.then(|| both.rate(&OUT, |one| (one.empty, one.there + one.empty)))
    }

    /// The chance of an empty shelf after an hour with a sale, or without.
    fn weighed(&self, empty: f64, sells: f64, sold: bool) -> f64 {
        let (from_empty, from_stock) = match sold {
            true => (SOLD_WHEN_EMPTY, sells),
            false => (
                self.softened(1.0 - SOLD_WHEN_EMPTY),
                self.softened(1.0 - sells),
            ),
        };
        let (empty, stock) = (empty * from_empty, (1.0 - empty) * from_stock);
        empty / (empty + stock)
    }

    fn softened(&self, chance: f64) -> f64 {
        match self.filter.silence_percent {
            100 => chance,
            percent => libm::pow(chance, f64::from(percent) / 100.0),
        }
    }

    fn hour(&self, hour: u32) -> Both {
        let hour = hour_of_day(hour);
        Both {
            own: self.own.hour(hour, self.today),
            sku: self.sku.hour(hour, self.today),
        }
    }
}

/// An hour of the day, own and the SKU's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Both {
    own: Hour,
    sku: Hour,
}

impl Both {
    fn rate(&self, rate: &Rate, of: impl Fn(&Hour) -> (f64, f64)) -> f64 {
        rate.of(of(&self.own), of(&self.sku))
    }
}

/// The chance of an empty shelf an hour later.
fn passes(empty: f64, before: &Both, hour: &Both) -> f64 {
    let goes_out = GOES_OUT.of(
        (hour.own.went_out, before.own.there),
        (hour.sku.went_out, before.sku.there),
    );
    let comes_back = COMES_BACK.of(
        (hour.own.came_back, before.own.empty),
        (hour.sku.came_back, before.sku.empty),
    );
    empty * (1.0 - comes_back) + (1.0 - empty) * goes_out
}
