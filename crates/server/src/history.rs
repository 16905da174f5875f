//! Reading the ledger from disk, away from the threads that serve requests, and only so many readers at once.

use crate::app::{App, Shared};
use crate::problem::Denied;
use onhand_core::{Entry, Seq};
use onhand_engine::Origin;
use onhand_engine::history::HistoryError;
use onhand_wire::json::problem::Kind;
use onhand_wire::json::time::Time;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Runs `read` on a thread that may block. A reading that takes too long is answered as such; it holds its place
/// until it ends, so that slow readings cannot pile up.
pub(crate) async fn reading<T: Send + 'static>(
    app: &Shared,
    read: impl FnOnce(&App) -> Result<T, Denied> + Send + 'static,
) -> Result<T, Denied> {
    reading_for(app, Origin::default(), read).await
}

/// The same, for a caller who may not wait so long. What has not begun by his time is not done at all.
pub(crate) async fn reading_for<T: Send + 'static>(
    app: &Shared,
    origin: Origin,
    read: impl FnOnce(&App) -> Result<T, Denied> + Send + 'static,
) -> Result<T, Denied> {
    reading_in(app, origin, Arc::clone(&app.ledger_reads), read).await
}

/// The same, in another queue.
pub(crate) async fn reading_in<T: Send + 'static>(
    app: &Shared,
    origin: Origin,
    turn: Arc<Semaphore>,
    read: impl FnOnce(&App) -> Result<T, Denied> + Send + 'static,
) -> Result<T, Denied> {
    let owned = Arc::clone(app);
    let work = async move {
        let place = Semaphore::acquire_owned(turn).await;
        let read = spawn_blocking(move || {
            let _place = place;
            read(&owned)
        });
        read.await
            .unwrap_or_else(|error| Err(Denied::internal(&error)))
    };
    let (patience, told) = app.patience(origin);
    timeout(patience, work).await.unwrap_or(Err(told))
}

/// The entry that answered a request before.
pub(crate) async fn entry(app: &Shared, partition: u16, seq: Seq) -> Result<Box<Entry>, Denied> {
    let turn = Arc::clone(&app.entry_reads);
    reading_in(app, Origin::default(), turn, move |app| {
        entry_now(app, partition, seq)
    })
    .await
}

/// The entries that answered requests before, each with its partition, all in one visit to the disk.
pub(crate) async fn entries(
    app: &Shared,
    places: Vec<(u16, Seq)>,
) -> Result<Vec<Result<Box<Entry>, Denied>>, Denied> {
    let turn = Arc::clone(&app.entry_reads);
    reading_in(app, Origin::default(), turn, move |app| {
        let read = |(partition, seq)| entry_now(app, partition, seq);
        Ok(places.into_iter().map(read).collect())
    })
    .await
}

/// The entry that answered a request before; blocks.
pub(crate) fn entry_now(app: &App, partition: u16, seq: Seq) -> Result<Box<Entry>, Denied> {
    let entry = app
        .engine
        .entry(partition, seq)
        .map_err(unreadable_ledger)?;
    let entry = entry.ok_or_else(|| {
        Denied::internal(&format!("there is no entry {seq} in partition {partition}"))
    })?;
    Ok(Box::new(entry))
}

/// The problem of a ledger that cannot be read, or does not reach so far back.
pub(crate) fn unreadable_ledger(error: HistoryError) -> Denied {
    match error {
        HistoryError::Trimmed(oldest) => {
            let oldest = Time(oldest);
            let detail =
                format!("The ledger begins at {oldest}: what was before is not kept any more.");
            Denied::new(Kind::TooOld, detail).parameter("at", format!("is before {oldest}"))
        }
        other => Denied::internal(&other),
    }
}
