//! Load over HTTP/1.1.
//!
//! The generator shares its machine with the server it measures, so it must cost less than what it measures. One thread
//! waits for all its connections at once and does everything itself: no tasks, no queues, no allocations for a request.
//! It writes requests from prepared bytes, reads of an answer what it needs, and asks again on the same connection
//! before it looks at the next one. `docs/load.md` has what that costs beside `wrk`.

mod answer;
mod connection;
mod drive;
mod judge;
mod once;
mod request;

pub(crate) use drive::drive;
pub(crate) use once::get;
