//! A partition over a log that does what the test says: hold an append back, have no room, break.

use super::Partition;
use crate::admission::Policy;
use crate::clock::Clock;
use crate::durability::Durability;
use crate::history::{Filter, Ledger};
use crate::inbox::ReplyTo;
use crate::machine::{Answer, Machine, Request, Unavailable};
use crate::metrics::Metrics;
use crate::origin::{Origin, Tenant};
use crate::query::{Found, Query, What};
use crate::requests::{hold, key, location, receive, sku};
use crate::table::Seen;
use onhand_core::reservation::confirm::Confirm;
use onhand_core::{Command, Event, Key, LevelNo, Seq, State, Timestamp};
use onhand_log::{AppendError, Batch, Log, LogReader, MemoryLog, ReadError, Tail};
use prometheus_client::registry::Registry;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::{self, Receiver, error::TryRecvError};

/// What the next appends do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    /// They wait until it is another.
    Shut,
    Full,
    Broken,
    /// They are done, and nobody is told until it is another.
    Silent,
}

/// The door, how many appends came to it, and how many went through.
type Passage = (Door, usize, usize);

struct Doorman {
    door: Mutex<Passage>,
    changed: Condvar,
}

impl Doorman {
    fn set(&self, door: Door) {
        self.door.lock().unwrap_or_else(PoisonError::into_inner).0 = door;
        self.changed.notify_all();
    }

    /// Waits until so many appends came, and gives how many went through by then.
    fn wait_for(&self, came: usize) -> usize {
        let is_early = |state: &mut Passage| state.1 < came;
        let (state, wait) = self
            .changed
            .wait_timeout_while(self.door.lock().unwrap(), LONG, is_early)
            .unwrap();
        assert!(!wait.timed_out(), "{came} appends did not come");
        state.2
    }

    fn pass(&self) -> Door {
        let mut state = self.door.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        let mut state = self.wait_while(Door::Shut, state);
        state.2 += usize::from(state.0 == Door::Open);
        state.0
    }

    fn wait_while<'a>(
        &self,
        door: Door,
        state: MutexGuard<'a, Passage>,
    ) -> MutexGuard<'a, Passage> {
        let is_so = |state: &mut Passage| state.0 == door;
        self.changed.wait_while(state, is_so).unwrap()
    }
}

struct DoorLog {
    log: MemoryLog,
    doorman: Arc<Doorman>,
}

impl Log for DoorLog {
    fn append(&mut self, batch: &Batch) -> Result<Tail, AppendError> {
        match self.doorman.pass() {
            Door::Open => self.log.append(batch),
            Door::Silent => {
                let tail = self.log.append(batch)?;
                drop(
                    self.doorman
                        .wait_while(Door::Silent, self.doorman.door.lock().unwrap()),
                );
                Ok(tail)
            }
            Door::Broken => Err(AppendError::Broken("the sync failed".into())),
            Door::Full | Door::Shut => Err(AppendError::Full {
                bytes: batch.payload.len(),
                source: io::ErrorKind::StorageFull.into(),
            }),
        }
    }

    fn tail(&self) -> Tail {
        self.log.tail()
    }

    fn trim(&mut self, before: u64) -> Result<(), ReadError> {
        self.log.trim(before)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.log.reader()
    }
}

#[derive(Default)]
struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

const LONG: Duration = Duration::from_secs(20);

/// A test that fails leaves no append behind a shut door: the threads must end.
struct OpenAtLast(Arc<Doorman>);

impl Drop for OpenAtLast {
    fn drop(&mut self) {
        self.0.set(Door::Open);
    }
}

struct Rig {
    /// Dropped before the partition.
    _open_at_last: OpenAtLast,
    partition: Partition,
    doorman: Arc<Doorman>,
    clock: Arc<ManualClock>,
    log: MemoryLog,
}

impl Rig {
    fn new(capacity: usize) -> Self {
        Self::with(Policy {
            capacity,
            ..Policy::default()
        })
    }

