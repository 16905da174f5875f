//! The year: every basket reserved, confirmed and picked, every night delivered and counted, in time order.
//!
//! Commands carry the time of the data, so the ledger of the demo reads as the year 2017 and comes out the same on
//! every machine. A command is given in as soon as those that it depends on are answered: a confirmation waits for its
//! reservation, a night waits for the day. What does not depend shares syncs.

use super::dataset::{Basket, Dataset};
use super::desk::{Desk, DeskError, Outcome, Ticket};
use super::shop::{LevelAt, Shop, ShopLevel, day, night};
use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use onhand_core::reservation::{confirm, fulfill, hold};
use onhand_core::stock::{count, receive, set_policy};
use onhand_core::{
    Command, Entry, Event, Few, Label, Lines, LocationId, OnNotFound, Quantity, Refusal,
    ReservationNo, Sku, Span, Timestamp,
};
use onhand_engine::Engine;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From the reservation to the order.
const CHECKOUT: Span = Span::from_secs(10 * 60);
/// From the reservation to the pick.
const PICKING: Span = Span::from_secs(90 * 60);
/// How long a reservation holds.
const TTL: Span = Span::from_secs(15 * 60);
/// A count at night speaks of so long before.
const COUNT_AGE: Span = Span::from_secs(60 * 60);

/// What the year came to.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) baskets: u64,
    pub(crate) baskets_refused: u64,
    pub(crate) baskets_partial: u64,
    pub(crate) lines: u64,
    pub(crate) lines_refused: u64,
    pub(crate) lines_short: u64,
    pub(crate) units_requested: u64,
    pub(crate) units_reserved: u64,
    pub(crate) units_picked: u64,
    pub(crate) units_not_found: u64,
    pub(crate) receipts: u64,
    pub(crate) units_received: u64,
    pub(crate) count_lines: u64,
    pub(crate) stockouts: HashMap<LevelAt, u64>,
    pub(crate) took: Duration,
}

/// Runs a year.
pub(crate) struct Year<'a> {
    desk: Desk,
    engine: Arc<Engine>,
    shop: Shop,
    dataset: &'a Dataset,
    due: BinaryHeap<Reverse<(Timestamp, u64, Step)>>,
    steps: u64,
    open: HashMap<usize, Held>,
    /// Commands whose answers nothing waits for; looked at in the night.
    loose: Vec<(Ticket, &'static str)>,
    sold_today: Vec<(LevelAt, u32)>,
    pub(crate) tally: Tally,
    pub(crate) reserve_micros: Histogram<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Confirm(usize),
    Pick(usize),
}

/// A basket on its way through the shop.
struct Held {
    ticket: Ticket,
    reservation: Option<(ReservationNo, Vec<(LevelAt, u32)>)>,
    confirm: Option<Ticket>,
}

impl<'a> Year<'a> {
    pub(crate) fn new(engine: Arc<Engine>, dataset: &'a Dataset) -> Self {
        Self {
            desk: Desk::new(Arc::clone(&engine)),
            engine,
            shop: Shop::open(dataset),
            dataset,
            due: BinaryHeap::new(),
            steps: 0,
            open: HashMap::new(),
            loose: Vec::new(),
            sold_today: Vec::new(),
            tally: Tally::default(),
            reserve_micros: Histogram::new(3).expect("three digits are a valid precision"),
        }
    }

    /// The shop as it is now.
    pub(crate) fn shop(&self) -> &Shop {
        &self.shop
    }

    /// Stocks the shop before the first basket.
    pub(crate) fn open_shop(&mut self, bar: &ProgressBar) -> Result<(), DeskError> {
        let first = self.dataset.baskets.first().map_or(0, day);
        let at = night(first);
        let all: Vec<LevelAt> = (0..self.shop.levels.len() as u32).map(LevelAt).collect();
        let wanted = all
            .iter()
            .map(|at| (*at, self.shop.levels[at.0 as usize].target()));
        let wanted: Vec<_> = wanted.collect();
        for (number, (store, lines)) in by_store(&self.shop, wanted).into_iter().enumerate() {
            bar.inc(lines.len() as u64);
            let skus: Vec<LevelAt> = lines.iter().map(|(at, _)| *at).collect();
            self.deliver(at, "opening", store, lines)?;
            self.set_policies(at, number, store, &skus)?;
        }
        self.settle()
    }

