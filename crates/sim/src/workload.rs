//! What clients ask: every command, mixed and skewed, often of what is there, sometimes of what is not.
//!
//! Clients look into the twin to find something worth asking: an open reservation, a transfer on its way, a moment at
//! which something expires. They send requests again with the same key, while the first is under way or long after,
//! and now and then another request with it.

use crate::ask::{AdjustLine, Ask, Line, Look, Millis, Pick, Rule, TransferName, Value};
use crate::audit::Question;
use crate::dice::Dice;
use crate::scenario::{Scenario, Skew};
use crate::twin::{Shelf, Twin};
use std::collections::VecDeque;

/// How many requests are remembered, to be sent again.
const REMEMBERED: usize = 64;

/// About the most units of a line.
const HUGE: i64 = 1_000_000_000;

/// Units of a flash sale.
const FLASH_UNITS: i64 = 100;

/// A request that was sent.
#[derive(Clone, Debug)]
struct Sent {
    partition: u16,
    key: u64,
    ask: Ask,
}

/// All clients.
#[derive(Debug)]
pub(crate) struct Workload {
    shops: Vec<Vec<usize>>,
    items: usize,
    skew: Skew,
    is_huge: bool,
    count_window: Millis,
    sent: VecDeque<Sent>,
    keys: u64,
    /// Buyers of the flash sale that are still to come.
    flash: usize,
    /// Whether there is something for them: their goods came in.
    is_flash_stocked: bool,
}

impl Workload {
    /// The clients of a scenario; `partition_of` tells where a shop's stock is kept.
    pub(crate) fn new(scenario: &Scenario, partition_of: impl Fn(usize) -> u16) -> Self {
        let mut shops = vec![Vec::new(); scenario.partitions.into()];
        for shop in 0..scenario.shops {
            shops[usize::from(partition_of(shop))].push(shop);
        }
        Self {
            shops,
            items: scenario.items,
            skew: scenario.skew,
            is_huge: scenario.is_huge,
            count_window: scenario.rules.count_window,
            sent: VecDeque::new(),
            keys: 0,
            flash: scenario.flash_sale,
            is_flash_stocked: false,
        }
    }

    /// Whether the buyers of a flash sale are still coming.
    pub(crate) fn is_flash_sale(&self) -> bool {
        self.flash > 0
    }

    /// The next request at a time, and the partition that it is for.
    pub(crate) fn next(
        &mut self,
        dice: &mut Dice,
        now: Millis,
        twins: &[&Twin],
    ) -> Option<(u16, Question)> {
        if self.flash > 0 && dice.comes(19, 20) {
            return self.flash_buyer(dice, twins);
        }
        if dice.comes(1, 8)
            && let Some(again) = self.again(dice)
        {
            return Some(again);
        }
        let partition = self.partition(dice);
        let twin = twins[usize::from(partition)];
        if dice.comes(1, 12) {
            return Some((partition, self.query(dice, twin, partition)));
        }
        let ask = self.ask(dice, now, twin, partition);
        let key = dice.comes(3, 4).then(|| self.new_key());
        if let Some(key) = key {
            self.remember(Sent {
                partition,
                key,
                ask: ask.clone(),
            });
        }
        let at = dice.comes(1, 50).then(|| now - dice.within(0, 5_000));
        Some((partition, Question::Ask { key, ask, at }))
    }

    /// What of its goods is missing, until they are there: a receipt may be turned away. Then one buyer after the other.
    fn flash_buyer(&mut self, dice: &mut Dice, twins: &[&Twin]) -> Option<(u16, Question)> {
        let partition = (0..self.shops.len()).find(|at| !self.shops[*at].is_empty())?;
        let shop = self.shops[partition][0];
        let there = twins[partition].shelf(shop, 0).map_or(0, Shelf::free);
        self.is_flash_stocked |= there >= FLASH_UNITS;
        let key = Some(self.new_key());
        if !self.is_flash_stocked {
            let ask = Ask::Receive {
                shop,
                lines: vec![(0, FLASH_UNITS - there.max(0))],
                happened: None,
            };
            return Some((partition as u16, Question::Ask { key, ask, at: None }));
        }
        self.flash -= 1;
        let ask = Ask::Hold {
            shop,
            lines: vec![(0, 1)],
            ttl: 600_000,
            partial: dice.comes(1, 10),
        };
        Some((partition as u16, Question::Ask { key, ask, at: None }))
    }

