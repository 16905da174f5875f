//! # onhand-engine: partitions
//!
//! One writer for each partition, many requests in one durable write, answers after durability ([`durability`] says which), reads without
//! locks that never show what is not answered, snapshots that do not stop the writer, recovery, and the ledger's history.
//!
//! Floor 3. It imports the core, the wire and the log. It never parses JSON that a client sent and knows no model.
//!
//! Where to look: [`machine`] is the pure heart; [`partition`] drives it with two threads; [`admission`]
//! says who gets in and whose turn it is; [`table`] is what readers
//! see; [`recover`] is the way back; [`engine`] ties the partitions of a data folder together.

pub mod admission;
pub mod clock;
mod courier;
pub mod durability;
pub mod engine;
pub mod entries;
pub mod folder;
pub mod history;
mod inbox;
pub mod machine;
mod metrics;
pub mod origin;
mod partition;
pub mod priority;
pub mod query;
pub mod recover;
mod snapshotter;
pub mod table;
pub mod verify;

pub use admission::{Class, Policy};
pub use clock::{Clock, Moment, SystemClock};
pub use durability::Durability;
pub use engine::{Engine, OpenError, Options, Prepared};
pub use inbox::ReplyTo;
pub use machine::{Answer, Machine, Request, Unavailable};
pub use origin::{Origin, Tenant};
pub use partition::{Move, Step, Workers};
pub use query::{Found, Query, ReservationView, TransferView, What};
pub use recover::RecoveryReport;
pub use table::{ReadTable, Seen};

#[cfg(test)]
#[expect(dead_code, reason = "the integration tests use all of it")]
#[path = "../tests/engine/requests.rs"]
mod requests;
