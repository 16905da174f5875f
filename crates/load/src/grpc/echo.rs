//! A bare tonic server that answers every call at once: what gRPC itself costs.

use super::messages::{ReserveRequest, ReserveResponse};
use crate::failure::Failure;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic_prost::ProstCodec;

/// Answers until it is killed.
pub(crate) async fn serve(address: SocketAddr) -> Result<(), Failure> {
    let server = Server::builder().tcp_nodelay(true).add_service(Echo);
    let served = server.serve(address).await;
    served.map_err(|error| Failure::say(format!("--grpc {address}: {error}")))
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "onhand.v1.Reservations";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(grpc.unary(Reserve, request).await)
        })
    }
}

struct Reserve;

impl UnaryService<ReserveRequest> for Reserve {
    type Response = ReserveResponse;
    type Future = std::future::Ready<Result<tonic::Response<ReserveResponse>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<ReserveRequest>) -> Self::Future {
        let id = request.into_inner().idempotency_key;
        std::future::ready(Ok(tonic::Response::new(ReserveResponse { id })))
    }
}
