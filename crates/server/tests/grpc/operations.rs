//! Health, reflection, deadlines, limits, metrics and the stop.

use crate::client::{Client, call, problem, refused, reserve};
use crate::shop::{Setup, Shop};
use onhand_server::Options;
use onhand_wire::proto::reservations_client::ReservationsClient;
use onhand_wire::proto::{GetLevelRequest, Problem, ReserveLine, ReserveRequest};
use std::time::Duration;
use tokio::time::timeout;
use tonic::codec::CompressionEncoding;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const SOON: Duration = Duration::from_secs(20);

fn check(shop: &Shop, service: &str) -> Result<ServingStatus, tonic::Status> {
    let mut health = HealthClient::new(shop.channel());
    let service = service.into();
    let answer = shop.wait(health.check(HealthCheckRequest { service }));
    answer.map(|answer| answer.into_inner().status())
}

#[test]
fn health_says_whether_it_takes_writes() {
    let mut shop = Shop::open();
    for service in ["", "onhand.v1.Reservations", "onhand.v1.Stock"] {
        assert_eq!(check(&shop, service).unwrap(), ServingStatus::Serving);
    }
    let unknown = check(&shop, "onhand.v9.Nothing").unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut health = HealthClient::new(shop.channel());
    let service = String::new();
    let watched = shop.wait(health.watch(HealthCheckRequest { service }));
    let mut watched = watched.unwrap().into_inner();
    let first = shop.wait(watched.message()).unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    shop.stop_serving();
    let last = shop.wait(async { timeout(SOON, watched.message()).await });
    let last = last.expect("it is told soon").unwrap().unwrap();
    assert_eq!(last.status(), ServingStatus::NotServing);
}

#[test]
fn reflection_tells_the_services() {
    let shop = Shop::open();
    let mut reflection = ServerReflectionClient::new(shop.channel());
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let asks = tokio_stream::iter([ask]);
    let answers = shop.wait(reflection.server_reflection_info(asks));
    let answer = shop
        .wait(answers.unwrap().into_inner().message())
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<&str> = list
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    for service in ["Facts", "Ledger", "Reservations", "Stock", "Transfers"] {
        assert!(
            names.contains(&&*format!("onhand.v1.{service}")),
            "{names:?}"
        );
    }
}

#[test]
fn reflection_tells_them_to_older_clients_too() {
    use tonic_reflection::pb::v1alpha;
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let shop = Shop::open();
    let mut reflection =
        v1alpha::server_reflection_client::ServerReflectionClient::new(shop.channel());
    let symbol = "onhand.v1.Reservations".to_owned();
    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol(symbol)),
    };
    let answers = shop.wait(reflection.server_reflection_info(tokio_stream::iter([ask])));
    let answer = shop.wait(answers.unwrap().into_inner().message()).unwrap();
    let told = answer.unwrap().message_response;
    assert!(
        matches!(&told, Some(MessageResponse::FileDescriptorResponse(files)) if !files.file_descriptor_proto.is_empty()),
        "{told:?}"
    );
}

#[test]
fn a_deadline_that_has_passed_is_told_as_such() {
    let shop = Shop::open();
    let mut client = Client::of(&shop);
    shop.receive("store", "milk", 5);
    let mut request = Request::new(reserve("a", "store", "milk", 1));
    request.set_timeout(Duration::ZERO);
    let status = shop.wait(client.reservations.reserve(request)).unwrap_err();
    // The client's own clock may be first to say so.
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status:?}"
    );
    let mut request = Request::new(reserve("b", "store", "milk", 1));
    request.set_timeout(Duration::from_secs(10));
    shop.wait(client.reservations.reserve(request)).unwrap();
}

#[test]
fn a_message_that_is_too_large_or_none() {
    let shop = Shop::with(Setup {
        server: Options {
            body_limit: 1_000,
            ..Options::default()
        },
        ..Setup::default()
    });
    let client = Client::of(&shop);
    shop.receive("store", "milk", 5);
    let line = ReserveLine {
        sku: "milk".into(),
        quantity: 1,
    };
    let request = ReserveRequest {
        lines: vec![line; 200],
        ..reserve("a", "store", "milk", 1)
    };
    let answer = shop.unchanged(|shop| call!(shop, client.reservations.reserve(request)));
    let told = refused(answer, Code::InvalidArgument, "body-too-large");
    assert!(told.detail.contains("1000 bytes"), "{}", told.detail);
    // A problem has a number where a reservation has its lines.
    let other = Problem {
        status: 409,
        ..Problem::default()
    };
    let none = shop.unchanged(|shop| shop.wait(send(shop, RESERVE, other)));
    problem(&none, Code::InvalidArgument, "malformed-request");
    let packed = ReservationsClient::new(shop.channel());
    let mut packed = packed.send_compressed(CompressionEncoding::Gzip);
    let status = shop.wait(packed.reserve(reserve("b", "store", "milk", 1)));
    assert_eq!(status.unwrap_err().code(), Code::Unimplemented);
}

#[test]
fn a_call_that_there_is_not() {
    let shop = Shop::open();
    for path in ["/onhand.v1.Stock/Steal", "/onhand.v9.Stock/GetLevel", "/"] {
        let status = shop.wait(send(&shop, path, Problem::default()));
        problem(&status, Code::Unimplemented, "unknown-route");
    }
    let metrics = shop.get("/metrics").text();
    let line = r#"onhand_grpc_requests_total{route="elsewhere",status="12"} 3"#;
    assert!(metrics.contains(line), "{metrics}");
}

const RESERVE: &str = "/onhand.v1.Reservations/Reserve";

/// Sends a message to where it may not belong, and gives the status of the refusal.
async fn send(shop: &Shop, path: &'static str, message: Problem) -> Status {
    let mut client = tonic::client::Grpc::new(shop.channel());
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<Problem, Problem>::default();
    let path = PathAndQuery::from_static(path);
    let answer = client.unary(Request::new(message), path, codec);
    answer.await.unwrap_err()
}

#[test]
fn metrics_tell_of_calls_by_code() {
    let shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 5);
    call!(
        shop,
        client
            .reservations
            .reserve(reserve("a", "store", "milk", 1))
    )
    .unwrap();
    call!(
        shop,
        client
            .reservations
            .reserve(reserve("b", "store", "milk", 9))
    )
    .unwrap_err();
    call!(shop, client.stock.get_level(GetLevelRequest::default())).unwrap_err();
    let text = shop.get("/metrics").text();
    for line in [
        r#"onhand_grpc_requests_total{route="/onhand.v1.Reservations/Reserve",status="0"} 1"#,
        r#"onhand_grpc_requests_total{route="/onhand.v1.Reservations/Reserve",status="9"} 1"#,
        r#"onhand_grpc_requests_total{route="/onhand.v1.Stock/GetLevel",status="3"} 1"#,
        r#"onhand_grpc_request_seconds_count{route="/onhand.v1.Reservations/Reserve"} 2"#,
        r#"onhand_http_requests_total{route="/v1/stock/receipts",status="201"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn after_the_stop_nothing_new_is_accepted() {
    let mut shop = Shop::open();
    let client = Client::of(&shop);
    shop.receive("store", "milk", 5);
    call!(
        shop,
        client
            .reservations
            .reserve(reserve("a", "store", "milk", 1))
    )
    .unwrap();
    shop.stop_serving();
    std::thread::sleep(Duration::from_millis(200));
    let answer = call!(
        shop,
        client
            .reservations
            .reserve(reserve("b", "store", "milk", 1))
    );
    assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
}
