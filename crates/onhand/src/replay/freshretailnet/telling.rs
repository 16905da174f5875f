//! What the data set tells, and when: its rows as commands, in the time in which a shop would have known them.
//!
//! - **Sales** come from the till: those of an hour are known at its end, and happened in its middle. The file's
//!   amounts are scaled; a thousandth of one is a unit here, rounded.
//! - **The state of the shelf** comes from a nightly feed, half an hour after midnight: the hours of the day in which
//!   it changed, and how it ended. Nothing of it is known during the day.
//! - **Picks only**: where no feed tells, a shopper's looks do. In each hour in which a store sells, so many of its items
//!   are looked at, in the middle of the hour and known then, drawn in proportion to what they sold on the last seven
//!   days and today so far: never what nobody orders. Then nothing else tells of the shelf, and no delivery is known.
//! - **Deliveries** are inferred by the same feed: a shelf that was empty and then was not has been filled. Of how
//!   many units nobody tells; it is taken to be what a day of the last seven sold on average, as known that night.
//! - **Promotions, holidays and weather** of a day are known in its morning, at five, from midnight on. That a
//!   promotion and a holiday are known before is so in every shop. The published weather is the day's average, which
//!   nobody knows in the morning; it is taken for the forecast. This is an assumption, and a kind one.
//! - **Categories and city** are told with an item's, or a store's, first morning.
//!
//! Discounts and promotions are told when they change; what is told of a store, every morning.

use super::DAY_MILLIS;
use super::dataset::{Dataset, HOURS, Row, Series};
use crate::replay::feeder::{FeedError, Takes};
use onhand_core::facts::push::{Push, PushLine};
use onhand_core::stock::observe::{Observe, ObserveLine};
use onhand_core::stock::receive::{Receive, ReceiveLine};
use onhand_core::stock::sell::{Sell, SellLine};
use onhand_core::{
    Command, FactName, Few, Label, Lines, LocationId, Millionths, Quantity, Sku, Span, Timestamp,
    Value,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The hour of the morning in which the day's promotions and weather are told.
const MORNING: usize = 5;
const HOUR: Span = Span::from_secs(3600);
const HALF_AN_HOUR: Span = Span::from_secs(1800);
/// Days that a delivery's size looks back.
const DELIVERY_DAYS: usize = 7;

/// Who tells of the shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// A feed, every night.
    #[default]
    Nightly,
    /// Shoppers, who look so often in each store and hour.
    Looks(u32),
}

/// What was told.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Tally {
    #[serde(skip)]
    pub(super) days: usize,
    /// Lines of sales: hours of a series in which something was sold.
    pub(super) sales: u64,
    /// Lines of looks.
    pub(super) looks: u64,
    /// Lines of deliveries.
    pub(super) deliveries: u64,
    /// Pushed values.
    pub(super) facts: u64,
}

impl Tally {
    pub(super) fn lines(&self) -> u64 {
        self.sales + self.looks + self.deliveries + self.facts
    }
}

/// What was told of a series so far.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    discount: Option<i64>,
    activity: Option<bool>,
    /// The day whose end was told last, and whether the shelf was empty then.
    ended: Option<(u32, bool)>,
    /// Units sold on the last days told, by day modulo their number.
    sold: [u32; DELIVERY_DAYS],
    days: u32,
}

/// Tells a data set to whoever takes it.
pub(super) struct Telling<'a, T> {
    feeder: T,
    dataset: &'a Dataset,
    shelf: Shelf,
    told: Vec<Told>,
    tally: Tally,
}

impl<'a, T: Takes> Telling<'a, T> {
    pub(super) fn new(feeder: T, dataset: &'a Dataset, shelf: Shelf) -> Self {
        Self {
            feeder,
            dataset,
            shelf,
            told: vec![Told::default(); dataset.series.len()],
            tally: Tally::default(),
        }
    }

    /// Tells everything, day by day; `progress` hears of rows told.
    pub(super) fn tell(&mut self, progress: &mut dyn FnMut(u64)) -> Result<Tally, FeedError> {
        for rows in self.dataset.rows.chunk_by(|one, next| one.day == next.day) {
            self.day(rows)?;
            self.tally.days += 1;
            progress(rows.len() as u64);
        }
        self.feeder.settle()?;
        Ok(self.tally)
    }

