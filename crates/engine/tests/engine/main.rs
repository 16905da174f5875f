//! The engine from outside: the pure machine, and whole engines in temporary folders.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod folder;
mod history;
mod machine;
mod reopen;
mod requests;
mod running;
mod snapshots;
mod table;
mod transfers;
mod verify;
