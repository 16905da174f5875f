//! What lies on disk: batches, logs, snapshots, saved features, models.

use crate::{put, with_first};
use onhand_fuzz::log_open::Right;
use onhand_fuzz::{batch, day, features, model, snapshot};
use onhand_log::disk::MemoryDisk;
use onhand_log::{Batch, FileLog, FileLogOptions, Log, SnapshotStore};
use onhand_models::Calibration;
use onhand_wire::BatchWriter;
use std::io::Write;
use std::path::Path;

pub(crate) fn all() -> std::io::Result<()> {
    batches()?;
    logs()?;
    snapshots()?;
    feature_stores()?;
    models()
}

fn payload(entries: &[onhand_core::Entry]) -> Vec<u8> {
    let mut writer = BatchWriter::default();
    entries.iter().for_each(|entry| {
        writer.push(entry);
    });
    writer.take().0
}

fn batches() -> std::io::Result<()> {
    let (entries, _) = day::day();
    put("batch", "day", &with_first(0, &payload(&entries)))?;
    for entry in &entries {
        let name = format!("after-a-day-{}", entry.event.name());
        let how = batch::AFTER_A_DAY | batch::IN_ORDER;
        put(
            "batch",
            &name,
            &with_first(how, &payload(std::slice::from_ref(entry))),
        )?;
    }
    Ok(())
}

const OPTIONS: FileLogOptions = FileLogOptions {
    segment_bytes: 6 << 10,
    verify_from: 0,
};

/// A log of batches with payloads of these sizes, on a disk of its own.
fn log(sizes: &[usize]) -> MemoryDisk {
    let (disk, dir) = (MemoryDisk::new(), Path::new("log"));
    let mut log = FileLog::create(disk.clone(), dir, OPTIONS).expect("an empty disk takes a log");
    for (number, bytes) in (1_u64..).zip(sizes) {
        let batch = Batch {
            first: log.tail().next,
            records: 2,
            epoch: 0,
            at_millis: number * 1000,
            before: log.tail().checksum,
            // Some nearly empty: those are stored masked.
            payload: vec![if number.is_multiple_of(3) { 0 } else { 0x41 }; *bytes],
        };
        log.append(&batch).expect("a disk in memory takes it");
    }
    disk
}

fn segments(disk: &MemoryDisk) -> Vec<Vec<u8>> {
    let names = disk.files().into_iter().map(|(name, _)| name);
    let segments = names.filter(|name| name.extension().is_some_and(|end| end == "log"));
    segments
        .map(|name| disk.contents(&name).expect("it was just listed"))
        .collect()
}

/// A part of an input, of a file as it is, or of its records and frames.
fn part(right: u8, file: &[u8]) -> Vec<u8> {
    let bytes = match right & Right::AS_IT_IS {
        0 => [
            &file[..64],
            &file[512..576],
            &file[1024..1088],
            &file[4096..written(file)],
        ]
        .concat(),
        _ => file.to_vec(),
    };
    let len = u16::try_from(bytes.len()).expect("a seed is small");
    [&[right], &len.to_le_bytes()[..], &bytes].concat()
}

/// Where the zeros at the end begin, to the next frame.
fn written(file: &[u8]) -> usize {
    let last = file.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    (last + 1).next_multiple_of(64).max(4096)
}

fn logs() -> std::io::Result<()> {
    let one = segments(&log(&[20, 300, 700]));
    let two = segments(&log(&[300, 800, 500, 200]));
    let all = Right::JOINED | Right::HEADER | Right::STAMPS | Right::FRAME_HEADERS | Right::CHAINED;
    let checksums = Right::HEADER | Right::STAMPS | Right::FRAME_HEADERS;
    put("log_open", "one-as-it-is", &part(Right::AS_IT_IS, &one[0]))?;
    put("log_open", "one-checksums-right", &part(checksums, &one[0]))?;
    put(
        "log_open",
        "one-all-right",
        &part(all | Right::BEGINS, &one[0]),
    )?;
    put(
        "log_open",
        "empty",
        &part(all | Right::BEGINS, &segments(&log(&[]))[0]),
    )?;
    let parts: Vec<u8> = two.iter().flat_map(|file| part(checksums, file)).collect();
    put("log_open", "two-checksums-right", &parts)?;
    let rights = [all | Right::BEGINS | Right::SEALED, all];
    let parts: Vec<u8> = two
        .iter()
        .zip(rights)
        .flat_map(|(file, right)| part(right, file))
        .collect();
    put("log_open", "two-all-right", &parts)?;
    let mut torn = one[0].clone();
    torn[4096 + 64 + 128..].fill(0);
    put("log_open", "torn", &part(checksums, &torn))?;
    let again = kept_aside(&[20, 300, 700]);
    let mut torn = one[0].clone();
    let last = written(&torn) - 300;
    torn[last..last + 200].fill(0x77);
    put(
        "log_open",
        "kept-aside-as-it-is",
        &with_again(Right::AS_IT_IS, &torn, 0, &again),
    )?;
    put(
        "log_open",
        "kept-aside-all-right",
        &with_again(
            all | Right::BEGINS,
            &one[0],
            Right::HEADER | Right::CHAINED,
            &again,
        ),
    )
}

