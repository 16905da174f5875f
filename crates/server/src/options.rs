//! What can be set for the server. Every wait and every size has a bound.

use onhand_wire::json::levels::Consistency;
use std::time::Duration;

/// How requests are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most bytes of a body. 10,000 lines with the longest names fit into the default of 4 MiB.
    pub body_limit: usize,
    /// The most bytes that the bodies of unanswered requests may take together, those up to 64 KiB not counted:
    /// 256 MiB. Beyond that a large body is refused with a 429.
    pub body_room: usize,
    /// How long the body of a request may take to come in: 10 s. A slower client gets a 408.
    pub body_timeout: Duration,
    /// How long the engine may take to answer: 30 s. Then the client is told that the outcome is not known.
    pub answer_timeout: Duration,
    /// How many readings of the ledger from disk (`at`, `explain`, `/v1/ledger`) may run at once: 4. Others wait for
    /// their turn, up to the answer timeout.
    pub ledger_reads: usize,
    /// How long a prediction may take: 100 ms. What the model has not got to by then is told from before, or as a prior.
    pub prediction_time: Duration,
    /// How fresh a read of levels is that does not say. If this does not either, a read of one level is strong and one
    /// of many is bounded.
    pub consistency: Option<Consistency>,
    /// How many gRPC streams may be open at once: 1,000. More are refused with a 429.
    pub streams: usize,
    /// How many requests of one gRPC stream may wait for their answers: 4,096. Beyond that the stream is not read from.
    pub stream_in_flight: usize,
    /// Whether `Onhand-Tenant` says who asks: no. There are no keys, so anybody may name anybody.
    pub tenants_from_header: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_limit: 4 << 20,
            body_room: 256 << 20,
            body_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            ledger_reads: 4,
            prediction_time: Duration::from_millis(100),
            consistency: None,
            streams: 1_000,
            stream_in_flight: 4_096,
            tenants_from_header: false,
        }
    }
}

/// How connections are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long the head of a request may take to come in, and how long a connection may lie idle: 10 s. Then it is
    /// closed.
    pub header_timeout: Duration,
    /// The most open connections: 10,000. More wait in the system's queue.
    pub connections: usize,
    /// The most requests of one gRPC connection at once, a stream counting as one: 256. A client waits with more.
    pub requests_per_connection: u32,
    /// How long requests in flight may go on after the stop was asked for: 10 s. Then their connections are cut.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            connections: 10_000,
            requests_per_connection: 256,
            grace: Duration::from_secs(10),
        }
    }
}
