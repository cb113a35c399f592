//! Contract 1: REST of the support desk of the video-course site.

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Shared;

mod agent;
mod customer;
mod envelope;
mod page;

pub(super) use envelope::Refusal;

/// What no route names by itself.
#[derive(OpenApi)]
#[openapi(components(schemas(envelope::ErrorEnvelope)))]
struct Errors;

/// Where its paths begin.
pub(super) const PREFIXES: &[&str] = &["/user/chats", "/admin/chats"];

pub(in crate::http) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Errors::openapi())
        .routes(routes!(customer::history))
        .routes(routes!(customer::leave))
        .routes(routes!(agent::waiting))
        .routes(routes!(agent::mine))
        .routes(routes!(agent::history, agent::complete))
}
