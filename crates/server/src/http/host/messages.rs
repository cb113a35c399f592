//! Notices, and histories as the host's back end reads and moderates them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use madang_domain::{Content, Message};

use crate::contracts::native::MessageBody;
use crate::http::Shared;
use crate::http::extract::{JsonBody, MessagesHost, Parameters};
use crate::http::native::log::{Messages, Range, answer_page};
use crate::http::native::sending::{SendMessage, client_id, sent};
use crate::http::paths::{MessagePath, RoomPath, encoded};
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};

/// Says something to everybody in a room: scope `messages`.
///
/// A notice is the host's own word, and counts as unread for nobody. Answered when it is durable. A
/// repeat of a `clientId` stores nothing and answers the first notice. The header `Idempotency-Key`
/// counts as `clientId` when the body has none.
#[utoipa::path(
    post,
    path = "/rooms/{id}/notices",
    operation_id = "hostSendNotice",
    tag = "host",
    security(("apiKey" = [])),
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("Idempotency-Key" = Option<String>, Header, description = "As `clientId`"),
    ),
    request_body(content = SendMessage, example = json!({"text": "배송이 시작되었습니다.", "clientId": "order-1024-shipped"})),
    responses(
        (status = 200, description = "It was sent before: the first notice", body = MessageBody),
        (status = 201, description = "Stored now", body = MessageBody,
         headers(("Location" = String, description = "Where the notice can be read"))),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn notice(
    State(state): State<Shared>,
    MessagesHost(caller): MessagesHost,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SendMessage>,
) -> Result<Response, Refusal> {
    let (body, client_id) = request.read(&headers)?;
    let notice = state
        .engine
        .send_message(&caller, room, Content::Notice(body), client_id);
    Ok(sent(&notice.await?, location))
}

/// Where the host finds a message.
fn location(message: &Message) -> String {
    let room = encoded(message.room.as_str());
    let after = message.position.seq.previous();
    format!("/api/v1/host/rooms/{room}/messages?after={after}&limit=1")
}

/// A room's messages: scope `messages`.
///
/// As people read them: the newest, or those before or after a number.
#[utoipa::path(
    get,
    path = "/rooms/{id}/messages",
    operation_id = "hostListMessages",
    tag = "host",
    security(("apiKey" = [])),
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("before" = Option<u64>, Query, description = "The newest messages with a smaller `seq`; not with `after`"),
        ("after" = Option<u64>, Query, description = "The oldest messages with a greater `seq`; not with `before`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 20 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The messages", body = Messages), Malformed, NoRoom, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    MessagesHost(caller): MessagesHost,
    RoomPath(room): RoomPath,
    Parameters(range): Parameters<Range>,
) -> Result<Response, Refusal> {
    let (query, limit) = range.query()?;
    let page = state.engine.oversee_history(&caller, &room, query, limit);
    Ok(answer_page(&page.await?, query))
}

/// Takes a message's body away; its place stays: scope `messages`.
#[utoipa::path(
    delete,
    path = "/rooms/{id}/messages/{seq}",
    operation_id = "hostDeleteMessage",
    tag = "host",
    security(("apiKey" = [])),
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("seq" = u64, Path, description = "The number of the message", example = 42, minimum = 1),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's own name for the deletion: it is then safe to repeat"),
    ),
    responses((status = 204, description = "Deleted"), Malformed, NoRoom, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    MessagesHost(caller): MessagesHost,
    MessagePath(room, seq): MessagePath,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let client_id = client_id(None, &headers)?;
    let deletion = state.engine.deletion(seq);
    let deleted = state
        .engine
        .send_message(&caller, room, deletion, client_id);
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}
