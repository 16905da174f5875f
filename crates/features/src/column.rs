//! Columns: the values of a formula's parts for some SKUs at locations at once.
//!
//! A row takes hundreds of small steps, and what a step reads of one SKU lies beside what it reads of the next. So steps
//! are taken one after the other, each for a whole block of rows: what it needs to know of the moment (the buckets of a
//! window, and what they weigh) is made once, and what is read of a group is read once for all of its members. Each value
//! is made by the same operations in the same order as it would be alone, so it is the same bit by bit.

use crate::calendar::{HOUR_MILLIS, HOURS_A_DAY, day_of, day_of_week, hour_of, hour_of_day};
use crate::decay::Sums;
use crate::formula::{Balance, Context, Filtered, How, UsualFor};
use crate::members::NONE;
use crate::memo::Memo;
use crate::plan::{Node, Read};
use crate::ring::{Buckets, Run};
use crate::series::Series;
use crate::store::Store;
use crate::subject::{Block, Laid};
use crate::window::{Anchor, Moment};
use onhand_core::Timestamp;

/// A silence is measured over a week at most.
const LONGEST_SILENCE: u32 = 7 * HOURS_A_DAY;
const DAY_MILLIS: f64 = 86_400_000.0;

impl Store {
    /// Makes the values of some nodes, one after the other, for all of a block; those of others are missing. Each of them
    /// comes after what it is made of.
    pub(crate) fn run(
        &self,
        nodes: &[Node],
        made: impl Iterator<Item = usize>,
        block: &mut Block,
        moment: Moment,
        memo: &mut Memo,
    ) {
        let (plan, many) = (self.set.plan(), block.len());
        block.begin(plan.entities.len(), plan.filters.len());
        let mut values = std::mem::take(&mut block.values);
        values.resize(nodes.len() * many, f64::NAN);
        for number in made {
            let (made, rest) = values.split_at_mut(number * many);
            let column = &mut rest[..many];
            let of = |node: usize| &made[node * many..(node + 1) * many];
            match nodes[number] {
                Node::Read(read) => self.read_column(read, block, moment, memo, column),
                Node::Number(number) => column.fill(number),
                Node::Unary(what, one) => {
                    let each = column.iter_mut().zip(of(one));
                    each.for_each(|(value, one)| *value = what.of(*one));
                }
                Node::Binary(what, one, other) => {
                    let each = column.iter_mut().zip(of(one)).zip(of(other));
                    each.for_each(|((value, one), other)| *value = what.of(*one, *other));
                }
            }
        }
        block.values = values;
    }

    /// What a leaf says of each; missing values are left as they are.
    fn read_column(
        &self,
        read: Read,
        block: &mut Block,
        moment: Moment,
        memo: &mut Memo,
        column: &mut [f64],
    ) {
        let today = day_of(moment.now);
        match read {
            Read::Window(number, how, window) => {
                let laid = block.lay(window, moment);
                let (series, kind) = self.series(number);
                self.each(kind, block, column, |row, _| {
                    let kept = match window.hours {
                        Some(_) => series.hours(row),
                        None => series.days(row),
                    };
                    in_window(&kept, how, &laid)
                });
                block.laid = laid;
            }
            Read::Since(number) => {
                let (series, kind) = self.series(number);
                self.each(kind, block, column, |row, _| {
                    Some(hours_since(series.last(row)?, moment.now))
                });
            }
            Read::Usual(number, place, hours) => {
                self.usual_column((number, place), hours, block, moment, column);
            }
            Read::OnDaysWith(number, with, half_life, window) => {
                let laid = block.lay(window, moment);
                let weight = |day: &u32| {
                    let age = f64::from(today) - f64::from(*day);
                    libm::exp2(-age / f64::from(half_life))
                };
                let weights: Vec<f64> = laid.buckets.iter().map(weight).collect();
                let (series, kind) = self.series(number);
                let (with, _) = self.series(with);
                self.each(kind, block, column, |row, _| {
                    let days = laid.buckets.iter().zip(&weights);
                    on_days_with(&series.days(row), &with.days(row), days)
                });
                block.laid = laid;
            }
            Read::Filter(number, what) => {
                self.believe(number, block, moment, memo);
                let each = column.iter_mut().zip(&block.beliefs[number]);
                each.for_each(|(value, belief)| {
                    *value = belief.map_or(f64::NAN, |belief| match what {
                        Filtered::Now => belief.now,
                        Filtered::Ahead => belief.ahead,
                        Filtered::Silence => belief.silence,
                    });
                });
            }
            Read::Members(kind) => self.each(kind, block, column, |row, _| {
                Some(self.kept.members.list(kind, row).len() as f64)
            }),
            Read::Mean(number) => {
                let (kind, sku) = (self.set.plan().means[number].entity, self.set.plan().sku);
                self.each(kind, block, column, |row, rows| {
                    self.mean(number, row, sku.map(|kind| rows[kind]), moment, memo)
                });
            }
            Read::DaysKnown(number, place) => {
                let (series, kind) = self.series(number);
                self.each(kind, block, column, |row, _| {
                    let first = self.kept.begun[kind][row].first_day;
                    Some(series.usual(place, row).exposure(today, first))
                });
            }
            Read::Found => self.each(0, block, column, |row, _| {
                let found = self.kept.looks.found(row)?;
                Some(f64::from(u8::from(found)))
            }),
            Read::Age(kind) => self.each(kind, block, column, |row, _| {
                let heard = self.kept.begun[kind][row].heard;
                Some(moment.now.since(heard).millis() as f64 / DAY_MILLIS)
            }),
            Read::Balance(of) => {
                for (value, level) in column.iter_mut().zip(&block.levels) {
                    let Some(level) = level else { continue };
                    let [on_hand, promised] = self.kept.balances[level.0 as usize];
                    let units = match of {
                        Balance::OnHand => on_hand,
                        Balance::Promised => promised,
                    };
                    *value = units as f64;
                }
            }
            Read::Pushed(number, anchor) => {
                let (pushed, at) = (&self.kept.pushed[number], anchor.of(moment));
                let kind = self.set.plan().pushed[number].entity;
                self.each(kind, block, column, |row, _| pushed.value(row, at));
            }
            Read::PushedFor(number, anchor) => {
                let (pushed, at) = (&self.kept.pushed[number], anchor.of(moment));
                let kind = self.set.plan().pushed[number].entity;
                self.each(kind, block, column, |row, _| pushed.hours(row, at));
            }
            Read::Code(kind) => self.each(kind, block, column, |row, _| {
                Some(self.kept.members.code(kind, row) as f64)
            }),
            Read::Context(what, anchor) => column.fill(context(what, anchor, moment)),
        }
    }

