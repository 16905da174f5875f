//! `grpc.health.v1`: whether the server takes writes, as `/readyz` tells it.

use crate::app::Shared;
use futures_util::{Stream, stream};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server};

/// How often a watched state is looked at.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Health {
    pub(super) app: Shared,
    pub(super) stops: watch::Receiver<bool>,
}

impl Health {
    fn now(&self) -> ServingStatus {
        now(&self.app, &self.stops)
    }
}

/// All services serve, or none: each needs every partition.
fn now(app: &Shared, stops: &watch::Receiver<bool>) -> ServingStatus {
    let is_out = |partition| app.engine.outage(partition).is_some();
    if *stops.borrow() || (0..app.engine.partitions()).any(is_out) {
        ServingStatus::NotServing
    } else {
        ServingStatus::Serving
    }
}

fn told(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

fn is_known(service: &str) -> bool {
    service.is_empty() || service.starts_with("onhand.v1.")
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match is_known(&request.get_ref().service) {
            true => Ok(Response::new(told(self.now()))),
            // The code is health's own; a problem of ours has none for it.
            false => Err(Status::not_found("there is no such service")),
        }
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    /// The state, and every change of it, until the server stops.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !is_known(&request.get_ref().service) {
            let unknown = Ok(told(ServingStatus::ServiceUnknown));
            return Ok(Response::new(Box::pin(stream::iter([unknown]))));
        }
        let watched = (self.app.clone(), self.stops.clone(), None);
        let changes = stream::unfold(watched, async |(app, mut stops, last)| {
            loop {
                let status = now(&app, &stops);
                if last != Some(status) {
                    return Some((Ok(told(status)), (app, stops, Some(status))));
                }
                if *stops.borrow() {
                    return None;
                }
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    _ = stops.changed() => {}
                }
            }
        });
        Ok(Response::new(Box::pin(changes)))
    }
}
