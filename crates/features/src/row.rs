//! Rows: the values of all features for one SKU at one location, at one moment.
//!
//! Reading changes nothing, so it does not matter how often, when, or by whom rows are read.

use crate::calendar::{HOUR_MILLIS, HOURS_A_DAY, day_of, day_of_week, hour_of, hour_of_day};
use crate::decay::Decay;
use crate::formula::{Balance, Context, Filtered, How, UsualFor};
use crate::members::NONE;
use crate::memo::Memo;
use crate::plan::{Node, Read};
use crate::series::Series;
use crate::store::Store;
use crate::window::{Anchor, Moment, Window};
use onhand_core::{LevelNo, Span, Stamp, Timestamp};

/// A silence is measured over a week at most.
const LONGEST_SILENCE: u32 = 7 * HOURS_A_DAY;
const DAY_MILLIS: f64 = 86_400_000.0;

/// Whom a row is about: the rows of everything that it is part of. Keep one and refill it, to allocate nothing.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    level: Option<LevelNo>,
    rows: Vec<u32>,
    values: Vec<f64>,
    memo: Memo,
}

/// Whom a formula is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) level: Option<LevelNo>,
    /// By kind of entity.
    pub(crate) rows: &'a [u32],
}

impl Subject {
    /// Whether the ledger knows the SKU at the location.
    pub fn is_known(&self) -> bool {
        self.level.is_some()
    }

    /// Its row of a kind of entity.
    pub(crate) fn row(&self, kind: usize) -> Option<u32> {
        self.rows.get(kind).copied()
    }

    /// The SKU at the location, if the ledger knows it.
    pub fn level(&self) -> Option<LevelNo> {
        self.level
    }
}

impl Store {
    /// Looks up a SKU at a location. Where the ledger knows no such level, the features of its location and of its SKU
    /// are still told.
    pub fn find(&self, location: &str, sku: &str, subject: &mut Subject) {
        let entities = &self.set.plan().entities;
        subject.level = self.kept.members.find(location, sku);
        let rows = &mut subject.rows;
        self.kept
            .members
            .rows_by_name(entities, location, sku, rows);
    }

    /// Takes a SKU at a location by its number.
    pub fn find_level(&self, level: LevelNo, subject: &mut Subject) {
        let is_known = (level.0 as usize) < self.kept.members.levels();
        subject.level = is_known.then_some(level);
        subject.rows.clear();
        if is_known {
            let rows = self.kept.members.rows(level);
            subject.rows.extend_from_slice(rows);
        }
    }

    /// The version of what was told of a SKU at a location: as long as it stays, nothing new was.
    pub fn version(&self, level: LevelNo) -> u64 {
        match self.row(level, 0) {
            NONE => 0,
            row => self.versions.of(0, row as usize),
        }
    }

    /// Whether a feature had nothing to be made of in the row that was just read for the subject, so that its value is
    /// its definition's default, or missing.
    pub fn is_default(&self, subject: &Subject, feature: usize) -> bool {
        let value = subject.values.get(self.set.plan().outputs[feature]);
        value.is_none_or(|value| value.is_nan())
    }

    /// The values at a moment, one for each feature of the set.
    ///
    /// # Panics
    /// `row` has another length than the set.
    pub fn read(&self, subject: &mut Subject, moment: Moment, row: &mut [f32]) {
        let (plan, features) = (self.set.plan(), self.set.features());
        assert_eq!(
            row.len(),
            features.len(),
            "a row has a value for each feature"
        );
        let Subject {
            level,
            rows,
            values,
            memo,
        } = subject;
        let about = About {
            level: *level,
            rows,
        };
        memo.attend(
            self.versions.life.number(),
            plan.filters.len(),
            plan.means.len(),
        );
        let Stamp { seq, at } = self.kept.last;
        memo.other_day = (day_of(moment.now) != day_of(at)).then_some(seq);
        self.run(&plan.nodes, about, moment, values, memo);
        for ((value, output), feature) in row.iter_mut().zip(&plan.outputs).zip(features) {
            let found = values[*output];
            // Every missing value is the same NaN, so that rows can be compared bit by bit.
            *value = match found.is_nan() {
                true if feature.default.is_nan() => f32::NAN,
                true => feature.default,
                false => found as f32,
            };
        }
    }

