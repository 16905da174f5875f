//! What was written once can be read for ever, and is still written the same.
//!
//! The fixtures are never edited. A change of format is a new version with a fixture of its own; the old ones stay.
//! A fixture that is missing is written, and the test fails, so that a new one is looked at before it is kept.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod day;
mod kinds;
mod snapshots;

use day::{commands, day, facts, recorded, transfers};
use onhand_core::{Command, Entry};
use onhand_wire::{BatchReader, BatchWriter, key};
use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Holds bytes against a fixture.
fn hold_against(name: &str, bytes: &[u8]) {
    let path = fixture(name);
    let Ok(fixture) = std::fs::read(&path) else {
        std::fs::write(&path, bytes).unwrap();
        panic!("{name} was missing and is written now: look at it before you keep it");
    };
    assert!(fixture == bytes, "{name} would be written differently now");
}

#[test]
fn batches_of_version_1() {
    hold_batch_against("batch.v1.bin", &day().0);
    hold_batch_against("facts.v1.bin", &recorded(facts()).0);
    hold_batch_against("transfers.v1.bin", &recorded(transfers()).0);
}

fn hold_batch_against(name: &str, entries: &[Entry]) {
    let mut writer = BatchWriter::default();
    entries.iter().for_each(|entry| {
        writer.push(entry);
    });
    let (bytes, count) = writer.take();
    assert_eq!(count as usize, entries.len());
    hold_against(name, &bytes);
    let read: Vec<_> = BatchReader::new(&bytes)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(read, entries);
}

/// A retry across an upgrade must still be known as the same request.
#[test]
fn keys_and_fingerprints_of_version_1() {
    hold_keys_against("keys.v1.txt", &commands());
    hold_keys_against("facts-keys.v1.txt", &facts());
}

fn hold_keys_against(name: &str, commands: &[(u64, Command)]) {
    let keys: Vec<String> = commands
        .iter()
        .map(|(second, command)| {
            let key = key::key("tenant", &format!("key-{second}"), command);
            let [low, high] = key.hash;
            format!("{low:016x} {high:016x} {:016x}\n", key.fingerprint)
        })
        .collect();
    hold_against(name, keys.concat().as_bytes());
}

#[test]
fn a_later_version_of_a_batch_is_refused_by_name() {
    let error = BatchReader::new(&[200, 1, 2]).unwrap_err().to_string();
    assert!(error.contains("200"), "{error}");
}
