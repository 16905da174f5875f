//! Calls for whoever runs the server.

pub(crate) mod docs;
pub(crate) mod document;
pub(crate) mod elsewhere;
pub(crate) mod health;
pub(crate) mod metrics;
