//! A room's messages: reading back, sending.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::contracts::native::MessageBody;
use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, UserCaller};
use crate::http::native::log::{Messages, Range, answer_conversation, answer_page};
use crate::http::native::sending::{SendMessage, location, sent};
use crate::http::paths::RoomPath;
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

/// What of the log to show.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    only: Option<Only>,
}

/// What can be shown alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Only {
    /// What was said: messages and notices.
    Messages,
}

/// A room's messages.
///
/// The newest, or those before or after a number. A page never has a hole inside; when retention
/// has removed what `after` asks for, the page begins at `head.oldestSeq`.
///
/// With `only=messages` what happened between the messages is left out, and `next` says where to go
/// on. A page may then have fewer than `limit` although more are left, where a room has thousands of
/// events in a row.
#[utoipa::path(
    get,
    path = "/rooms/{id}/messages",
    operation_id = "listMessages",
    tag = "messages",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("before" = Option<u64>, Query, description = "The newest messages with a smaller `seq`; not with `after`"),
        ("after" = Option<u64>, Query, description = "The oldest messages with a greater `seq`; not with `before`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 20 when missing", minimum = 1, maximum = 200),
        ("only" = Option<String>, Query, description = "`messages` leaves out who came and went, edits, and other events", example = "messages"),
    ),
    responses((status = 200, description = "The messages", body = Messages), Malformed, NoRoom, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    Parameters(range): Parameters<Range>,
    Parameters(shown): Parameters<Shown>,
) -> Result<Response, Refusal> {
    let (query, limit) = range.query()?;
    let engine = &state.engine;
    if let Some(Only::Messages) = shown.only {
        let page = engine.read_conversation(&caller, &room, query, limit);
        return Ok(answer_conversation(&page.await?));
    }
    let page = engine.read_history(&caller, &room, query, limit).await?;
    Ok(answer_page(&page, query))
}

/// Sends a message. Sending to one's own support room opens it.
///
/// Answered when the message is durable. A repeat of a `clientId` stores nothing and answers the
/// first message. The header `Idempotency-Key` counts as `clientId` when the body has none.
#[utoipa::path(
    post,
    path = "/rooms/{id}/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("Idempotency-Key" = Option<String>, Header, description = "As `clientId`"),
    ),
    request_body = SendMessage,
    responses(
        (status = 200, description = "It was sent before: the first message", body = MessageBody),
        (status = 201, description = "Stored now", body = MessageBody,
         headers(("Location" = String, description = "Where the message can be read"))),
        (status = 413, description = "`TOO_LARGE`: the body is larger than 64 KiB", body = Problem,
         content_type = "application/problem+json"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn send(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SendMessage>,
) -> Result<Response, Refusal> {
    let (body, client_id) = request.read(&headers)?;
    let message = state.engine.send_or_open(&caller, room, body, client_id);
    Ok(sent(&message.await?, location))
}
