//! The desk's feed: the log of its changes, read back and as it grows.

use axum::extract::{Request, State};
use axum::response::Response;
use madang_domain::RoomId;

use crate::contracts::realtime::ServerEvent;
use crate::http::Shared;
use crate::http::extract::{AgentCaller, Parameters};
use crate::http::native::log::{Messages, Range, answer_page};
use crate::http::native::stream::StreamRequest;
use crate::http::problem::{Common, Malformed, Refusal};

/// The desk's changes.
///
/// The newest, or those before or after a number: rooms that began to wait, were claimed, given
/// back, handed over, completed, or have been waiting for long. `ofRoom` names the room, `sender` is
/// who did it, `subjects` the agent who has or had it.
#[utoipa::path(
    get,
    path = "/desk/feed",
    operation_id = "listDeskFeed",
    tag = "desk",
    params(
        ("before" = Option<u64>, Query, description = "The newest entries with a smaller `seq`; not with `after`"),
        ("after" = Option<u64>, Query, description = "The oldest entries with a greater `seq`; not with `before`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 20 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The entries", body = Messages), Malformed, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
    Parameters(range): Parameters<Range>,
) -> Result<Response, Refusal> {
    let (query, limit) = range.query()?;
    let desk = RoomId::desk();
    let page = state.engine.read_history(&caller, &desk, query, limit);
    Ok(answer_page(&page.await?, query))
}

/// The desk's changes, as server-sent events.
///
/// As `/rooms/{id}/events`, for the desk's feed.
#[utoipa::path(
    get,
    path = "/desk/events",
    operation_id = "streamDeskEvents",
    tag = "desk",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The `position` of the last entry that was received"),
        ("lastEventId" = Option<String>, Query, description = "As the header, which counts before it"),
        ("access_token" = Option<String>, Query, description = "The token, where the operator lets it stand here (`http.query_token`)"),
    ),
    responses(
        (status = 200, description = "The events", body = ServerEvent, content_type = "text/event-stream"),
        Malformed,
        Common,
    )
)]
pub(super) async fn events(
    State(state): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    StreamRequest::read(&state, request)
        .await?
        .open_room(&state, RoomId::desk())
        .await
}