    fn with(policy: Policy) -> Self {
        let log = MemoryLog::new();
        let doorman = Arc::new(Doorman {
            door: Mutex::new((Door::Open, 0, 0)),
            changed: Condvar::new(),
        });
        let clock = Arc::new(ManualClock(AtomicU64::new(1_000_000)));
        let machine = Machine::new(State::new(0), log.tail(), 0, 1 << 20);
        let behind_the_door = DoorLog {
            log: log.clone(),
            doorman: Arc::clone(&doorman),
        };
        let metrics = Arc::new(Metrics::register(&mut Registry::default()).of(0));
        let (partition, workers) = Partition::new(
            machine,
            Box::new(behind_the_door),
            clock.clone(),
            policy,
            Durability::BeforeAnswer,
            metrics,
        );
        partition.run(workers).unwrap();
        Self {
            _open_at_last: OpenAtLast(Arc::clone(&doorman)),
            partition,
            doorman,
            clock,
            log,
        }
    }

    /// A rig with 100 apples at `s`.
    fn stocked(capacity: usize) -> Self {
        let rig = Self::new(capacity);
        assert!(matches!(
            rig.ask(None, receive("s", "apple", 100)),
            Answer::Recorded(_)
        ));
        rig
    }

    fn try_send(&self, request: Request) -> Result<Receiver<Answer>, Unavailable> {
        let (sender, receiver) = oneshot::channel();
        let to = ReplyTo::Once(sender, None);
        let sent = self.partition.inbox.send(Origin::default(), request, to);
        sent.map(|()| receiver)
    }

    fn send_from(&self, origin: Origin, command: Command) -> Result<Receiver<Answer>, Unavailable> {
        let (sender, receiver) = oneshot::channel();
        let (key, at) = (None, None);
        let request = Request::Command { key, command, at };
        let to = ReplyTo::Once(sender, None);
        let sent = self.partition.inbox.send(origin, request, to);
        sent.map(|()| receiver)
    }

    fn send(&self, key: Option<Key>, command: Command) -> Receiver<Answer> {
        let at = None;
        self.try_send(Request::Command { key, command, at })
            .unwrap()
    }

    fn ask(&self, key: Option<Key>, command: Command) -> Answer {
        get(self.send(key, command))
    }

    fn seen(&self) -> Seen {
        let table = &self.partition.table;
        let at = table
            .location(&location("s"))
            .expect("the location is known");
        table.find(at, &sku("apple")).expect("the level is known").1
    }

    fn age(&self) -> u64 {
        let fresh = self.partition.table.fresh_as_of();
        self.clock.now().since(fresh).millis()
    }

    /// Stops, but not for ever.
    fn stop(self) -> MemoryLog {
        let Self { partition, log, .. } = self;
        let (done, is_done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            partition.stop();
            done.send(()).unwrap();
        });
        is_done
            .recv_timeout(LONG)
            .expect("the partition does not stop");
        log
    }
}

fn get(mut answer: Receiver<Answer>) -> Answer {
    let start = Instant::now();
    loop {
        match answer.try_recv() {
            Ok(answer) => return answer,
            Err(TryRecvError::Closed) => panic!("nobody will answer"),
            Err(TryRecvError::Empty) if start.elapsed() < LONG => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryRecvError::Empty) => panic!("no answer"),
        }
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Long enough for the writer to do what it should not.
fn a_while() {
    std::thread::sleep(Duration::from_millis(50));
}

fn apples() -> Request {
    Request::Query(Query::Levels(vec![(location("s"), sku("apple"))]))
}

fn is_full(answer: &Answer) -> bool {
    matches!(answer, Answer::Unavailable(Unavailable::StorageFull))
}

#[test]
fn before_the_append_is_done_nobody_hears_and_nobody_sees() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Shut);
    let mut first = rig.send(None, hold("s", "apple", 60, 60_000));
    rig.doorman.wait_for(2);

    // All these are decided on what is not durable: a command, a refusal, a strong read.
    let mut others = vec![
        rig.send(None, hold("s", "apple", 40, 60_000)),
        rig.send(None, hold("s", "apple", 1, 60_000)),
        rig.try_send(apples()).unwrap(),
    ];
    a_while();
    for answer in std::iter::once(&mut first).chain(&mut others) {
        assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty);
    }
    assert_eq!((rig.seen().reserved, rig.seen().seq), (0, Seq(1)));
    assert_eq!(rig.partition.table.position().seq, Seq(1));

    rig.doorman.set(Door::Open);
    assert!(matches!(get(first), Answer::Recorded(_)));
    let others: Vec<Answer> = others.into_iter().map(get).collect();
    assert!(matches!(others[0], Answer::Recorded(_)));
    assert!(matches!(others[1], Answer::Refused(_)));
    let Answer::Found(Found {
        what: What::Levels(levels),
        seq: Seq(3),
        ..
    }) = &others[2]
    else {
        panic!("{:?}", others[2]);
    };
    assert_eq!(levels[0].unwrap().reserved(), 100);
    assert_eq!(rig.seen().reserved, 100);
    rig.stop();
}

