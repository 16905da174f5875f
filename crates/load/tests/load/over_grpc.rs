//! Every kind of work over gRPC: unary, in batches, and as a stream.

use crate::against_a_server::{accepted, row};
use crate::shop::{LEVELS, Shop};
use crate::{good_run, load, run};
use serde_json::Value;
use std::time::Duration;

const BRIEFLY: [&str; 4] = ["--seconds", "1", "--warmup", "0"];

fn briefly(shop: &Shop, arguments: &[&str]) -> Value {
    let arguments = [&LEVELS[..], &BRIEFLY, arguments].concat();
    good_run(shop.grpc_address, &arguments)
}

#[test]
fn reservations_are_made_as_often_as_they_are_said_to_be() {
    let shop = Shop::filled();
    let mut made = 0;
    for arguments in [
        &["--protocol", "grpc", "--in-flight", "4"][..],
        &[
            "--protocol",
            "grpc",
            "--in-flight",
            "32",
            "--connections",
            "2",
        ],
        &["--protocol", "grpc", "--in-flight", "4", "--threads", "2"],
        &[
            "--protocol",
            "grpc",
            "--open",
            "300",
            "--arrivals",
            "constant",
        ],
        &["--protocol", "grpc-stream", "--in-flight", "64"],
        &["--protocol", "grpc-stream", "--in-flight", "1"],
        &[
            "--protocol",
            "grpc-stream",
            "--open",
            "300",
            "--tenant",
            "blue",
        ],
        &[
            "--protocol",
            "grpc-stream",
            "--in-flight",
            "8",
            "--keys",
            "hot",
        ],
        &[
            "--protocol",
            "grpc-batch",
            "--batch",
            "50",
            "--in-flight",
            "2",
        ],
    ] {
        let summary = briefly(&shop, arguments);
        let total = &summary["total"];
        assert!(accepted(total) > 20, "{arguments:?}: {summary:#}");
        assert_eq!(total["denied"], Value::Array(Vec::new()), "{arguments:?}");
        assert_eq!(summary["durability"][0], "before-answer", "{summary:#}");
        made += accepted(total);
    }
    assert_eq!(shop.reserved(), made, "what the stock says");
}

#[test]
fn reads_mixes_and_tenants() {
    let shop = Shop::filled();
    let unary = ["--protocol", "grpc"];
    let reads = [
        "--work",
        "availability",
        "--items",
        "20",
        "--in-flight",
        "2",
    ];
    let reads = briefly(&shop, &[&unary[..], &reads].concat());
    let requests = reads["total"]["requests"].as_u64().unwrap();
    assert_eq!(accepted(&reads["total"]), requests * 20);
    let mix = ["--work", "mix", "--items", "5", "--in-flight", "8"];
    let mix = briefly(&shop, &[&unary[..], &mix].concat());
    for name in ["reserve", "confirm", "release", "availability"] {
        assert!(accepted(row(&mix, name)) > 0, "{mix:#}");
    }
    let two = briefly(
        &shop,
        &[&unary[..], &["--tenants", "big:9,small:1"]].concat(),
    );
    let of = |tenant: &str| accepted(row(&two, &format!("reserve, tenant {tenant}")));
    assert!(of("big") > 5 * of("small"), "{two:#}");
}

#[test]
fn a_stream_has_no_deadline_of_each_request() {
    for (protocol, is_refused) in [("grpc-stream", true), ("grpc", false)] {
        // Nobody listens there.
        let to = ["run", "--to", "127.0.0.1:1", "--protocol", protocol];
        let output = load(&[&to[..], &["--timeout-ms", "200"]].concat());
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.contains("no --timeout-ms"), is_refused, "{said}");
    }
}

#[test]
fn a_refusal_has_the_name_and_the_status_of_its_problem() {
    let shop = Shop::open();
    for protocol in ["grpc", "grpc-stream", "grpc-batch"] {
        let arguments = ["--protocol", protocol, "--in-flight", "1", "--seconds", "1"];
        let arguments = [&arguments[..], &["--warmup", "0"]].concat();
        let (summary, is_content) = run(shop.grpc_address, &arguments);
        assert!(!is_content);
        let denied = &summary["total"]["denied"][0];
        assert_eq!(denied["name"], "unknown-location", "{summary:#}");
        assert_eq!(denied["status"], 404, "{summary:#}");
    }
}

#[test]
fn a_server_that_goes_away_is_an_error_of_what_was_asked() {
    for protocol in ["grpc", "grpc-stream"] {
        let mut shop = Shop::filled();
        let address = shop.grpc_address;
        let arguments = ["--protocol", protocol, "--open", "200", "--seconds", "2"];
        let arguments = [
            &LEVELS[..],
            &arguments,
            &["--warmup", "0", "--patience", "1"],
        ]
        .concat();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| run(address, &arguments));
            // However long the binary takes to start on a busy machine.
            while shop.reserved() < 50 {
                std::thread::sleep(Duration::from_millis(20));
            }
            shop.go_away();
            let (summary, is_content) = running.join().unwrap();
            assert!(!is_content, "{summary:#}");
            let requests = summary["total"]["requests"].as_u64().unwrap();
            assert!((50..400).contains(&requests), "{summary:#}");
            // What was under way when it went, or, if all had been answered, what became due then.
            let denied = summary["total"]["denied"].to_string();
            let is_told = denied.contains("the connection broke") || denied.contains("never sent");
            assert!(is_told, "{denied}");
        });
    }
}
