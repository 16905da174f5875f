//! A disk without room, and a disk that fails.

use super::{MemoryFileLog, contents, create, dir, inspect, open, scripted};
use crate::batch::Batch;
use crate::conformance::batch_after;
use crate::disk::{Call, MemoryDisk, seeded};
use crate::log::{AppendError, Log, ReadError};
use std::io::ErrorKind;

#[test]
fn a_full_disk_refuses_appends_until_there_is_room() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    disk.set_capacity(20 << 10);
    let mut kept = Vec::new();
    let refused = loop {
        let batch = batch_after(log.tail(), 1, 700);
        match log.append(&batch) {
            Ok(_) => kept.push(batch),
            Err(AppendError::Full { .. }) => break batch,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(kept.len(), 8, "two segments of four batches each");
    assert_eq!(contents(&log), kept, "reads go on");
    assert!(matches!(
        log.append(&refused),
        Err(AppendError::Full { .. })
    ));
    disk.set_capacity(u64::MAX);
    log.append(&refused).unwrap();
    kept.push(refused);
    assert_eq!(contents(&log), kept);
}

#[test]
fn a_full_disk_can_be_started_on_and_trimmed() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    for n in 0..20 {
        let batch = scripted(&log, n);
        log.append(&batch).unwrap();
    }
    let kept = contents(&log);
    drop(log);
    disk.set_capacity(0);
    disk.restart(&mut |_| 0);
    let (mut log, _) = open(&disk).unwrap();
    assert_eq!(contents(&log), kept);
    log.trim(log.tail().next).unwrap();
    assert_eq!(log.segments().len(), 1);
}

/// Found by the simulator: a sync of the folder fails as the next segment gets its name, and the start after it finds no
/// room to make that segment anew. What is taken must not go into a segment that the power takes away, and nothing may
/// say that there is such a one.
#[test]
fn a_segment_whose_name_may_be_lost_takes_nothing_until_there_is_room() {
    let mut lost = 0;
    for seed in 0..16 {
        let disk = MemoryDisk::seeded(seed);
        let mut log = create(&disk).unwrap();
        let mut kept = Vec::new();
        for _ in 0..4 {
            let batch = batch_after(log.tail(), 1, 700);
            log.append(&batch).unwrap();
            kept.push(batch);
        }
        disk.fail_next(Call::SyncFolder, ErrorKind::TimedOut);
        let next = batch_after(log.tail(), 1, 700);
        assert!(matches!(log.append(&next), Err(AppendError::Broken(_))));
        drop(log);
        disk.set_capacity(0);
        let (mut log, _) = open(&disk).unwrap();
        assert!(matches!(log.append(&next), Err(AppendError::Full { .. })));
        log.trim(next.first).unwrap();
        let without_power = |disk: &MemoryDisk| {
            let copy = disk.fork();
            copy.restart(&mut |_| 0);
            let (log, found) = open(&copy).unwrap();
            (contents(&log), found.segments)
        };
        let (there, segments) = without_power(&disk);
        assert_eq!(there, kept, "seed {seed}");
        lost += usize::from(segments == 1);
        disk.set_capacity(u64::MAX);
        log.append(&next).unwrap();
        kept.push(next);
        assert_eq!(without_power(&disk), (kept.clone(), 2), "seed {seed}");
        log.trim(kept[4].first).unwrap();
        assert_eq!(without_power(&disk), (kept[4..].to_vec(), 1), "seed {seed}");
    }
    assert!(lost > 3, "the test tests something");
}

#[test]
fn after_a_failed_sync_nothing_is_taken_until_the_log_is_opened_again() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    let kept = batch_after(log.tail(), 1, 900);
    log.append(&kept).unwrap();
    let doubtful = batch_after(log.tail(), 1, 900);
    disk.fail_syncs(true);
    assert!(matches!(log.append(&doubtful), Err(AppendError::Broken(_))));
    assert_eq!(contents(&log).len(), 1, "readers do not see it");
    disk.fail_syncs(false);
    let changes = disk.changes();
    for batch in [&doubtful, &batch_after(log.tail(), 1, 10)] {
        assert!(matches!(log.append(batch), Err(AppendError::Broken(_))));
    }
    assert_eq!(disk.changes(), changes, "the disk was not touched");
    drop(log);
    let (mut log, _) = open(&disk).unwrap();
    let found = contents(&log);
    assert!(found == [kept.clone()] || found == [kept, doubtful]);
    let batch = scripted(&log, 1);
    log.append(&batch).unwrap();
}

