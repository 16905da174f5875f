//! The shelves of a partition, and the tray on which a request tries its changes before anything is changed.

use super::told::Change;
use crate::ask::{Line, Millis, item_name, shop_name};
use std::collections::{BTreeMap, VecDeque};

/// The most units of one line, and of on hand.
pub(super) const MOST: i64 = 1_000_000_000;
/// On hand less all that is promised or unavailable does not fall below this.
const LARGEST_SHORTAGE: i64 = -2_147_483_648;

/// A shop and an item.
pub(super) type Place = (usize, usize);

/// One item in one shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Where.
    pub shop: usize,
    /// What.
    pub item: usize,
    /// Units there.
    pub on_hand: i64,
    /// Units held by reservations that can expire.
    pub reserved: i64,
    /// Units promised for good.
    pub allocated: i64,
    /// Units there that cannot be sold.
    pub unavailable: i64,
    /// Units on their way here.
    pub in_transit: i64,
    /// Units kept back from sale.
    pub safety: i64,
    /// Units that may be promised beyond what is there.
    pub oversell: i64,
    /// Whether a not-found corrects on hand.
    pub corrects: bool,
    /// How many shelves were opened before this one.
    pub(super) no: usize,
    /// The second of the newest count.
    pub(super) counted: Option<i64>,
}

impl Shelf {
    /// On hand that is promised to nobody and can be sold or sent. Below zero if more is promised than is there.
    pub fn free(&self) -> i64 {
        self.on_hand - self.reserved - self.allocated - self.unavailable
    }

    /// What is free, less safety stock.
    pub fn available(&self) -> i64 {
        self.free() - self.safety
    }

    /// What a reservation can get.
    pub fn promisable(&self) -> i64 {
        (self.available() + self.oversell).max(0)
    }

    /// Whether every number is within its bounds.
    pub(super) fn is_sound(&self) -> bool {
        let apart = [
            self.reserved,
            self.allocated,
            self.unavailable,
            self.in_transit,
        ];
        (0..=MOST).contains(&self.on_hand)
            && apart.iter().all(|units| (0..=2 * MOST).contains(units))
            && self.free() >= LARGEST_SHORTAGE
    }

    /// By how much it differs from what it was.
    fn change(&self, was: &Self) -> Change {
        Change {
            shop: self.shop,
            item: self.item,
            on_hand: self.on_hand - was.on_hand,
            reserved: self.reserved - was.reserved,
            allocated: self.allocated - was.allocated,
            unavailable: self.unavailable - was.unavailable,
            in_transit: self.in_transit - was.in_transit,
        }
    }
}

/// Goods that came (or went, if below zero), and when that was.
type Goods = VecDeque<(Millis, i64)>;

/// All shelves, and what came and went on each.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelves {
    shelves: BTreeMap<Place, Shelf>,
    history: BTreeMap<Place, Goods>,
}

impl Shelves {
    pub(super) fn get(&self, shop: usize, item: usize) -> Option<&Shelf> {
        self.shelves.get(&(shop, item))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.values()
    }

    pub(super) fn len(&self) -> usize {
        self.shelves.len()
    }

    /// The shelves of a shop, in the order they were opened.
    pub(super) fn of(&self, shop: usize) -> Vec<&Shelf> {
        let all = self.shelves.range((shop, 0)..=(shop, usize::MAX));
        let mut all: Vec<&Shelf> = all.map(|(_, shelf)| shelf).collect();
        all.sort_by_key(|shelf| shelf.no);
        all
    }

    /// Whether the shop and all items are known there; else the words for the first that is not.
    pub(super) fn know(&self, shop: usize, items: &[usize]) -> Result<(), String> {
        if self
            .shelves
            .range((shop, 0)..=(shop, usize::MAX))
            .next()
            .is_none()
        {
            return Err(format!("unknown location {}", shop_name(shop)));
        }
        let mut items = items.iter().enumerate();
        match items.find(|(_, item)| self.get(shop, **item).is_none()) {
            Some((line, item)) => Err(unknown_item(*item, line)),
            None => Ok(()),
        }
    }

    /// What came less what went after a moment.
    pub(super) fn since(&self, shop: usize, item: usize, as_of: Millis) -> i64 {
        let goods = self.history.get(&(shop, item)).into_iter().flatten();
        goods
            .filter(|(at, _)| *at > as_of)
            .map(|(_, units)| units)
            .sum()
    }

    /// Puts the changed shelves back. Goods that came or went at `past` or before are of no use to any count.
    pub(super) fn put_back(&mut self, tray: Tray, past: Millis) -> Vec<Change> {
        for (place, at, units) in tray.goods {
            let goods = self.history.entry(place).or_default();
            goods.push_back((at, units));
            while goods.front().is_some_and(|(at, _)| *at <= past) {
                goods.pop_front();
            }
        }
        let mut changes = Vec::new();
        for (place, shelf) in tray.shelves {
            let was = self.shelves.insert(place, shelf).unwrap_or_default();
            changes.push(shelf.change(&was));
        }
        changes.retain(|change| !change.is_none());
        changes
    }
}

/// Copies of the shelves that a request touches, by place, and the goods that come and go.
#[derive(Debug, Default)]
pub(super) struct Tray {
    shelves: BTreeMap<Place, Shelf>,
    goods: Vec<(Place, Millis, i64)>,
    opened: usize,
}

impl Tray {
    /// The shelf, to be changed; an empty one is opened if there is none.
    pub(super) fn touch(&mut self, from: &Shelves, shop: usize, item: usize) -> &mut Shelf {
        let place = (shop, item);
        self.shelves.entry(place).or_insert_with(|| {
            from.shelves.get(&place).copied().unwrap_or_else(|| {
                let no = from.len() + self.opened;
                self.opened += 1;
                Shelf {
                    shop,
                    item,
                    no,
                    ..Shelf::default()
                }
            })
        })
    }

    /// Goods come, or go: on hand changes, and a count of an earlier moment will want to know.
    pub(super) fn goods(&mut self, from: &Shelves, shop: usize, (item, units): Line, at: Millis) {
        self.touch(from, shop, item).on_hand += units;
        self.goods.push(((shop, item), at, units));
    }

    /// How many shelves it opens.
    pub(super) fn opened(&self) -> usize {
        self.opened
    }
}

pub(super) fn unknown_item(item: usize, line: usize) -> String {
    format!("unknown SKU {} {line}", item_name(item))
}

pub(super) fn too_much(item: usize, line: usize) -> String {
    format!("too much {} {line}", item_name(item))
}

pub(super) fn twice(item: usize, line: usize) -> String {
    format!("twice {} {line}", item_name(item))
}

/// The words for items of which there is not enough: what was asked, and what could be had.
pub(super) fn insufficient(short: &[(usize, i64, i64)]) -> String {
    let words = short
        .iter()
        .map(|(item, asked, got)| format!(" {} {asked}/{got}", item_name(*item)));
    format!("insufficient{}", words.collect::<String>())
}

pub(super) fn items(lines: &[Line]) -> Vec<usize> {
    lines.iter().map(|line| line.0).collect()
}

/// What is asked of each item, all lines together, in the order they first came.
pub(super) fn summed(lines: &[Line]) -> Result<Vec<Line>, String> {
    let mut sums: Vec<Line> = Vec::new();
    for (line, (item, units)) in lines.iter().enumerate() {
        match sums.iter_mut().find(|(same, _)| same == item) {
            Some((_, sum)) if *sum + units > MOST => return Err(too_much(*item, line)),
            Some((_, sum)) => *sum += units,
            None => sums.push((*item, *units)),
        }
    }
    Ok(sums)
}