    /// Something that was asked before, as it was, or another request with its key.
    fn again(&mut self, dice: &mut Dice) -> Option<(u16, Question)> {
        let sent = self.sent.get(dice.below(self.sent.len()))?.clone();
        let other = &self.sent[dice.below(self.sent.len())];
        let is_other = dice.comes(1, 6) && other.partition == sent.partition;
        let ask = match is_other {
            true => other.ask.clone(),
            false => sent.ask,
        };
        let key = Some(sent.key);
        Some((sent.partition, Question::Ask { key, ask, at: None }))
    }

    /// A request and the very moment at which its answer changes: a confirm as the reservation expires, a request sent
    /// again as its key is forgotten.
    pub(crate) fn race(&self, dice: &mut Dice, twins: &[&Twin]) -> Option<(Millis, u16, Question)> {
        let partition = self.partition(dice);
        let twin = twins[usize::from(partition)];
        if dice.comes(1, 4) {
            let sent = self
                .sent
                .iter()
                .rev()
                .find(|one| one.partition == partition)?;
            let forgotten = twin.used(sent.key)? + twin.rules().key_retention;
            let (key, ask) = (Some(sent.key), sent.ask.clone());
            return Some((forgotten, partition, Question::Ask { key, ask, at: None }));
        }
        let held = twin.open().filter(|(_, promise)| promise.state == "held");
        let (no, promise) = held.min_by_key(|(no, promise)| (promise.expires, *no))?;
        let ask = match dice.below(4) {
            0 => Ask::Release(no),
            1 => Ask::Extend(no, 1_000),
            _ => Ask::Confirm(no),
        };
        let key = dice.comes(1, 2).then_some(u64::MAX - no);
        Some((
            promise.expires,
            partition,
            Question::Ask { key, ask, at: None },
        ))
    }

    fn remember(&mut self, sent: Sent) {
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }

    fn new_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    /// A partition with a shop.
    fn partition(&self, dice: &mut Dice) -> u16 {
        let has_shops: Vec<u16> = (0..self.shops.len() as u16)
            .filter(|at| !self.shops[usize::from(*at)].is_empty())
            .collect();
        dice.one_of(&has_shops)
    }

    fn shop(&self, dice: &mut Dice, partition: u16) -> usize {
        dice.one_of(&self.shops[usize::from(partition)])
    }

    /// A shelf of a partition, there or not.
    pub(crate) fn place(&self, dice: &mut Dice, partition: u16) -> Option<(usize, usize)> {
        let shops = &self.shops[usize::from(partition)];
        (!shops.is_empty()).then(|| (dice.one_of(shops), self.item(dice)))
    }

    fn item(&self, dice: &mut Dice) -> usize {
        match self.skew {
            Skew::OneHot if dice.comes(9, 10) => 0,
            Skew::Zipf => {
                let weights: Vec<usize> = (1..=self.items).map(|rank| 10_000 / rank).collect();
                dice.weighed(&weights)
            }
            Skew::Uniform | Skew::OneHot => dice.below(self.items),
        }
    }

    fn units(&self, dice: &mut Dice) -> i64 {
        match (self.is_huge, dice.below(20)) {
            (true, 0..6) => HUGE - dice.within(0, 3),
            (true, 6..9) => HUGE / 2 + dice.within(-2, 2),
            (_, 0) => dice.within(1, 200),
            _ => dice.within(1, 5),
        }
    }