    /// Every not-found corrects the record: the demo believes its pickers.
    fn set_policies(
        &mut self,
        at: Timestamp,
        number: usize,
        store: u32,
        levels: &[LevelAt],
    ) -> Result<(), DeskError> {
        for (part, levels) in levels.chunks(Lines::<()>::MOST).enumerate() {
            let lines = levels.iter().map(|level| set_policy::PolicyLine {
                sku: sku(self.shop.levels[level.0 as usize].product),
                safety_stock: None,
                oversell_limit: None,
                on_not_found: Some(OnNotFound::Correct),
            });
            let command = Command::SetPolicy(set_policy::SetPolicy {
                location: location(store),
                lines: some_lines(lines.collect()),
                reason: Some(label("demo")),
            });
            let ticket = self
                .desk
                .give(at, &format!("policy-{number}-{part}"), command)?;
            self.loose.push((ticket, "a policy"));
        }
        Ok(())
    }

    /// Runs all baskets.
    pub(crate) fn run(&mut self, bar: &ProgressBar) -> Result<(), DeskError> {
        let start = Instant::now();
        let mut today = self.dataset.baskets.first().map_or(0, day);
        for (number, basket) in self.dataset.baskets.iter().enumerate() {
            while today < day(basket) {
                today += 1;
                self.until(night(today))?;
                self.night(today)?;
            }
            self.until(basket.at)?;
            self.reserve(number, basket)?;
            bar.inc(1);
        }
        self.until(Timestamp::MAX)?;
        self.settle()?;
        self.tally.took = start.elapsed();
        Ok(())
    }

    /// Takes all steps that are due by a time.
    fn until(&mut self, at: Timestamp) -> Result<(), DeskError> {
        while let Some(Reverse((due, _, step))) = self.due.peek().copied() {
            if due > at {
                return Ok(());
            }
            self.due.pop();
            match step {
                Step::Confirm(number) => self.confirm(due, number)?,
                Step::Pick(number) => self.pick(due, number)?,
            }
        }
        Ok(())
    }

    fn plan(&mut self, at: Timestamp, step: Step) {
        self.steps += 1;
        self.due.push(Reverse((at, self.steps, step)));
    }

    fn reserve(&mut self, number: usize, basket: &Basket) -> Result<(), DeskError> {
        let lines = basket.lines.iter().map(|line| hold::HoldLine {
            sku: sku(line.product),
            quantity: quantity(line.units),
        });
        let command = Command::Hold(hold::Hold {
            location: location(basket.store),
            lines: some_lines(lines.collect()),
            ttl: TTL,
            allow_partial: true,
            reference: Some(label(&format!("basket-{}", basket.id))),
        });
        let ticket = self
            .desk
            .give(basket.at, &format!("hold-{}", basket.id), command)?;
        let held = Held {
            ticket,
            reservation: None,
            confirm: None,
        };
        self.open.insert(number, held);
        self.plan(basket.at.plus(CHECKOUT), Step::Confirm(number));
        Ok(())
    }

    /// Takes the answer to the reservation, and confirms what was held.
    fn confirm(&mut self, at: Timestamp, number: usize) -> Result<(), DeskError> {
        let Some(ticket) = self.open.get(&number).map(|held| held.ticket) else {
            return Ok(());
        };
        let (outcome, took) = self.desk.take(ticket, "a reservation")?;
        self.reserve_micros
            .saturating_record(took.as_micros() as u64);
        let basket = &self.dataset.baskets[number];
        if let Outcome::Refused(refusal) = &outcome
            && !matches!(refusal, Refusal::InsufficientStock(_))
        {
            return Err(unexpected("a reservation", refusal));
        }
        let Some((reservation, lines)) = self.tally_hold(basket, outcome) else {
            self.open.remove(&number);
            return Ok(());
        };
        let command = Command::Confirm(confirm::Confirm { reservation });
        let ticket = self
            .desk
            .give(at, &format!("confirm-{}", basket.id), command)?;
        if let Some(held) = self.open.get_mut(&number) {
            held.reservation = Some((reservation, lines));
            held.confirm = Some(ticket);
        }
        self.plan(basket.at.plus(PICKING), Step::Pick(number));
        Ok(())
    }