    fn day(&mut self, rows: &[Row]) -> Result<(), FeedError> {
        let midnight = midnight(rows[0].day);
        let (dataset, mut stores) = (self.dataset, Vec::new());
        let store = |row: &Row| dataset.series[row.series as usize].store;
        stores.extend(rows.chunk_by(|one, next| store(one) == store(next)));
        for hour in 0..HOURS {
            if hour == MORNING {
                self.each(&stores, |telling, store| telling.morning(midnight, store))?;
            }
            if let Shelf::Looks(looks) = self.shelf {
                self.each(&stores, |telling, store| {
                    telling.looks(midnight, hour, store, looks)
                })?;
            }
            self.each(&stores, |telling, store| {
                telling.hour(midnight, hour, store)
            })?;
        }
        match self.shelf {
            Shelf::Nightly => self.each(&stores, |telling, store| telling.night(midnight, store)),
            Shelf::Looks(_) => {
                let told = rows.iter().map(|row| (row, row.series as usize));
                told.for_each(|(row, series)| self.told[series].add(row));
                Ok(())
            }
        }
    }

    fn each(
        &mut self,
        stores: &[&[Row]],
        tell: impl Fn(&mut Self, &[Row]) -> Result<(), FeedError>,
    ) -> Result<(), FeedError> {
        stores.iter().try_for_each(|store| tell(self, store))
    }

    fn series(&self, row: &Row) -> Series {
        self.dataset.series[row.series as usize]
    }

    /// What a store's till sold in an hour, at its end.
    fn hour(&mut self, midnight: Timestamp, hour: usize, rows: &[Row]) -> Result<(), FeedError> {
        let line = |row: &Row| {
            let quantity = Quantity::new(row.sold[hour])?;
            let sku = sku(self.series(row).product);
            Some(SellLine { sku, quantity })
        };
        let lines: Vec<SellLine> = rows.iter().filter_map(line).collect();
        self.tally.sales += lines.len() as u64;
        let begins = after(midnight, hour);
        for lines in chunks(lines) {
            let sell = Sell {
                location: location(self.series(&rows[0]).store),
                lines,
                reference: None,
                sold_at: Some(begins.plus(HALF_AN_HOUR)),
            };
            self.feeder.give(begins.plus(HOUR), Command::Sell(sell))?;
        }
        Ok(())
    }

    /// What shoppers saw at a store in an hour.
    fn looks(
        &mut self,
        midnight: Timestamp,
        hour: usize,
        rows: &[Row],
        looks: u32,
    ) -> Result<(), FeedError> {
        if rows.iter().all(|row| row.sold[hour] == 0) {
            return Ok(());
        }
        let at = after(midnight, hour).plus(HALF_AN_HOUR);
        let drawn = drawn(rows, hour, looks, |row| {
            self.told[row.series as usize].sold()
        });
        let line = |row: &Row| ObserveLine {
            sku: sku(self.series(row).product),
            at,
            found: !row.is_out(hour),
        };
        let lines: Vec<ObserveLine> = drawn.into_iter().map(|row| line(&rows[row])).collect();
        self.tally.looks += lines.len() as u64;
        for lines in chunks(lines) {
            let observe = Observe {
                location: location(self.series(&rows[0]).store),
                source: label("pick"),
                lines,
            };
            self.feeder.give(at, Command::Observe(observe))?;
        }
        Ok(())
    }