    fn lines(&self, dice: &mut Dice) -> Vec<Line> {
        let count = dice.one_of(&[1, 1, 1, 2, 3, 5]);
        (0..count)
            .map(|_| (self.item(dice), self.units(dice)))
            .collect()
    }

    fn happened(&self, dice: &mut Dice, now: Millis) -> Option<Millis> {
        match dice.below(8) {
            0 => Some(now - dice.within(0, 20_000)),
            1 => Some(now - dice.within(-300, self.count_window + 1_000)),
            _ => None,
        }
    }

    fn query(&self, dice: &mut Dice, twin: &Twin, partition: u16) -> Question {
        match dice.below(6) {
            0..2 => return Question::Promise(self.any_promise(dice, twin)),
            2 => return Question::Transfer(self.transfer(dice, twin)),
            _ => {}
        }
        let count = dice.one_of(&[1, 3, 10]);
        let places = (0..count).map(|_| (self.shop(dice, partition), self.item(dice)));
        Question::Levels(places.collect())
    }

    fn ask(&self, dice: &mut Dice, now: Millis, twin: &Twin, partition: u16) -> Ask {
        let shop = self.shop(dice, partition);
        match dice.weighed(&[40, 20, 4, 5, 16, 12, 5, 6, 4, 4, 6, 6, 2, 2]) {
            0 => Ask::Hold {
                shop,
                lines: self.lines(dice),
                ttl: dice.one_of(&[0, 1, 500, 5_000, 30_000, 600_000]),
                partial: dice.comes(3, 10),
            },
            1 => Ask::Confirm(self.some_promise(dice, twin, "held")),
            2 => Ask::Extend(
                self.some_promise(dice, twin, "held"),
                dice.within(0, 40) * 500,
            ),
            3 => Ask::Release(self.any_promise(dice, twin)),
            4 => self.fulfill(dice, now, twin),
            5 => Ask::Receive {
                shop,
                lines: self.lines(dice),
                happened: self.happened(dice, now),
            },
            6 => self.adjust(dice, now, shop),
            7 => self.count(dice, now, shop),
            8 => self.policy(dice, shop),
            9 => self.dispatch(dice, shop),
            10 => Ask::Arrive(self.transfer(dice, twin)),
            11 => Ask::Sell {
                shop,
                lines: self.lines(dice),
                happened: self.happened(dice, now),
            },
            12 => self.observe(dice, now, shop),
            _ => self.push(dice, now, shop),
        }
    }

    /// A reservation in a state, more often a recent one; any number if there is none.
    fn some_promise(&self, dice: &mut Dice, twin: &Twin, state: &str) -> u64 {
        let open: Vec<u64> = twin
            .open()
            .filter(|(_, promise)| promise.state == state)
            .map(|(no, _)| no)
            .collect();
        match open.is_empty() || dice.comes(1, 12) {
            true => self.any_promise(dice, twin),
            false => open[open.len() - 1 - dice.below(open.len().min(8))],
        }
    }

    fn any_promise(&self, dice: &mut Dice, twin: &Twin) -> u64 {
        let made = twin.promised();
        let back = dice.below(12) as u64;
        (made + 1).saturating_sub(back)
    }

    fn fulfill(&self, dice: &mut Dice, now: Millis, twin: &Twin) -> Ask {
        let no = self.some_promise(dice, twin, "confirmed");
        let mut picks = Vec::new();
        for line in twin.promise(no).map_or(&[][..], |one| &one.lines) {
            if dice.comes(5, 6) {
                picks.push(self.pick(dice, line.item, line.left));
            }
        }
        if picks.is_empty() || dice.comes(1, 30) {
            let item = self.item(dice);
            picks.push(self.pick(dice, item, 1));
        }
        let happened = self.happened(dice, now);
        Ask::Fulfill {
            no,
            picks,
            happened,
        }
    }

