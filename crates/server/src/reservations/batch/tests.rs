//! What a repeat in a batch waits for, and what it may cost the others.

use super::*;
use crate::options::Options;
use onhand_engine::{Engine, Options as EngineOptions};
use onhand_wire::json::read::read;
use onhand_wire::json::receipts::ReceiptRequest;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

/// Has something done in a shop that has milk, and in which nobody waits longer than a moment.
fn in_a_shop(done: impl AsyncFn(&Shared)) {
    let folder = tempfile::tempdir().unwrap();
    let app = shop(folder.path());
    Runtime::new().unwrap().block_on(async {
        let receipt = r#"{"location": "store", "lines": [{"sku": "milk", "quantity": 9}]}"#;
        let receipt: ReceiptRequest = read(receipt.as_bytes()).unwrap();
        let request = Asked::Command {
            key: None,
            command: receipt.into(),
            at: None,
        };
        app.ask(Origin::default(), 0, request).await.unwrap();
        done(&app).await;
    });
}

fn shop(folder: &Path) -> Shared {
    let mut registry = Registry::default();
    let options = EngineOptions {
        partitions: Some(1),
        segment_bytes: 1 << 20,
        ..EngineOptions::default()
    };
    let opened = Engine::open(folder, options, &mut registry, &mut |_, _, _| {});
    let options = Options {
        answer_timeout: Duration::from_millis(500),
        ..Options::default()
    };
    crate::app::app(opened.unwrap().0, registry, options)
}

/// What each of a batch is answered with, and whether it was made before.
async fn reserve(app: &Shared, keys: &[&str]) -> Vec<(u16, bool)> {
    let item = |key: &&str| {
        let lines = r#"[{"sku": "milk", "quantity": 1}]"#;
        format!(
            r#"{{"idempotency_key": "{key}", "location": "store", "lines": {lines}, "ttl_seconds": 60}}"#
        )
    };
    let items: Vec<String> = keys.iter().map(item).collect();
    let body = format!(r#"{{"reservations": [{}]}}"#, items.join(","));
    let request = read(body.as_bytes()).unwrap();
    let statuses = |all: Vec<Reserved<'_>>| {
        let status = |one: Reserved<'_>| match one {
            Ok((_, is_repeat)) => (201, is_repeat),
            Err(denied) => (denied.problem.status, false),
        };
        all.into_iter().map(status).collect()
    };
    let done = reserve_all(app, Origin::default(), request, statuses);
    done.await.unwrap()
}

#[test]
fn a_reading_of_the_ledger_waits_for_its_place_no_longer_than_its_caller() {
    in_a_shop(async |app| {
        let _long = fill(&app.ledger_reads).await;
        let deadline = app.engine.clock().moment().plus(Duration::from_millis(30));
        let origin = Origin {
            deadline: Some(deadline),
            ..Origin::default()
        };
        let read = crate::history::reading_for(app, origin, |_| Ok(()));
        let denied = read.await.unwrap_err();
        assert_eq!(denied.problem.r#type, "urn:onhand:problem:late");
        let patient = crate::history::reading(app, |_| Ok(()));
        let denied = patient.await.unwrap_err();
        assert_eq!(denied.problem.r#type, "urn:onhand:problem:no-answer");
    });
}

/// Takes all places for readings.
async fn fill(places: &Arc<Semaphore>) -> tokio::sync::OwnedSemaphorePermit {
    let all = places.available_permits() as u32;
    Arc::clone(places).acquire_many_owned(all).await.unwrap()
}

#[test]
fn a_repeat_in_a_batch_does_not_wait_behind_long_readings_of_the_ledger() {
    in_a_shop(async |app| {
        assert_eq!(reserve(app, &["a"]).await, [(201, false)]);
        let _long = fill(&app.ledger_reads).await;
        let answers = reserve(app, &["a", "b"]).await;
        assert_eq!(answers, [(201, true), (201, false)]);
    });
}

#[test]
fn a_repeat_that_cannot_be_read_takes_no_answer_from_the_others() {
    in_a_shop(async |app| {
        assert_eq!(reserve(app, &["a"]).await, [(201, false)]);
        let readings = fill(&app.entry_reads).await;
        let answers = reserve(app, &["b", "a", "c"]).await;
        assert_eq!(answers, [(201, false), (503, false), (201, false)]);
        drop(readings);
        let again = reserve(app, &["b", "a", "c"]).await;
        assert_eq!(again, [(201, true); 3], "told, and done once");
    });
}
