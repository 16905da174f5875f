//! Slow clients: each is cut off after its time, and nobody else waits.

use crate::shop::{Setup, Shop};
use onhand_server::{Limits, Options};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_millis(400);

fn shop() -> Shop {
    let shop = Shop::with(Setup {
        server: Options {
            body_timeout: PATIENCE,
            ..Options::default()
        },
        limits: Limits {
            header_timeout: PATIENCE,
            ..Limits::default()
        },
        ..Setup::default()
    });
    shop.receive("store", "milk", 10);
    shop
}

/// Sends `head` at once and then a byte of `rest` now and then; gives what came back until the server closed.
fn trickle(shop: &Shop, head: &str, rest: &str) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(shop.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut received = Vec::new();
    let mut bytes = rest.bytes().cycle();
    loop {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                // A write after the server has closed fails; the next read tells.
                let _ = stream.write_all(&[bytes.next().unwrap()]);
            }
            Err(_) => break,
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the server never closed"
        );
    }
    (String::from_utf8(received).unwrap(), began.elapsed())
}

#[test]
fn a_head_that_trickles_in() {
    let shop = shop();
    let (received, took) = shop.unchanged(|shop| {
        trickle(
            shop,
            "POST /v1/reservations HTTP/1.1\r\nhost: here\r\nx: ",
            "x",
        )
    });
    assert_eq!(received, "");
    assert!(took >= PATIENCE, "{took:?}");
}

#[test]
fn a_body_that_trickles_in() {
    let shop = shop();
    let head = "POST /v1/reservations HTTP/1.1\r\nhost: here\r\nidempotency-key: slow\r\n\
                content-type: application/json\r\ncontent-length: 5000\r\n\r\n{";
    let (received, took) = shop.unchanged(|shop| trickle(shop, head, " "));
    assert!(
        received.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{received}"
    );
    assert!(received.contains("application/problem+json"), "{received}");
    assert!(
        received.contains("urn:onhand:problem:request-timeout"),
        "{received}"
    );
    assert!(received.contains("connection: close"), "{received}");
    assert!(took >= PATIENCE, "{took:?}");
}

#[test]
fn a_body_that_breaks_off() {
    let shop = shop();
    shop.unchanged(|shop| {
        let mut stream = TcpStream::connect(shop.address).unwrap();
        let head = "POST /v1/reservations HTTP/1.1\r\nhost: here\r\nidempotency-key: cut\r\n\
                    content-type: application/json\r\ncontent-length: 90\r\n\r\n";
        let body = r#"{"location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60}"#;
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut received = String::new();
        let _ = stream.read_to_string(&mut received);
        assert!(!received.contains("201"), "{received}");
    });
}

#[test]
fn a_body_that_would_be_far_too_long_is_not_waited_for() {
    let shop = shop();
    let head = "POST /v1/reservations HTTP/1.1\r\nhost: here\r\nidempotency-key: long\r\n\
                content-type: application/json\r\ncontent-length: 1000000000\r\n\r\n{";
    let (received, took) = shop.unchanged(|shop| trickle(shop, head, " "));
    assert!(
        received.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
        "{received}"
    );
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn others_do_not_wait() {
    let shop = shop();
    let mut slow: Vec<TcpStream> = (0..50)
        .map(|_| TcpStream::connect(shop.address).unwrap())
        .collect();
    for stream in &mut slow {
        stream
            .write_all(b"POST /v1/reservations HTTP/1.1\r\nhost: here\r\ncontent-length: 90\r\n")
            .unwrap();
    }
    let body =
        json!({"location": "store", "lines": [{"sku": "milk", "quantity": 1}], "ttl_seconds": 60});
    for _ in 0..5 {
        let began = Instant::now();
        shop.post("/v1/reservations", &body).expect(201);
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}
