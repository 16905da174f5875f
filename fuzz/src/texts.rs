//! Identifiers, times, days, numbers and names as texts; and the identity of a data folder.
//!
//! The input is a byte that names the kind, then the text.
//!
//! Oracle: an identifier or day has one spelling; a time that is read and written is the same moment, and stays so; a
//! number is within its rule; a name keeps its text. A data folder opens only with the identity that it was made with,
//! and a refusal changes nothing that it holds.

use crate::day;
use onhand_core::{Entry, Label, LocationId, Sku};
use onhand_engine::folder::{Identity, log_dir};
use onhand_engine::{Engine, Options};
use onhand_log::disk::MemoryDisk;
use onhand_log::{Batch, FileLog, FileLogOptions, Log};
use onhand_wire::BatchWriter;
use onhand_wire::json::date::Date;
use onhand_wire::json::id::{ReservationId, TransferName};
use onhand_wire::json::number::{Change, Seconds, Units, UnitsOrNone};
use onhand_wire::json::time::Time;
use prometheus_client::registry::Registry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

/// Runs one input.
pub fn run(input: &[u8]) {
    let (kind, bytes) = crate::first(input);
    if kind == b'i' {
        return identity(bytes);
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    match kind {
        b'r' => identifier::<ReservationId>(text),
        b't' => identifier::<TransferName>(text),
        b'T' => time(text),
        b'd' => date(text),
        b'n' => numbers(text),
        _ => names(text),
    }
}

fn identifier<T: FromStr + Display + Debug + PartialEq + Serialize + DeserializeOwned>(text: &str) {
    let Ok(id) = text.parse::<T>() else {
        return;
    };
    assert_eq!(id.to_string(), text, "it has two spellings");
    same_in_json(&id);
}

fn same_in_json<T: Debug + PartialEq + Serialize + DeserializeOwned>(value: &T) {
    let json = serde_json::to_string(value).expect("a text is plain data");
    let again: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
    assert_eq!(again, *value, "in JSON it is another");
}

fn time(text: &str) {
    let Some(time) = Time::parse(text) else {
        return;
    };
    let shown = time.to_string();
    assert_eq!(
        shown.len(),
        "2026-03-01T09:30:00.000Z".len(),
        "{shown}: texts sort no more like times"
    );
    assert_eq!(Time::parse(&shown), Some(time), "{shown} is another moment");
    same_in_json(&time);
}

fn date(text: &str) {
    let Some(date) = Date::parse(text) else {
        return;
    };
    assert_eq!(date.to_string(), text, "it has two spellings");
    same_in_json(&date);
}

/// A number that follows a rule is the number that the text says.
fn numbers(text: &str) {
    let said = || {
        text.trim()
            .parse::<i64>()
            .unwrap_or_else(|_| panic!("{text} is taken for an integer"))
    };
    if let Ok(units) = serde_json::from_str::<Units>(text) {
        assert_eq!(i64::from(units.0.units()), said());
    }
    if let Ok(units) = serde_json::from_str::<UnitsOrNone>(text) {
        assert_eq!(i64::from(units.0), said());
    }
    if let Ok(Change(direction, units)) = serde_json::from_str::<Change>(text) {
        let is_down = direction == onhand_core::stock::adjust::Direction::Down;
        let units = i64::from(units.units());
        assert_eq!(if is_down { -units } else { units }, said());
    }
    if let Ok(seconds) = serde_json::from_str::<Seconds>(text) {
        assert_eq!(i64::try_from(seconds.0.millis()), Ok(said() * 1000));
    }
}

fn names(text: &str) {
    let is_short = (1..=128).contains(&text.chars().count());
    if let Ok(sku) = Sku::new(text) {
        let is_visible = text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        assert!(is_short && is_visible && sku.as_str() == text, "{text:?}");
        assert!(
            LocationId::new(text).is_ok(),
            "a SKU and no location: {text:?}"
        );
        same_in_json(&sku);
    }
    if let Ok(label) = Label::new(text) {
        assert!(is_short && label.as_str() == text, "{text:?}");
        same_in_json(&label);
    }
}

fn folder() -> &'static Path {
    Path::new("data")
}

/// Small segments: there are many of these disks.
fn options() -> Options {
    Options {
        segment_bytes: 8 << 10,
        ..Options::default()
    }
}

/// A data folder of one partition, with a batch in its log.
fn made() -> &'static MemoryDisk {
    static MADE: OnceLock<MemoryDisk> = OnceLock::new();
    MADE.get_or_init(|| {
        let disk = MemoryDisk::new();
        open(&disk).unwrap_or_else(|error| panic!("an empty disk takes a folder: {error}"));
        append(&disk, &first_entry());
        disk
    })
}

/// Opens the folder, and tells how many partitions it has and where the first one ends.
fn open(disk: &MemoryDisk) -> Result<(u16, u64), String> {
    let mut registry = Registry::default();
    let prepared = Engine::prepare(
        disk.clone(),
        folder(),
        options(),
        &mut registry,
        &mut |_, _, _| {},
    );
    let engine = prepared.map_err(|error| error.to_string())?.engine;
    Ok((engine.partitions(), engine.table(0).position().seq.0))
}

fn first_entry() -> Entry {
    day::day().0.swap_remove(0)
}

fn append(disk: &MemoryDisk, entry: &Entry) {
    let options = FileLogOptions::default();
    let opened = FileLog::open(disk.clone(), &log_dir(folder(), 0), options);
    let (mut log, _) = opened.expect("a folder that was just made has a log");
    let mut writer = BatchWriter::default();
    writer.push(entry);
    let tail = log.tail();
    let batch = Batch {
        first: tail.next,
        records: 1,
        epoch: 0,
        at_millis: entry.stamp.at.millis(),
        before: tail.checksum,
        payload: writer.take().0,
    };
    log.append(&batch).expect("a disk in memory takes it");
}

/// The segments of the log: what a folder holds.
fn segments(disk: &MemoryDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    let segments = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
    segments
        .map(|path| {
            (
                path.clone(),
                disk.contents(&path).expect("it was just listed"),
            )
        })
        .collect()
}

fn identity(bytes: &[u8]) {
    let disk = made().fork();
    disk.damage(&folder().join("identity.json"), |identity| {
        *identity = bytes.to_vec()
    });
    let before = segments(&disk);
    match open(&disk) {
        Ok(found) => {
            assert_eq!(found, (1, 1), "it opens as another folder");
            let said: Identity = serde_json::from_slice(bytes).expect("it was read before");
            assert!(
                said.partitions == 1 && said.is_ready && said.format <= 1,
                "{said:?}"
            );
        }
        Err(why) => assert!(!why.is_empty(), "an error that says nothing"),
    }
    assert!(
        segments(&disk) == before,
        "what the folder holds was changed"
    );
}
