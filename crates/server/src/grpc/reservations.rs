//! Calls on reservations.

use super::call::{Calls, key};
use super::status::problem;
use super::stream::{self, Answers};
use crate::params::reservation_named;
use crate::problem::Denied;
use crate::problem::refused::Fields;
use crate::reservations::batch::{Reserved, reserve_all};
use crate::reservations::view::look;
use onhand_core::Command;
use onhand_core::reservation::confirm::Confirm;
use onhand_core::reservation::extend::Extend;
use onhand_core::reservation::release::Release;
use onhand_wire::json::batch::BatchRequest;
use onhand_wire::json::fulfill::FulfillRequest as Pick;
use onhand_wire::json::reservations::{ExtendRequest as Longer, ReservationRequest};
use onhand_wire::proto::reservations_server::Reservations;
use onhand_wire::proto::reserve_result::Outcome;
use onhand_wire::proto::{
    ConfirmRequest, ConfirmResponse, ExtendRequest, ExtendResponse, FulfillRequest,
    FulfillResponse, GetReservationRequest, GetReservationResponse, ReleaseRequest,
    ReleaseResponse, ReserveBatchRequest, ReserveBatchResponse, ReserveRequest, ReserveResponse,
    ReserveResult, ReserveStreamRequest,
};
use tonic::{Request, Response, Status, Streaming};

#[tonic::async_trait]
impl Reservations for Calls {
    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = ReservationRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::USUAL)
            .await
    }

    async fn reserve_batch(
        &self,
        request: Request<ReserveBatchRequest>,
    ) -> Result<Response<ReserveBatchResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let request = BatchRequest::try_from(message).map_err(Denied::from)?;
        let done = reserve_all(&self.app, origin, request, |all| {
            let results = (0..).zip(all).map(|(at, one)| result(at, one));
            ReserveBatchResponse {
                results: results.collect(),
            }
        });
        Ok(Response::new(done.await?))
    }

    type ReserveStreamStream = Answers;

    async fn reserve_stream(
        &self,
        request: Request<Streaming<ReserveStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let (origin, input) = self.open(request)?;
        Ok(Response::new(stream::open(self, origin, input)?))
    }

    async fn get_reservation(
        &self,
        request: Request<GetReservationRequest>,
    ) -> Result<Response<GetReservationResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let id = reservation_named(&message.id, &self.app.engine)?;
        let found = look(&self.app, origin, id, |view| view.into()).await?;
        Ok(Response::new(found))
    }

    async fn confirm(
        &self,
        request: Request<ConfirmRequest>,
    ) -> Result<Response<ConfirmResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let id = reservation_named(&message.id, &self.app.engine)?;
        let command = Command::Confirm(Confirm { reservation: id.no });
        self.write(origin, id.partition, &key, command, &Fields::USUAL)
            .await
    }

    async fn extend(
        &self,
        request: Request<ExtendRequest>,
    ) -> Result<Response<ExtendResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let name = message.id.clone();
        let request = Longer::try_from(message).map_err(Denied::from)?;
        let id = reservation_named(&name, &self.app.engine)?;
        let command = Command::Extend(Extend {
            reservation: id.no,
            ttl: request.ttl_seconds.0,
        });
        self.write(origin, id.partition, &key, command, &Fields::USUAL)
            .await
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let id = reservation_named(&message.id, &self.app.engine)?;
        let command = Command::Release(Release { reservation: id.no });
        self.write(origin, id.partition, &key, command, &Fields::USUAL)
            .await
    }

    async fn fulfill(
        &self,
        request: Request<FulfillRequest>,
    ) -> Result<Response<FulfillResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let name = message.id.clone();
        let request = Pick::try_from(message).map_err(Denied::from)?;
        let id = reservation_named(&name, &self.app.engine)?;
        let command = request.command(id.no).map_err(Denied::from)?;
        self.write(origin, id.partition, &key, command, &Fields::OF_A_PICK)
            .await
    }
}

/// What became of one reservation among many.
pub(super) fn result(number: u64, reserved: Reserved<'_>) -> ReserveResult {
    let outcome = match reserved {
        Ok((answer, replayed)) => Outcome::Reservation(ReserveResponse {
            idempotent_replayed: replayed,
            ..answer.into()
        }),
        Err(denied) => Outcome::Problem(problem(denied)),
    };
    ReserveResult {
        number,
        outcome: Some(outcome),
    }
}