/// After a failed sync the system may show what is not on the disk. What a start shows must be there after a crash.
#[test]
fn a_start_makes_durable_what_it_shows() {
    let mut shown_but_not_durable = 0;
    for spare in 0..16 {
        let disk = MemoryDisk::new();
        let mut log = create(&disk).unwrap();
        for n in 0..spare {
            log.append(&batch_after(log.tail(), 1, 20 + n)).unwrap();
        }
        disk.fail_syncs(true);
        let doubtful = batch_after(log.tail(), 1, 1_700);
        assert!(log.append(&doubtful).is_err());
        drop(log);
        disk.fail_syncs(false);
        let lost = disk.fork();
        let shown = contents(&open(&disk).unwrap().0);
        disk.restart(&mut |_| 0);
        assert_eq!(contents(&open(&disk).unwrap().0), shown);
        lost.restart(&mut |_| 0);
        shown_but_not_durable += usize::from(contents(&open(&lost).unwrap().0) != shown);
    }
    assert!(shown_but_not_durable > 3, "the test tests something");
}

/// Found by the simulator: power is lost within the start after a failed sync, and the write of that start is torn within
/// a sector. What was acknowledged is there, what was not is there as a whole or not at all, and nothing is refused.
#[test]
fn a_start_after_a_failed_sync_may_be_interrupted_anywhere() {
    let mut tries = 0;
    for spare in 0..6 {
        let disk = MemoryDisk::new();
        let mut log = create(&disk).unwrap();
        for n in 0..spare {
            log.append(&batch_after(log.tail(), 1, 20 + n)).unwrap();
        }
        disk.fail_next_sync();
        let doubtful = batch_after(log.tail(), 1, 1_700);
        assert!(log.append(&doubtful).is_err());
        let kept = contents(&log);
        drop(log);
        let with_doubtful = [kept.as_slice(), &[doubtful]].concat();
        for change in 1..40 {
            for seed in 0..40 {
                let disk = disk.fork();
                disk.crash_at(disk.changes() + change);
                drop(open(&disk));
                disk.restart(&mut seeded(seed));
                inspect(&disk).unwrap();
                let found = contents(&open(&disk).unwrap().0);
                assert!(
                    found == kept || found == with_doubtful,
                    "{spare} {change} {seed}"
                );
                tries += 1;
            }
        }
    }
    assert_eq!(tries, 6 * 39 * 40);
}

/// One change fails, whichever it is: what was acknowledged stays, what was refused as retriable is not there and can
/// be tried again, and a broken log is as it should be after it was opened again.
#[test]
fn any_one_failure_loses_nothing() {
    let mut change = 1;
    while [ErrorKind::StorageFull, ErrorKind::Other]
        .into_iter()
        .all(|kind| (0..6).all(|seed| fail_once(change, kind, seed)))
    {
        change += 1;
    }
    assert!(change > 60, "the script is as long as it was meant to be");
}

/// What to do about a refused batch.
fn reaction(seed: u64) -> Reaction {
    match seed % 3 {
        0 => Reaction::Again,
        1 => Reaction::Another,
        _ => Reaction::Crash,
    }
}

enum Reaction {
    Again,
    Another,
    Crash,
}

fn fail_once(change: u64, kind: ErrorKind, seed: u64) -> bool {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    disk.fail_at(disk.changes() + change, kind);
    let mut kept: Vec<Batch> = Vec::new();
    let mut failed = false;
    for n in 0..20 {
        let batch = scripted(&log, n);
        if let Err(error) = log.append(&batch) {
            failed = true;
            log = react(log, &disk, &batch, &error, &kept, seed);
            if log.tail() == batch.tail() {
                kept.push(batch);
                continue;
            }
            let batch = match reaction(seed) {
                Reaction::Another => scripted(&log, n + 1),
                _ => batch,
            };
            log.append(&batch).unwrap();
            kept.push(batch);
        } else {
            kept.push(batch);
        }
    }
    assert_eq!(contents(&log), kept);
    drop(log);
    disk.restart(&mut seeded(seed));
    assert_eq!(contents(&open(&disk).unwrap().0), kept);
    assert_eq!(inspect(&disk).unwrap().batches, kept.len() as u64);
    failed
}

