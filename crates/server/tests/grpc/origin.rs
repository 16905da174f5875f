//! Who asks, and how long he waits.

use crate::client::{Client, problem, reserve};
use crate::shop::Shop;
use crate::shop::stall::{CAPACITY, Stall, crowded, turned_away, wait_until, waiting};
use onhand_wire::proto::reserve_result::Outcome;
use onhand_wire::proto::{
    NumberedReservation, ReserveBatchRequest, ReserveRequest, ReserveResponse, ReserveStreamRequest,
};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

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

/// What a small tenant is told, so many times, while the flood of a big one waits; and how many of the flood were taken.
fn beside_a_flood(shop: &Shop, times: usize) -> (Vec<Result<(), Status>>, usize) {
    let stall = Stall::begin(shop);
    let client = &Client::of(shop);
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
        // Of the stall itself two wait.
        let all = CAPACITY as u64 + 50 + 2;
        wait_until("the flood is there", || {
            turned_away(shop) + waiting(shop) >= all
        });
        let ask = |number| {
            let (waited, away) = (waiting(shop), turned_away(shop));
            let small = scope.spawn(move || {
                let key = format!("mine-{number}");
                let message = from("small", reserve(&key, "store", "milk", 1));
                let done = shop.wait(client.reservations.clone().reserve(message));
                done.map(drop)
            });
            let came = || waiting(shop) > waited || turned_away(shop) > away;
            wait_until("the small one is there", came);
            small
        };
        let small: Vec<_> = (0..times).map(ask).collect();
        stall.end();
        let told = small.into_iter().map(|one| one.join().unwrap());
        (told.collect(), flood.join().unwrap())
    })
}

#[test]
fn the_flood_of_one_tenant_leaves_room_for_another() {
    let (small, taken) = beside_a_flood(&crowded(true), 1);
    assert!(small[0].is_ok(), "{small:?}");
    assert!((100..CAPACITY).contains(&taken), "{taken}");
}

#[test]
fn who_asks_is_not_believed_unless_the_server_is_told_to() {
    // The stall's own request was ahead of the flood, and may have made room for one.
    let (small, _) = beside_a_flood(&crowded(false), 2);
    let refused = small.iter().find_map(|told| told.as_ref().err());
    problem(refused.unwrap(), Code::ResourceExhausted, "busy");
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

/// The time of a call counts from its head: what its message takes to come in is part of it.
#[test]
fn what_a_slow_message_leaves_no_time_for_is_not_done() {
    let shop = Shop::open();
    shop.receive("store", "milk", 5);
    shop.unchanged(|shop| {
        let (requests, receiver) = mpsc::channel(1);
        let mut request = Request::new(ReceiverStream::new(receiver));
        request.set_timeout(Duration::from_secs(10));
        let channel = shop.channel();
        std::thread::scope(|scope| {
            let called = scope.spawn(|| {
                shop.wait(async {
                    let mut client = tonic::client::Grpc::new(channel);
                    client.ready().await.unwrap();
                    let path = PathAndQuery::from_static("/onhand.v1.Reservations/Reserve");
                    let codec = ProstCodec::<ReserveRequest, ReserveResponse>::default();
                    client.client_streaming(request, path, codec).await
                })
            });
            let in_flight = || {
                let metrics = shop.get("/metrics").text();
                metrics
                    .lines()
                    .any(|line| line == "onhand_grpc_in_flight 1")
            };
            wait_until("the head is there", in_flight);
            shop.advance(Duration::from_secs(10));
            let sent = requests.blocking_send(reserve("slow", "store", "milk", 1));
            sent.unwrap();
            drop(requests);
            let status = called.join().unwrap().unwrap_err();
            problem(&status, Code::DeadlineExceeded, "late");
        });
    });
}
