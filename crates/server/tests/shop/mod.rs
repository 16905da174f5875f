//! A server to talk to, over HTTP and gRPC, and what it says.

#![allow(
    dead_code,
    reason = "each of the programs that share it uses a part of it"
)]

pub(crate) mod stall;

use onhand_core::Timestamp;
use onhand_engine::{Clock, Engine, Options as EngineOptions};
use onhand_server::{Limits, Options, app, grpc, http, serve, serve_grpc};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

/// 2026-03-01T09:30:00Z.
pub(crate) const START: u64 = 1_772_357_400_000;

/// A clock that stands still until the test moves it.
pub(crate) struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A server over a data folder.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) grpc_address: SocketAddr,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<ManualClock>,
    setup: Setup,
    dir: TempDir,
    agent: ureq::Agent,
    keys: AtomicU64,
    stop: Option<watch::Sender<()>>,
    runtime: Runtime,
}

/// How a shop is set up.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) partitions: u16,
    pub(crate) engine: EngineOptions,
    pub(crate) server: Options,
    pub(crate) limits: Limits,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            partitions: 1,
            engine: EngineOptions::default(),
            server: Options::default(),
            limits: Limits::default(),
        }
    }
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The answer's body, which must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The problem, which must be of this kind.
    pub(crate) fn problem(self, status: u16, kind: &str) -> Value {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text()
        );
        let problem = self.expect(status);
        assert_eq!(
            problem["type"],
            format!("urn:onhand:problem:{kind}"),
            "{problem}"
        );
        assert_eq!(problem["status"], status, "{problem}");
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{problem}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{problem}"
        );
        problem
    }
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock(AtomicU64::new(START)));
        Self::at(TempDir::new().unwrap(), setup, clock)
    }

    fn at(dir: TempDir, setup: Setup, clock: Arc<ManualClock>) -> Self {
        let mut registry = Registry::default();
        let options = EngineOptions {
            partitions: Some(setup.partitions),
            // A new segment is read to its end at the next start: small ones keep the tests quick.
            segment_bytes: 8 << 20,
            clock: clock.clone(),
            ..setup.engine.clone()
        };
        let (engine, _) =
            Engine::open(dir.path(), options, &mut registry, &mut |_, _, _| {}).unwrap();
        let runtime = Runtime::new().unwrap();
        let listen = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (listener, grpc_listener) = (listen(), listen());
        let address = listener.local_addr().unwrap();
        let grpc_address = grpc_listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(());
        let stopped = || {
            let mut stopped = stopped.clone();
            async move { drop(stopped.changed().await) }
        };
        let app = app(Arc::clone(&engine), registry, setup.server);
        let limits = setup.limits;
        let calls = grpc(Arc::clone(&app));
        runtime.spawn(serve_grpc(grpc_listener, calls, limits, stopped()));
        runtime.spawn(serve(listener, http(app), limits, stopped()));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0);
        let agent = config
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        Self {
            address,
            grpc_address,
            engine,
            clock,
            setup,
            dir,
            agent,
            keys: AtomicU64::new(0),
            stop: Some(stop),
            runtime,
        }
    }

    /// Stops the server and the engine, and starts both again on the same folder.
    pub(crate) fn reopen(mut self) -> Self {
        self.stop.take();
        let Self {
            engine,
            clock,
            setup,
            dir,
            keys,
            runtime,
            agent,
            ..
        } = self;
        drop(agent);
        runtime.shutdown_timeout(Duration::from_secs(5));
        engine.stop();
        assert_eq!(
            Arc::strong_count(&engine),
            1,
            "the server let go of the engine"
        );
        drop(engine);
        let shop = Self::at(dir, setup, clock);
        shop.keys
            .store(keys.load(Ordering::SeqCst), Ordering::SeqCst);
        shop
    }

    /// Asks the server to stop, and leaves the engine running.
    pub(crate) fn stop_serving(&mut self) {
        self.stop.take();
    }

    /// A connection for gRPC. It is opened with the first call.
    pub(crate) fn channel(&self) -> Channel {
        let _inside = self.runtime.enter();
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc_address)).unwrap();
        endpoint.timeout(Duration::from_secs(20)).connect_lazy()
    }

    /// Waits for something that is not blocking.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.clock
            .0
            .fetch_add(span.as_millis() as u64, Ordering::SeqCst);
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn new_key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        reply(self.agent.get(self.url(path)).call())
    }

    /// A POST with a new key.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_as(&self.new_key(), path, body)
    }

    pub(crate) fn post_as(&self, key: &str, path: &str, body: &Value) -> Reply {
        let headers = [
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        self.post_bytes(path, &headers, body.to_string().as_bytes())
    }

    /// A POST with a new key and a body that need not be JSON.
    pub(crate) fn post_text(&self, path: &str, body: &str) -> Reply {
        let key = self.new_key();
        let headers = [
            ("idempotency-key", key.as_str()),
            ("content-type", "application/json"),
        ];
        self.post_bytes(path, &headers, body.as_bytes())
    }

    pub(crate) fn post_bytes(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let request = self.agent.post(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        reply(request.send(body))
    }

    /// Receives units at a location.
    pub(crate) fn receive(&self, location: &str, sku: &str, quantity: u32) {
        let body = json!({"location": location, "lines": [{"sku": sku, "quantity": quantity}]});
        self.post("/v1/stock/receipts", &body).expect(201);
    }

    /// Reserves units, and gives the reservation's id.
    pub(crate) fn reserve(
        &self,
        location: &str,
        sku: &str,
        quantity: u32,
        ttl_seconds: u32,
    ) -> String {
        let body = json!({
            "location": location, "lines": [{"sku": sku, "quantity": quantity}], "ttl_seconds": ttl_seconds
        });
        let made = self.post("/v1/reservations", &body).expect(201);
        made["id"].as_str().unwrap().into()
    }

    /// A level, strongly.
    pub(crate) fn level(&self, location: &str, sku: &str) -> Value {
        self.get(&format!("/v1/stock/{location}/{sku}")).expect(200)
    }

    pub(crate) fn state_hashes(&self) -> Vec<u128> {
        let hash = |partition| self.engine.state_hash(partition).unwrap().1;
        (0..self.engine.partitions()).map(hash).collect()
    }

    /// Has something done that must change nothing.
    pub(crate) fn unchanged<T>(&self, request: impl FnOnce(&Self) -> T) -> T {
        let before = self.state_hashes();
        let given = request(self);
        assert_eq!(before, self.state_hashes(), "it changed the state");
        given
    }

    /// A location that another partition keeps.
    pub(crate) fn elsewhere(&self, location: &str) -> String {
        let partition = |name: &str| {
            self.engine
                .partition_of(&onhand_core::LocationId::new(name).unwrap())
        };
        let mut names = (0..).map(|number| format!("other-{number}"));
        names
            .find(|name| partition(name) != partition(location))
            .unwrap()
    }
}

fn reply(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
    let mut response = response.unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .unwrap(),
    }
}
