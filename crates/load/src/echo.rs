//! `onhand-load echo`: what the network and the libraries give with nothing behind them.

use crate::failure::Failure;
use crate::grpc;
use axum::Router;
use axum::http::{StatusCode, header};
use clap::Args;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// The answer to a reservation, as the server gives it.
const RESERVED: &str = r#"{"id":"r0-1234567","state":"held","expires_at":"2026-03-01T09:45:00.000Z","lines":[{"sku":"sku-000123","requested":1,"reserved":1}],"sequence":12345678}"#;

/// Answers every request at once with the same bytes, as many as a reservation's answer has. It does nothing else: it
/// is the yardstick for a server that does something, and for the load generator.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  onhand-load echo --http 127.0.0.1:7790 &
  onhand-load run --to 127.0.0.1:7790 --in-flight 64
  onhand-load echo --grpc 127.0.0.1:7791 &
  onhand-load run --to 127.0.0.1:7791 --protocol grpc --in-flight 64
  wrk -t1 -c64 -d5 http://127.0.0.1:7790/")]
pub(crate) struct Echo {
    /// A bare axum server at this address.
    #[arg(long, value_name = "ADDR", required_unless_present = "grpc")]
    http: Option<SocketAddr>,
    /// A bare tonic server at this address. It answers reservations one by one.
    #[arg(long, value_name = "ADDR")]
    grpc: Option<SocketAddr>,
    /// Worker threads; as many as there are cores if not said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Echo {
    /// Answers until it is killed.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = self.threads {
            runtime.worker_threads(usize::from(threads));
        }
        let runtime = runtime.enable_all().build().map_err(Failure::say)?;
        runtime.block_on(async {
            tokio::try_join!(maybe(self.http, http), maybe(self.grpc, grpc::echo))?;
            Ok(())
        })
    }
}

async fn maybe<F: Future<Output = Result<(), Failure>>>(
    address: Option<SocketAddr>,
    serve: impl FnOnce(SocketAddr) -> F,
) -> Result<(), Failure> {
    match address {
        Some(address) => serve(address).await,
        None => Ok(()),
    }
}

async fn http(address: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::say(format!("--http {address}: {error}")))?;
    let app = Router::new().fallback(|| async {
        (
            StatusCode::CREATED,
            [(header::CONTENT_TYPE, "application/json")],
            RESERVED,
        )
    });
    axum::serve(listener, app).await.map_err(Failure::say)
}