/// Gives a log that takes appends: the same one where that must work, or opened again.
fn react(
    log: MemoryFileLog,
    disk: &MemoryDisk,
    batch: &Batch,
    error: &AppendError,
    kept: &[Batch],
    seed: u64,
) -> MemoryFileLog {
    assert_eq!(contents(&log), kept);
    let broken = match error {
        AppendError::Broken(_) => true,
        AppendError::Full { .. } | AppendError::Unavailable(_) => false,
        other => panic!("{other}"),
    };
    if matches!(reaction(seed), Reaction::Crash) {
        drop(log);
        disk.restart(&mut seeded(seed));
    } else if broken {
        drop(log);
    } else {
        return log;
    }
    let log = open(disk).unwrap().0;
    let found = contents(&log);
    let with_it = [kept, std::slice::from_ref(batch)].concat();
    assert!(found == kept || broken && found == with_it);
    log
}

/// Whatever fails in a trim, what was not to be trimmed is there, also when the machine stops after the next start.
#[test]
fn a_trim_that_fails_loses_nothing() {
    for (appends, change) in (15..35).flat_map(|appends| (1..8).map(move |n| (appends, n))) {
        let disk = MemoryDisk::new();
        let mut log = create(&disk).unwrap();
        for n in 0..appends {
            let batch = scripted(&log, n);
            log.append(&batch).unwrap();
        }
        let all = contents(&log);
        let before = all[all.len() / 2].first;
        let failing = disk.changes() + change;
        disk.fail_at(failing, ErrorKind::Other);
        let trimmed = log.trim(before);
        drop(log);
        if disk.changes() < failing {
            trimmed.unwrap();
            continue;
        }
        assert!(trimmed.is_err());
        let kept = contents(&open(&disk).unwrap().0);
        assert!(all.ends_with(&kept) && kept[0].first <= before);
        disk.restart(&mut |_| 0);
        assert_eq!(contents(&open(&disk).unwrap().0), kept);
    }
}

/// The mark of the beginning may go into the very file in which batches wait for their sync: a sync of it that fails
/// must not lose them, and have a later sync believed.
#[test]
fn a_trim_that_fails_loses_nothing_that_is_said_to_be_durable() {
    for (writes, change) in (15..35).flat_map(|writes| (1..8).map(move |n| (writes, n))) {
        let disk = MemoryDisk::new();
        let mut log = create(&disk).unwrap();
        for n in 0..writes {
            let batch = scripted(&log, n);
            log.write(&batch).unwrap();
        }
        let all = contents(&log);
        disk.fail_at(disk.changes() + change, ErrorKind::Other);
        drop(log.trim(log.tail().next - 1));
        let synced = log.sync();
        let durable = log.durable();
        drop(log);
        disk.restart(&mut |_| 0);
        let kept = contents(&open(&disk).unwrap().0);
        let there = kept.last().map_or(1, Batch::next);
        assert!(there >= durable, "{there} of {durable}, {writes} {change}");
        assert!(synced.is_err() || all.ends_with(&kept));
    }
}

/// An empty segment gives way to a longer one; the log still begins there.
#[test]
fn the_first_batch_may_need_more_room_than_a_segment_has() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    let reader = log.reader();
    let large = batch_after(log.tail(), 1, 50_000);
    log.append(&large).unwrap();
    assert_eq!(reader.batch_at(1).unwrap().as_ref(), Some(&large));
    assert_eq!(log.segments().len(), 1);
    drop(log);
    disk.restart(&mut |_| 0);
    assert_eq!(contents(&open(&disk).unwrap().0), [large]);
}

#[test]
fn two_owners_are_told_apart() {
    let disk = MemoryDisk::new();
    let log = create(&disk).unwrap();
    for refused in [
        open(&disk).err().unwrap(),
        create(&disk).err().unwrap(),
        inspect(&disk).err().unwrap(),
    ] {
        assert!(refused.to_string().contains("another process"), "{refused}");
    }
    drop(log);
    open(&disk).unwrap();
}

#[test]
fn a_folder_that_holds_a_log_is_not_created_again() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    let batch = scripted(&log, 1);
    log.append(&batch).unwrap();
    drop(log);
    let refused = create(&disk).err().unwrap().to_string();
    assert!(refused.contains(dir().to_str().unwrap()), "{refused}");
}

