//! For load balancers and those who run the server.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use madang_domain::ports::BusState;
use madang_domain::{Code, Error};
use madang_engine::Engine;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::problem::{Problem, Refusal};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// What the doors are, whichever node has them.
pub(super) fn documents() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(openapi))
        .routes(routes!(asyncapi))
}

/// Whether the process runs.
///
/// Always 200: restart the process when this does not answer.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "operations",
    security(()),
    responses((status = 200, description = "It runs", body = String, example = json!("ok")))
)]
async fn healthz() -> &'static str {
    "ok"
}

/// Whether this node takes clients.
///
/// Send no new clients while this is not 200: the node starts, drains, cannot reach its store, or has never reached its bus or
/// where presence is kept.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operations",
    security(()),
    responses(
        (status = 200, description = "It takes clients", body = String, example = json!("ready")),
        (status = 503, description = "It does not: `DRAINING` while it starts or shuts down, `UNAVAILABLE` without its store, and before it has reached its bus and where presence is kept",
         body = Problem, content_type = "application/problem+json"),
    )
)]
async fn readyz(
    State(state): State<Shared>,
    Extension(checks): Extension<Arc<StoreChecks>>,
) -> Result<&'static str, Refusal> {
    if !state.ready.load(Ordering::Acquire) {
        return Err(Code::Draining.into());
    }
    // Later on a bus that is lost makes messages late, and a presence that is lost makes it old: neither keeps clients
    // from being served.
    if state.engine.bus_state() == BusState::Starting {
        return Err(Error::with_detail(Code::Unavailable, "the bus was not reached yet").into());
    }
    if !state.engine.presence_was_reached().await {
        let detail = "presence was not reached yet";
        return Err(Error::with_detail(Code::Unavailable, detail).into());
    }
    let unusable = |_| Error::with_detail(Code::Unavailable, "the store cannot commit now");
    checks.check(&state.engine).await.map_err(unusable)?;
    Ok("ready")
}

/// Asks the store whether it can commit, once for all who ask within a second: anybody may, and each
/// check is a sync of the disk.
#[derive(Default)]
pub(super) struct StoreChecks {
    newest: Mutex<Option<(Instant, Result<(), Error>)>>,
}

/// How long an answer stands for others.
const CHECK_STANDS: Duration = Duration::from_secs(1);

impl StoreChecks {
    async fn check(&self, engine: &Engine) -> Result<(), Error> {
        let mut newest = self.newest.lock().await;
        if let Some((at, answer)) = &*newest
            && at.elapsed() < CHECK_STANDS
        {
            return answer.clone();
        }
        let answer = engine.check().await;
        *newest = Some((Instant::now(), answer.clone()));
        answer
    }
}

/// The documents, rendered once: they do not change while the server runs.
#[derive(Clone)]
pub(super) struct Documents {
    openapi: Bytes,
    asyncapi: Bytes,
}

impl Documents {
    pub(super) fn new(rest: &utoipa::openapi::OpenApi, live: &serde_json::Value) -> Self {
        Self {
            openapi: serde_json::to_vec(rest).unwrap_or_default().into(),
            asyncapi: serde_json::to_vec(live).unwrap_or_default().into(),
        }
    }
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "operations",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
async fn openapi(Extension(documents): Extension<Documents>) -> impl IntoResponse {
    json(documents.openapi)
}

/// What is said on the live doors: STOMP, JSON over WebSocket, event streams.
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    operation_id = "getAsyncApi",
    tag = "operations",
    security(()),
    responses((status = 200, description = "AsyncAPI 3.0", content_type = "application/json"))
)]
async fn asyncapi(Extension(documents): Extension<Documents>) -> impl IntoResponse {
    json(documents.asyncapi)
}

fn json(document: Bytes) -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::OK, headers, document)
}
