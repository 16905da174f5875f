//! A small server, in this process.

use onhand_engine::{Engine, Options as EngineOptions};
use onhand_server::{Limits, Options, app, grpc, http, serve, serve_grpc};
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A server over a data folder of its own.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) grpc_address: SocketAddr,
    engine: Arc<Engine>,
    runtime: Option<Runtime>,
    _data: TempDir,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let data = TempDir::new().unwrap();
        let mut registry = Registry::default();
        let options = EngineOptions {
            segment_bytes: 8 << 20,
            ..EngineOptions::default()
        };
        let (engine, _) =
            Engine::open(data.path(), options, &mut registry, &mut |_, _, _| {}).unwrap();
        let runtime = Runtime::new().unwrap();
        let listen = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (listener, grpc_listener) = (listen(), listen());
        let address = listener.local_addr().unwrap();
        let grpc_address = grpc_listener.local_addr().unwrap();
        let options = Options {
            tenants_from_header: true,
            ..Options::default()
        };
        let app = app(Arc::clone(&engine), registry, options);
        let (for_ever, limits) = (std::future::pending, Limits::default());
        let calls = grpc(Arc::clone(&app));
        runtime.spawn(serve_grpc(grpc_listener, calls, limits, for_ever()));
        runtime.spawn(serve(listener, http(app), limits, for_ever()));
        Self {
            address,
            grpc_address,
            engine,
            runtime: Some(runtime),
            _data: data,
        }
    }

    /// A shop with 50 levels, filled by the binary.
    pub(crate) fn filled() -> Self {
        let shop = Self::open();
        let to = shop.address.to_string();
        let fill = crate::load(&[&["fill", "--to", &to], &LEVELS[..]].concat());
        assert!(fill.status.success(), "{fill:?}");
        shop
    }

    /// Units that the stock says are reserved.
    pub(crate) fn reserved(&self) -> u64 {
        let to = self.address.to_string();
        let get = |location, sku| {
            let mut stream = TcpStream::connect(&to).unwrap();
            let path = format!("/v1/stock/store-{location:06}/sku-{sku:06}");
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let level = answer.split_once("\r\n\r\n").unwrap().1;
            let level: Value = serde_json::from_str(level).unwrap();
            level["reserved"].as_u64().unwrap()
        };
        let levels = (0..5).flat_map(|location| (0..10).map(move |sku| (location, sku)));
        levels.map(|(location, sku)| get(location, sku)).sum()
    }

    /// Cuts all connections, and takes no more.
    pub(crate) fn go_away(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Its levels: five locations.
pub(crate) const LEVELS: [&str; 4] = ["--levels", "50", "--skus", "10"];

impl Drop for Shop {
    fn drop(&mut self) {
        self.go_away();
        self.engine.stop();
    }
}
