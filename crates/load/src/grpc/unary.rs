//! A session of single calls: each request is a call of its own.

use super::connection::{Answer, broken, call, head};
use super::drive::{Session, Shared};
use super::judge::judge;
use super::messages::{
    AvailabilityRequest, LevelName, Line, PredictAvailabilityRequest, ReserveBatchRequest,
    ReserveRequest, SettleRequest, framed,
};
use crate::book::Pending;
use crate::levels::Level;
use crate::work::{Ask, Operation, Workload};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::client::SendRequest;
use slab::Slab;
use std::io;

impl Session<'_, '_> {
    /// Calls until nothing is due any more, and takes the answers.
    pub(super) async fn unary(&self, calls: &SendRequest<Bytes>) -> io::Result<()> {
        let mut waiting = Slab::with_capacity(self.depth);
        let done = self.unary_with(calls, &mut waiting).await;
        let clerk = &mut *self.shared.clerk.borrow_mut();
        clerk.none_came(waiting.drain(), why_none_came(&done));
        done
    }

    async fn unary_with(
        &self,
        calls: &SendRequest<Bytes>,
        waiting: &mut Slab<Pending>,
    ) -> io::Result<()> {
        let mut under_way = FuturesUnordered::new();
        loop {
            while waiting.len() < self.depth
                && let Some((ask, pending)) = self.take_due()
            {
                let message = message(&ask, self.shared);
                let head = head(self.path(ask.operation), self.headers(ask.tenant));
                let call = call(calls.clone(), head, message);
                let at = waiting.insert(pending);
                under_way.push(async move { (at, call.await) });
            }
            if waiting.is_empty() && self.is_over() {
                return Ok(());
            }
            let has_room = waiting.len() < self.depth;
            tokio::select! {
                biased;
                Some((at, answer)) = under_way.next() => {
                    let answer = answer.map_err(broken)?;
                    self.settle(waiting.remove(at), &answer);
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

    fn settle(&self, pending: Pending, answer: &Answer) {
        let clerk = &mut *self.shared.clerk.borrow_mut();
        let units = clerk.workload.recipe().units(pending.operation);
        let wants = clerk.workload.wants_reservations();
        let verdict = judge(pending.operation, units, answer, wants);
        clerk.settle(pending, verdict, answer.durability.as_deref());
    }
}

/// Why what is left of a session has no answer.
pub(super) fn why_none_came(done: &io::Result<()>) -> &'static str {
    match done {
        Ok(()) => "no answer in time",
        Err(_) => "the connection broke",
    }
}

fn message(ask: &Ask, shared: &Shared<'_>) -> Bytes {
    let ttl_seconds = shared.target.ttl_seconds;
    let workload = &mut shared.clerk.borrow_mut().workload;
    match ask.operation {
        Operation::Reserve => framed(&reservation(workload, ask.level, ttl_seconds)),
        Operation::Batch => {
            let count = workload.recipe().batch.unwrap_or(1);
            let one = |_| {
                let level = workload.level();
                reservation_of(workload, level, ttl_seconds)
            };
            let reservations = (0..count).map(one).collect();
            framed(&ReserveBatchRequest { reservations })
        }
        Operation::Read => {
            let count = workload.recipe().items;
            let items = (0..count).map(|_| name(workload.level())).collect();
            framed(&AvailabilityRequest { items })
        }
        Operation::Predict => {
            let page: Vec<_> = workload.page(ask.level).map(name).collect();
            framed(&PredictAvailabilityRequest {
                location: page
                    .first()
                    .map_or(String::new(), |one| one.location.clone()),
                skus: page.into_iter().map(|one| one.sku).collect(),
            })
        }
        Operation::Confirm | Operation::Release => framed(&SettleRequest {
            idempotency_key: key(workload),
            id: ask.reservation.as_deref().unwrap_or_default().into(),
        }),
        Operation::Receipt => unreachable!("shelves are filled over HTTP"),
    }
}

/// A reservation of one unit of a level.
pub(super) fn reservation(workload: &mut Workload, level: u64, ttl_seconds: u32) -> ReserveRequest {
    let level = workload.recipe().levels.at(level);
    reservation_of(workload, level, ttl_seconds)
}

fn reservation_of(workload: &mut Workload, level: Level, ttl_seconds: u32) -> ReserveRequest {
    let LevelName { location, sku } = name(level);
    ReserveRequest {
        idempotency_key: key(workload),
        location,
        lines: vec![Line { sku, quantity: 1 }],
        ttl_seconds,
    }
}

fn key(workload: &mut Workload) -> String {
    text(|out| workload.push_key(out))
}

fn name(level: Level) -> LevelName {
    LevelName {
        location: text(|out| level.push_location(out)),
        sku: text(|out| level.push_sku(out)),
    }
}

fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(32);
    push(&mut out);
    String::from_utf8(out).expect("digits and letters")
}
