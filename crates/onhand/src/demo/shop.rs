//! The shop around the engine: which products a store lists, what a nightly delivery brings, what shelves really hold.
//!
//! A plain rule, on purpose: a store lists what it sold at any time of the year; a level is filled up to
//! max([`FACING`], 7 days of its average sales over the last four weeks), every night. The rule does not foresee
//! anything else, so shelves run empty, and that shows as refused lines.
//!
//! The shelf is not the record: one in [`LOSS`] delivered units never reaches the shelf or leaves it unseen (damage,
//! theft, a wrong place). The ledger does not know; a picker finds out, and so does a count: every level is counted
//! once in [`COUNT_DAYS`] days, at night.

use super::dataset::{Basket, Dataset};
use onhand_core::Timestamp;
use std::collections::{HashMap, VecDeque};
use xxhash_rust::xxh3::xxh3_64;

/// The least that a level is filled up to.
pub(crate) const FACING: u32 = 2;
/// Days of sales that a delivery should last.
pub(crate) const COVER_DAYS: u32 = 7;
/// Days that the average looks back.
pub(crate) const WINDOW_DAYS: u32 = 28;
/// One unit in so many is lost unseen.
pub(crate) const LOSS: u64 = 60;
/// Every level is counted once in so many days.
pub(crate) const COUNT_DAYS: u32 = 91;

/// A level of the shop: its place in all its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LevelAt(pub(crate) u32);

/// What the shop knows of a level.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShopLevel {
    pub(crate) store: u32,
    pub(crate) product: u32,
    /// Units sold in the window.
    window: u32,
    /// Units that really stand on the shelf; the ledger does not see this.
    pub(crate) shelf: u32,
    /// Units delivered in all, for the loss.
    delivered: u64,
}

impl ShopLevel {
    /// What a delivery fills it up to.
    pub(crate) fn target(&self) -> u32 {
        (self.window * COVER_DAYS).div_ceil(WINDOW_DAYS).max(FACING)
    }

    /// Notes a delivery; some of it is lost unseen.
    pub(crate) fn deliver(&mut self, units: u32) {
        let seed = [self.store.to_le_bytes(), self.product.to_le_bytes()].concat();
        let offset = xxh3_64(&seed) % LOSS;
        let lost_by = |delivered: u64| (delivered + offset) / LOSS;
        let lost = (lost_by(self.delivered + u64::from(units)) - lost_by(self.delivered)) as u32;
        self.delivered += u64::from(units);
        self.shelf += units - lost;
    }

    /// Takes what is there of so many units.
    pub(crate) fn take(&mut self, units: u32) -> u32 {
        let taken = units.min(self.shelf);
        self.shelf -= taken;
        taken
    }
}

/// The levels of all stores.
pub(crate) struct Shop {
    pub(crate) levels: Vec<ShopLevel>,
    index: HashMap<(u32, u32), LevelAt>,
    sold: VecDeque<Vec<(LevelAt, u32)>>,
}

impl Shop {
    /// Lists what each store sells in the year, with the sales of the first four weeks as its window.
    pub(crate) fn open(dataset: &Dataset) -> Self {
        let mut shop = Self {
            levels: Vec::new(),
            index: HashMap::new(),
            sold: VecDeque::new(),
        };
        for basket in &dataset.baskets {
            for line in &basket.lines {
                shop.list(basket.store, line.product);
            }
        }
        let first = dataset.baskets.first().map_or(0, day);
        for ago in 0..WINDOW_DAYS {
            let on_day = |basket: &&Basket| day(basket) == first + ago;
            let mut sold = Vec::new();
            let in_weeks = dataset
                .baskets
                .iter()
                .take_while(|basket| day(basket) < first + WINDOW_DAYS);
            for basket in in_weeks.filter(on_day) {
                let units = basket
                    .lines
                    .iter()
                    .map(|line| (shop.at(basket.store, line.product), line.units));
                sold.extend(units.filter_map(|(at, units)| Some((at?, units))));
            }
            shop.note_day(sold);
        }
        shop
    }

    fn list(&mut self, store: u32, product: u32) {
        let next = LevelAt(self.levels.len() as u32);
        let at = *self.index.entry((store, product)).or_insert(next);
        if at == next {
            self.levels.push(ShopLevel {
                store,
                product,
                ..ShopLevel::default()
            });
        }
    }

    /// The level of a product in a store.
    pub(crate) fn at(&self, store: u32, product: u32) -> Option<LevelAt> {
        self.index.get(&(store, product)).copied()
    }

    /// The level at a place.
    pub(crate) fn level(&mut self, at: LevelAt) -> &mut ShopLevel {
        &mut self.levels[at.0 as usize]
    }

    /// Notes what was sold in a day, and forgets the day that leaves the window.
    pub(crate) fn note_day(&mut self, sold: Vec<(LevelAt, u32)>) {
        for (at, units) in &sold {
            self.level(*at).window += units;
        }
        self.sold.push_back(sold);
        if self.sold.len() > WINDOW_DAYS as usize {
            for (at, units) in self.sold.pop_front().unwrap_or_default() {
                self.level(at).window -= units;
            }
        }
    }

    /// The levels that are counted on a day.
    pub(crate) fn counted_on(&self, day: u32) -> impl Iterator<Item = LevelAt> + '_ {
        let first = day % COUNT_DAYS;
        (first..self.levels.len() as u32)
            .step_by(COUNT_DAYS as usize)
            .map(LevelAt)
    }
}

/// When the day turns: 09:00 UTC, the dead of night where the stores are.
const NIGHT_MILLIS: u64 = 9 * 3_600_000;
const DAY_MILLIS: u64 = 86_400_000;

/// The day that a basket belongs to, from one night to the next.
pub(crate) fn day(basket: &Basket) -> u32 {
    (basket.at.millis().saturating_sub(NIGHT_MILLIS) / DAY_MILLIS) as u32
}

/// The night that begins a day.
pub(crate) fn night(day: u32) -> Timestamp {
    Timestamp::from_millis(u64::from(day) * DAY_MILLIS + NIGHT_MILLIS)
}
