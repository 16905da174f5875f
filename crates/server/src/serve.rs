//! The connections: accepting them, bounding them, and closing them gracefully.
//!
//! Each connection is a task. The head of a request must come in in time, so a client that trickles it holds no more
//! than its own connection; there are only so many of those. At the stop nothing new is accepted, requests in flight
//! are answered, and what takes longer than the grace is cut.

use crate::options::Limits;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// How long to wait after the system refused a connection, most often for want of file descriptors.
const AFTER_A_FAILURE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is done, then stops gracefully. It never fails: what goes wrong with one connection is that
/// connection's affair.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let http = http(limits);
    let places = Arc::new(Semaphore::new(limits.connections.max(1)));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let service = TowerToHyperService::new(app.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    stop(graceful, limits.grace).await;
}

fn http(limits: Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout);
    http
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                set_no_delay(&stream);
                return (stream, place);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted now");
                sleep(AFTER_A_FAILURE).await;
            }
        }
    }
}

/// Answers are small and whole: waiting for more to send only makes them late.
fn set_no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn stop(graceful: GracefulShutdown, grace: Duration) {
    let open = graceful.count();
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            open,
            seconds = grace.as_secs(),
            "connections did not end in time and are cut"
        );
    }
}
