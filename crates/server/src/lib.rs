//! # onhand-server: the contract over HTTP and gRPC
//!
//! Floor 4. It imports the engine, the follower of features, the wire and the core, and speaks HTTP with JSON, and gRPC. It never holds a business rule: a request
//! becomes a command or a question, an outcome becomes an answer, and there is one map from outcomes to errors
//! (`problem`).
//!
//! Where to look: `app` is what all calls share, and puts the routes of HTTP together; one file for each call in `stock`,
//! `reservations` and `operations` tells what the call does, and how HTTP asks for it and shows it; `grpc` asks for the
//! same and shows it in messages. `body` takes a request of HTTP in, `write` is the way of every write, `ask` and
//! `history` are those of the reads; `serve` owns the connections.

mod accept;
mod app;
mod ask;
mod body;
mod durability;
mod facts;
mod features;
mod grpc;
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
mod origin;
mod params;
mod predictions;
mod problem;
mod reservations;
mod room;
mod serve;
mod stock;
mod write;

pub use app::{App, Learned, Shared, app, app_with, http};
pub use grpc::{Grpc, grpc};
pub use openapi::openapi;
pub use options::{Limits, Options};
pub use predictions::{AvailabilityModel, Followed};
pub use serve::{listen, serve, serve_grpc};
