//! Event streams: what happens in the caller's rooms, as it happens.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::contracts::realtime::ServerEvent;
use crate::http::native::stream::StreamRequest;
use crate::http::paths::RoomPath;
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};
use crate::http::{EventScope, Shared};

/// All of the caller's rooms, as server-sent events.
///
/// `event` is the type and `data` one JSON object (`hello`, `message`, `room`, `reset`, `read`,
/// `receipts`, `typing`, `inbox`, `notification`, `error`). The `id` of `hello`, `message`, `inbox`,
/// `reset` and of a `room` that joined says where every room and the inbox stand: sent back as
/// `Last-Event-ID` it resumes each exactly. A room that came meanwhile begins now and is told with
/// `room`; an inbox that was made meanwhile is shown from its beginning. Of more rooms than
/// `session.stream_rooms_max` those are shown that the id names, then the newest, and `hello` says
/// that there are `more`.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "streamEvents",
    tag = "rooms",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received"),
        ("lastEventId" = Option<String>, Query, description = "As the header, which counts before it"),
        ("access_token" = Option<String>, Query, description = "The token, where the operator lets it stand here (`http.query_token`)"),
    ),
    responses(
        (status = 200, description = "The events", body = ServerEvent, content_type = "text/event-stream"),
        Malformed,
        Common,
    )
)]
pub(super) async fn all(
    State(state): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let mut request = StreamRequest::read(&state, request).await?;
    let last = request.last.take();
    request.open(&state, EventScope::All { last }).await
}

/// One room, as server-sent events.
///
/// As `/events`, for one room that the caller may read. The `id` of an event is its `position`.
/// The stream ends once the room is not the caller's to read any more.
#[utoipa::path(
    get,
    path = "/rooms/{id}/events",
    operation_id = "streamRoomEvents",
    tag = "rooms",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `position` of the last message that was received"),
        ("lastEventId" = Option<String>, Query, description = "As the header, which counts before it"),
        ("access_token" = Option<String>, Query, description = "The token, where the operator lets it stand here (`http.query_token`)"),
    ),
    responses(
        (status = 200, description = "The events", body = ServerEvent, content_type = "text/event-stream"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn one(
    State(state): State<Shared>,
    RoomPath(room): RoomPath,
    request: Request,
) -> Result<Response, Refusal> {
    StreamRequest::read(&state, request)
        .await?
        .open_room(&state, room)
        .await
}
