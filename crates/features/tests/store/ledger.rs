//! A small ledger to learn from: commands go in, entries come out, as in a partition.

use onhand_core::facts::push::{Push, PushLine};
use onhand_core::reservation::confirm::Confirm;
use onhand_core::reservation::fulfill::{Fulfill, PickLine, Substitution};
use onhand_core::reservation::hold::{Hold, HoldLine};
use onhand_core::stock::observe::{Observe, ObserveLine};
use onhand_core::stock::receive::{Receive, ReceiveLine};
use onhand_core::stock::sell::{Sell, SellLine};
use onhand_core::transfer::dispatch::{Dispatch, DispatchLine};
use onhand_core::{
    Command, Decision, Entry, Event, FactName, Few, Label, Lines, LocationId, Millionths, Quantity,
    Settings, Sku, Span, State, Timestamp, Value,
};

pub(crate) const HOUR: u64 = 3_600_000;
/// The ledger begins at a midnight, a Monday.
pub(crate) const START: u64 = 19_723 * 24 * HOUR;

/// So many hours after the start.
pub(crate) fn hour(hours: u64) -> Timestamp {
    Timestamp::from_millis(START + hours * HOUR)
}

pub(crate) fn minutes(hours: u64, minutes: u64) -> Timestamp {
    Timestamp::from_millis(START + hours * HOUR + minutes * 60_000)
}

#[derive(Default)]
pub(crate) struct Ledger {
    state: State,
    pub(crate) entries: Vec<Entry>,
}

impl Ledger {
    fn give(&mut self, at: Timestamp, command: &Command) {
        let Decision::Record(entry) = self.state.decide(at, None, command) else {
            panic!("not recorded: {command:?}");
        };
        self.state.apply(&entry).unwrap();
        self.entries.push(*entry);
    }

    /// Lets sales be told so late.
    pub(crate) fn remember(&mut self, known: Timestamp, count_window: Span) {
        let settings = Settings {
            count_window,
            ..Settings::default()
        };
        self.give(known, &Command::Configure(settings));
    }

    /// Whether a level was ever opened at a location.
    pub(crate) fn knows(&self, place: &str) -> bool {
        let mut openings = self.entries.iter().flat_map(|entry| &entry.openings);
        openings.any(|opening| opening.location.as_str() == place)
    }

    pub(crate) fn sell(
        &mut self,
        known: Timestamp,
        at: Timestamp,
        place: &str,
        sku: &str,
        units: u32,
    ) {
        let line = SellLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(units).unwrap(),
        };
        let sell = Sell {
            location: LocationId::new(place).unwrap(),
            lines: lines(vec![line]),
            reference: None,
            sold_at: Some(at),
        };
        self.give(known, &Command::Sell(sell));
    }

    pub(crate) fn receive(&mut self, known: Timestamp, place: &str, sku: &str, units: u32) {
        let line = ReceiveLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(units).unwrap(),
            lot: None,
            expires_on: None,
        };
        let receive = Receive {
            location: LocationId::new(place).unwrap(),
            lines: lines(vec![line]),
            reference: None,
            occurred_at: None,
        };
        self.give(known, &Command::Receive(receive));
    }

    /// Holds units for a minute.
    pub(crate) fn hold(&mut self, at: Timestamp, place: &str, sku: &str, units: u32) {
        let hold = Hold {
            location: LocationId::new(place).unwrap(),
            lines: lines(vec![HoldLine {
                sku: Sku::new(sku).unwrap(),
                quantity: Quantity::new(units).unwrap(),
            }]),
            ttl: Span::from_secs(60),
            allow_partial: true,
            reference: None,
        };
        self.give(at, &Command::Hold(hold));
    }

    /// Ends the hold whose time is up first.
    pub(crate) fn expire(&mut self, at: Timestamp) {
        let entry = self.state.expire(at).unwrap();
        self.state.apply(&entry).unwrap();
        self.entries.push(entry);
    }

    /// An order of three, of which so many are picked and not found, and one is replaced.
    pub(crate) fn pick(
        &mut self,
        at: Timestamp,
        place: &str,
        sku: &str,
        (picked, not_found): (u32, u32),
        instead: Option<&str>,
    ) {
        self.hold(at, place, sku, 3);
        let reservation = match self.entries.last().map(|entry| &entry.event) {
            Some(Event::Held(held)) => held.reservation,
            other => panic!("not held: {other:?}"),
        };
        self.give(at, &Command::Confirm(Confirm { reservation }));
        let substitution = |sku| Substitution {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(1).unwrap(),
        };
        let line = PickLine {
            sku: Sku::new(sku).unwrap(),
            picked,
            not_found,
            substitutions: instead.map(substitution).into_iter().collect(),
        };
        let fulfill = Fulfill {
            reservation,
            lines: lines(vec![line]),
            occurred_at: None,
        };
        self.give(at, &Command::Fulfill(fulfill));
    }

    /// Sends units away: they move, and nothing is told to learn from.
    pub(crate) fn send(&mut self, known: Timestamp, place: &str, to: &str, sku: &str, units: u32) {
        let line = DispatchLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(units).unwrap(),
        };
        let dispatch = Dispatch {
            from: LocationId::new(place).unwrap(),
            to: LocationId::new(to).unwrap(),
            lines: lines(vec![line]),
            reference: None,
        };
        self.give(known, &Command::Dispatch(dispatch));
    }

    pub(crate) fn look(
        &mut self,
        known: Timestamp,
        place: &str,
        sku: &str,
        looks: &[(Timestamp, bool)],
    ) {
        let line = |(at, found): &(Timestamp, bool)| ObserveLine {
            sku: Sku::new(sku).unwrap(),
            at: *at,
            found: *found,
        };
        let observe = Observe {
            location: LocationId::new(place).unwrap(),
            source: Label::new("feed").unwrap(),
            lines: lines(looks.iter().map(line).collect()),
        };
        self.give(known, &Command::Observe(observe));
    }

    pub(crate) fn push(
        &mut self,
        known: Timestamp,
        place: &str,
        sku: Option<&str>,
        name: &str,
        at: Timestamp,
        value: Value,
    ) {
        let line = PushLine {
            sku: sku.map(|sku| Sku::new(sku).unwrap()),
            name: FactName::new(name).unwrap(),
            at,
            value,
        };
        let push = Push {
            location: LocationId::new(place).unwrap(),
            source: Label::new("calendar").unwrap(),
            values: lines(vec![line]),
        };
        self.give(known, &Command::Push(push));
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(Label::new(text).unwrap())
}

pub(crate) fn number(millionths: i64) -> Value {
    Value::Number(Millionths::new(millionths).unwrap())
}

fn lines<T>(all: Vec<T>) -> Lines<T> {
    Lines::new(Few::from_vec(all)).unwrap()
}
