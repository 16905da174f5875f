//! Calls on stock itself.

use super::call::{Calls, key, level};
use crate::problem::Denied;
use crate::problem::refused::Fields;
use crate::stock::level::LevelQuery;
use crate::stock::{availability, level as one_level};
use onhand_wire::json::adjustments::AdjustmentRequest;
use onhand_wire::json::availability::AvailabilityRequest as Question;
use onhand_wire::json::counts::CountRequest as Count;
use onhand_wire::json::observations::ObservationRequest;
use onhand_wire::json::policies::PolicyRequest;
use onhand_wire::json::receipts::ReceiptRequest;
use onhand_wire::json::sales::SaleRequest;
use onhand_wire::proto::stock_server::Stock;
use onhand_wire::proto::{
    AdjustRequest, AdjustResponse, AvailabilityRequest, AvailabilityResponse, Consistency,
    CountRequest, CountResponse, GetLevelRequest, GetLevelResponse, ObserveRequest,
    ObserveResponse, ReceiveGoodsRequest, ReceiveGoodsResponse, SellRequest, SellResponse,
    SetPolicyRequest, SetPolicyResponse, time,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Stock for Calls {
    async fn receive_goods(
        &self,
        request: Request<ReceiveGoodsRequest>,
    ) -> Result<Response<ReceiveGoodsResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = ReceiptRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::USUAL)
            .await
    }

    async fn adjust(
        &self,
        request: Request<AdjustRequest>,
    ) -> Result<Response<AdjustResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = AdjustmentRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::USUAL)
            .await
    }

    async fn count(
        &self,
        request: Request<CountRequest>,
    ) -> Result<Response<CountResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = Count::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::OF_A_COUNT)
            .await
    }

    async fn sell(&self, request: Request<SellRequest>) -> Result<Response<SellResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = SaleRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::OF_A_SALE)
            .await
    }

    async fn observe(
        &self,
        request: Request<ObserveRequest>,
    ) -> Result<Response<ObserveResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = ObservationRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::OF_A_LOOK)
            .await
    }

    async fn set_policy(
        &self,
        request: Request<SetPolicyRequest>,
    ) -> Result<Response<SetPolicyResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = PolicyRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        let command = request.command().map_err(Denied::from)?;
        self.write(origin, partition, &key, command, &Fields::USUAL)
            .await
    }

    async fn get_level(
        &self,
        request: Request<GetLevelRequest>,
    ) -> Result<Response<GetLevelResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let (location, sku) = level(&message.location, &message.sku).map_err(Denied::from)?;
        let query = LevelQuery {
            consistency: Consistency::asked(message.consistency).map_err(Denied::from)?,
            at: time("/at", message.at).map_err(Denied::from)?,
        };
        let found = one_level::look(&self.app, origin, location, sku, query, |view| view.into());
        let found = found.await?;
        Ok(Response::new(found))
    }

    async fn availability(
        &self,
        request: Request<AvailabilityRequest>,
    ) -> Result<Response<AvailabilityResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let question = Question::try_from(message).map_err(Denied::from)?;
        let found = availability::look(&self.app, origin, question, |found| found.into()).await?;
        Ok(Response::new(found))
    }
}