/// Found by the simulator: who only reads asks the frames that were kept aside whether a start was interrupted. If the
/// disk does not give them, that is an error of the disk, and neither damage nor a sound log.
#[test]
fn a_disk_that_does_not_give_the_kept_frames_is_no_damage() {
    let mut tries = 0;
    for disk in interrupted_starts() {
        let mut read = 1;
        loop {
            let disk = disk.fork();
            disk.fail_read_at(disk.reads() + read, ErrorKind::TimedOut);
            let found = inspect(&disk);
            if disk.happened().failed_reads == 0 {
                break;
            }
            assert!(
                matches!(found, Err(ReadError::Io { .. })),
                "{read}: {found:?}"
            );
            read += 1;
            tries += 1;
        }
    }
    assert!(tries > 20, "the test tests something: {tries}");
}

/// Disks on which a start was interrupted, so that only the frames kept aside tell what they hold from damage.
fn interrupted_starts() -> impl Iterator<Item = MemoryDisk> {
    let failed = (0..6).map(|spare| {
        let disk = MemoryDisk::new();
        let mut log = create(&disk).unwrap();
        for n in 0..spare {
            log.append(&batch_after(log.tail(), 1, 20 + n)).unwrap();
        }
        disk.fail_next_sync();
        log.append(&batch_after(log.tail(), 1, 1_700)).unwrap_err();
        disk
    });
    let interrupted = failed.flat_map(|disk| {
        (0..1_600).map(move |n| {
            let (change, seed) = (n % 40, n / 40);
            let disk = disk.fork();
            disk.crash_at(disk.changes() + change);
            drop(open(&disk));
            disk.restart(&mut seeded(seed));
            disk
        })
    });
    interrupted.filter(|disk| {
        let (without, kept) = (disk.fork(), dir().join("again"));
        let is_kept = without.contents(&kept).is_ok();
        if is_kept {
            without.lose(&kept);
        }
        is_kept && matches!(inspect(&without), Err(ReadError::Damaged { .. }))
    })
}

/// The mark of a trim may lie in the file that takes what is not synced yet. If its sync fails, what was written before
/// it is not believed by a later one.
#[test]
fn the_sync_of_a_mark_is_not_the_first_of_what_was_written() {
    let mut failed = 0;
    for seed in 0..32 {
        let disk = MemoryDisk::seeded(seed);
        let mut log = create(&disk).unwrap();
        for _ in 0..5 {
            log.append(&batch_after(log.tail(), 1, 700)).unwrap();
        }
        log.write(&batch_after(log.tail(), 1, 300)).unwrap();
        disk.fail_next_sync();
        failed += usize::from(log.trim(log.tail().next).is_err());
        let claimed = log.sync().map_or(0, |()| log.durable());
        drop(log);
        disk.restart(&mut |_| 0);
        let (log, _) = open(&disk).unwrap();
        assert!(log.tail().next >= claimed, "seed {seed}: {claimed}");
    }
    assert_eq!(failed, 32, "every trim has failed");
}

/// Found by the simulator: a segment that cannot be read now may be the one that the log begins with. A start is refused
/// with what the system said, nothing is taken for remains of a trim, and the next start finds all.
#[test]
fn a_segment_that_cannot_be_read_now_is_not_passed_over() {
    let disk = MemoryDisk::new();
    let mut log = create(&disk).unwrap();
    for _ in 0..20 {
        log.append(&batch_after(log.tail(), 1, 700)).unwrap();
    }
    // The old beginning stays on the disk, with a mark of its own.
    disk.fail_next(Call::Remove, ErrorKind::TimedOut);
    log.trim(10).unwrap_err();
    let kept = contents(&log);
    assert_eq!(kept[0].first, 9);
    drop(log);
    disk.restart(&mut |_| 1);
    assert!(
        contents_of_files(&disk) > kept.len(),
        "the test tests something"
    );
    let mut refused = 0;
    loop {
        let copy = disk.fork();
        copy.fail_read_at(copy.reads() + refused + 1, ErrorKind::TimedOut);
        match open(&copy) {
            Err(ReadError::Io { .. }) => refused += 1,
            Ok(_) if copy.happened().failed_reads == 0 => break,
            other => panic!("read {refused}: {:?}", other.map(|(_, found)| found)),
        }
        copy.calm();
        assert_eq!(contents(&open(&copy).unwrap().0), kept);
    }
    assert!(refused > 10, "every read was refused once: {refused}");
}

/// How many batches the segments of four could hold.
fn contents_of_files(disk: &MemoryDisk) -> usize {
    let files = disk.files().into_iter().map(|(path, _)| path);
    4 * files
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .count()
}