    /// What a reservation came to, line by line: what it holds, if anything.
    fn tally_hold(
        &mut self,
        basket: &Basket,
        outcome: Outcome,
    ) -> Option<(ReservationNo, Vec<(LevelAt, u32)>)> {
        let held = match &outcome {
            Outcome::Done(entry) => match &entry.event {
                Event::Held(held) => Some(held),
                _ => None,
            },
            Outcome::Refused(_) => None,
        };
        let tally = &mut self.tally;
        tally.baskets += 1;
        tally.lines += basket.lines.len() as u64;
        let mut lines = Vec::new();
        let mut is_partial = false;
        for (at, line) in basket.lines.iter().enumerate() {
            let reserved = held
                .and_then(|held| held.lines.get(at))
                .map_or(0, |line| line.reserved);
            let level = self.shop.at(basket.store, line.product)?;
            tally.units_requested += u64::from(line.units);
            tally.units_reserved += u64::from(reserved);
            tally.lines_refused += u64::from(reserved == 0);
            tally.lines_short += u64::from(reserved > 0 && reserved < line.units);
            if reserved < line.units {
                is_partial = true;
                *tally.stockouts.entry(level).or_default() += u64::from(line.units - reserved);
            }
            if reserved > 0 {
                lines.push((level, reserved));
            }
        }
        tally.baskets_refused += u64::from(held.is_none());
        tally.baskets_partial += u64::from(held.is_some() && is_partial);
        held.map(|held| (held.reservation, lines))
    }

    /// Picks what was allocated, as far as the shelf really has it.
    fn pick(&mut self, at: Timestamp, number: usize) -> Result<(), DeskError> {
        let Some(Held {
            reservation: Some((reservation, lines)),
            confirm: Some(confirm),
            ..
        }) = self.open.remove(&number)
        else {
            return Ok(());
        };
        self.done(confirm, "a confirmation")?;
        let basket = &self.dataset.baskets[number];
        let picks = lines
            .iter()
            .map(|(level, units)| self.find_on_shelf(*level, *units));
        let picks = picks.collect::<Vec<_>>();
        let command = Command::Fulfill(fulfill::Fulfill {
            reservation,
            lines: some_lines(picks),
            occurred_at: None,
        });
        let ticket = self
            .desk
            .give(at, &format!("pick-{}", basket.id), command)?;
        self.loose.push((ticket, "a pick"));
        Ok(())
    }

    /// Waits for everything that was given in.
    fn settle(&mut self) -> Result<(), DeskError> {
        for (ticket, what) in std::mem::take(&mut self.loose) {
            let entry = self.done(ticket, what)?;
            self.tally_pick(&entry);
        }
        self.desk.drain();
        Ok(())
    }

    /// What a picker finds of so many units.
    fn find_on_shelf(&mut self, at: LevelAt, units: u32) -> fulfill::PickLine {
        let level = self.shop.level(at);
        let picked = level.take(units);
        let sku = sku(level.product);
        self.sold_today.push((at, picked));
        fulfill::PickLine {
            sku,
            picked,
            not_found: units - picked,
            substitutions: Vec::new(),
        }
    }

    /// What the ledger says is on hand.
    fn on_hand(&self, at: LevelAt) -> u32 {
        let level = &self.shop.levels[at.0 as usize];
        let table = self.engine.table(0);
        let seen = table
            .location(&location(level.store))
            .and_then(|store| table.find(store, &sku(level.product)));
        seen.map_or(0, |(_, seen)| u32::try_from(seen.on_hand).unwrap_or(0))
    }

    fn tally_pick(&mut self, entry: &Entry) {
        if let Event::Fulfilled(pick) = &entry.event {
            for line in &pick.lines {
                self.tally.units_picked += u64::from(line.picked);
                self.tally.units_not_found += u64::from(line.not_found);
            }
        }
    }

    /// A night: deliveries to what sold, and counts.
    fn night(&mut self, day: u32) -> Result<(), DeskError> {
        self.settle()?;
        let at = night(day);
        let sold = std::mem::take(&mut self.sold_today);
        let mut touched: Vec<LevelAt> = sold.iter().map(|(level, _)| *level).collect();
        touched.sort_unstable();
        touched.dedup();
        self.shop.note_day(sold);
        self.count(at, day)?;
        self.settle()?;
        let missing = |level: &LevelAt| {
            let target = self.shop.levels[level.0 as usize].target();
            let units = target.saturating_sub(self.on_hand(*level));
            (units > 0).then_some((*level, units))
        };
        let wanted: Vec<_> = touched.iter().filter_map(missing).collect();
        for (store, lines) in by_store(&self.shop, wanted) {
            self.deliver(at, &format!("delivery-{day}"), store, lines)?;
        }
        self.settle()
    }

