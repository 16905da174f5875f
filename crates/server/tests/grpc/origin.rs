//! Who asks, and how long he waits.

use crate::client::{Client, problem, reserve};
use crate::shop::Shop;
use crate::shop::stall::{CAPACITY, Stall, crowded, turned_away, wait_until, waiting};
use onhand_wire::proto::reserve_result::Outcome;
use onhand_wire::proto::{NumberedReservation, ReserveBatchRequest, ReserveStreamRequest};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Request, Status};

fn from<M>(tenant: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let tenant = AsciiMetadataValue::try_from(tenant).unwrap();
    request.metadata_mut().insert("onhand-tenant", tenant);
    request
}

#[test]
fn what_a_stream_asks_for_after_its_time_is_not_done() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    let mut client = Client::of(&shop);
    let (requests, receiver) = mpsc::channel(10);
    let mut request = Request::new(ReceiverStream::new(receiver));
    request.set_timeout(Duration::from_secs(10));
    let answers = shop.wait(client.reservations.reserve_stream(request));
    let mut answers = answers.unwrap().into_inner();
    let mut ask = |number: u64| {
        let reservation = Some(reserve(&format!("k{number}"), "store", "milk", 1));
        let reservations = vec![NumberedReservation {
            number,
            reservation,
        }];
        shop.wait(requests.send(ReserveStreamRequest { reservations }))
            .unwrap();
        let message = shop.wait(answers.message()).unwrap().unwrap();
        message.results[0].outcome.clone().unwrap()
    };
    assert!(matches!(ask(0), Outcome::Reservation(_)));
    shop.advance(Duration::from_secs(10));
    match shop.unchanged(|_| ask(1)) {
        Outcome::Problem(problem) => assert_eq!(problem.r#type, "urn:onhand:problem:late"),
        other => panic!("{other:?}"),
    }
}

/// What a small tenant is told while the flood of a big one waits, and how many of the flood were taken.
fn beside_a_flood(shop: &Shop) -> (Result<(), Status>, usize) {
    let stall = Stall::begin(shop);
    let client = Client::of(shop);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let one = |number| reserve(&format!("flood-{number}"), "store", "milk", 1);
            let reservations = (0..CAPACITY + 50).map(one).collect();
            let message = from("big", ReserveBatchRequest { reservations });
            let mut client = client.reservations.clone();
            let done = shop.wait(client.reserve_batch(message)).unwrap();
            let is_made = |one: &Option<Outcome>| matches!(one, Some(Outcome::Reservation(_)));
            let results = done.into_inner().results.into_iter();
            results.filter(|one| is_made(&one.outcome)).count()
        });
        wait_until("the flood is there", || turned_away(shop) >= 50);
        let (waited, away) = (waiting(shop), turned_away(shop));
        let small = scope.spawn(|| {
            let message = from("small", reserve("mine", "store", "milk", 1));
            let done = shop.wait(client.reservations.clone().reserve(message));
            done.map(drop)
        });
        let came = || waiting(shop) > waited || turned_away(shop) > away;
        wait_until("the small one is there", came);
        stall.end();
        (small.join().unwrap(), flood.join().unwrap())
    })
}

#[test]
fn the_flood_of_one_tenant_leaves_room_for_another() {
    let (small, taken) = beside_a_flood(&crowded(true));
    small.unwrap();
    assert!((100..CAPACITY).contains(&taken), "{taken}");
}

#[test]
fn who_asks_is_not_believed_unless_the_server_is_told_to() {
    let (small, _) = beside_a_flood(&crowded(false));
    problem(&small.unwrap_err(), Code::ResourceExhausted, "busy");
}

#[test]
fn what_is_no_tenant() {
    let shop = crowded(true);
    let mut client = Client::of(&shop);
    let request = from("no name", reserve("a", "store", "milk", 1));
    let refused = shop.unchanged(|shop| shop.wait(client.reservations.reserve(request)));
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("Onhand-Tenant"), "{status:?}");
}
