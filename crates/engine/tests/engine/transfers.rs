//! Transfers between two partitions, also over a crash.

use crate::requests::{arrive, dispatch, location, receive};
use crate::running::{ManualClock, ask, open, options, record, seen, wait_until};
use onhand_core::transfer::{Outgoing, TransferLine, announce::Announce, hand_over::HandOver};
use onhand_core::{Command, Entry, Event, Few, TransferId, TransferNo};
use onhand_engine::{Answer, Engine, Options, Origin, Query, Request, What};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// Two locations in two partitions.
struct Route {
    engine: Arc<Engine>,
    from: String,
    to: String,
}

fn two(clock: &Arc<ManualClock>) -> Options {
    Options {
        partitions: Some(2),
        ..options(clock)
    }
}

impl Route {
    fn on(engine: Arc<Engine>) -> Self {
        let in_partition = |partition| {
            let mut names = (0..).map(|number| format!("store-{number}"));
            names
                .find(|name| engine.partition_of(&location(name)) == partition)
                .unwrap()
        };
        let (from, to) = (in_partition(0), in_partition(1));
        Self { engine, from, to }
    }

    fn stock(&self) {
        record(&self.engine, 0, receive(&self.from, "apple", 10));
    }

    /// Sends units without telling the courier.
    fn send(&self, units: u32) -> (TransferId, Outgoing) {
        let entry = record(
            &self.engine,
            0,
            dispatch(&self.from, &self.to, "apple", units),
        );
        let Entry {
            event: Event::Dispatched(dispatched),
            ..
        } = *entry
        else {
            panic!("another event");
        };
        let mut lines = Few::new();
        lines.push(TransferLine {
            sku: crate::requests::sku("apple"),
            units,
        });
        let outgoing = Outgoing {
            settled: TransferNo(0),
            from: location(&self.from),
            to: location(&self.to),
            lines,
        };
        (dispatched.transfer, outgoing)
    }

    fn in_transit(&self) -> u32 {
        seen(&self.engine, &self.to, "apple").map_or(0, |seen| seen.in_transit)
    }

    fn outbox(&self) -> usize {
        let Answer::Found(found) = self.engine.call_blocking(0, Request::Query(Query::Outbox))
        else {
            panic!("not found");
        };
        match found.what {
            What::Outbox(outbox) => outbox.len(),
            other => panic!("{other:?}"),
        }
    }

    fn is_delivered(&self) {
        wait_until("the outbox is empty", || self.outbox() == 0);
    }
}

#[test]
fn the_courier_delivers_what_a_crash_left_in_the_outbox() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let route = Route::on(open(folder.path(), two(&clock)));
    route.stock();
    let (id, _) = route.send(4);
    drop(route);
    let route = Route::on(open(folder.path(), two(&clock)));
    route.is_delivered();
    assert_eq!(route.in_transit(), 4);
    record(&route.engine, 1, arrive(id));
    let there = seen(&route.engine, &route.to, "apple").unwrap();
    assert_eq!((there.on_hand, there.in_transit), (4, 0));
    assert_eq!(
        seen(&route.engine, &route.from, "apple").unwrap().on_hand,
        6
    );
}

#[test]
fn a_crash_between_the_announcement_and_the_hand_over_announces_nothing_twice() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let route = Route::on(open(folder.path(), two(&clock)));
    route.stock();
    let (transfer, outgoing) = route.send(4);
    drop(ask(
        &route.engine,
        1,
        Command::Announce(Announce { transfer, outgoing }),
    ));
    drop(record(&route.engine, 1, arrive(transfer)));
    drop(route);
    let route = Route::on(open(folder.path(), two(&clock)));
    route.is_delivered();
    let there = seen(&route.engine, &route.to, "apple").unwrap();
    assert_eq!((there.on_hand, there.in_transit), (4, 0), "it arrived once");
}

#[test]
fn delivering_while_the_courier_does_the_same_delivers_once() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let route = Route::on(open(folder.path(), two(&clock)));
    route.stock();
    let sent: Vec<_> = (0..5).map(|_| route.send(1)).collect();
    std::thread::scope(|scope| {
        for (id, outgoing) in &sent {
            for _ in 0..3 {
                scope.spawn(|| {
                    let deliver =
                        route
                            .engine
                            .deliver_from(Origin::default(), *id, outgoing.clone());
                    block_on(deliver).unwrap();
                });
            }
        }
    });
    assert_eq!((route.outbox(), route.in_transit()), (0, 5));
    let refused = ask(
        &route.engine,
        0,
        Command::HandOver(HandOver {
            transfer: sent[0].0.no,
        }),
    );
    assert!(matches!(refused, Answer::Refused(_)), "{refused:?}");
}

#[test]
fn what_cannot_be_delivered_does_not_hold_up_the_rest() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let mut options = two(&clock);
    options.settings.most_levels = 2;
    let mut registry = Registry::default();
    let (engine, _) =
        Engine::open(folder.path(), options, &mut registry, &mut |_, _, _| {}).unwrap();
    let waits = |number| {
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let gauge = format!("onhand_transfers_undelivered{{partition=\"0\"}} {number}");
        text.lines().any(|line| line == gauge)
    };
    let route = Route::on(engine);
    route.stock();
    record(&route.engine, 0, receive(&route.from, "kiwi", 10));
    // The destination has room for no other level, so the kiwis are refused and the apples after them are not.
    record(&route.engine, 1, receive(&route.to, "apple", 1));
    record(&route.engine, 1, receive(&route.to, "pear", 1));
    record(
        &route.engine,
        0,
        dispatch(&route.from, &route.to, "kiwi", 3),
    );
    route.send(4);
    wait_until("the apples are on their way", || route.in_transit() == 4);
    wait_until("the apples left the outbox", || route.outbox() == 1);
    wait_until("the kiwis are told of", || waits(1));
    // The operator makes room: the kiwis go through, and nothing waits any more.
    drop(route);
    let route = Route::on(open(folder.path(), two(&clock)));
    route.is_delivered();
    let kiwis = seen(&route.engine, &route.to, "kiwi").unwrap();
    assert_eq!(kiwis.in_transit, 3, "with room they go through");
}

/// Enough of an executor for one future whose wakers come from other threads.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
