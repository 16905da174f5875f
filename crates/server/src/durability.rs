//! What every answer says about its durability: `Onhand-Durability`, in the engine's own words, in the header or the
//! metadata.
//!
//! On reads, too: a read shows what was answered, and so what may still be lost.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use onhand_engine::Durability;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower::{Layer, Service};

static ONHAND_DURABILITY: HeaderName = HeaderName::from_static("onhand-durability");

/// The layer that says it.
#[derive(Clone)]
pub(crate) struct Promise(HeaderValue);

impl Promise {
    pub(crate) fn of(durability: Durability) -> Self {
        let said = HeaderValue::from_str(&durability.to_string());
        Self(said.expect("a word, a dash and a number are visible ASCII"))
    }

    /// Says it in the head of an answer.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        headers.insert(&ONHAND_DURABILITY, self.0.clone());
    }
}

impl<S> Layer<S> for Promise {
    type Service = Promising<S>;

    fn layer(&self, inner: S) -> Promising<S> {
        Promising {
            inner,
            promise: self.clone(),
        }
    }
}

/// A service whose answers say it.
#[derive(Clone)]
pub(crate) struct Promising<S> {
    inner: S,
    promise: Promise,
}

impl<R, S: Service<R, Response = Response>> Service<R> for Promising<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        Answering {
            call: self.inner.call(request),
            promise: self.promise.clone(),
        }
    }
}

pin_project! {
    /// A call whose answer will say it.
    pub(crate) struct Answering<F> {
        #[pin]
        call: F,
        promise: Promise,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Answering<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut response = ready!(this.call.poll(context))?;
        this.promise.say(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}