#[test]
fn the_next_batch_fills_while_the_last_is_on_its_way() {
    let rig = Rig::stocked(128);
    rig.doorman.set(Door::Shut);
    let first = rig.send(None, hold("s", "apple", 1, 60_000));
    rig.doorman.wait_for(2);
    let rest: Vec<_> = (0..50)
        .map(|_| rig.send(None, hold("s", "apple", 1, 60_000)))
        .collect();
    a_while();
    rig.doorman.set(Door::Open);
    for answer in std::iter::once(first).chain(rest) {
        assert!(matches!(get(answer), Answer::Recorded(_)));
    }
    assert_eq!(
        rig.doorman.wait_for(3),
        3,
        "fifty commands share one append"
    );
    assert_eq!(rig.log.tail().next, 53);
    rig.stop();
}

#[test]
fn a_full_disk_refuses_keeps_and_recovers_and_nothing_is_done_twice() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Shut);
    let command = hold("s", "apple", 7, 60_000);
    let first = rig.send(key("k", &command), command.clone());
    rig.doorman.wait_for(2);
    let second = rig.send(None, hold("s", "apple", 1, 60_000));
    let strong = rig.try_send(apples()).unwrap();
    a_while();
    rig.doorman.set(Door::Full);
    for answer in [first, second, strong] {
        assert!(is_full(&get(answer)), "who waits is told at once");
    }
    wait_until("new requests are refused", || {
        rig.try_send(apples()).err() == Some(Unavailable::StorageFull)
    });
    assert_eq!(rig.partition.inbox.door().in_flight(), 0);
    assert_eq!(rig.seen().reserved, 0, "bounded reads go on");

    // With nothing waiting, the table is still behind what was decided, and says so.
    rig.clock.0.fetch_add(5_000, Ordering::SeqCst);
    assert!(rig.age() >= 5_000, "age {}", rig.age());

    rig.doorman.set(Door::Open);
    wait_until("requests are taken", || {
        rig.partition.inbox.outage().is_none()
    });
    let Answer::Repeated(Seq(2)) = rig.ask(key("k", &command), command.clone()) else {
        panic!("the kept batch went through, so this is a repeat");
    };
    assert!(matches!(
        rig.ask(key("l", &command), command),
        Answer::Recorded(_)
    ));
    let why = "the kept one and the new one; the second had not had its turn";
    assert_eq!(rig.seen().reserved, 7 + 7, "{why}");
    wait_until("the table rests", || rig.age() == 0);
    rig.stop();
}

#[test]
fn a_broken_log_stops_the_partition_for_good_and_reads_go_on() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Broken);
    let answer = rig.ask(None, hold("s", "apple", 7, 60_000));
    assert!(
        matches!(answer, Answer::Unavailable(Unavailable::Stopped(_))),
        "{answer:?}"
    );
    rig.doorman.set(Door::Open);
    a_while();
    let refused = rig.try_send(apples()).unwrap_err();
    assert!(matches!(refused, Unavailable::Stopped(_)), "{refused}");
    assert_eq!((rig.seen().reserved, rig.seen().on_hand), (0, 100));
    assert_eq!(rig.stop().tail().next, 2, "nothing was written after it");
}

#[test]
fn a_stop_does_not_wait_for_room() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Full);
    assert!(is_full(&rig.ask(None, hold("s", "apple", 7, 60_000))));
    assert_eq!(rig.stop().tail().next, 2);
}