/// What a start keeps aside of such a log.
fn kept_aside(sizes: &[usize]) -> Vec<u8> {
    let interrupted = |change| {
        let disk = log(sizes);
        disk.crash_at(disk.changes() + change);
        drop(FileLog::open(disk.clone(), Path::new("log"), OPTIONS));
        disk.contents(Path::new("log/again")).ok()
    };
    let kept = (1..100).find_map(interrupted);
    kept.expect("every start keeps the last frame aside")
}

fn with_again(right: u8, file: &[u8], again_right: u8, again: &[u8]) -> Vec<u8> {
    let len = u16::try_from(again.len()).expect("a seed is small");
    let head = [&[Right::AGAIN | again_right], &len.to_le_bytes()[..]].concat();
    [&part(right, file), &head, again].concat()
}

fn snapshots() -> std::io::Result<()> {
    let (_, state) = day::day();
    let mut stream = Vec::new();
    onhand_wire::snapshot::write(&state.freeze(), &mut stream, |_| {})?;
    let disk = MemoryDisk::new();
    let store = SnapshotStore::new(disk.clone(), Path::new("snapshots"))
        .expect("an empty disk takes a folder");
    let mut writer = store.writer(snapshot::POSITION)?;
    writer.write_all(&stream)?;
    writer.finish()?;
    let (name, _) = disk.files().swap_remove(0);
    let file = disk.contents(&name)?;
    put("snapshot", "file", &with_first(snapshot::AS_IT_IS, &file))?;
    put(
        "snapshot",
        "file-checked",
        &with_first(snapshot::CHECKED, &file),
    )?;
    put("snapshot", "stream", &with_first(snapshot::STREAM, &stream))?;
    put(
        "snapshot",
        "items",
        &with_first(snapshot::ITEMS, &stream[5..]),
    )
}

fn feature_stores() -> std::io::Result<()> {
    let entries = features::entries();
    let (head, check) = features::AROUND;
    let after = [
        ("empty", 0),
        ("after-a-delivery", 3),
        ("after-a-day", entries.len()),
    ];
    after.iter().try_for_each(|(name, count)| {
        let file = features::store(&entries[..*count]).snapshot();
        let arrays = &file[head..file.len() - check];
        put("features", name, &with_first(features::AS_IT_IS, &file))?;
        let name = format!("{name}-arrays");
        put("features", &name, &with_first(features::ARRAYS, arrays))
    })
}

fn models() -> std::io::Result<()> {
    let knots = vec![(-2.0, 0.1), (0.5, 0.5), (3.0, 0.95)];
    let (slope, intercept) = (0.9, -0.1);
    let (a, b, c) = (1.2, 0.8, 0.3);
    let calibrations = [
        ("plain", Calibration::None),
        ("platt", Calibration::Platt { slope, intercept }),
        ("beta", Calibration::Beta { a, b, c }),
        ("isotonic", Calibration::Isotonic { knots }),
    ];
    calibrations
        .into_iter()
        .try_for_each(|(name, calibration)| {
            let model = model::model(calibration);
            let bytes = model.to_bytes().expect("a model is plain data");
            let json = model.to_json().expect("its numbers are finite");
            put("model", name, &with_first(model::COMPACT, &bytes))?;
            let told = &bytes[..bytes.len() - model::CHECK];
            let unchecked = format!("{name}-unchecked");
            put("model", &unchecked, &with_first(model::UNCHECKED, told))?;
            let name = format!("{name}-json");
            put("model", &name, &with_first(model::JSON, json.as_bytes()))
        })
}
