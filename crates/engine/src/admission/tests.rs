//! The door and the turns without threads: what comes is pushed, what is served is popped, and time is a number.

use super::door::{Door, Lesson, Permit};
use super::turns::Turns;
use super::{Class, Policy, Ticket};
use crate::clock::Moment;
use crate::inbox::{Envelope, ReplyTo, Waiting};
use crate::machine::{Request, Unavailable};
use crate::metrics::Metrics;
use crate::origin::{Origin, Tenant};
use crate::query::Query;
use crate::requests::{hold, location, receive, sku};
use onhand_core::reservation::confirm::Confirm;
use onhand_core::{Command, ReservationNo};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What a place takes in these tests.
const PLACE: Duration = Duration::from_micros(10);

struct Rig {
    door: Door,
    turns: Turns,
    lesson: Lesson,
    now: Moment,
    policy: Policy,
}

impl Rig {
    fn new(policy: Policy) -> Self {
        let metrics = Metrics::register(&mut Registry::default()).of(0);
        Self {
            door: Door::new(policy, Arc::new(metrics)),
            turns: Turns::default(),
            lesson: Lesson::default(),
            now: Moment::default(),
            policy,
        }
    }

    /// With room for everybody.
    fn roomy() -> Self {
        Self::new(Policy {
            capacity: usize::MAX / 4,
            ..Policy::default()
        })
    }

    /// One that has learned what a place takes, with a bound on the time in the queue.
    fn bounded(queue_time: Duration) -> Self {
        let mut rig = Self::new(Policy {
            capacity: 1_000_000,
            queue_time: Some(queue_time),
            ..Policy::default()
        });
        for _ in 0..40 {
            (0..1_000).for_each(|_| drop(rig.send(Tenant::DEFAULT, a_hold())));
            rig.serve(1_000);
        }
        rig
    }

    fn send(&mut self, tenant: Tenant, request: Request) -> Result<(), Unavailable> {
        let deadline = None;
        self.send_from(Origin { tenant, deadline }, request)
    }

    fn send_from(&mut self, origin: Origin, request: Request) -> Result<(), Unavailable> {
        let admitted = self.door.admit(origin, &request, self.now)?;
        self.queue(admitted, request);
        Ok(())
    }

    fn send_own(&mut self, request: Request) {
        let admitted = self.door.admit_own(&request, self.now);
        self.queue(admitted, request);
    }

    fn queue(&mut self, (ticket, permit): (Ticket, Permit), request: Request) {
        self.door.queued(&ticket);
        let from = Waiting::new(ReplyTo::Once(oneshot::channel().0, None), permit);
        self.turns.push(Envelope {
            ticket,
            request,
            from,
        });
    }

    /// Serves so many, each in the time of its places.
    fn serve(&mut self, count: usize) -> Vec<Ticket> {
        let mut served = Vec::new();
        for _ in 0..count {
            let Some(envelope) = self.turns.pop() else {
                break;
            };
            self.door.left(&envelope.ticket);
            self.lesson
                .hear(&envelope.ticket, envelope.ticket.waited(self.now));
            self.now = self.now.plus(PLACE * envelope.ticket.places);
            served.push(envelope.ticket);
        }
        self.lesson.tell(&self.door, self.now);
        served
    }

    fn longest_wait_of(&self, served: &[Ticket]) -> Duration {
        let waits = served.iter().map(|ticket| ticket.waited(self.now));
        waits.max().unwrap_or_default()
    }
}

fn command(command: Command) -> Request {
    let (key, at) = (None, None);
    Request::Command { key, command, at }
}

fn a_hold() -> Request {
    command(hold("s", "apple", 1, 60_000))
}

fn a_confirm() -> Request {
    let reservation = ReservationNo(1);
    command(Command::Confirm(Confirm { reservation }))
}

fn a_read() -> Request {
    Request::Query(Query::Levels(vec![(location("s"), sku("apple"))]))
}

