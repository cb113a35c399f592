//! One message: reading, editing, deleting.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_domain::Message;
use serde::Deserialize;

use crate::contracts::native::MessageBody;
use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, UserCaller};
use crate::http::native::sending::{SendMessage, client_id};
use crate::http::paths::MessagePath;
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

/// A message as it reads now.
#[utoipa::path(
    get,
    path = "/rooms/{id}/messages/{seq}",
    operation_id = "getMessage",
    tag = "messages",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("seq" = u64, Path, description = "The number of the message", example = 42, minimum = 1),
    ),
    responses((status = 200, description = "The message", body = MessageBody), Malformed, NoRoom, Common)
)]
pub(super) async fn get(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    MessagePath(room, seq): MessagePath,
) -> Result<Response, Refusal> {
    let message = state.engine.message(&caller, &room, seq).await?;
    Ok(body(&message))
}

/// Gives a message another body.
///
/// For its sender, for `messages.revise_seconds`; for moderators and the owner of a group or open
/// room, always. Everybody in the room gets an `edited` entry. A repeat of a `clientId` changes
/// nothing.
#[utoipa::path(
    patch,
    path = "/rooms/{id}/messages/{seq}",
    operation_id = "editMessage",
    tag = "messages",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("seq" = u64, Path, description = "The number of the message", example = 42, minimum = 1),
        ("Idempotency-Key" = Option<String>, Header, description = "As `clientId`"),
    ),
    request_body = SendMessage,
    responses(
        (status = 200, description = "The message as it reads now", body = MessageBody),
        (status = 413, description = "`TOO_LARGE`: the body is larger than 64 KiB", body = Problem,
         content_type = "application/problem+json"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn edit(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    MessagePath(room, seq): MessagePath,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SendMessage>,
) -> Result<Response, Refusal> {
    let (new, client_id) = request.read(&headers)?;
    let engine = &state.engine;
    let edit = engine.edit(seq, new);
    engine
        .send_message(&caller, room.clone(), edit, client_id)
        .await?;
    let message = engine.message(&caller, &room, seq).await?;
    Ok(body(&message))
}

/// What makes a deletion safe to repeat.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    client_id: Option<String>,
}

/// Takes a message's body away; its place stays.
///
/// For whom may edit it. Everybody in the room gets a `deleted` entry. A message that is deleted
/// already is answered with 404, unless it is a repeat of the same `clientId`.
#[utoipa::path(
    delete,
    path = "/rooms/{id}/messages/{seq}",
    operation_id = "deleteMessage",
    tag = "messages",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("seq" = u64, Path, description = "The number of the message", example = 42, minimum = 1),
        ("clientId" = Option<String>, Query, description = "The caller's own name for the deletion: it is then safe to repeat"),
        ("Idempotency-Key" = Option<String>, Header, description = "As `clientId`"),
    ),
    responses((status = 204, description = "Deleted"), Malformed, NoRoom, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    MessagePath(room, seq): MessagePath,
    headers: HeaderMap,
    Parameters(named): Parameters<Named>,
) -> Result<StatusCode, Refusal> {
    let client_id = client_id(named.client_id.as_deref(), &headers)?;
    let deletion = state.engine.deletion(seq);
    let deleted = state
        .engine
        .send_message(&caller, room, deletion, client_id);
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

fn body(message: &Message) -> Response {
    Json(MessageBody::from(message)).into_response()
}
