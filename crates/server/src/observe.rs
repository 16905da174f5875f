//! Around every call: its metrics, and a span for whoever traces.
//!
//! A layer with a future of its own, as it lies on the path of every request.

use crate::metrics::{InFlight, RouteMetrics};
use axum::extract::Request;
use axum::response::Response;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tower::{Layer, Service};
use tracing::Span;

/// Observes the calls of one route.
#[derive(Clone)]
pub(crate) struct Observe(Arc<RouteMetrics>);

impl Observe {
    pub(crate) fn new(metrics: RouteMetrics) -> Self {
        Self(Arc::new(metrics))
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            inner,
            metrics: Arc::clone(&self.0),
        }
    }
}

/// A service that is observed.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    metrics: Arc<RouteMetrics>,
}

impl<S: Service<Request, Response = Response>> Service<Request> for Observed<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Observing<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let route = self.metrics.route();
        let span = tracing::debug_span!("request", method = %request.method(), route);
        Observing {
            call: self.inner.call(request),
            span,
            began: Instant::now(),
            _in_flight: self.metrics.begin(),
            metrics: Arc::clone(&self.metrics),
        }
    }
}

pin_project! {
    /// A call that is observed.
    pub(crate) struct Observing<F> {
        #[pin]
        call: F,
        span: Span,
        began: Instant,
        _in_flight: InFlight,
        metrics: Arc<RouteMetrics>,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Observing<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let answer = ready!(this.call.poll(context));
        if let Ok(response) = &answer {
            let (status, took) = (response.status().as_u16(), this.began.elapsed());
            this.metrics.answered(status, took);
            tracing::debug!(status, micros = took.as_micros() as u64, "answered");
        }
        Poll::Ready(answer)
    }
}
