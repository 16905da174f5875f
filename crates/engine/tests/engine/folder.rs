//! The data folder: whose it is, and what a crash while it is made leaves.

use crate::requests::receive;
use crate::running::{ManualClock, hash, open, options, record, try_open};
use onhand_engine::folder::FolderError;
use onhand_engine::verify::Reading;
use onhand_engine::{OpenError, Options};

fn refusal(path: &std::path::Path, options: Options) -> FolderError {
    match try_open(path, options) {
        Err(OpenError::Folder(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_folder_is_for_one_at_a_time_and_free_after_a_stop() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    assert!(matches!(
        refusal(folder.path(), options(&clock)),
        FolderError::Locked(_)
    ));
    assert!(matches!(
        Reading::open(folder.path()),
        Err(FolderError::Locked(_))
    ));
    engine.stop();
    let second = open(folder.path(), options(&clock));
    drop(engine);
    assert!(matches!(
        refusal(folder.path(), options(&clock)),
        FolderError::Locked(_)
    ));
    second.stop();
}

#[test]
fn one_of_many_that_start_at_once_makes_the_folder() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("new");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            try_open(&path, options(&clock))
                .ok()
                .map(|(engine, _)| engine)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(opened.len(), 1);
    record(&opened[0], 0, receive("s", "apple", 1));
    let before = hash(&opened[0]);
    drop(opened);
    assert_eq!(hash(&open(&path, options(&clock))), before);
}

#[test]
fn a_folder_that_was_never_made_whole_is_made_anew() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let four = Options {
        partitions: Some(4),
        ..options(&clock)
    };
    open(folder.path(), four.clone()).stop();
    let identity = r#"{"format":1,"partitions":4,"is_ready":false}"#;
    for remove in ["partition-3", "partition-2/snapshots", "partition-1/log"] {
        // The settings are entries, and a log with entries is never made anew: begin with fresh logs.
        for partition in 0..4 {
            drop(std::fs::remove_dir_all(
                folder.path().join(format!("partition-{partition}/log")),
            ));
        }
        drop(std::fs::remove_dir_all(folder.path().join(remove)));
        std::fs::write(folder.path().join("identity.json"), identity).unwrap();
        assert!(matches!(
            Reading::open(folder.path()),
            Err(FolderError::Missing(_))
        ));
        let engine = open(folder.path(), four.clone());
        assert_eq!(engine.partitions(), 4);
        engine.stop();
    }
}

#[test]
fn a_folder_that_says_unfinished_but_holds_entries_is_not_made_anew() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let engine = open(folder.path(), options(&clock));
    record(&engine, 0, receive("s", "apple", 1));
    engine.stop();
    let identity = r#"{"format":1,"partitions":1,"is_ready":false}"#;
    std::fs::write(folder.path().join("identity.json"), identity).unwrap();
    assert!(matches!(
        refusal(folder.path(), options(&clock)),
        FolderError::Io { .. }
    ));
}

#[test]
fn what_does_not_fit_is_refused() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let partitions = |count| Options {
        partitions: Some(count),
        ..options(&clock)
    };
    assert!(matches!(
        refusal(folder.path(), partitions(0)),
        FolderError::BadIdentity { .. }
    ));
    open(folder.path(), partitions(2)).stop();
    let wrong = refusal(folder.path(), partitions(3));
    assert!(
        matches!(wrong, FolderError::Partitions { has: 2, wanted: 3 }),
        "{wrong}"
    );

    let identity = folder.path().join("identity.json");
    for bad in [
        "",
        "{}",
        r#"{"format":2,"partitions":2,"is_ready":true}"#,
        r#"{"format":1,"partitions":0,"is_ready":true}"#,
    ] {
        std::fs::write(&identity, bad).unwrap();
        assert!(
            matches!(
                refusal(folder.path(), options(&clock)),
                FolderError::BadIdentity { .. }
            ),
            "{bad}"
        );
    }
    std::fs::remove_file(&identity).unwrap();
    assert!(matches!(
        refusal(folder.path(), options(&clock)),
        FolderError::NoIdentity(_)
    ));
}

#[test]
fn an_identity_with_another_digit_is_refused() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let three = Options {
        partitions: Some(3),
        ..options(&clock)
    };
    open(folder.path(), three).stop();
    let path = folder.path().join("identity.json");
    let identity = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, identity.replace(": 3", ": 1")).unwrap();
    let told = refusal(folder.path(), options(&clock)).to_string();
    assert!(
        told.contains("identity.json") && told.contains("check"),
        "{told}"
    );
}

#[test]
fn looking_at_a_folder_that_is_none_leaves_nothing_there() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        Reading::open(folder.path()),
        Err(FolderError::Missing(_))
    ));
    assert!(matches!(
        Reading::open(&folder.path().join("no")),
        Err(FolderError::Missing(_))
    ));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
