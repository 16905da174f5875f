//! What others know, and the ledger only remembers.

pub mod push;
pub mod value;
