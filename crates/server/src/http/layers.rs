//! What happens to every request, whatever its route.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use madang_domain::Code;

use super::Shared;
use super::contracts::refusal::Words;
use super::problem::Told;

/// How long a request may take, its body included: a client that sends a byte an hour, or a store
/// that hangs, must not keep it.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// The route of requests that no route matched: paths of strangers must not become label values.
const NO_ROUTE: &str = "(none)";

/// Counts requests. Called once per answer, when its head is ready; must not block.
pub trait ObserveRequests: Send + Sync {
    /// `route` is the pattern (`/api/v1/rooms/{id}`), never the path itself, or `(none)`.
    fn answered(&self, method: &Method, route: &str, status: u16, elapsed: Duration);

    /// A request was refused with this code.
    fn refused(&self, code: Code);
}

/// Reports the answer, and answers for a handler that panics.
pub(super) async fn guard(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let words = Words::of(request.uri().path(), &state.contracts);
    let answer = tokio::time::timeout(REQUEST_DEADLINE, catch_panics(next.run(request)));
    let answer = answer.await.unwrap_or(Err(Code::Unavailable));
    let response = answer.unwrap_or_else(|code| words.refuse(code));
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let status = response.status().as_u16();
    if let Some(Told(error)) = response.extensions().get::<Told>() {
        tracing::debug!(%method, route, %error, "a request was refused");
        state.observer.refused(error.code());
    }
    state
        .observer
        .answered(&method, route, status, started.elapsed());
    response
}

/// # Errors
/// [`Code::Internal`]: it panicked.
async fn catch_panics(handling: impl Future<Output = Response>) -> Result<Response, Code> {
    let mut handling = pin!(handling);
    // Nothing that the handler broke is looked at again: its future is dropped with the request.
    let caught = std::future::poll_fn(|context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)));
        match polled {
            Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        }
    })
    .await;
    caught.ok_or_else(|| {
        tracing::error!("an HTTP handler panicked");
        Code::Internal
    })
}

/// Forbids browsers to guess types, and caches to keep what is not said to be kept.
pub(super) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

pub(super) async fn no_such_route(State(state): State<Shared>, uri: Uri) -> Response {
    Words::of(uri.path(), &state.contracts).refuse(Code::NotFound)
}

pub(super) async fn no_such_method(State(state): State<Shared>, uri: Uri) -> Response {
    Words::of(uri.path(), &state.contracts).refuse(Code::MethodNotAllowed)
}