fn tenant(number: usize) -> Tenant {
    Tenant::named(&number.to_string())
}

fn count_by<K: Ord>(served: &[Ticket], key: impl Fn(&Ticket) -> K) -> BTreeMap<K, u32> {
    let mut counts = BTreeMap::new();
    for ticket in served {
        *counts.entry(key(ticket)).or_default() += ticket.places;
    }
    counts
}

fn class(ticket: &Ticket) -> Class {
    ticket.flow.expect("of a client").class()
}

#[test]
fn those_of_one_flow_come_in_their_order() {
    let mut rig = Rig::roomy();
    for _ in 0..50 {
        for request in [a_hold(), a_confirm(), a_read()] {
            rig.send(Tenant::DEFAULT, request).unwrap();
            rig.now = rig.now.plus(PLACE);
        }
    }
    let mut last = BTreeMap::new();
    for ticket in rig.serve(150) {
        let before = last.insert(class(&ticket), ticket.came);
        assert!(before.is_none_or(|before| before < ticket.came));
    }
    assert_eq!(rig.turns.len(), 0);
}

#[test]
fn what_settles_comes_before_new_holds_and_neither_starves_the_other() {
    let mut rig = Rig::roomy();
    for request in [a_hold(), a_confirm(), a_read()] {
        for _ in 0..2_000 {
            rig.send(Tenant::DEFAULT, request.clone()).unwrap();
        }
    }
    let counts = count_by(&rig.serve(1_040), class);
    let expected = [(Class::Settle, 640), (Class::Read, 320), (Class::New, 80)];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn a_confirm_overtakes_every_hold_that_waits() {
    let mut rig = Rig::roomy();
    for number in 0..5_000 {
        rig.send(tenant(number % 10), a_hold()).unwrap();
    }
    rig.send(tenant(3), a_confirm()).unwrap();
    let served = rig.serve(200);
    assert!(served.iter().any(|one| class(one) == Class::Settle));
}

#[test]
fn a_spike_of_one_tenant_costs_the_others_nothing_and_nothing_is_kept_back() {
    let mut rig = Rig::roomy();
    for _ in 0..4_000 {
        rig.send(tenant(1), a_hold()).unwrap();
    }
    assert_eq!(rig.serve(500).len(), 500, "alone, he gets everything");
    for number in 0..600 {
        rig.send(tenant(2 + number % 3), a_hold()).unwrap();
    }
    let counts = count_by(&rig.serve(800), |ticket| ticket.flow.unwrap().index());
    assert_eq!(counts.len(), 4);
    let is_fair = |count: &u32| count.abs_diff(200) <= 8;
    assert!(counts.values().all(is_fair), "{counts:?}");
}

#[test]
fn long_requests_get_no_more_than_a_share_of_the_places() {
    let mut rig = Rig::roomy();
    let long = command(receive_many(800));
    for _ in 0..100 {
        rig.send(tenant(1), long.clone()).unwrap();
    }
    for _ in 0..10_000 {
        rig.send(tenant(2), command(receive("s", "apple", 1)))
            .unwrap();
    }
    let counts = count_by(&rig.serve(4_000), |ticket| ticket.places);
    let (short, long) = (counts[&1], counts[&101]);
    assert!(short.abs_diff(long) <= 2 * 101, "{counts:?}");
}

fn receive_many(lines: usize) -> Command {
    let Command::Receive(mut receive) = receive("s", "apple", 1) else {
        unreachable!("it is a receipt");
    };
    let line = receive.lines[0].clone();
    let lines = (0..lines).map(|_| line.clone()).collect();
    receive.lines = onhand_core::Lines::new(onhand_core::Few::from_vec(lines)).unwrap();
    Command::Receive(receive)
}

#[test]
fn who_would_wait_too_long_is_refused_and_who_is_let_in_does_not() {
    let bound = Duration::from_millis(20);
    let mut rig = Rig::bounded(bound);
    // Ten times as many as can be served.
    let (mut refused, mut longest) = (0, Duration::ZERO);
    for _ in 0..500 {
        let sent = (0..1_000).map(|_| rig.send(Tenant::DEFAULT, a_hold()));
        refused += sent.filter(Result::is_err).count();
        let served = rig.serve(100);
        assert_eq!(served.len(), 100, "there is always enough to do");
        longest = longest.max(rig.longest_wait_of(&served));
    }
    assert!(
        (440_000..455_000).contains(&refused),
        "{refused} were refused"
    );
    assert!(longest < bound * 3 / 2, "one waited {longest:?}");
}

#[test]
fn a_spike_is_refused_at_the_door_and_the_others_get_in() {
    let mut rig = Rig::bounded(Duration::from_millis(20));
    let mut refused = BTreeMap::<usize, u32>::new();
    let mut served = Vec::new();
    for _ in 0..500 {
        // Of a hundred that can be served, four others want ten each.
        let others = (0..40).map(|number| 1 + number % 4);
        for from in (0..1_000).map(|_| 0).chain(others) {
            if rig.send(tenant(from), a_hold()).is_err() {
                *refused.entry(from).or_default() += 1;
            }
        }
        served.extend(rig.serve(100));
    }
    assert_eq!(refused.len(), 1, "only the spike is refused: {refused:?}");
    let counts = count_by(&served, |ticket| ticket.flow.unwrap().index());
    let mut counts: Vec<u32> = counts.into_values().collect();
    counts.sort_unstable();
    assert!(counts[..4].iter().all(|count| *count > 4_900), "{counts:?}");
    assert!(counts[4] > 29_000, "he gets what is left: {counts:?}");
}

#[test]
fn a_stall_shuts_the_door_and_the_door_opens_again() {
    let mut rig = Rig::bounded(Duration::from_millis(20));
    while rig.send(Tenant::DEFAULT, a_hold()).is_ok() {}
    rig.now = rig.now.plus(Duration::from_secs(1));
    rig.serve(256);
    let refused = rig.send(Tenant::DEFAULT, a_hold());
    assert!(matches!(refused, Err(Unavailable::Busy { .. })));
    rig.serve(usize::MAX);
    let mut let_in = || {
        let sent = (0..1_000).map(|_| rig.send(Tenant::DEFAULT, a_hold()));
        let let_in = sent.filter(Result::is_ok).count();
        rig.serve(usize::MAX);
        let_in
    };
    let first = let_in();
    assert!(first > 200, "what is decided in one go is spared: {first}");
    assert_eq!(let_in(), 1_000, "nobody is in the way");
}

#[test]
fn who_has_few_waiting_is_not_refused_for_what_a_stall_has_taught() {
    let mut rig = Rig::bounded(Duration::from_millis(20));
    while rig.send(tenant(1), a_hold()).is_ok() {}
    rig.now = rig.now.plus(Duration::from_secs(1));
    rig.serve(256);
    let within = Origin {
        tenant: tenant(2),
        deadline: Some(rig.now.plus(Duration::from_millis(5))),
    };
    for request in [a_hold(), a_confirm(), a_read()] {
        rig.send_from(within, request).unwrap();
    }
    assert!(rig.send(tenant(1), a_hold()).is_err());
}

#[test]
fn without_a_bound_on_time_half_of_the_room_is_left_to_others() {
    let mut rig = Rig::new(Policy {
        capacity: 8_000,
        ..Policy::default()
    });
    let flood = (0..8_000).filter(|_| rig.send(tenant(1), a_hold()).is_ok());
    assert_eq!(flood.count(), 4_001);
    (0..1_000).for_each(|_| rig.send(tenant(2), a_hold()).unwrap());
    rig.send(tenant(1), a_confirm()).unwrap();
}

#[test]
fn a_few_long_requests_fill_no_room() {
    let mut rig = Rig::new(Policy {
        capacity: 1_000,
        ..Policy::default()
    });
    let long = command(receive_many(800));
    (0..50).for_each(|_| rig.send(Tenant::DEFAULT, long.clone()).unwrap());
}

#[test]
fn a_flood_of_new_promises_leaves_room_for_what_settles_them_also_in_the_batches() {
    let mut rig = Rig::new(Policy {
        capacity: 8_000,
        ..Policy::default()
    });
    // Those are in the batches, and not answered.
    let in_batches: Vec<_> = (0..4_000)
        .map(|_| {
            rig.door
                .admit(Origin::default(), &a_hold(), rig.now)
                .unwrap()
        })
        .collect();
    let flood = (0..8_000).filter(|_| rig.send(Tenant::DEFAULT, a_hold()).is_ok());
    assert_eq!(flood.count(), 2_000);
    (0..1_000).for_each(|_| rig.send(Tenant::DEFAULT, a_confirm()).unwrap());
    drop(in_batches);
}

#[test]
fn a_stall_shuts_the_door_for_new_promises_alone() {
    let mut rig = Rig::bounded(Duration::from_millis(20));
    while rig.send(Tenant::DEFAULT, a_hold()).is_ok() {}
    rig.now = rig.now.plus(Duration::from_secs(1));
    rig.serve(256);
    assert!(rig.send(Tenant::DEFAULT, a_hold()).is_err());
    for _ in 0..100 {
        rig.send(Tenant::DEFAULT, a_confirm()).unwrap();
        rig.send(Tenant::DEFAULT, a_read()).unwrap();
    }
}

#[test]
fn a_deadline_that_cannot_be_kept_is_refused_at_once() {
    let mut rig = Rig::bounded(Duration::from_millis(20));
    (0..1_000).for_each(|_| rig.send(Tenant::DEFAULT, a_hold()).unwrap());
    let within = |millis| Origin {
        deadline: Some(rig.now.plus(Duration::from_millis(millis))),
        ..Origin::default()
    };
    let (short, long) = (within(5), within(15));
    let refused = rig.send_from(short, a_hold());
    assert!(
        matches!(refused, Err(Unavailable::Late { .. })),
        "10 ms are ahead"
    );
    assert!(rig.send_from(long, a_hold()).is_ok());
}

#[test]
fn the_length_bounds_everybody_but_the_engine_itself() {
    let mut rig = Rig::new(Policy {
        capacity: 10,
        ..Policy::default()
    });
    let admitted = (0..10).map(|_| rig.door.admit(Origin::default(), &a_hold(), rig.now));
    let _in_batches: Vec<_> = admitted.map(Result::unwrap).collect();
    for request in [a_hold(), a_confirm(), a_read()] {
        let refused = rig.send(tenant(2), request);
        assert!(matches!(refused, Err(Unavailable::Busy { .. })));
    }
    let refused = rig.send(tenant(2), Request::Query(Query::Outbox));
    assert!(refused.is_err(), "whoever asks what the engine asks");
    rig.send_own(Request::Query(Query::Outbox));
    let first = rig.serve(1);
    assert!(first[0].flow.is_none(), "and it comes first");
    assert_eq!(rig.policy.capacity, 10);
}

#[test]
fn retries_are_spread_over_as_long_as_they_would_take() {
    let mut rig = Rig::bounded(Duration::from_millis(20));
    let mut seconds = BTreeMap::<u16, usize>::new();
    for round in 0..800 {
        for _ in 0..1_000 {
            if let Err(Unavailable::Busy { retry_after }) = rig.send(Tenant::DEFAULT, a_hold())
                && round >= 400
            {
                *seconds.entry(retry_after).or_default() += 1;
            }
        }
        rig.serve(100);
    }
    let all: usize = seconds.values().sum();
    assert!((8..=11).contains(&seconds.len()), "{seconds:?}");
    let even = all / seconds.len();
    let is_even = |count: &usize| count.abs_diff(even) < even / 10;
    assert!(seconds.values().all(is_even), "{seconds:?}");
    assert_eq!(seconds.keys().next(), Some(&1));
}