    /// The values of nodes, one after the other.
    pub(crate) fn run(
        &self,
        nodes: &[Node],
        about: About<'_>,
        moment: Moment,
        values: &mut Vec<f64>,
        memo: &mut Memo,
    ) {
        values.clear();
        for node in nodes {
            let value = match *node {
                Node::Read(read) => self.value(read, about, moment, memo).unwrap_or(f64::NAN),
                Node::Number(number) => number,
                Node::Unary(what, of) => what.of(values[of]),
                Node::Binary(what, one, other) => what.of(values[one], values[other]),
            };
            values.push(value);
        }
    }

    /// How old the newest fact behind a feature's value is; `None` if there is none, or the value needs none.
    pub fn age(&self, subject: &Subject, feature: usize, now: Timestamp) -> Option<Span> {
        let about = About {
            level: subject.level,
            rows: &subject.rows,
        };
        let sources = &self.set.plan().sources[feature];
        let told = sources
            .iter()
            .filter_map(|read| self.told_at(*read, about, now));
        told.max().map(|at| now.since(at))
    }

    fn value(&self, read: Read, about: About<'_>, moment: Moment, memo: &mut Memo) -> Option<f64> {
        match read {
            Read::Window(series, how, window) => {
                let (series, row) = self.series(series, about)?;
                in_window(series, row, how, window, moment)
            }
            Read::Since(series) => {
                let (series, row) = self.series(series, about)?;
                Some(hours_since(series.last(row)?, moment.now))
            }
            Read::Usual(number, place, hours) => {
                let (series, row) = self.series(number, about)?;
                let usual = UsualAmounts {
                    decay: series.usual(place),
                    row,
                    today: day_of(moment.now),
                    first: self.first_day(number, row),
                };
                usual.value(series, hours, moment)
            }
            Read::OnDaysWith(series, with, half_life, days) => {
                let (series, row) = self.series(series, about)?;
                let (with, _) = self.series(with, about)?;
                on_days_with((series, with), row, half_life, days, moment)
            }
            Read::Filter(number, what) => {
                let belief = self.filter(number, about, moment, memo)?;
                Some(match what {
                    Filtered::Now => belief.now,
                    Filtered::Ahead => belief.ahead,
                    Filtered::Silence => belief.silence,
                })
            }
            Read::Members(kind) => {
                let members = self.kept.members.list(kind, self.row_of(kind, about)?);
                Some(members.len() as f64)
            }
            Read::Mean(number) => self.mean(number, about, moment, memo),
            Read::DaysKnown(number, place) => {
                let (series, row) = self.series(number, about)?;
                let first = self.first_day(number, row);
                let usual = series.usual(place);
                Some(usual.exposure(row, day_of(moment.now), first))
            }
            Read::Found => {
                let found = self.kept.looks.found(self.row_of(0, about)?)?;
                Some(f64::from(u8::from(found)))
            }
            Read::Age(kind) => {
                let beginning = self.kept.begun[kind][self.row_of(kind, about)?];
                Some(moment.now.since(beginning.heard).millis() as f64 / DAY_MILLIS)
            }
            Read::Balance(of) => {
                let [on_hand, promised] = self.kept.balances[about.level?.0 as usize];
                let units = match of {
                    Balance::OnHand => on_hand,
                    Balance::Promised => promised,
                };
                Some(units as f64)
            }
            Read::Pushed(number, anchor) => {
                let row = self.pushed_row(number, about)?;
                self.kept.pushed[number].value(row, anchor.of(moment))
            }
            Read::PushedFor(number, anchor) => {
                let row = self.pushed_row(number, about)?;
                self.kept.pushed[number].hours(row, anchor.of(moment))
            }
            Read::Code(kind) => {
                let row = self.row_of(kind, about)?;
                Some(self.kept.members.code(kind, row) as f64)
            }
            Read::Context(what, anchor) => Some(context(what, anchor, moment)),
        }
    }

    /// When the newest fact behind a read happened.
    fn told_at(&self, read: Read, about: About<'_>, now: Timestamp) -> Option<Timestamp> {
        match read {
            Read::Filter(number, _) => {
                let (sold, row) = self.series(self.set.plan().filters[number].sold, about)?;
                sold.last(row)
            }
            Read::Window(series, ..)
            | Read::OnDaysWith(series, ..)
            | Read::Since(series)
            | Read::Usual(series, ..)
            | Read::DaysKnown(series, _) => {
                let (series, row) = self.series(series, about)?;
                series.last(row)
            }
            Read::Found => self.kept.looks.at(self.row_of(0, about)?),
            Read::Pushed(number, _) | Read::PushedFor(number, _) => {
                let row = self.pushed_row(number, about)?;
                self.kept.pushed[number].from(row, now)
            }
            Read::Age(_)
            | Read::Balance(_)
            | Read::Code(_)
            | Read::Members(_)
            | Read::Mean(_)
            | Read::Context(..) => None,
        }
    }

