//! A shop that has more to do than it does: its partition answers nothing until it is told to go on.

use super::{Setup, Shop};
use onhand_engine::{Options as EngineOptions, Policy, Query, ReplyTo, Request};
use onhand_server::Options;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Requests that may wait in a [`crowded`] shop, all together.
pub(crate) const CAPACITY: usize = 200;

/// A shop with little room, of which half is for those who have less than their share.
pub(crate) fn crowded(tenants_from_header: bool) -> Shop {
    let shop = Shop::with(Setup {
        engine: EngineOptions {
            admission: Policy {
                capacity: CAPACITY,
                queue_time: Some(Duration::from_millis(20)),
                batch: 1,
                ..Policy::default()
            },
            ..EngineOptions::default()
        },
        server: Options {
            tenants_from_header,
            ..Options::default()
        },
        ..Setup::default()
    });
    shop.receive("store", "milk", 1_000);
    shop
}

/// As long as it is there, nothing is answered.
pub(crate) struct Stall(Option<Sender<()>>);

impl Stall {
    /// Who takes an answer of the engine and does not come back holds up all that come behind. Another request then
    /// fills the open batch of a [`crowded`] shop, so that whatever comes waits for its turn.
    pub(crate) fn begin(shop: &Shop) -> Self {
        let (go_on, may_go_on) = channel::<()>();
        let (begun, has_begun) = channel();
        let both = Mutex::new((begun, may_go_on));
        let waits = move |_, _| {
            let both = both.lock().unwrap();
            both.0.send(()).unwrap();
            both.1.recv().ok();
        };
        ask(shop, ReplyTo::Sink(Arc::new(waits), 0));
        has_begun.recv().unwrap();
        ask(shop, ReplyTo::Sink(Arc::new(|_, _| {}), 0));
        Self(Some(go_on))
    }

    pub(crate) fn end(mut self) {
        self.0.take();
    }
}

/// Asks something that is answered by the appender only.
fn ask(shop: &Shop, to: ReplyTo) {
    let asked = Request::Query(Query::Outbox);
    shop.engine.submit(0, asked, to).unwrap();
}

/// How many requests wait for their answers.
pub(crate) fn waiting(shop: &Shop) -> u64 {
    number(shop, "onhand_in_flight{")
}

/// How many were turned away so far.
pub(crate) fn turned_away(shop: &Shop) -> u64 {
    number(shop, "onhand_turned_away_total{")
}

fn number(shop: &Shop, metric: &str) -> u64 {
    let metrics = shop.get("/metrics").text();
    let numbers = metrics.lines().filter(|line| line.starts_with(metric));
    let numbers = numbers.map(|line| line.rsplit(' ').next().unwrap());
    numbers.map(|number| number.parse::<u64>().unwrap()).sum()
}

pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
