//! Reservations as a stream.

use crate::client::{Client, problem, reserve};
use crate::shop::{Setup, Shop};
use onhand_engine::Options as EngineOptions;
use onhand_server::Options;
use onhand_wire::proto::reserve_result::Outcome;
use onhand_wire::proto::{
    NumberedReservation, Problem, ReserveRequest, ReserveResponse, ReserveResult,
    ReserveStreamRequest, ReserveStreamResponse,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

const SOON: Duration = Duration::from_secs(20);

/// One stream, from the client's side.
struct Stream {
    requests: mpsc::Sender<ReserveStreamRequest>,
    answers: Streaming<ReserveStreamResponse>,
}

impl Stream {
    fn open(shop: &Shop, client: &Client) -> Self {
        let (requests, receiver) = mpsc::channel(1_000);
        let mut reservations = client.reservations.clone();
        let answers = shop.wait(reservations.reserve_stream(ReceiverStream::new(receiver)));
        Self {
            requests,
            answers: answers.unwrap().into_inner(),
        }
    }

    /// Sends in messages of `each`.
    fn send(&self, shop: &Shop, each: usize, all: Vec<(u64, ReserveRequest)>) {
        let all: Vec<_> = all.into_iter().map(numbered).collect();
        for reservations in all.chunks(each) {
            let reservations = reservations.to_vec();
            let message = ReserveStreamRequest { reservations };
            let sent = shop.wait(async { timeout(SOON, self.requests.send(message)).await });
            sent.unwrap().unwrap();
        }
    }

    /// The next message, or the end.
    fn next(&mut self, shop: &Shop) -> Result<Option<Vec<ReserveResult>>, Status> {
        let message = shop.wait(async { timeout(SOON, self.answers.message()).await });
        let message = message.expect("an answer comes soon")?;
        Ok(message.map(|message| message.results))
    }

    /// So many answers, by number.
    fn results(&mut self, shop: &Shop, count: usize) -> BTreeMap<u64, Outcome> {
        let mut all = BTreeMap::new();
        while all.len() < count {
            for result in self.next(shop).unwrap().expect("more answers") {
                let before = all.insert(result.number, result.outcome.unwrap());
                assert!(before.is_none(), "{} is answered twice", result.number);
            }
        }
        all
    }
}

fn numbered((number, reservation): (u64, ReserveRequest)) -> NumberedReservation {
    NumberedReservation {
        number,
        reservation: Some(reservation),
    }
}

fn units(numbers: std::ops::Range<u64>, location: &str) -> Vec<(u64, ReserveRequest)> {
    let one = |no| (no, reserve(&format!("k{no}"), location, "milk", 1));
    numbers.map(one).collect()
}

fn made(outcome: &Outcome) -> &ReserveResponse {
    match outcome {
        Outcome::Reservation(made) => made,
        Outcome::Problem(problem) => panic!("{problem:?}"),
    }
}

fn refused(outcome: &Outcome) -> &Problem {
    match outcome {
        Outcome::Problem(problem) => problem,
        Outcome::Reservation(made) => panic!("{made:?}"),
    }
}

#[test]
fn many_in_flight_are_all_answered_with_their_numbers() {
    let shop = Shop::with(Setup {
        partitions: 3,
        ..Setup::default()
    });
    let client = Client::of(&shop);
    let places: Vec<String> = (0..6).map(|no| format!("store-{no}")).collect();
    places
        .iter()
        .for_each(|place| shop.receive(place, "milk", 10_000));
    let mut stream = Stream::open(&shop, &client);
    let all = units(0..6_000, "");
    let all = all.into_iter().map(|(no, mut one)| {
        one.location = places[no as usize % places.len()].clone();
        (no, one)
    });
    stream.send(&shop, 7, all.collect());
    let results = stream.results(&shop, 6_000);
    let ids: BTreeSet<&str> = results.values().map(|one| made(one).id.as_str()).collect();
    assert_eq!(ids.len(), 6_000);
    let Stream { requests, answers } = stream;
    drop(requests);
    let mut answers = answers;
    assert_eq!(shop.wait(answers.message()).unwrap(), None, "it ends well");
    for place in &places {
        assert_eq!(shop.level(place, "milk")["reserved"], 1_000);
    }
}

#[test]
fn each_has_its_own_problem_and_the_stream_goes_on() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 3);
    let mut stream = Stream::open(&shop, &client);
    let all = vec![
        (7, reserve("a", "store", "milk", 2)),
        (8, reserve("b", "store", "milk", 2)),
        (9, reserve("c", "nowhere", "milk", 1)),
        (10, reserve("d", "store", "milk", 0)),
        (11, reserve("", "store", "milk", 1)),
        (12, reserve("a", "store", "milk", 1)),
    ];
    stream.send(&shop, 10, all);
    let results = stream.results(&shop, 6);
    assert_eq!(made(&results[&7]).lines[0].reserved, 2);
    let kinds = [8, 9, 10, 11, 12].map(|number| {
        let kind = &refused(&results[&number]).r#type;
        kind.strip_prefix("urn:onhand:problem:").unwrap().to_owned()
    });
    assert_eq!(
        kinds,
        [
            "insufficient-stock",
            "unknown-location",
            "invalid-request",
            "invalid-request",
            "idempotency-key-reused"
        ]
    );
    assert_eq!(refused(&results[&8]).lines[0].available, 1);
    assert_eq!(refused(&results[&9]).errors[0].pointer, "/location");
    assert_eq!(
        refused(&results[&10]).errors[0].pointer,
        "/lines/0/quantity"
    );
    assert_eq!(refused(&results[&11]).errors[0].pointer, "/idempotency_key");
    stream.send(&shop, 1, vec![(13, reserve("e", "store", "milk", 1))]);
    made(&stream.results(&shop, 1)[&13]);
}

