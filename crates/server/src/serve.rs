//! The connections: accepting them, bounding them, and closing them gracefully.
//!
//! Each connection is a task. The head of a request must come in in time, so a client that trickles it holds no more
//! than its own connection; there are only so many of those. At the stop nothing new is accepted, requests in flight
//! are answered, and what takes longer than the grace is cut.

use crate::grpc::Grpc;
use crate::options::Limits;
use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// A gRPC connection that says nothing for so long is asked whether it is still there.
const PING_AFTER: Duration = Duration::from_secs(30);
/// Bytes that a client may send ahead on one request, and on a connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Connections that may wait to be accepted. Who finds no room asks again after a second, for the system drops what asks
/// for one: a few hundred clients who come at once must not wait so long. The system may allow fewer (`somaxconn`).
const BACKLOG: u32 = 4096;
/// How long to wait after the system refused a connection, most often for want of file descriptors.
const AFTER_A_FAILURE: Duration = Duration::from_millis(100);

/// Listens at an address, with room for many who connect at once. Needs a runtime.
///
/// # Errors
/// The address is taken, or not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // What has just stopped may be started again, though its connections are not all forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves HTTP until `shutdown` is done, then stops gracefully. It never fails: what goes wrong with one connection is
/// that connection's affair.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout);
    let connect = |stream| {
        let service = TowerToHyperService::new(app.clone());
        http.serve_connection(TokioIo::new(stream), service)
    };
    accept_all(listener, limits, shutdown, connect).await;
}

/// Serves gRPC until `shutdown` is done, then stops gracefully.
pub async fn serve_grpc(
    listener: TcpListener,
    grpc: Grpc,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(limits.requests_per_connection)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(limits.header_timeout);
    let connect = |stream| {
        let grpc = grpc.clone();
        let service = service_fn(move |request| grpc.clone().answer(request));
        http.serve_connection(TokioIo::new(stream), service)
    };
    let shutdown = async {
        shutdown.await;
        grpc.stop();
    };
    accept_all(listener, limits, shutdown, connect).await;
}

/// Accepts connections until `shutdown` is done, then lets those that there are come to their end.
async fn accept_all<C>(
    listener: TcpListener,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
    connect: impl Fn(TcpStream) -> C,
) where
    C: GracefulConnection<Error = hyper::Error> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections.max(1)));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let connection = graceful.watch(connect(stream));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as Client;

    #[tokio::test]
    async fn hundreds_who_connect_at_once_do_not_wait_until_they_are_accepted() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let soon = Duration::from_millis(500);
        // Kept open: who has gone needs no room.
        let clients: Vec<io::Result<Client>> = (0..600)
            .map(|_| Client::connect_timeout(&address, soon))
            .collect();
        assert!(clients.iter().all(Result::is_ok));
    }
}
