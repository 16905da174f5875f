//! Coordinated omission: a server that stands still for a second is asked nothing by a closed loop, and so looks well.
//! An open loop must show what its customers saw.

use crate::stalls::{serve, serve_late};
use crate::{good_run, run};
use serde_json::Value;
use std::time::Duration;

const AFTER: Duration = Duration::from_millis(1_000);
const STALL: Duration = Duration::from_millis(1_000);
const FOUR_SECONDS: [&str; 4] = ["--seconds", "4", "--warmup", "0"];

fn micros(summary: &Value, percentile: &str) -> u64 {
    summary["total"]["accepted"][percentile].as_u64().unwrap()
}

#[test]
fn a_stall_shows_in_the_percentiles_of_an_open_loop_and_only_in_the_longest_of_a_closed_one() {
    let closed = [&FOUR_SECONDS[..], &["--in-flight", "2"]].concat();
    let closed = good_run(serve("201 Created", Some((AFTER, STALL))), &closed);
    assert!(micros(&closed, "p99_micros") < 100_000, "{closed:#}");
    assert!(micros(&closed, "max_micros") > 900_000, "{closed:#}");

    let open = [&FOUR_SECONDS[..], &["--open", "1000", "--in-flight", "2"]].concat();
    let open = good_run(serve("201 Created", Some((AFTER, STALL))), &open);
    // A quarter of the requests were due in the stall, and waited half a second on average.
    assert!(micros(&open, "p99_micros") > 700_000, "{open:#}");
    assert!(micros(&open, "p90_micros") > 300_000, "{open:#}");
    let requests = open["total"]["requests"].as_u64().unwrap();
    assert!((3_600..4_400).contains(&requests), "{requests}");
    assert!(open["waited_for_a_connection"].as_u64().unwrap() > 800);
    assert!(
        open["warnings"]
            .to_string()
            .contains("places in flight were taken")
    );
}

#[test]
fn nothing_is_due_before_there_are_connections() {
    let due = ["--open", "200", "--seconds", "1", "--warmup", "0"];
    let summary = good_run(
        serve_late("201 Created"),
        &[&due[..], &["--in-flight", "6"]].concat(),
    );
    // To connect takes a second and more.
    assert!(micros(&summary, "max_micros") < 500_000, "{summary:#}");
    let requests = summary["total"]["requests"].as_u64().unwrap();
    assert!((140..260).contains(&requests), "{requests}");
}

#[test]
fn answers_that_no_good_server_gives_are_errors() {
    for (status, is_good) in [
        ("201 Created", true),
        ("409 Conflict", true),
        ("429 Too Many Requests", true),
        ("503 Service Unavailable", false),
        ("500 Internal Server Error", false),
        ("404 Not Found", false),
    ] {
        let server = serve(status, None);
        let (summary, is_content) = run(
            server,
            &["--in-flight", "1", "--seconds", "0.2", "--warmup", "0"],
        );
        assert_eq!(is_content, is_good, "{status}: {summary:#}");
    }
}

#[test]
fn what_was_never_answered_is_an_error_that_has_its_time() {
    let for_ever = Duration::from_secs(3_600);
    let server = serve("201 Created", Some((Duration::ZERO, for_ever)));
    let (summary, is_content) = run(
        server,
        &[
            "--open",
            "100",
            "--in-flight",
            "2",
            "--seconds",
            "1",
            "--warmup",
            "0",
            "--patience",
            "1",
        ],
    );
    assert!(!is_content);
    let denied = summary["total"]["denied"].to_string();
    assert!(
        denied.contains("no answer in time") && denied.contains("never sent"),
        "{denied}"
    );
    let longest = summary["total"]["failed"]["max_micros"].as_u64().unwrap();
    assert!(longest > 1_500_000, "{longest}");
}
