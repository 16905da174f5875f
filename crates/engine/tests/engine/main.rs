//! The engine from outside: the pure machine, and whole engines in temporary folders.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run the engine for real: threads, files, and the time they take"
)]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod durability;
mod entries;
mod failing;
mod folder;
mod format;
mod history;
mod machine;
mod reopen;
mod requests;
mod running;
mod snapshots;
mod stepped;
mod table;
mod transfers;
mod verify;
