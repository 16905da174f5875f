//! # onhand-follow: features, live
//!
//! A server decides and records; what can be learned from it is not its affair. So a follower reads the ledger that the
//! server writes, as anybody may, and keeps a feature store that is a moment behind.
//!
//! Floor 2. It imports the features and the core. It does not know the engine: entries come from a [`Source`], which
//! who puts the two together implements. It is never asked by the writer and never asks it.
//!
//! - **One thread** follows all partitions in turn. Each has a store of its own, for a location lives in one partition:
//!   what is told of a SKU or a city is told of those of its locations that the partition has.
//! - **Readers** share a store ([`Follower::reader`]). Entries are applied a few at a time, so nobody waits long for the
//!   lock; a row shows everything up to [`Reader::last`], and nothing else. A [`Sampler`] may write down what they were served.
//! - **A start** goes on from the newest saved store, and from the first entry where there is none, or it is of other
//!   definitions, damaged, or ahead of a ledger that lost its tail. Stores are saved now and then and at the stop.
//! - **A ledger that cannot be read** leaves the store where it is. It is tried again, and said in the metrics and the
//!   log; the server goes on.

mod follower;
mod metrics;
mod reader;
mod sampler;
mod saved;

pub use follower::{Follower, Plan, Source};
pub use reader::Reader;
pub use sampler::{Sample, Sampler};