    /// What is known of a store's day in its morning.
    fn morning(&mut self, midnight: Timestamp, rows: &[Row]) -> Result<(), FeedError> {
        let mut values = Vec::new();
        let mut say = |sku: Option<Sku>, name: &str, value| {
            values.push(PushLine {
                sku,
                name: FactName::new(name).expect("the names of facts here are short and plain"),
                at: midnight,
                value,
            });
        };
        let store = self.series(&rows[0]);
        if rows
            .iter()
            .all(|row| self.told[row.series as usize].discount.is_none())
        {
            say(None, "city", text("city", store.city));
        }
        say(None, "holiday", flag(rows[0].holiday));
        let weather = ["rain", "temperature", "humidity", "wind"];
        for (name, value) in weather.into_iter().zip(rows[0].weather) {
            say(None, name, number(value));
        }
        for row in rows {
            let series = self.dataset.series[row.series as usize];
            let told = &mut self.told[row.series as usize];
            if told.discount.is_none() {
                describe(&series, &mut say);
            }
            if told.discount.replace(row.discount) != Some(row.discount) {
                say(Some(sku(series.product)), "discount", number(row.discount));
            }
            if told.activity.replace(row.activity) != Some(row.activity) {
                say(Some(sku(series.product)), "activity", flag(row.activity));
            }
        }
        self.tally.facts += values.len() as u64;
        // Levels are opened by the lines that name them, and a location by its first level.
        values.sort_by_key(|line| line.sku.is_none());
        for values in chunks(values) {
            let push = Push {
                location: location(store.store),
                source: label("calendar"),
                values,
            };
            self.feeder
                .give(after(midnight, MORNING), Command::Push(push))?;
        }
        Ok(())
    }

    /// What the nightly feed tells of a store's day.
    fn night(&mut self, midnight: Timestamp, rows: &[Row]) -> Result<(), FeedError> {
        let known = after(midnight, HOURS).plus(HALF_AN_HOUR);
        let (mut looks, mut filled) = (Vec::new(), BTreeMap::<usize, Vec<ReceiveLine>>::new());
        for row in rows {
            let sku = sku(self.series(row).product);
            let told = &mut self.told[row.series as usize];
            told.add(row);
            for (hour, is_out) in told.changes(row) {
                let at = after(midnight, hour);
                looks.push(ObserveLine {
                    sku: sku.clone(),
                    at,
                    found: !is_out,
                });
                if told.is_filled(row, hour) {
                    filled.entry(hour).or_default().push(ReceiveLine {
                        sku: sku.clone(),
                        quantity: told.delivery(),
                        lot: None,
                        expires_on: None,
                    });
                }
            }
            told.ended = Some((row.day, row.is_out(HOURS - 1)));
        }
        self.tally.looks += looks.len() as u64;
        let store = location(self.series(&rows[0]).store);
        for lines in chunks(looks) {
            let observe = Observe {
                location: store.clone(),
                source: label("nightly status"),
                lines,
            };
            self.feeder.give(known, Command::Observe(observe))?;
        }
        for (hour, lines) in filled {
            self.tally.deliveries += lines.len() as u64;
            for lines in chunks(lines) {
                let receive = Receive {
                    location: store.clone(),
                    lines,
                    reference: Some(label("inferred")),
                    occurred_at: Some(after(midnight, hour)),
                };
                self.feeder.give(known, Command::Receive(receive))?;
            }
        }
        Ok(())
    }
}

impl Told {
    fn add(&mut self, row: &Row) {
        self.sold[row.day as usize % DELIVERY_DAYS] = row.sold.iter().sum();
        self.days += 1;
    }

    /// The hours at which the shelf changed, and how the day ended, at 24.
    fn changes(&self, row: &Row) -> Vec<(usize, bool)> {
        let before = self.before(row);
        let changed = |hour: &usize| match hour {
            0 => before != Some(row.is_out(0)),
            _ => row.is_out(hour - 1) != row.is_out(*hour),
        };
        let changes = (0..HOURS)
            .filter(changed)
            .map(|hour| (hour, row.is_out(hour)));
        changes.chain([(HOURS, row.is_out(HOURS - 1))]).collect()
    }

    /// How the day before ended, if it was told.
    fn before(&self, row: &Row) -> Option<bool> {
        self.ended
            .filter(|(day, _)| day + 1 == row.day)
            .map(|(_, is_out)| is_out)
    }

    /// Whether the shelf was empty before an hour, and not in it.
    fn is_filled(&self, row: &Row, hour: usize) -> bool {
        let was_out = match hour {
            0 => self.before(row) == Some(true),
            _ => row.is_out(hour - 1),
        };
        hour < HOURS && was_out && !row.is_out(hour)
    }

    /// Units sold on the last days told.
    fn sold(&self) -> u64 {
        self.sold.iter().map(|units| u64::from(*units)).sum()
    }

