//! Contract 1: REST of the support desk of the video-course site.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Shared;

mod agent;
mod customer;
mod envelope;
mod page;

pub(in crate::http) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(customer::history))
        .routes(routes!(customer::leave))
        .routes(routes!(agent::waiting))
        .routes(routes!(agent::mine))
        .routes(routes!(agent::history, agent::complete))
}
