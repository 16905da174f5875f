//! The server as a client of gRPC sees it: a real engine in a folder, a real socket, tonic's client, and a clock that the
//! test sets.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod batch;
mod client;
mod errors;
mod operations;
mod origin;
mod reads;
mod repeats;
#[path = "../shop/mod.rs"]
mod shop;
mod stream;
mod writes;
