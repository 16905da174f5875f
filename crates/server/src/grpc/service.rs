//! The way of a call: who answers it, how long it may take, and its metrics.
//!
//! The calls that there are stand in the descriptors of the services. So the table of calls is made from those, and a call
//! that is added to a `.proto` file is counted, timed and found without another word.

use super::call::{Calls, Came};
use super::health::Health;
use super::message::Message;
use super::{deadline, status};
use crate::app::Shared;
use crate::durability::Promise;
use crate::metrics::RouteMetrics;
use crate::problem::Denied;
use crate::problem::unavailable::no_answer;
use hyper::body::Incoming;
use onhand_wire::json::problem::Kind;
use onhand_wire::proto;
use onhand_wire::proto::facts_server::FactsServer;
use onhand_wire::proto::ledger_server::LedgerServer;
use onhand_wire::proto::predictions_server::PredictionsServer;
use onhand_wire::proto::reservations_server::ReservationsServer;
use onhand_wire::proto::stock_server::StockServer;
use onhand_wire::proto::transfers_server::TransfersServer;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use tonic::{Code, Status};
use tonic_health::pb::health_server::HealthServer;

/// Counted under one name: a client that tries calls must not make a series of each.
const ELSEWHERE: &str = "elsewhere";

/// All calls of gRPC; a copy shares everything with what it was made from.
#[derive(Clone)]
pub struct Grpc(Arc<Table>);

struct Table {
    app: Shared,
    methods: HashMap<String, Method>,
    elsewhere: Method,
    /// How long a call may take whose caller does not say.
    longest: Duration,
    /// The most bytes of a message.
    limit: usize,
    stop: watch::Sender<bool>,
    promise: Promise,
    /// What large messages share.
    room: Arc<Semaphore>,
}

/// One call.
struct Method {
    answer: Answer,
    /// Whether it is a call of the contract: then its problems are those of the contract.
    is_ours: bool,
    /// Whether it lasts as long as its caller likes.
    streams: bool,
    metrics: RouteMetrics,
}

type Answer = Arc<dyn Fn(Request<Message>) -> BoxFuture<Response<Body>, Infallible> + Send + Sync>;

/// The calls of gRPC over an application.
pub fn grpc(app: Shared) -> Grpc {
    let (stop, stops) = watch::channel(false);
    let limit = app.options.body_limit;
    let longest = app.options.body_timeout + app.options.answer_timeout;
    let metrics = app.grpc_metrics.clone();
    let elsewhere = Method {
        answer: Arc::new(|request| Box::pin(async move { Ok(unknown(&request)) })),
        is_ours: true,
        streams: false,
        metrics: metrics.of(ELSEWHERE),
    };
    let room = Arc::clone(&app.body_room);
    let promise = Promise::of(app.engine.durability());
    let services = services(Arc::clone(&app), stops, limit);
    let descriptors = [
        proto::DESCRIPTOR,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let methods = descriptors.into_iter().flat_map(described);
    let methods = methods.filter_map(|(service, path, streams)| {
        let answer = Arc::clone(services.get(&*service)?);
        let metrics = metrics.of(&path);
        Some((
            path,
            Method {
                answer,
                is_ours: service.starts_with("onhand."),
                streams,
                metrics,
            },
        ))
    });
    Grpc(Arc::new(Table {
        app,
        methods: methods.collect(),
        elsewhere,
        longest,
        limit,
        stop,
        promise,
        room,
    }))
}

/// All services, by name.
fn services(
    app: Shared,
    stops: watch::Receiver<bool>,
    limit: usize,
) -> HashMap<&'static str, Answer> {
    let health = HealthServer::new(Health {
        app: Arc::clone(&app),
        stops: stops.clone(),
    });
    let streams = Arc::new(Semaphore::new(app.options.streams));
    let calls = Arc::new(Calls {
        app,
        stops,
        streams,
    });
    HashMap::from([
        named(StockServer::from_arc(Arc::clone(&calls)).max_decoding_message_size(limit)),
        named(TransfersServer::from_arc(Arc::clone(&calls)).max_decoding_message_size(limit)),
        named(ReservationsServer::from_arc(Arc::clone(&calls)).max_decoding_message_size(limit)),
        named(FactsServer::from_arc(Arc::clone(&calls)).max_decoding_message_size(limit)),
        named(PredictionsServer::from_arc(Arc::clone(&calls)).max_decoding_message_size(limit)),
        named(LedgerServer::from_arc(calls).max_decoding_message_size(limit)),
        named(health),
        named(reflection().build_v1().expect(DESCRIBED)),
        // Older clients know this version alone.
        named(reflection().build_v1alpha().expect(DESCRIBED)),
    ])
}

const DESCRIBED: &str = "the descriptors are part of the program";

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTOR)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn named<S>(service: S) -> (&'static str, Answer)
where
    S: NamedService + Clone + Send + Sync + 'static,
    S: Service<
            Request<Message>,
            Response = Response<Body>,
            Error = Infallible,
            Future = BoxFuture<Response<Body>, Infallible>,
        >,
{
    let answer = move |request| service.clone().call(request);
    (S::NAME, Arc::new(answer))
}

/// The calls of a descriptor: the service of each, its path, and whether it streams.
fn described(descriptor: &[u8]) -> Vec<(String, String, bool)> {
    let files = FileDescriptorSet::decode(descriptor)
        .expect("it is part of the program")
        .file;
    let mut all = Vec::new();
    for file in &files {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            for method in &service.method {
                let streams = method.client_streaming() || method.server_streaming();
                all.push((name.clone(), format!("/{name}/{}", method.name()), streams));
            }
        }
    }
    all
}

fn unknown(request: &Request<Message>) -> Response<Body> {
    let path: String = request.uri().path().chars().take(200).collect();
    let detail = format!("There is no call {path}. Reflection tells what there is.");
    Status::from(Denied::new(Kind::UnknownRoute, detail)).into_http()
}

impl Grpc {
    /// Answers a call.
    pub(crate) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let table = &*self.0;
        let method = table.methods.get(request.uri().path());
        let method = method.unwrap_or(&table.elsewhere);
        let (_in_flight, began) = (method.metrics.begin(), Instant::now());
        let mut answer = table.ask(method, request).await;
        let mut code = Code::Ok;
        if let Some(status) = status::of(&answer) {
            let status = match method.is_ours {
                true => status::shaped(status, table.limit),
                false => status,
            };
            code = status.code();
            answer = status.into_http();
        }
        table.promise.say(answer.headers_mut());
        method.metrics.answered(code as u16, began.elapsed());
        tracing::debug!(route = method.metrics.route(), ?code, "answered");
        Ok(answer)
    }

    /// Ends the streams: what they have in flight is answered first.
    pub(crate) fn stop(&self) {
        self.0.stop.send_replace(true);
    }
}

impl Table {
    async fn ask(&self, method: &Method, mut request: Request<Incoming>) -> Response<Body> {
        let came = Came(self.app.engine.clock().moment());
        request.extensions_mut().insert(came);
        let time = match deadline::of(request.headers()) {
            _ if method.streams => None,
            Some(time) => Some(time.min(self.longest)),
            None => Some(self.longest),
        };
        let Some(time) = time else {
            let Ok(answer) = (method.answer)(request.map(Message::many)).await;
            return answer;
        };
        let (head, bytes) = request.into_parts();
        let (message, _held) = Message::one(bytes, &self.room);
        let answer = (method.answer)(Request::from_parts(head, message));
        match timeout(time, answer).await {
            Ok(Ok(answer)) => answer,
            Err(_) => Status::from(no_answer()).into_http(),
        }
    }
}
