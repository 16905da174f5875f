//! # onhand-server: the contract over HTTP and JSON
//!
//! Floor 4. It imports the engine, the wire and the core, and speaks HTTP. It never holds a business rule: a request
//! becomes a command or a question, an outcome becomes an answer, and there is one map from outcomes to errors
//! (`problem`).
//!
//! Where to look: `app` puts the routes together; one file for each call in `stock`, `reservations` and `operations`;
//! `body` takes a request in, `write` is the way of every write, `ask` and `history` are those of the reads; `serve`
//! owns the connections.

mod app;
mod ask;
mod body;
mod durability;
mod facts;
mod history;
mod json;
mod key;
mod ledger;
mod metrics;
mod names;
mod observe;
mod openapi;
mod operations;
mod options;
mod params;
mod problem;
mod reservations;
mod serve;
mod stock;
mod write;

pub use app::app;
pub use openapi::openapi;
pub use options::{Limits, Options};
pub use serve::serve;
