//! What every call of gRPC does: take the message and say where it comes from; for a write, have it done once.

use super::deadline;
use crate::app::Shared;
use crate::names::TableNames;
use crate::problem::Denied;
use crate::problem::refused::Fields;
use crate::write::{Recorded, record};
use onhand_core::{Command, LocationId, Sku};
use onhand_engine::{Moment, Origin};
use onhand_wire::json::problem::Kind;
use onhand_wire::json::read::Fault;
use onhand_wire::json::text::{LabelText, LocationText, SkuText};
use onhand_wire::proto::{OfEntry, field};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use tonic::{Request, Response, Status};

/// When the head of a call came: its time counts from then, whatever its message takes.
#[derive(Clone, Copy)]
pub(super) struct Came(pub(super) Moment);

/// Who answers all calls.
pub(super) struct Calls {
    pub(super) app: Shared,
    /// Becomes true when the server stops.
    pub(super) stops: watch::Receiver<bool>,
    /// Places for streams.
    pub(super) streams: Arc<Semaphore>,
}

impl Calls {
    /// A request's message, and where it comes from.
    pub(super) fn open<M>(&self, request: Request<M>) -> Result<(Origin, M), Status> {
        let headers = request.metadata().as_ref();
        let now = || self.app.engine.clock().moment();
        let came = request
            .extensions()
            .get::<Came>()
            .map_or_else(now, |came| came.0);
        let origin = self
            .app
            .origin_within(deadline::of(headers), came, headers)?;
        Ok((origin, request.into_inner()))
    }

    /// The partition of a location.
    pub(super) fn partition_of(&self, location: &LocationText) -> u16 {
        self.app.engine.partition_of(&location.0)
    }

    /// Has a write done, once for each key, and answers it.
    pub(super) async fn write<A: OfEntry>(
        &self,
        origin: Origin,
        partition: u16,
        key: &LabelText,
        command: Command,
        fields: &Fields,
    ) -> Result<Response<A>, Status> {
        let key = key.0.as_str();
        let recorded = record(&self.app, origin, partition, key, command, fields).await?;
        self.answer(partition, &recorded)
    }

    /// The answer to a write.
    pub(super) fn answer<A: OfEntry>(
        &self,
        partition: u16,
        recorded: &Recorded,
    ) -> Result<Response<A>, Status> {
        let names = TableNames::of(&self.app.engine, partition);
        let answer = A::of_entry(&recorded.entry, recorded.is_repeat, &names);
        let answer = answer.ok_or_else(|| {
            let event = recorded.entry.event.name();
            Denied::internal(&format!(
                "a command was answered with an entry of kind {event}"
            ))
        })?;
        Ok(Response::new(answer))
    }
}

/// The key of a write. HTTP carries it in a header and takes visible ASCII only; here any label will do.
pub(super) fn key(text: &str) -> Result<LabelText, Denied> {
    if text.is_empty() {
        let detail = "A write needs an idempotency_key, so that it can be repeated safely: send a new random text (such \
                      as a UUID) with every new request, and the same one with every repeat of it.";
        return Err(Denied::new(Kind::MissingIdempotencyKey, detail)
            .at("/idempotency_key", "missing field `idempotency_key`"));
    }
    field("/idempotency_key", text).map_err(|Fault { pointer, message }| {
        let detail = format!("The idempotency_key does not follow its rule: {message}.");
        Denied::new(Kind::BadIdempotencyKey, detail).at(pointer, message)
    })
}

/// A level by its name.
pub(super) fn level(location: &str, sku: &str) -> Result<(LocationId, Sku), Fault> {
    let location: LocationText = field("/location", location)?;
    let sku: SkuText = field("/sku", sku)?;
    Ok((location.0, sku.0))
}
