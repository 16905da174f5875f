//! The contract over gRPC: `onhand.v1`.
//!
//! A call over gRPC is the same call as over HTTP. Its message is turned into the same validated request
//! ([`onhand_wire::proto`]), what is done with it is told beside the call's HTTP handler, and the answer is the same view
//! of the same entry. So a repeat over one protocol of what was done over the other is a repeat. What is here is only what
//! the protocol asks for: taking messages in, the deadline ([`deadline`]), the status of a problem ([`status`]), and the
//! stream ([`stream`]).
//!
//! The idempotency key is a field of the message, not metadata: a batch or a stream carries many, each with its own
//! request, and a field is seen, logged and kept with what it belongs to.

mod call;
mod deadline;
mod facts;
mod health;
mod ledger;
mod message;
mod predictions;
mod reservations;
mod service;
mod status;
mod stock;
mod stream;
mod transfers;

pub use service::{Grpc, grpc};
