//! Contract 3: REST of the sports community's chat.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Shared;

mod envelope;
mod send;

pub(super) use envelope::Refusal;

/// Where its paths begin.
pub(super) const PREFIXES: &[&str] = &["/send/message"];

pub(in crate::http) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(send::message))
}
