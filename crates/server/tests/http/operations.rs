//! Health, metrics, the page, and the stop.

use crate::shop::Shop;
use flate2::read::GzDecoder;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn it_is_alive_and_ready() {
    let shop = Shop::open();
    assert_eq!(shop.get("/healthz").expect(200), json!({"status": "ok"}));
    assert_eq!(shop.get("/readyz").expect(200), json!({"status": "ready"}));
}

#[test]
fn a_stopped_engine_is_told_as_such() {
    let shop = Shop::open();
    shop.receive("store", "milk", 1);
    shop.engine.stop();
    let body =
        json!({"location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60});
    let refused = shop.post("/v1/reservations", &body);
    assert_eq!(refused.header("retry-after"), "10");
    refused.problem(503, "stopped");
    assert_eq!(shop.get("/healthz").status, 200);
    // What is durable can still be read.
    assert_eq!(
        shop.get("/v1/stock/store/milk?consistency=bounded")
            .expect(200)["on_hand"],
        1
    );
}

#[test]
fn a_request_in_flight_is_answered_at_the_stop() {
    let mut shop = Shop::open();
    shop.receive("store", "milk", 1);
    let mut idle = TcpStream::connect(shop.address).unwrap();
    let mut busy = TcpStream::connect(shop.address).unwrap();
    let body =
        r#"{"location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60}"#;
    let head = format!(
        "POST /v1/reservations HTTP/1.1\r\nhost: here\r\nidempotency-key: last\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).unwrap();
    busy.write_all(&body.as_bytes()[..10]).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    shop.stop_serving();
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        TcpStream::connect(shop.address).is_err(),
        "nothing new is accepted"
    );
    busy.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(
        idle.read(&mut [0]).unwrap(),
        0,
        "an idle connection is closed"
    );
}

#[test]
fn metrics_tell_of_requests_and_of_the_engine() {
    let shop = Shop::open();
    shop.receive("store", "milk", 1);
    shop.reserve("store", "milk", 1, 60);
    shop.get("/v1/stock/nowhere/milk");
    shop.get("/v1/nothing");
    let metrics = shop.get("/metrics");
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = metrics.text();
    for line in [
        r#"onhand_http_requests_total{route="/v1/reservations",status="201"} 1"#,
        r#"onhand_http_requests_total{route="/v1/stock/receipts",status="201"} 1"#,
        r#"onhand_http_requests_total{route="/v1/stock/{location}/{sku}",status="404"} 1"#,
        r#"onhand_http_requests_total{route="elsewhere",status="404"} 1"#,
        r#"onhand_http_request_seconds_count{route="/v1/reservations"} 1"#,
        r#"onhand_entries_total{partition="0"} 2"#,
        r#"onhand_levels{partition="0"} 1"#,
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_page_is_whole_and_asks_no_other_host() {
    let shop = Shop::open();
    assert_eq!(shop.get("/docs").header("location"), "/docs/");
    let page = file(&shop, "/docs/");
    let links = page
        .split(['"', '\''])
        .filter(|text| text.starts_with("./") || text.contains("//"));
    let links: Vec<&str> = links.collect();
    assert!(links.len() >= 4, "{page}");
    for link in links {
        assert!(!link.contains("//"), "{link} leads to another host");
        assert!(
            !file(&shop, &format!("/docs/{}", link.trim_start_matches("./"))).is_empty(),
            "{link}"
        );
    }
    let start = file(&shop, "/docs/swagger-initializer.js");
    assert!(start.contains("/openapi.json"), "{start}");
    assert!(start.contains(r#""validatorUrl": "none""#), "{start}");
    assert!(!start.contains("://"), "{start}");
    assert!(
        shop.get("/docs/")
            .header("content-security-policy")
            .starts_with("default-src 'self'")
    );
    shop.get("/docs/nothing.js").problem(404, "unknown-route");
}

fn file(shop: &Shop, path: &str) -> String {
    let reply = shop.get(path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    let mut bytes = Vec::new();
    match reply.header("content-encoding") {
        "gzip" => drop(
            GzDecoder::new(&reply.body[..])
                .read_to_end(&mut bytes)
                .unwrap(),
        ),
        _ => bytes = reply.body,
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
