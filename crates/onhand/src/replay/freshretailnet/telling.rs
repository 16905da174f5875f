//! What the data set tells, and when: its rows as commands, in the time in which a shop would have known them.
//!
//! - **Sales** come from the till: those of an hour are known at its end, and happened in its middle. The file's
//!   amounts are scaled; a thousandth of one is a unit here, rounded.
//! - **The state of the shelf** comes from a nightly feed, half an hour after midnight: the hours of the day in which
//!   it changed, and how it ended. Nothing of it is known during the day.
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
use std::collections::BTreeMap;

/// The hour of the morning in which the day's promotions and weather are told.
const MORNING: usize = 5;
const HOUR: Span = Span::from_secs(3600);
const HALF_AN_HOUR: Span = Span::from_secs(1800);
/// Days that a delivery's size looks back.
const DELIVERY_DAYS: usize = 7;

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
    told: Vec<Told>,
    tally: Tally,
}

impl<'a, T: Takes> Telling<'a, T> {
    pub(super) fn new(feeder: T, dataset: &'a Dataset) -> Self {
        Self {
            feeder,
            dataset,
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
            self.each(&stores, |telling, store| {
                telling.hour(midnight, hour, store)
            })?;
        }
        self.each(&stores, |telling, store| telling.night(midnight, store))
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

    /// What a day of those known sold on average; at least one unit.
    fn delivery(&self) -> Quantity {
        let days = self.days.clamp(1, DELIVERY_DAYS as u32);
        let mean = self.sold.iter().map(|units| u64::from(*units)).sum::<u64>() / u64::from(days);
        let units = mean.clamp(1, Quantity::MAX.into()) as u32;
        Quantity::new(units).expect("it was brought within the bounds of a quantity")
    }
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

fn location(store: u32) -> LocationId {
    LocationId::new(&format!("store-{store}")).expect("a number makes a valid name")
}

fn sku(product: u32) -> Sku {
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
