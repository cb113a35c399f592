//! For every person: their own rooms and those they serve.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod events;
mod messages;
pub(super) mod rooms;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(rooms::list, rooms::open))
        .routes(routes!(rooms::get, rooms::edit, rooms::delete))
        .routes(routes!(rooms::join))
        .routes(routes!(rooms::leave))
        .routes(routes!(events::all))
        .routes(routes!(events::one))
        .routes(routes!(messages::list, messages::send))
}
