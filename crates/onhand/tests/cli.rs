//! The commands as an operator uses them: configuration, exit codes, messages.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it met and fails where it stands"
)]

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use support::{Client, Server, onhand, run};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A data folder with a little stock, stopped.
fn stocked(dir: &Path) -> PathBuf {
    let data = dir.join("data");
    let mut server = Server::start(&data, &[]);
    let mut client = Client::new(server.address);
    for number in 0..40 {
        let body =
            format!(r#"{{"location":"store","lines":[{{"sku":"sku-{number}","quantity":5}}]}}"#);
        assert_eq!(
            client
                .post("/v1/stock/receipts", &format!("r{number}"), &body)
                .unwrap()
                .status,
            201
        );
    }
    server.stop();
    data
}

fn json_of(command: &str, data: &Path, more: &[&str]) -> Value {
    let output = run(&[&[command, "--json", "--data", data.to_str().unwrap()], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn check_and_replay_agree_and_a_replay_stops_where_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let data = stocked(dir.path());
    let (check, replay) = (json_of("check", &data, &[]), json_of("replay", &data, &[]));
    assert_eq!(check[0]["state_hash"], replay[0]["state_hash"]);
    assert_eq!(check[0]["on_hand"], 200);
    let part = json_of("replay", &data, &["--to", "10"]);
    assert_eq!(
        (part[0]["position"].as_u64(), part[0]["on_hand"].as_u64()),
        (Some(10), Some(50))
    );
    let before = json_of("replay", &data, &["--at", "2001-01-01T00:00:00Z"]);
    assert_eq!(before[0]["position"], 0);
}

/// The fixture's story is told in `crates/engine/tests/engine/format.rs`, with what is there after it.
#[test]
fn a_data_folder_of_version_1_is_sound() {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/engine/fixtures/folder.v1");
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    copy(&fixture, &data);
    let found = json_of("check", &data, &[]);
    let units = |partition: usize| {
        ["on_hand", "reserved", "allocated", "open_reservations"]
            .map(|what| found[partition][what].as_u64().unwrap())
    };
    assert_eq!(units(0), [76 + 30, 10, 7, 2]);
    assert_eq!(units(1), [20, 0, 0, 0]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(path, target).unwrap()),
        }
    }
}

#[test]
fn check_changes_nothing_and_names_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    let data = stocked(dir.path());
    let log = data.join("partition-0/log");
    let segment = std::fs::read_dir(&log)
        .unwrap()
        .flatten()
        .map(|file| file.path());
    let segment = segment
        .filter(|path| path.extension().is_some_and(|name| name == "log"))
        .min()
        .unwrap();
    let sound = std::fs::read(&segment).unwrap();
    assert!(
        run(&["check", "--data", data.to_str().unwrap()])
            .status
            .success()
    );
    assert_eq!(
        std::fs::read(&segment).unwrap(),
        sound,
        "check changed the log"
    );

    let mut damaged = sound.clone();
    // Within the first batch: frames begin at 4096, each with 64 bytes of its own.
    damaged[4096 + 64 + 20] ^= 4;
    std::fs::write(&segment, &damaged).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    for command in [
        &["check", "--data"][..],
        &["replay", "--data"],
        &["serve", "--listen", "127.0.0.1:0", "--data"],
    ] {
        let output = run(&[command, &[data.to_str().unwrap()]].concat());
        let said = said(&output);
        assert!(!output.status.success(), "{command:?} went on with damage");
        assert!(
            said.contains(name) && said.contains("damaged at byte"),
            "{command:?} says: {said}"
        );
    }
    assert_eq!(
        std::fs::read(&segment).unwrap(),
        damaged,
        "damage is left for whoever repairs it"
    );
}

#[test]
fn flags_win_over_the_environment_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("onhand.toml");
    let at = |name: &str| dir.path().join(name);
    std::fs::write(
        &config,
        format!(
            "data = {:?}\nlog = \"warn\"\npartitions = 3\n",
            at("from-file")
        ),
    )
    .unwrap();
    // The address is in use, so each run ends when it has opened its folder.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let used = |flags: &[&str], variables: &[(&str, PathBuf)]| {
        let output = onhand()
            .args([
                "serve",
                "--listen",
                &address,
                "--config",
                config.to_str().unwrap(),
            ])
            .args(flags)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        drop(output);
        ["from-file", "from-environment", "from-flag"]
            .into_iter()
            .rfind(|name| at(name).exists())
    };
    let server =
        |flags: &[&str], variables: &[(&str, PathBuf)]| used(flags, variables).map(str::to_owned);
    assert_eq!(server(&[], &[]).as_deref(), Some("from-file"));
    let environment = [("ONHAND_DATA", at("from-environment"))];
    assert_eq!(
        server(&[], &environment).as_deref(),
        Some("from-environment")
    );
    let flag = at("from-flag");
    assert_eq!(
        server(&["--data", flag.to_str().unwrap()], &environment).as_deref(),
        Some("from-flag")
    );
    assert!(
        at("from-file/partition-2").exists(),
        "the file's partitions = 3 was used"
    );
}

#[test]
fn an_unknown_setting_in_the_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("onhand.toml");
    std::fs::write(&config, "dta = \"typo\"\n").unwrap();
    let output = run(&["serve", "--config", config.to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(said(&output).contains("`dta`"), "{}", said(&output));
}

#[test]
fn without_keys_only_loopback_is_listened_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let output = run(&[
        "serve",
        "--listen",
        "0.0.0.0:7780",
        "--data",
        data.to_str().unwrap(),
    ]);
    assert!(!output.status.success());
    assert!(said(&output).contains("loopback"), "{}", said(&output));
    let grpc = ["--listen", "127.0.0.1:0", "--grpc-listen", "0.0.0.0:0"];
    let output = run(&[&["serve"], &grpc[..], &["--data", data.to_str().unwrap()]].concat());
    assert!(!output.status.success());
    assert!(said(&output).contains("--grpc-listen"), "{}", said(&output));
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn one_folder_has_one_server_and_check_keeps_away() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::start(&data, &[]);
    for command in [
        &["check", "--data"][..],
        &["serve", "--listen", "127.0.0.1:0", "--data"],
    ] {
        let output = run(&[command, &[data.to_str().unwrap()]].concat());
        assert!(!output.status.success());
        assert!(said(&output).contains("in use"), "{}", said(&output));
    }
    server.stop();
}

#[test]
fn doctor_finds_a_missing_log() {
    let dir = tempfile::tempdir().unwrap();
    let data = stocked(dir.path());
    assert!(
        run(&["doctor", "--data", data.to_str().unwrap()])
            .status
            .success()
    );
    std::fs::remove_dir_all(data.join("partition-0/log")).unwrap();
    let output = run(&["doctor", "--data", data.to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(said(&output).contains("MEND"), "{}", said(&output));
}
