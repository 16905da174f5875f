//! A small ledger and the store that follows it.

use onhand_core::facts::push::{Push, PushLine};
use onhand_core::facts::value::Value;
use onhand_core::stock::observe::{Observe, ObserveLine};
use onhand_core::stock::receive::{Receive, ReceiveLine};
use onhand_core::stock::sell::{Sell, SellLine};
use onhand_core::{
    Command, Decision, FactName, Few, Label, Lines, LocationId, Millionths, Quantity, Sku, State,
    Timestamp,
};
use onhand_features::{Limits, Moment, Reader, Store, Subject, Witness, catalog};
use onhand_modelops::Stores;
use std::sync::{Arc, Mutex, RwLock};

pub(crate) const HOUR: u64 = 3_600_000;
/// A midnight.
const START: u64 = 19_723 * 24 * HOUR;

/// So many minutes after the start.
pub(crate) fn minute(minutes: u64) -> Timestamp {
    Timestamp::from_millis(START + minutes * 60_000)
}

/// One partition: its state, and the features that follow it. A copy is the same one.
#[derive(Clone, Debug)]
pub(crate) struct Shop(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    state: RwLock<State>,
    store: RwLock<Store>,
    served: Served,
}

/// The names of the rows that were served.
#[derive(Debug, Default)]
struct Served(Mutex<Vec<String>>);

impl Witness for Served {
    fn served(&self, _: &Store, (location, sku): (&str, &str), _: Moment, _: &[f32]) {
        self.0.lock().unwrap().push(format!("{location} {sku}"));
    }
}

impl Stores for Shop {
    fn partitions(&self) -> u16 {
        1
    }

    fn read(&self, _: u16, with: &mut dyn FnMut(Reader<'_>)) {
        let store = self.0.store.read().unwrap();
        with(Reader::new(
            &store,
            &mut Subject::default(),
            Some(&self.0.served),
        ));
    }

    fn as_of(&self, _: u16, _: &Store, now: Timestamp) -> Timestamp {
        now
    }
}

impl Shop {
    pub(crate) fn new() -> Self {
        let set = Arc::new(catalog::availability());
        Self(Arc::new(Kept {
            state: RwLock::default(),
            store: RwLock::new(Store::new(set, Limits::default())),
            served: Served::default(),
        }))
    }

    /// Takes the names of the rows that were served since.
    pub(crate) fn served(&self) -> Vec<String> {
        std::mem::take(&mut self.0.served.0.lock().unwrap())
    }

    pub(crate) fn receive(&self, at: Timestamp, place: &str, sku: &str, units: u32) {
        let line = ReceiveLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(units).unwrap(),
            lot: None,
            expires_on: None,
        };
        let receive = Receive {
            location: LocationId::new(place).unwrap(),
            lines: Lines::new(Few::from_vec(vec![line])).unwrap(),
            reference: None,
            occurred_at: None,
        };
        self.give(at, &Command::Receive(receive));
    }

    pub(crate) fn sell(&self, at: Timestamp, place: &str, sku: &str, units: u32) {
        let line = SellLine {
            sku: Sku::new(sku).unwrap(),
            quantity: Quantity::new(units).unwrap(),
        };
        let sell = Sell {
            location: LocationId::new(place).unwrap(),
            lines: Lines::new(Few::from_vec(vec![line])).unwrap(),
            reference: None,
            sold_at: Some(at),
        };
        self.give(at, &Command::Sell(sell));
    }

    pub(crate) fn push(&self, at: Timestamp, place: &str, sku: &str, name: &str, text: &str) {
        self.tell(at, place, Some(Sku::new(sku).unwrap()), name, text);
    }

    /// Where a location is.
    pub(crate) fn push_city(&self, at: Timestamp, place: &str, city: &str) {
        self.tell(at, place, None, "city", city);
    }

    fn tell(&self, at: Timestamp, place: &str, sku: Option<Sku>, name: &str, text: &str) {
        let line = PushLine {
            sku,
            name: FactName::new(name).unwrap(),
            at,
            value: Value::Text(Label::new(text).unwrap()),
        };
        let push = Push {
            location: LocationId::new(place).unwrap(),
            source: Label::new("test").unwrap(),
            values: Lines::new(Few::from_vec(vec![line])).unwrap(),
        };
        self.give(at, &Command::Push(push));
    }

    /// A look at the shelf, which finds the item or does not.
    pub(crate) fn look(&self, at: Timestamp, place: &str, sku: &str, found: bool) {
        let line = ObserveLine {
            sku: Sku::new(sku).unwrap(),
            at,
            found,
        };
        let observe = Observe {
            location: LocationId::new(place).unwrap(),
            source: Label::new("test").unwrap(),
            lines: Lines::new(Few::from_vec(vec![line])).unwrap(),
        };
        self.give(at, &Command::Observe(observe));
    }

    /// So many numbers of one SKU are pushed that a store forgets what it was told before.
    pub(crate) fn flood(&self, at: Timestamp, place: &str, sku: &str) {
        let line = |number: u64| PushLine {
            sku: Some(Sku::new(sku).unwrap()),
            name: FactName::new("noise").unwrap(),
            at: Timestamp::from_millis(at.millis() + number),
            value: Value::Number(Millionths::new(1).unwrap()),
        };
        for _ in 0..7 {
            let push = Push {
                location: LocationId::new(place).unwrap(),
                source: Label::new("test").unwrap(),
                values: Lines::new(Few::from_vec((0..10_000).map(line).collect())).unwrap(),
            };
            self.give(at, &Command::Push(push));
        }
    }

    fn give(&self, at: Timestamp, command: &Command) {
        let mut state = self.0.state.write().unwrap();
        let Decision::Record(entry) = state.decide(at, None, command) else {
            panic!("not recorded: {command:?}");
        };
        state.apply(&entry).unwrap();
        self.0.store.write().unwrap().apply(&entry).unwrap();
    }
}
