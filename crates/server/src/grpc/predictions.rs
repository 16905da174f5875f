//! What models foretell.

use super::call::Calls;
use crate::predictions::availability;
use crate::problem::Denied;
use onhand_wire::json::predictions::{PredictionItem, PredictionRequest};
use onhand_wire::proto::predictions_server::Predictions;
use onhand_wire::proto::{
    AvailabilityPrediction, PredictAvailabilityRequest, PredictAvailabilityResponse,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Predictions for Calls {
    async fn predict_availability(
        &self,
        request: Request<PredictAvailabilityRequest>,
    ) -> Result<Response<PredictAvailabilityResponse>, Status> {
        let (origin, message) = self.open(request)?;
        let question = PredictionRequest::try_from(message).map_err(Denied::from)?;
        let (items, hour_never_learned) =
            availability::look(&self.app, origin, question, messages).await?;
        let model = self.app.predictions()?.model.scorer();
        Ok(Response::new(PredictAvailabilityResponse {
            items,
            model: model.name().into(),
            version: model.version().into(),
            hour_never_learned,
        }))
    }
}

/// The items, and what is the same for all: whether the model never learned of their hour.
fn messages(items: Vec<PredictionItem<'_>>) -> (Vec<AvailabilityPrediction>, bool) {
    let hour_never_learned = items.iter().any(|item| item.hour_never_learned);
    let items = items.into_iter().map(AvailabilityPrediction::from);
    (items.collect(), hour_never_learned)
}
