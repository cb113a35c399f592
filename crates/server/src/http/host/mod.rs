//! For the host's back end: users, rooms and their members, notices, notifications. Each route takes
//! an API key with the scope that it needs.

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod members;
mod messages;
mod notifications;
mod rooms;
mod users;

/// Largest request body, in bytes: a thousand users, each with a name and the link to a picture.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(users::keep_many))
        .routes(routes!(users::get, users::keep))
        .routes(routes!(users::revoke))
        .routes(routes!(rooms::make))
        .routes(routes!(rooms::get, rooms::edit, rooms::delete))
        .routes(routes!(members::list, members::add))
        .routes(routes!(members::remove))
        .routes(routes!(members::give_role))
        .routes(routes!(messages::list))
        .routes(routes!(messages::delete))
        .routes(routes!(messages::notice))
        .routes(routes!(notifications::notify))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}
