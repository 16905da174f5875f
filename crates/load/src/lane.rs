//! A lane: one thread's share of the load. All lanes open their connections first, then start at one moment, and ask
//! until one end: what is due counts from the start, and a connection that is long in coming makes no request late.

use crate::arrivals::{Arrivals, Nanos};
use crate::failure::Failure;
use crate::work::{Operation, Recipe, Workload};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::AtomicU64;
use std::sync::{Barrier, OnceLock};
use std::time::Instant;

/// How long to wait for the last answers, if nothing else is said.
pub(crate) const GRACE: Nanos = 10_000_000_000;

/// What carries the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Http,
    /// One call a request.
    Grpc,
    /// One stream a connection.
    GrpcStream,
}

/// Whom all lanes ask, and what they share.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) carrier: Carrier,
    pub(crate) address: SocketAddr,
    /// The server's name as it was given.
    pub(crate) host: String,
    /// Sent along with every request.
    pub(crate) timeout_ms: Option<u64>,
    /// Units of a level in a receipt.
    pub(crate) units: u32,
    /// How long units are held.
    pub(crate) ttl_seconds: u32,
    /// What is due earlier is not counted.
    pub(crate) warmup: Nanos,
    /// How long to wait for answers once nothing more is asked.
    pub(crate) grace: Nanos,
    /// When the first request was due, once there are connections.
    pub(crate) start: OnceLock<Instant>,
    /// Requests answered so far, for whoever watches.
    pub(crate) answered: AtomicU64,
}

impl Target {
    /// A server, without warm-up and deadline.
    pub(crate) fn new(host: &str, address: SocketAddr) -> Self {
        Self {
            carrier: Carrier::Http,
            address,
            host: host.into(),
            timeout_ms: None,
            units: 1,
            ttl_seconds: 600,
            warmup: 0,
            grace: GRACE,
            start: OnceLock::new(),
            answered: AtomicU64::new(0),
        }
    }

    /// The server at `HOST:PORT`.
    pub(crate) fn find(host: &str) -> Result<Self, Failure> {
        let found = host.to_socket_addrs().map(|mut found| found.next());
        match found {
            Ok(Some(address)) => Ok(Self::new(host, address)),
            Ok(None) => Err(Failure::say(format!(
                "--to {host}: there is no such address"
            ))),
            Err(error) => Err(Failure::say(format!("--to {host}: {error}; say HOST:PORT"))),
        }
    }

    /// A lane's place at the start.
    pub(crate) fn place<'a>(&'a self, gate: &'a Barrier) -> Place<'a> {
        Place { gate, target: self }
    }

    pub(crate) fn has_started(&self) -> bool {
        self.start.get().is_some()
    }

    /// Time since the start; none before it.
    pub(crate) fn now(&self) -> Nanos {
        let start = self.start.get();
        start.map_or(0, |start| start.elapsed().as_nanos() as Nanos)
    }
}

/// A lane's place at the start. Giving it up is being ready: then it waits until all others are, and the clock starts.
/// A lane that fails before gives it up as well, and so keeps nobody waiting.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    gate: &'a Barrier,
    target: &'a Target,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.wait();
        self.target.start.get_or_init(Instant::now);
    }
}

/// One thread's share.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) workload: Workload,
    pub(crate) arrivals: Arrivals,
    pub(crate) connections: usize,
    /// The most requests in flight on each connection.
    pub(crate) depth: usize,
}

impl Recipe {
    /// What a request counts for: reservations, or levels.
    pub(crate) fn units(&self, operation: Operation) -> u64 {
        match operation {
            Operation::Batch => self.batch.unwrap_or(1) as u64,
            Operation::Read => self.items as u64,
            Operation::Predict => (self.items as u64).min(self.levels.skus),
            _ => 1,
        }
    }
}
