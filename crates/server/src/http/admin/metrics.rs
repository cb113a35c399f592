//! What the server counts.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use madang_domain::{Code, Error};

use crate::http::Shared;
use crate::http::extract::{AdminCaller, is_from_this_machine};
use crate::http::problem::{Problem, Refusal};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the server counts, for Prometheus.
///
/// Open to this machine (not through a proxy) without a token, elsewhere to admins.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "operations",
    security((), ("token" = [])),
    responses(
        (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
        (status = 403, description = "Neither this machine nor an admin: `ADMINS_ONLY`", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn metrics(
    State(state): State<Shared>,
    request: Request,
) -> Result<impl IntoResponse, Refusal> {
    let (parts, _) = request.into_parts();
    if !is_from_this_machine(&parts) {
        // One answer to every stranger: a scraper's token is configured once and for all.
        let admin = AdminCaller::from_headers(&state, &parts.headers).await;
        admin.map_err(|_| {
            let detail = "metrics are open to this machine and to admins";
            Error::with_detail(Code::AdminsOnly, detail)
        })?;
    }
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], (state.metrics)()))
}