    fn pick(&self, dice: &mut Dice, item: usize, left: i64) -> Pick {
        let picked = match dice.below(10) {
            0 => dice.within(0, 3),
            1..3 => dice.within(0, left),
            _ => left,
        };
        let missing = match dice.below(4) {
            0 => (left - picked).max(0),
            1 => dice.within(0, 1),
            _ => 0,
        };
        let instead = match missing > 0 && dice.comes(1, 3) {
            true => vec![(self.item(dice), self.units(dice))],
            false => Vec::new(),
        };
        Pick {
            item,
            picked,
            missing,
            instead,
        }
    }

    fn adjust(&self, dice: &mut Dice, now: Millis, shop: usize) -> Ask {
        let count = dice.one_of(&[1, 1, 2]);
        let lines = (0..count).map(|_| AdjustLine {
            item: self.item(dice),
            by: self.units(dice) * dice.one_of(&[-1, 1]),
            unavailable: dice.comes(1, 3),
        });
        Ask::Adjust {
            shop,
            lines: lines.collect(),
            happened: self.happened(dice, now),
        }
    }

    fn count(&self, dice: &mut Dice, now: Millis, shop: usize) -> Ask {
        let ago = match dice.below(6) {
            0 => 0,
            1 => dice.within(-100, self.count_window + 100),
            2 => dice.one_of(&[self.count_window, self.count_window + 1]),
            _ => dice.within(0, 8_000),
        };
        let less = dice.within(0, 1);
        let lines = self.lines(dice).into_iter();
        Ask::Count {
            shop,
            as_of: now - ago,
            complete: dice.comes(1, 4),
            lines: lines.map(|(item, units)| (item, units - less)).collect(),
        }
    }

    fn observe(&self, dice: &mut Dice, now: Millis, shop: usize) -> Ask {
        let count = dice.one_of(&[1, 2, 6]);
        let looks = (0..count).map(|_| Look {
            item: self.item(dice),
            found: dice.comes(2, 3),
            at: now - dice.one_of(&[0, 1_000, 3_600_000]) - dice.within(-20, 500),
        });
        Ask::Observe {
            shop,
            looks: looks.collect(),
        }
    }

    fn push(&self, dice: &mut Dice, now: Millis, shop: usize) -> Ask {
        let count = dice.one_of(&[1, 2, 6]);
        let values = (0..count).map(|_| Value {
            item: dice.comes(2, 3).then(|| self.item(dice)),
            fact: dice.below(4),
            at: now + dice.one_of(&[0, -60_000, 60_000]),
            millionths: dice.within(-3_000_000, 3_000_000),
        });
        Ask::Push {
            shop,
            values: values.collect(),
        }
    }

    fn policy(&self, dice: &mut Dice, shop: usize) -> Ask {
        let count = dice.one_of(&[1, 2]);
        let rules = (0..count).map(|_| Rule {
            item: self.item(dice),
            safety: dice.comes(1, 2).then(|| dice.within(0, 4)),
            oversell: dice.comes(1, 3).then(|| self.limit(dice)),
            correct: dice.comes(1, 3).then(|| dice.comes(1, 2)),
        });
        Ask::Policy {
            shop,
            rules: rules.collect(),
        }
    }

    fn limit(&self, dice: &mut Dice) -> i64 {
        match self.is_huge {
            true => self.units(dice),
            false => dice.within(0, 3),
        }
    }

    fn dispatch(&self, dice: &mut Dice, from: usize) -> Ask {
        let all: Vec<usize> = self.shops.iter().flatten().copied().collect();
        Ask::Dispatch {
            from,
            to: dice.one_of(&all),
            lines: self.lines(dice),
        }
    }

    fn transfer(&self, dice: &mut Dice, twin: &Twin) -> TransferName {
        let known: Vec<TransferName> = twin.all_incoming().map(|one| one.parcel.name).collect();
        let back = dice.below(6);
        match known.len().checked_sub(1 + back) {
            Some(at) => known[at],
            None => TransferName {
                source: twin.partition(),
                no: back as u64,
            },
        }
    }
}
