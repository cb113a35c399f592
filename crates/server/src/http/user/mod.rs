//! For every person: their own rooms and those they serve, open rooms, the inbox.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod events;
mod members;
mod message;
mod messages;
mod notifications;
mod open_rooms;
mod presence;
mod queue;
mod receipts;
mod rooms;
mod search;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(rooms::list, rooms::open))
        .routes(routes!(rooms::get, rooms::edit, rooms::delete))
        .routes(routes!(open_rooms::list))
        .routes(routes!(open_rooms::join))
        .routes(routes!(members::leave))
        .routes(routes!(members::list, members::add))
        .routes(routes!(members::give_role, members::remove))
        .routes(routes!(messages::list, messages::send))
        .routes(routes!(message::get, message::edit, message::delete))
        .routes(routes!(receipts::mark_read))
        .routes(routes!(receipts::list))
        .routes(routes!(receipts::unread))
        .routes(routes!(queue::get))
        .routes(routes!(search::search))
        .routes(routes!(presence::list))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::read_up_to))
        .routes(routes!(notifications::read, notifications::delete))
}

/// Event streams.
pub(super) fn streams() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(events::all))
        .routes(routes!(events::one))
}
