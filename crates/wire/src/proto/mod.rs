//! The messages of `onhand.v1`, the gRPC interface: one file for each group of calls, as in [`crate::json`].
//!
//! A message is only another spelling of what the JSON interface takes and gives. So nothing is decided here: a request is
//! turned into the same validated type that JSON is read into, by the same rules ([`field`]), and what an answer says is
//! taken from the same view of the ledger entry. What a rule refuses is told with the same pointer and the same words.
//!
//! Three things differ, because protobuf is not JSON: a field that is left out is its zero, which its rule refuses where
//! there must be something; fields that this version does not know are passed over; times are `Timestamp`s.
//!
//! The generated code is checked in, so that a build needs no compiler for protobuf; `tests/generated.rs` holds it to the
//! `.proto` files. With the feature `grpc` it has the services and the clients as well.

mod adjustments;
mod answer;
mod availability;
mod counts;
mod explain;
mod facts;
mod field;
mod fulfill;
mod ledger;
mod levels;
mod observations;
mod policies;
mod predictions;
mod problem;
mod receipts;
mod reservations;
mod sales;
mod transfers;

pub use answer::OfEntry;
pub use field::{field, optional, time};
pub use generated::*;

/// The descriptor of all messages and services: what a server tells of itself by reflection.
pub const DESCRIPTOR: &[u8] = include_bytes!("generated/onhand.v1.bin");

mod generated {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        reason = "made from the .proto files, whose comments it carries"
    )]

    include!("generated/onhand.v1.rs");
}
