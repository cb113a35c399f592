//! For load balancers and those who run the server.

use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use madang_domain::Code;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::problem::{Problem, Refusal};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(openapi))
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
/// Send no new clients while this is not 200: the node starts, drains, or cannot reach its store.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operations",
    security(()),
    responses(
        (status = 200, description = "It takes clients", body = String, example = json!("ready")),
        (status = 503, description = "It does not: `DRAINING` while it starts or shuts down, `UNAVAILABLE` without its store",
         body = Problem, content_type = "application/problem+json"),
    )
)]
async fn readyz(State(state): State<Shared>) -> Result<&'static str, Refusal> {
    if !state.ready.load(Ordering::Acquire) {
        return Err(Code::Draining.into());
    }
    state.engine.check().await?;
    Ok("ready")
}

/// The document, rendered once: it does not change while the server runs.
#[derive(Clone)]
pub(super) struct Document(Bytes);

impl Document {
    pub(super) fn new(description: &utoipa::openapi::OpenApi) -> Self {
        Self(serde_json::to_vec(description).unwrap_or_default().into())
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
async fn openapi(Extension(Document(json)): Extension<Document>) -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::OK, headers, json)
}