#[test]
fn a_stop_answers_what_is_in_flight() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Shut);
    let mut waiting = vec![rig.send(None, hold("s", "apple", 1, 60_000))];
    rig.doorman.wait_for(2);
    waiting.extend((0..20).map(|_| rig.send(None, hold("s", "apple", 1, 60_000))));
    rig.partition.inbox.close();
    let refused = rig.try_send(apples()).unwrap_err();
    assert!(matches!(refused, Unavailable::Stopped(_)), "{refused}");
    a_while();
    rig.doorman.set(Door::Open);
    let log = rig.stop();
    for answer in waiting {
        assert!(matches!(get(answer), Answer::Recorded(_)));
    }
    assert_eq!(log.tail().next, 23);
}

#[test]
fn a_permit_is_refused_at_capacity_and_comes_back_with_the_answer() {
    let rig = Rig::stocked(3);
    rig.doorman.set(Door::Shut);
    let waiting: Vec<_> = (0..3)
        .map(|_| rig.send(None, hold("s", "apple", 1, 60_000)))
        .collect();
    for _ in 0..5 {
        let refused = rig.try_send(apples()).unwrap_err();
        assert!(matches!(refused, Unavailable::Busy { .. }), "{refused}");
    }
    rig.doorman.set(Door::Open);
    for answer in waiting {
        get(answer);
    }
    assert_eq!(rig.partition.inbox.door().in_flight(), 0);
    for _ in 0..100 {
        let answers: Vec<_> = (0..3).map(|_| rig.try_send(apples()).unwrap()).collect();
        answers.into_iter().for_each(|answer| drop(get(answer)));
    }
    rig.stop();
}

#[test]
fn what_comes_to_its_turn_after_its_deadline_is_not_done() {
    let rig = Rig::stocked(64);
    let now = rig.clock.moment();
    let until = |deadline| Origin {
        deadline: Some(deadline),
        ..Origin::default()
    };
    let late = rig.send_from(until(now), hold("s", "apple", 7, 60_000));
    let late = late.map_or_else(Answer::Unavailable, get);
    assert!(
        matches!(late, Answer::Unavailable(Unavailable::Late { .. })),
        "{late:?}"
    );
    let in_time = now.plus(Duration::from_millis(1));
    let done = rig.send_from(until(in_time), hold("s", "apple", 1, 60_000));
    assert!(matches!(get(done.unwrap()), Answer::Recorded(_)));
    assert_eq!(rig.seen().reserved, 1, "nothing was done for the late one");
    rig.stop();
}

/// The disk stands still for much longer than anybody may wait, and then goes on.
#[test]
fn after_a_stall_only_new_promises_of_a_long_flow_are_turned_away() {
    let rig = Rig::with(Policy {
        capacity: 10_000,
        queue_time: Some(Duration::from_millis(20)),
        batch: 1,
        slice: 16,
    });
    get(rig.send(None, receive("s", "apple", 1_000)));
    let held = get(rig.send(None, hold("s", "apple", 1, 60_000)));
    let Answer::Recorded(held) = held else {
        panic!("{held:?}")
    };
    let Event::Held(held) = held.event else {
        panic!("{held:?}")
    };
    let confirm = Command::Confirm(Confirm {
        reservation: held.reservation,
    });
    let small = Origin {
        tenant: Tenant::named("small"),
        deadline: None,
    };
    rig.doorman.set(Door::Shut);
    rig.send(None, receive("s", "pear", 1));
    rig.doorman.wait_for(3);
    let flood: Vec<_> = (0..200)
        .map(|_| rig.send(None, hold("s", "apple", 1, 60_000)))
        .collect();
    let confirmed = rig.send(None, confirm);
    let counted: Vec<_> = (0..50)
        .map(|_| rig.send(None, receive("s", "apple", 1)))
        .collect();
    let seen: Vec<_> = (0..50).map(|_| rig.try_send(apples()).unwrap()).collect();
    let few: Vec<_> = (0..16)
        .map(|_| rig.send_from(small, hold("s", "apple", 1, 60_000)).unwrap())
        .collect();
    rig.clock.0.fetch_add(1_000, Ordering::SeqCst);
    rig.doorman.set(Door::Open);
    let is_done = |answer| !matches!(get(answer), Answer::Unavailable(_));
    assert!(is_done(confirmed));
    assert!(counted.into_iter().all(is_done));
    assert!(seen.into_iter().all(is_done));
    assert!(few.into_iter().all(is_done), "a short flow");
    let done = flood
        .into_iter()
        .filter_map(|hold| is_done(hold).then_some(()));
    let done = done.count();
    assert!((16..40).contains(&done), "{done} of a long flow were done");
    rig.stop();
}

