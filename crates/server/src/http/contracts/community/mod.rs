//! Contract 2: REST of the pet community's open chat, trade chat and notifications.

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::contracts::community::Said;
use crate::http::Shared;

mod answer;
mod notifications;
mod open_rooms;
mod trade_rooms;

pub(super) use answer::Refusal;

/// What no route names by itself.
#[derive(OpenApi)]
#[openapi(components(schemas(Said)))]
struct Answers;

/// Where its paths begin.
pub(super) const PREFIXES: &[&str] = &["/api/openchat", "/api/tradechat", "/api/notifications"];

pub(in crate::http) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Answers::openapi())
        .routes(routes!(open_rooms::list, open_rooms::create))
        .routes(routes!(
            open_rooms::get,
            open_rooms::edit,
            open_rooms::delete
        ))
        .routes(routes!(open_rooms::history))
        .routes(routes!(trade_rooms::list))
        .routes(routes!(trade_rooms::open, trade_rooms::delete))
        .routes(routes!(trade_rooms::history))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::read, notifications::delete))
}

/// Event streams.
pub(in crate::http) fn streams() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(notifications::connect))
}
