//! Values that others know.

use super::call::{Calls, key};
use crate::problem::Denied;
use crate::problem::refused::Fields;
use onhand_wire::json::facts::FactRequest;
use onhand_wire::proto::facts_server::Facts;
use onhand_wire::proto::{PushFactsRequest, PushFactsResponse};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Facts for Calls {
    async fn push_facts(
        &self,
        request: Request<PushFactsRequest>,
    ) -> Result<Response<PushFactsResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let key = key(&message.idempotency_key)?;
        let request = FactRequest::try_from(message).map_err(Denied::from)?;
        let partition = self.partition_of(&request.location);
        self.write(origin, partition, &key, request.into(), &Fields::USUAL)
            .await
    }
}
