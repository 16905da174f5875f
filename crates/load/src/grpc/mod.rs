//! Load over gRPC: `onhand.v1`, one call a request, or one stream with many requests in flight.
//!
//! As over HTTP, the generator must cost less than what it measures. So it speaks HTTP/2 by the library that tonic stands
//! on (`h2`), without the layers above it, and decodes of an answer what it needs. One thread does everything: a lane
//! has a few connections, each connection is a *session*, and a session sends what is due, waits for answers and enters
//! them in the book. [`unary`] has a call in flight for each request; [`stream`] has one call, whose messages carry as
//! many requests as are due at once.
//!
//! A connection that breaks is an error of the requests that were on it; the session opens another one, and ends if it
//! cannot.

mod connection;
mod drive;
mod echo;
mod judge;
mod messages;
mod stream;
mod unary;

pub(crate) use drive::drive;
pub(crate) use echo::serve as echo;
