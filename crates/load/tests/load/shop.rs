//! A small server, in this process.

use onhand_engine::{Engine, Options as EngineOptions};
use onhand_server::{Limits, Options, app, http, serve};
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A server over a data folder of its own.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
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
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let app = app(Arc::clone(&engine), registry, Options::default());
        let for_ever = std::future::pending();
        runtime.spawn(serve(listener, http(app), Limits::default(), for_ever));
        Self {
            address,
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
}

/// Its levels: five locations.
pub(crate) const LEVELS: [&str; 4] = ["--levels", "50", "--skus", "10"];

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.engine.stop();
    }
}
