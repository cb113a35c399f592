//! For agents: the support desk.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod desk;
mod feed;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(desk::waiting))
        .routes(routes!(desk::mine))
        .routes(routes!(desk::claim))
        .routes(routes!(desk::release))
        .routes(routes!(desk::hand_over))
        .routes(routes!(desk::complete))
        .routes(routes!(feed::list))
}

/// Event streams.
pub(super) fn streams() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(feed::events))
}