#[test]
fn duplicates_in_flight_are_done_once() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let mut stream = Stream::open(&shop, &client);
    let twice = (0..1_000u64).map(|no| (no, reserve(&format!("k{}", no / 2), "store", "milk", 1)));
    stream.send(&shop, 100, twice.collect());
    let results = stream.results(&shop, 1_000);
    for pair in 0..500 {
        let (one, other) = (made(&results[&(2 * pair)]), made(&results[&(2 * pair + 1)]));
        assert_eq!((&one.id, one.sequence), (&other.id, other.sequence));
        assert!(one.idempotent_replayed != other.idempotent_replayed);
    }
    assert_eq!(shop.level("store", "milk")["reserved"], 500);
}

#[test]
fn a_client_that_vanishes_leaves_what_it_asked_done_once() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let mut stream = Stream::open(&shop, &client);
    stream.send(&shop, 50, units(0..500, "store"));
    stream.next(&shop).unwrap();
    drop((stream, client));
    // Whoever repeats the requests gets the one answer of each.
    let client = Client::of(&shop);
    let mut stream = Stream::open(&shop, &client);
    stream.send(&shop, 50, units(0..500, "store"));
    let results = stream.results(&shop, 500);
    assert!(results.values().any(|one| made(one).idempotent_replayed));
    assert_eq!(shop.level("store", "milk")["reserved"], 500);
}

#[test]
fn no_more_are_in_flight_than_the_server_lets() {
    let shop = Shop::with(Setup {
        engine: EngineOptions {
            admission: onhand_engine::Policy {
                capacity: 80,
                ..Default::default()
            },
            ..EngineOptions::default()
        },
        server: Options {
            stream_in_flight: 20,
            ..Options::default()
        },
        ..Setup::default()
    });
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let mut stream = Stream::open(&shop, &client);
    // With all of them in flight most would be refused: the engine's queue takes 40 of one kind.
    stream.send(&shop, 20, units(0..2_000, "store"));
    let results = stream.results(&shop, 2_000);
    for one in results.values() {
        made(one);
    }
}

#[test]
fn what_finds_no_room_in_the_queue_is_refused_by_itself() {
    let shop = Shop::with(Setup {
        engine: EngineOptions {
            admission: onhand_engine::Policy {
                capacity: 10,
                ..Default::default()
            },
            ..EngineOptions::default()
        },
        ..Setup::default()
    });
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let mut stream = Stream::open(&shop, &client);
    stream.send(&shop, 1_000, units(0..1_000, "store"));
    let results = stream.results(&shop, 1_000);
    let is_busy = |outcome: &&Outcome| matches!(outcome, Outcome::Problem(_));
    let busy: Vec<&Outcome> = results.values().filter(is_busy).collect();
    for one in &busy {
        assert_eq!(refused(one).status, 429);
        assert!(refused(one).retry_after_seconds.is_some());
    }
    assert!(!busy.is_empty() && busy.len() < 1_000);
    assert_eq!(shop.level("store", "milk")["reserved"], 1_000 - busy.len());
}

#[test]
fn a_message_with_too_many_ends_the_stream_when_the_rest_is_answered() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let mut stream = Stream::open(&shop, &client);
    stream.send(&shop, 10, units(0..10, "store"));
    stream.send(&shop, 1_001, units(10..1_011, "store"));
    assert_eq!(stream.results(&shop, 10).len(), 10);
    let status = stream.next(&shop).unwrap_err();
    let told = problem(&status, Code::InvalidArgument, "invalid-request");
    assert_eq!(told.errors[0].pointer, "/reservations");
    assert_eq!(shop.level("store", "milk")["reserved"], 10);
}

#[test]
fn an_end_without_requests_and_one_with_all_in_flight() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let Stream {
        requests,
        mut answers,
    } = Stream::open(&shop, &client);
    drop(requests);
    assert_eq!(shop.wait(answers.message()).unwrap(), None);

    let stream = Stream::open(&shop, &client);
    stream.send(&shop, 100, units(0..1_000, "store"));
    let Stream { requests, answers } = stream;
    drop(requests);
    let (requests, _) = mpsc::channel(1);
    let mut stream = Stream { requests, answers };
    assert_eq!(stream.results(&shop, 1_000).len(), 1_000);
    assert!(stream.next(&shop).unwrap().is_none());
}

#[test]
fn the_stop_of_the_server_ends_it_after_the_answers() {
    let mut shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 10_000);
    let mut stream = Stream::open(&shop, &client);
    stream.send(&shop, 100, units(0..1_000, "store"));
    assert_eq!(stream.results(&shop, 1_000).len(), 1_000);
    shop.stop_serving();
    let status = stream.next(&shop).unwrap_err();
    problem(&status, Code::Unavailable, "stopped");
}