#[test]
fn the_table_rests_while_nothing_is_decided_and_ages_while_it_is_behind() {
    let rig = Rig::stocked(64);
    let is_resting = || rig.partition.table.fresh_as_of() == Timestamp::MAX;
    wait_until("the table rests", is_resting);
    rig.clock.0.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(rig.age(), 0, "nothing happened, so nothing is missing");

    rig.doorman.set(Door::Shut);
    let answer = rig.send(None, hold("s", "apple", 1, 1_000));
    rig.doorman.wait_for(2);
    rig.clock.0.fetch_add(700, Ordering::SeqCst);
    assert_eq!(rig.age(), 700);
    rig.doorman.set(Door::Open);
    get(answer);

    wait_until("the table rests again", is_resting);
    // Nobody asks for an expiry; on its way to the disk it makes the table old all the same.
    rig.doorman.set(Door::Shut);
    rig.clock.0.fetch_add(1_000, Ordering::SeqCst);
    rig.doorman.wait_for(3);
    rig.clock.0.fetch_add(300, Ordering::SeqCst);
    assert_eq!((rig.age(), rig.seen().reserved), (300, 1));
    rig.doorman.set(Door::Open);
    wait_until("it expired", || rig.seen().reserved == 0);
    rig.stop();
}

#[test]
fn refusals_and_strong_reads_alone_do_not_make_the_table_old() {
    let rig = Rig::stocked(64);
    let mut oldest = 0;
    for _ in 0..200 {
        let asked = [apples(), apples()].map(|request| rig.try_send(request).unwrap());
        rig.clock.0.fetch_add(10, Ordering::SeqCst);
        asked.into_iter().for_each(|answer| drop(get(answer)));
        oldest = oldest.max(rig.age());
    }
    assert!(oldest <= 100, "the table says it is {oldest} ms old");
    rig.stop();
}

#[test]
fn the_ledger_shows_what_is_published_and_no_more() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Silent);
    let answer = rig.send(None, receive("t", "pear", 1));
    wait_until("it is durable", || rig.log.tail().next == 3);
    let ledger = Ledger {
        reader: &*rig.partition.reader,
        table: &rig.partition.table,
    };
    let all = Filter {
        first: Seq(0),
        from: Timestamp::default(),
        to: Timestamp::MAX,
        limit: 9,
    };
    let page = || ledger.page(&all, |_| true).unwrap().entries.len();
    let newest = |no| ledger.newest(LevelNo(no), 9).unwrap().len();
    assert_eq!((page(), newest(0), newest(1)), (1, 1, 0));
    rig.doorman.set(Door::Open);
    get(answer);
    assert_eq!((page(), newest(0), newest(1)), (2, 1, 1));
    assert!(
        ledger
            .level_at(LevelNo(1), Timestamp::MAX)
            .unwrap()
            .is_some()
    );
    rig.stop();
}

#[test]
fn closing_with_a_slow_disk_is_no_busy_loop() {
    let rig = Rig::stocked(64);
    rig.doorman.set(Door::Shut);
    let answer = rig.send(None, hold("s", "apple", 1, 60_000));
    rig.doorman.wait_for(2);
    rig.partition.inbox.close();
    let start = Instant::now();
    rig.partition
        .inbox
        .wait(Duration::from_millis(60), false, true, &mut Vec::new());
    assert!(
        start.elapsed() >= Duration::from_millis(60),
        "there was nothing to do, but it woke"
    );
    rig.doorman.set(Door::Open);
    get(answer);
    rig.stop();
}

#[test]
fn what_stopped_a_partition_is_not_taken_back() {
    let rig = Rig::new(4);
    let inbox = &rig.partition.inbox;
    let stopped = || Some(Unavailable::Stopped("a test says so".into()));
    assert!(inbox.set_outage(stopped()));
    assert!(!inbox.set_outage(Some(Unavailable::StorageFull)));
    assert!(!inbox.set_outage(None));
    assert_eq!(inbox.outage(), stopped());
    rig.stop();
}
