//! Transfers.

use super::call::{Calls, key};
use crate::params::transfer_named;
use crate::problem::Denied;
use crate::stock::transfers::{arrive, look, send};
use onhand_wire::json::transfers::TransferRequest;
use onhand_wire::proto::transfers_server::Transfers;
use onhand_wire::proto::{
    GetTransferRequest, GetTransferResponse, ReceiveTransferRequest, ReceiveTransferResponse,
    SendTransferRequest, SendTransferResponse,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Transfers for Calls {
    async fn send_transfer(
        &self,
        request: Request<SendTransferRequest>,
    ) -> Result<Response<SendTransferResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = TransferRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.from);
        let key = key.0.as_str();
        let recorded = send(&self.app, origin, partition, key, request.into()).await?;
        self.answer(partition, &recorded)
    }

    async fn receive_transfer(
        &self,
        request: Request<ReceiveTransferRequest>,
    ) -> Result<Response<ReceiveTransferResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let name = transfer_named(&message.id, &self.app.engine)?;
        let recorded = arrive(&self.app, origin, name, key.0.as_str()).await?;
        self.answer(name.destination, &recorded)
    }

    async fn get_transfer(
        &self,
        request: Request<GetTransferRequest>,
    ) -> Result<Response<GetTransferResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let name = transfer_named(&message.id, &self.app.engine)?;
        let found = look(&self.app, origin, name, |view| view.into()).await?;
        Ok(Response::new(found))
    }
}
