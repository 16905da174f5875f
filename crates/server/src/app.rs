//! The application: what every call can reach, and the routes.

use crate::metrics::CallMetrics;
use crate::observe::Observe;
use crate::openapi::Document;
use crate::options::Options;
use crate::predictions::{AvailabilityModel, Predictions};
use crate::room::shared_room;
use crate::{durability, facts, features, ledger, operations, predictions, reservations, stock};
use axum::Router;
use axum::body::Bytes;
use onhand_engine::Engine;
use onhand_follow::Follower;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// Readings of one entry that may run at once.
const ENTRY_READS: usize = 64;

/// What every call can reach.
pub struct App {
    pub(crate) engine: Arc<Engine>,
    /// The features of the ledger, if this server keeps any.
    pub(crate) features: Option<Arc<Follower>>,
    /// What models foretell, if it has one.
    pub(crate) predictions: Option<Predictions>,
    pub(crate) registry: Registry,
    pub(crate) metrics: CallMetrics,
    pub(crate) grpc_metrics: CallMetrics,
    pub(crate) options: Options,
    /// Room for large bodies.
    pub(crate) body_room: Arc<Semaphore>,
    /// Places for readings of the ledger from disk.
    pub(crate) ledger_reads: Arc<Semaphore>,
    /// Places for readings of one entry: a repeated answer never waits behind a long reading.
    pub(crate) entry_reads: Arc<Semaphore>,
    /// The place for a frame of features: one is made at a time.
    pub(crate) frames: Arc<Semaphore>,
    /// The OpenAPI document.
    pub(crate) openapi: Bytes,
}

/// The application, as every protocol gets it.
pub type Shared = Arc<App>;

/// The application over an engine. `registry` holds the metrics that `/metrics` shows; the application adds its own.
pub fn app(engine: Arc<Engine>, registry: Registry, options: Options) -> Shared {
    app_with(engine, Learned::default(), registry, options)
}

/// What is learned from an engine's ledger.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The features that follow it.
    pub features: Option<Arc<Follower>>,
    /// The model that tells from them what is on the shelves.
    pub availability: Option<Arc<AvailabilityModel>>,
}

/// The application over an engine, with what is learned from its ledger.
pub fn app_with(
    engine: Arc<Engine>,
    learned: Learned,
    mut registry: Registry,
    options: Options,
) -> Shared {
    let openapi = routes(None).into_openapi();
    let openapi = serde_json::to_vec(&openapi).expect("the document is plain data");
    Arc::new(App {
        engine,
        features: learned.features,
        predictions: learned
            .availability
            .map(|model| Predictions::new(model, &mut registry)),
        metrics: CallMetrics::register(&mut registry, "onhand_http"),
        grpc_metrics: CallMetrics::register(&mut registry, "onhand_grpc"),
        registry,
        body_room: shared_room(options.body_room),
        ledger_reads: Arc::new(Semaphore::new(options.ledger_reads.max(1))),
        entry_reads: Arc::new(Semaphore::new(ENTRY_READS)),
        frames: Arc::new(Semaphore::new(1)),
        options,
        openapi: openapi.into(),
    })
}

/// The routes of HTTP.
pub fn http(app: Shared) -> Router {
    let (router, _) = routes(Some(&app.metrics)).split_for_parts();
    let router = router
        .route("/docs", axum::routing::get(operations::docs::redirect))
        .route("/docs/", axum::routing::get(operations::docs::index))
        .route("/docs/{file}", axum::routing::get(operations::docs::file));
    let router = router.fallback(operations::elsewhere::unknown_route);
    router
        .method_not_allowed_fallback(operations::elsewhere::other_method)
        .layer(durability::Promise::of(app.engine.durability()))
        .with_state(app)
}

/// The calls, each with its description.
pub(crate) fn routes(metrics: Option<&CallMetrics>) -> OpenApiRouter<Shared> {
    let calls = [
        routes!(stock::receipts::post),
        routes!(stock::adjustments::post),
        routes!(stock::counts::post),
        routes!(stock::sales::post),
        routes!(stock::observations::post),
        routes!(stock::policies::post),
        routes!(stock::transfers::post),
        routes!(stock::transfers::get),
        routes!(stock::transfers::receive),
        routes!(stock::level::get),
        routes!(stock::explain::get),
        routes!(stock::availability::post),
        routes!(reservations::reserve::post),
        routes!(reservations::batch::post),
        routes!(reservations::view::get),
        routes!(reservations::confirm::post),
        routes!(reservations::extend::post),
        routes!(reservations::release::post),
        routes!(reservations::fulfill::post),
        routes!(facts::post),
        routes!(features::post),
        routes!(features::frame::post),
        routes!(predictions::availability::post),
        routes!(ledger::get),
        routes!(operations::health::live),
        routes!(operations::health::ready),
        routes!(operations::metrics::get),
        routes!(operations::document::get),
    ];
    let empty = OpenApiRouter::with_openapi(Document::openapi());
    calls
        .into_iter()
        .fold(empty, |router, call| router.routes(observed(call, metrics)))
}

fn observed(
    call: UtoipaMethodRouter<Shared>,
    metrics: Option<&CallMetrics>,
) -> UtoipaMethodRouter<Shared> {
    let path = call.1.paths.keys().next().cloned().unwrap_or_default();
    match metrics {
        Some(metrics) => {
            let observe = Observe::new(metrics.of(&path));
            call.map(|methods| methods.route_layer(observe))
        }
        None => call,
    }
}