    fn usual_column(
        &self,
        (number, place): (usize, usize),
        hours: UsualFor,
        block: &mut Block,
        moment: Moment,
        column: &mut [f64],
    ) {
        let laid = match hours {
            UsualFor::Hours(window) => block.lay(window, moment),
            UsualFor::Day | UsualFor::Silence => std::mem::take(&mut block.laid),
        };
        let (series, kind) = self.series(number);
        self.each(kind, block, column, |row, _| {
            let usual = UsualAmounts {
                sums: series.usual(place, row),
                today: day_of(moment.now),
                first: self.kept.begun[kind][row].first_day,
            };
            Some(match hours {
                UsualFor::Day => usual.day(),
                UsualFor::Hours(_) => usual.in_hours(laid.buckets.iter().copied()),
                UsualFor::Silence => {
                    usual.in_silence(hour_of(series.last(row)?) + 1..hour_of(moment.now))
                }
            })
        });
        block.laid = laid;
    }

    /// Sets the values that are made of a row of a kind of entity: of equal rows once. `value` is given the row, and those
    /// of all kinds beside it.
    fn each(
        &self,
        kind: usize,
        block: &mut Block,
        column: &mut [f64],
        mut value: impl FnMut(usize, &[u32]) -> Option<f64>,
    ) {
        let kinds = self.set.plan().entities.len();
        // A block hardly ever has the same SKU at a location twice.
        let is_shared = kind > 0 && column.len() > 1;
        if is_shared {
            block.find_same(kind, kinds);
        }
        for (place, rows) in block.rows.chunks_exact(kinds).enumerate() {
            let first = if is_shared {
                block.same[kind][place] as usize
            } else {
                place
            };
            column[place] = match self.kept_row(kind, rows[kind]) {
                _ if first < place => column[first],
                Some(row) => value(row, rows).unwrap_or(f64::NAN),
                None => f64::NAN,
            };
        }
    }

    /// A series, and the kind of entity that it is kept for.
    pub(crate) fn series(&self, number: usize) -> (&Series, usize) {
        let kind = self.set.plan().series[number].entity;
        (&self.kept.series[number], kind)
    }

    /// A row as a place in what is kept, if there is one.
    pub(crate) fn kept_row(&self, kind: usize, row: u32) -> Option<usize> {
        let is_kept = row != NONE && (row as usize) < self.kept.begun[kind].len();
        is_kept.then_some(row as usize)
    }
}

fn in_window(kept: &Buckets<'_>, how: How, laid: &Laid) -> Option<f64> {
    let runs = laid.runs.iter();
    match how {
        How::Sum => Some(runs.map(|run| kept.sum(*run)).sum::<u64>() as f64),
        How::Busy => {
            let busy = |sum, run: &Run| kept.fold(*run, sum, |sum, one| sum + u32::from(one > 0));
            Some(f64::from(runs.fold(0, busy)))
        }
        How::Most => {
            let most = runs.fold(0, |most, run| kept.fold(*run, most, u32::max));
            Some(f64::from(most))
        }
        How::Earliest => {
            let filled = laid.buckets.iter().filter(|bucket| kept.get(**bucket) > 0);
            filled.min().map(|hour| f64::from(hour_of_day(*hour)))
        }
    }
}

/// Of days, each with its weight.
fn on_days_with<'d>(
    amounts: &Buckets<'_>,
    with: &Buckets<'_>,
    days: impl Iterator<Item = (&'d u32, &'d f64)>,
) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (day, weight) in days {
        if with.get(*day) > 0 {
            sum += weight * f64::from(amounts.get(*day));
            weights += weight;
        }
    }
    (weights > 0.0).then(|| sum / weights)
}

/// Usual amounts of an entity, as of a day.
struct UsualAmounts<'a> {
    sums: Sums<'a>,
    today: u32,
    /// The entity's first day.
    first: u32,
}

impl UsualAmounts<'_> {
    fn day(&self) -> f64 {
        self.sums.usual_day(self.today, self.first)
    }

    fn hour(&self, hour: u32) -> f64 {
        self.sums.usual(hour, self.today, self.first)
    }

    fn in_hours(&self, hours: impl Iterator<Item = u32>) -> f64 {
        hours.fold(0.0, |sum, hour| sum + self.hour(hour))
    }

    fn in_silence(&self, silent: std::ops::Range<u32>) -> f64 {
        let hours = (silent.end.saturating_sub(silent.start)).min(LONGEST_SILENCE);
        let (days, rest) = (hours / HOURS_A_DAY, hours % HOURS_A_DAY);
        let whole_days = match days {
            0 => 0.0,
            _ => f64::from(days) * self.day(),
        };
        let rest = (0..rest).map(|back| silent.end - 1 - back);
        rest.fold(whole_days, |sum, hour| sum + self.hour(hour))
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