    pub(crate) fn series(&self, number: usize, about: About<'_>) -> Option<(&Series, usize)> {
        let kind = self.set.plan().series[number].entity;
        Some((&self.kept.series[number], self.row_of(kind, about)?))
    }

    /// The first day of which a series holds anything of an entity.
    fn first_day(&self, number: usize, row: usize) -> u32 {
        self.kept.begun[self.set.plan().series[number].entity][row].first_day
    }

    fn pushed_row(&self, number: usize, about: About<'_>) -> Option<usize> {
        self.row_of(self.set.plan().pushed[number].entity, about)
    }

    pub(crate) fn row_of(&self, kind: usize, about: About<'_>) -> Option<usize> {
        let row = *about.rows.get(kind)?;
        let is_kept = row != NONE && (row as usize) < self.kept.begun[kind].len();
        is_kept.then_some(row as usize)
    }
}

fn in_window(series: &Series, row: usize, how: How, window: Window, moment: Moment) -> Option<f64> {
    let (mut sum, mut busy, mut most, mut earliest) = (0u64, 0u32, 0u32, None);
    let buckets = match window.hours {
        Some(_) => series.hours(row),
        None => series.days(row),
    };
    window.each(moment, |bucket| {
        let amount = buckets.get(bucket);
        sum += u64::from(amount);
        busy += u32::from(amount > 0);
        most = most.max(amount);
        if amount > 0 {
            earliest = Some(earliest.map_or(bucket, |one: u32| one.min(bucket)));
        }
    });
    match how {
        How::Sum => Some(sum as f64),
        How::Busy => Some(f64::from(busy)),
        How::Most => Some(f64::from(most)),
        How::Earliest => earliest.map(|hour| f64::from(hour_of_day(hour))),
    }
}

fn on_days_with(
    (series, with): (&Series, &Series),
    row: usize,
    half_life: u16,
    days: Window,
    moment: Moment,
) -> Option<f64> {
    let (mut sum, mut weights, today) = (0.0, 0.0, day_of(moment.now));
    let (amounts, with) = (series.days(row), with.days(row));
    days.each(moment, |day| {
        if with.get(day) > 0 {
            let age = f64::from(today) - f64::from(day);
            let weight = libm::exp2(-age / f64::from(half_life));
            sum += weight * f64::from(amounts.get(day));
            weights += weight;
        }
    });
    (weights > 0.0).then(|| sum / weights)
}

/// Usual amounts of an entity, as of a day.
struct UsualAmounts<'a> {
    decay: &'a Decay,
    row: usize,
    today: u32,
    /// The entity's first day.
    first: u32,
}

impl UsualAmounts<'_> {
    fn value(&self, series: &Series, hours: UsualFor, moment: Moment) -> Option<f64> {
        match hours {
            UsualFor::Day => Some(self.day()),
            UsualFor::Hours(window) => {
                let mut sum = 0.0;
                window.each(moment, &mut |hour| sum += self.hour(hour));
                Some(sum)
            }
            UsualFor::Silence => {
                let silent = hour_of(series.last(self.row)?) + 1..hour_of(moment.now);
                Some(self.in_silence(silent))
            }
        }
    }

    fn day(&self) -> f64 {
        self.decay.usual_day(self.row, self.today, self.first)
    }

    fn hour(&self, hour: u32) -> f64 {
        self.decay.usual(self.row, hour, self.today, self.first)
    }

    fn in_silence(&self, silent: std::ops::Range<u32>) -> f64 {
        let hours = (silent.end.saturating_sub(silent.start)).min(LONGEST_SILENCE);
        let (days, rest) = (hours / HOURS_A_DAY, hours % HOURS_A_DAY);
        let whole_days = match days {
            0 => 0.0,
            _ => f64::from(days) * self.day(),
        };
        (0..rest).fold(whole_days, |sum, back| {
            sum + self.hour(silent.end - 1 - back)
        })
    }
}

fn hours_since(at: Timestamp, now: Timestamp) -> f64 {
    now.since(at).millis() as f64 / HOUR_MILLIS as f64
}

fn context(what: Context, anchor: Anchor, moment: Moment) -> f64 {
    let at = anchor.of(moment);
    match what {
        Context::Hour => f64::from(hour_of_day(hour_of(at))),
        Context::Weekday => f64::from(day_of_week(day_of(at))),
        Context::Lead => hours_since(moment.now, moment.target),
    }
}
