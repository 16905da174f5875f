//! A session of one stream: messages carry as many reservations as are due, and answers as many as became durable at
//! once. Each is told apart by its number, and timed for itself.

use super::connection::{Answer, begin, broken, durability, head, next};
use super::drive::Session;
use super::judge::count;
use super::messages::{NumberedReservation, ReserveStreamRequest, Results, framed, unframed};
use super::unary::{reservation, why_none_came};
use crate::book::{Pending, Verdict};
use bytes::{Bytes, BytesMut};
use h2::SendStream;
use h2::client::SendRequest;
use http::Uri;
use prost::Message;
use slab::Slab;
use std::io;

/// Reservations in one message at most.
const MOST: usize = 1_000;

impl Session<'_, '_> {
    /// Sends what is due until nothing is any more, and takes the answers.
    pub(super) async fn stream(&self, calls: &SendRequest<Bytes>) -> io::Result<()> {
        let mut waiting = Slab::with_capacity(self.depth);
        let done = self.stream_with(calls, &mut waiting).await;
        let clerk = &mut *self.shared.clerk.borrow_mut();
        clerk.none_came(waiting.drain(), why_none_came(&done));
        done
    }

    async fn stream_with(
        &self,
        calls: &SendRequest<Bytes>,
        waiting: &mut Slab<Pending>,
    ) -> io::Result<()> {
        let uri = Uri::from_static("http://onhand/onhand.v1.Reservations/ReserveStream");
        let head = head(&uri, self.headers(0));
        let (answer, mut to) = begin(calls.clone(), head).await.map_err(broken)?;
        let mut answer = Box::pin(answer);
        let mut body = None;
        let mut bytes = BytesMut::new();
        loop {
            self.send_due(&mut to, waiting).map_err(broken)?;
            if waiting.is_empty() && self.is_over() {
                to.send_data(Bytes::new(), true).map_err(broken)?;
                return Ok(());
            }
            let has_room = waiting.len() < self.depth;
            tokio::select! {
                biased;
                head = &mut answer, if body.is_none() => {
                    let head = head.map_err(broken)?;
                    let mut status = Answer::default();
                    status.take_status(head.headers());
                    if status.code != 0 {
                        return Err(io::Error::other(format!("gRPC status {}", status.code)));
                    }
                    if let Some(said) = durability(head.headers()) {
                        self.shared.clerk.borrow_mut().book.heard_of_durability(&said);
                    }
                    body = Some(head.into_body());
                }
                data = async { next(body.as_mut().expect("it is there")).await }, if body.is_some() => {
                    let Some(data) = data.map_err(broken)? else {
                        return Err(io::Error::other("the stream ended early"));
                    };
                    bytes.extend_from_slice(&data);
                    while let Some(message) = unframed(&mut bytes) {
                        self.take(message, waiting)?;
                    }
                    if !has_room {
                        self.has_room_now();
                    }
                }
                () = self.until_due(), if has_room => {}
                is_too_long = self.tick() => if is_too_long {
                    return Ok(());
                }
            }
        }
    }

    fn send_due(
        &self,
        to: &mut SendStream<Bytes>,
        waiting: &mut Slab<Pending>,
    ) -> Result<(), h2::Error> {
        let mut reservations = Vec::new();
        while waiting.len() < self.depth
            && let Some((ask, pending)) = self.take_due()
        {
            let workload = &mut self.shared.clerk.borrow_mut().workload;
            reservations.push(NumberedReservation {
                number: waiting.insert(pending) as u64,
                reservation: Some(reservation(
                    workload,
                    ask.level,
                    self.shared.target.ttl_seconds,
                )),
            });
            if reservations.len() == MOST {
                let reservations = std::mem::take(&mut reservations);
                to.send_data(framed(&ReserveStreamRequest { reservations }), false)?;
            }
        }
        match reservations.is_empty() {
            true => Ok(()),
            false => to.send_data(framed(&ReserveStreamRequest { reservations }), false),
        }
    }

    fn take(&self, message: Bytes, waiting: &mut Slab<Pending>) -> io::Result<()> {
        let message = Results::decode(message).map_err(io::Error::other)?;
        let clerk = &mut *self.shared.clerk.borrow_mut();
        for one in message.results {
            let Some(pending) = waiting.try_remove(one.number as usize) else {
                return Err(io::Error::other("an answer that nobody asked for"));
            };
            let mut verdict = Verdict::default();
            count(&mut verdict, one.outcome);
            clerk.settle(pending, verdict, None);
        }
        Ok(())
    }
}