    /// What a day of those known sold on average; at least one unit.
    fn delivery(&self) -> Quantity {
        let days = self.days.clamp(1, DELIVERY_DAYS as u32);
        let mean = self.sold() / u64::from(days);
        let units = mean.clamp(1, Quantity::MAX.into()) as u32;
        Quantity::new(units).expect("it was brought within the bounds of a quantity")
    }
}

/// Which of a store's rows are looked at in an hour: so many draws in proportion to what was sold before it, by hash;
/// one that is drawn twice is looked at once.
fn drawn(rows: &[Row], hour: usize, looks: u32, before: impl Fn(&Row) -> u64) -> BTreeSet<usize> {
    let mut all = 0;
    let ends: Vec<u64> = rows
        .iter()
        .map(|row| {
            let today = row.sold[..hour].iter().map(|units| u64::from(*units));
            all += before(row) + today.sum::<u64>();
            all
        })
        .collect();
    if all == 0 {
        return BTreeSet::new();
    }
    let seed = u64::from(rows[0].series) << 32 | u64::from(rows[0].day) << 8 | hour as u64;
    let draws = (0..looks).map(|look| xxh3_64_with_seed(&look.to_le_bytes(), seed) % all);
    draws
        .map(|drawn| ends.partition_point(|end| *end <= drawn))
        .collect()
}

/// What an item is, told once.
fn describe(series: &Series, say: &mut impl FnMut(Option<Sku>, &str, Value)) {
    let item = sku(series.product);
    let [first, second, third] = series.categories;
    say(Some(item.clone()), "category", text("category", third));
    let codes = [
        ("management_group", series.management_group),
        ("category_1", first),
        ("category_2", second),
        ("category_3", third),
    ];
    for (name, code) in codes {
        say(
            Some(item.clone()),
            name,
            number(i64::from(code) * Millionths::ONE),
        );
    }
}

fn midnight(day: u32) -> Timestamp {
    Timestamp::from_millis(u64::from(day) * DAY_MILLIS)
}

fn after(midnight: Timestamp, hours: usize) -> Timestamp {
    midnight.plus(Span::from_secs(3600 * hours as u64))
}

fn chunks<T>(mut lines: Vec<T>) -> impl Iterator<Item = Lines<T>> {
    std::iter::from_fn(move || {
        let rest = lines.split_off(lines.len().min(Lines::<T>::MOST));
        Lines::new(Few::from_vec(std::mem::replace(&mut lines, rest))).ok()
    })
}

pub(super) fn location(store: u32) -> LocationId {
    LocationId::new(&format!("store-{store}")).expect("a number makes a valid name")
}

pub(super) fn sku(product: u32) -> Sku {
    Sku::new(&format!("product-{product}")).expect("a number makes a valid name")
}

fn label(text: &str) -> Label {
    Label::new(text).expect("the labels of a replay are short and plain")
}

fn text(kind: &str, code: u32) -> Value {
    Value::Text(label(&format!("{kind}-{code}")))
}

fn flag(is_so: bool) -> Value {
    number(i64::from(is_so) * Millionths::ONE)
}

fn number(millionths: i64) -> Value {
    let bounded = millionths.clamp(-Millionths::MOST, Millionths::MOST);
    Value::Number(Millionths::new(bounded).expect("it was brought within the bounds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sold: u32) -> Row {
        let mut hours = [0; HOURS];
        hours[8] = sold;
        Row::sold(hours)
    }

    #[test]
    fn what_sells_is_looked_at_and_what_nobody_orders_is_not() {
        let rows = [row(90), row(0), row(10)];
        let mut seen = [0; 3];
        for day in 0..200 {
            let rows = rows.clone().map(|mut row| {
                row.day = day;
                row
            });
            for one in drawn(&rows, 9, 1, |_| 0) {
                seen[one] += 1;
            }
        }
        assert_eq!(seen[1], 0);
        assert!(seen[0] > 150 && seen[2] > 5, "{seen:?}");
        assert_eq!(
            drawn(&rows, 8, 5, |_| 0),
            BTreeSet::new(),
            "nothing was sold before"
        );
        assert_eq!(drawn(&rows, 9, 500, |_| 0), BTreeSet::from([0, 2]));
    }
}
