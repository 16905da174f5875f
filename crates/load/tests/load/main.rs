//! The real binary against a small real server, and against servers that do what no good one does.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod against_a_server;
mod against_a_stall;
mod over_grpc;
mod shop;
mod stalls;

use serde_json::Value;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

/// Runs the binary to its end.
fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onhand-load"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs against a server: the summary, and whether the binary was content.
fn run(server: SocketAddr, arguments: &[&str]) -> (Value, bool) {
    let to = server.to_string();
    let output = load(&[&["run", "--json", "--to", &to], arguments].concat());
    let summary = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (summary, output.status.success())
}

/// A run that must be content.
fn good_run(server: SocketAddr, arguments: &[&str]) -> Value {
    let (summary, is_content) = run(server, arguments);
    assert!(is_content, "{summary:#}");
    summary
}