    fn deliver(
        &mut self,
        at: Timestamp,
        what: &str,
        store: u32,
        lines: Vec<(LevelAt, u32)>,
    ) -> Result<(), DeskError> {
        for (part, lines) in lines.chunks(Lines::<()>::MOST).enumerate() {
            for (level, units) in lines {
                self.shop.level(*level).deliver(*units);
                self.tally.units_received += u64::from(*units);
            }
            let received = lines.iter().map(|(level, units)| receive::ReceiveLine {
                sku: sku(self.shop.levels[level.0 as usize].product),
                quantity: quantity(*units),
                lot: None,
                expires_on: None,
            });
            let command = Command::Receive(receive::Receive {
                location: location(store),
                lines: some_lines(received.collect()),
                reference: Some(label(what)),
                occurred_at: None,
            });
            let ticket = self
                .desk
                .give(at, &format!("{what}-{store}-{part}"), command)?;
            self.loose.push((ticket, "a receipt"));
            self.tally.receipts += 1;
        }
        Ok(())
    }

    fn count(&mut self, at: Timestamp, day: u32) -> Result<(), DeskError> {
        let on_shelf = |at: LevelAt| (at, self.shop.levels[at.0 as usize].shelf);
        let counted: Vec<_> = self.shop.counted_on(day).map(on_shelf).collect();
        for (store, lines) in by_store(&self.shop, counted) {
            for (part, lines) in lines.chunks(Lines::<()>::MOST).enumerate() {
                let counted = lines.iter().map(|(level, on_shelf)| count::CountLine {
                    sku: sku(self.shop.levels[level.0 as usize].product),
                    on_hand: *on_shelf,
                });
                let counted = counted.collect::<Vec<_>>();
                self.tally.count_lines += counted.len() as u64;
                let command = Command::Count(count::Count {
                    location: location(store),
                    as_of: at.minus(COUNT_AGE),
                    source: label("night-count"),
                    complete: false,
                    lines: some_lines(counted),
                });
                let ticket = self
                    .desk
                    .give(at, &format!("count-{day}-{store}-{part}"), command)?;
                self.loose.push((ticket, "a count"));
            }
        }
        Ok(())
    }

    fn done(&mut self, ticket: Ticket, what: &'static str) -> Result<Box<Entry>, DeskError> {
        match self.desk.take(ticket, what)?.0 {
            Outcome::Done(entry) => Ok(entry),
            Outcome::Refused(refusal) => Err(unexpected(what, &refusal)),
        }
    }
}

fn unexpected(what: &'static str, refusal: &Refusal) -> DeskError {
    DeskError::Unexpected {
        what,
        answer: format!("{refusal:?}"),
    }
}

/// Levels with their units, by store and in order.
fn by_store(shop: &Shop, wanted: Vec<(LevelAt, u32)>) -> Vec<(u32, Vec<(LevelAt, u32)>)> {
    let store = |at: &LevelAt| -> &ShopLevel { &shop.levels[at.0 as usize] };
    let mut stores: Vec<(u32, Vec<(LevelAt, u32)>)> = Vec::new();
    let mut sorted = wanted;
    sorted.sort_by_key(|(at, _)| (store(at).store, *at));
    for (at, units) in sorted {
        let number = store(&at).store;
        match stores.last_mut().filter(|(last, _)| *last == number) {
            Some((_, lines)) => lines.push((at, units)),
            None => stores.push((number, vec![(at, units)])),
        }
    }
    stores
}

/// The location of a store.
pub(crate) fn location(store: u32) -> LocationId {
    LocationId::new(&format!("store-{store}")).expect("a number makes a valid name")
}

/// The SKU of a product.
pub(crate) fn sku(product: u32) -> Sku {
    Sku::new(&product.to_string()).expect("a number is a valid name")
}

fn label(text: &str) -> Label {
    Label::new(text).expect("the demo's labels are short and plain")
}

fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("the data set's quantities are small and above zero")
}

fn some_lines<T>(lines: Vec<T>) -> Lines<T> {
    Lines::new(Few::from_vec(lines))
        .expect("a basket, a store's delivery or a chunk has 1 to 10,000 lines")
}
