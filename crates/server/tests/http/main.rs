//! The server as a client sees it: a real engine in a folder, a real socket, and a clock that the test sets.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod bad_input;
mod batch;
mod choices;
mod document;
mod facts;
mod ledger;
mod operations;
mod origin;
mod predictions;
mod reads;
mod repeats;
mod reservations;
#[path = "../shop/mod.rs"]
mod shop;
mod slow;
mod stock;
mod transfers;
