//! Rooms, as the host's back end makes and changes them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use madang_domain::{RoomAction, RoomId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::contracts::members::user_id;
use crate::contracts::rooms::{ProfileChangeBody, RoomBody};
use crate::http::Shared;
use crate::http::extract::{JsonBody, RoomsHost};
use crate::http::native::rooms::{self, NewRoom};
use crate::http::paths::{RoomPath, encoded};
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

/// A room to make for people.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewHostRoom {
    #[serde(flatten)]
    room: NewRoom,
    /// Whose it is; the first of `members` when missing.
    #[schema(example = "kim@example.com")]
    owner: Option<String>,
}

/// Makes a room of members: scope `rooms`.
///
/// With an owner and members, or members alone; a direct room is for two, and is there once for its
/// pair of people and its context: safe to repeat, 201 when it was made now, else 200.
#[utoipa::path(
    post,
    path = "/rooms",
    operation_id = "hostMakeRoom",
    tag = "host",
    security(("apiKey" = [])),
    request_body(content = NewHostRoom, example = json!({"kind": "group", "title": "산책 모임", "owner": "kim@example.com", "members": ["lee@example.com"]})),
    responses(
        (status = 200, description = "There was one: as it stands", body = RoomBody),
        (status = 201, description = "Made now", body = RoomBody,
         headers(("Location" = String, description = "Where the room is"))),
        (status = 409, description = "`ROOM_FULL`", body = Problem, content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
pub(super) async fn make(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    JsonBody(request): JsonBody<NewHostRoom>,
) -> Result<Response, Refusal> {
    let owner = request.owner.as_deref().map(user_id).transpose()?;
    let plan = request.room.plan(owner)?;
    let (room, made) = rooms::make(&state, caller, plan).await?;
    let location = |id: &RoomId| format!("/api/v1/host/rooms/{}", encoded(id.as_str()));
    Ok(rooms::made_or_found(&room, made, location))
}

/// A room as it stands: scope `rooms`.
#[utoipa::path(
    get,
    path = "/rooms/{id}",
    operation_id = "hostGetRoom",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    responses((status = 200, description = "The room", body = RoomBody), Malformed, NoRoom, Common)
)]
pub(super) async fn get(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomBody>, Refusal> {
    let room = state.engine.oversee_room(&caller, &room).await?;
    Ok(Json(RoomBody::from(&room)))
}

/// Edits what people see of a room of members: scope `rooms`.
#[utoipa::path(
    patch,
    path = "/rooms/{id}",
    operation_id = "hostEditRoom",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    request_body = ProfileChangeBody,
    responses((status = 200, description = "The room as it is now", body = RoomBody), Malformed, NoRoom, Common)
)]
pub(super) async fn edit(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    RoomPath(room): RoomPath,
    JsonBody(change): JsonBody<ProfileChangeBody>,
) -> Result<Json<RoomBody>, Refusal> {
    let change = change.change()?;
    let before = state.engine.oversee_room(&caller, &room).await?;
    let room = rooms::edit(&state, caller, &before, change).await?;
    Ok(Json(RoomBody::from(&room)))
}

/// Deletes a room of members and its history: scope `rooms`.
#[utoipa::path(
    delete,
    path = "/rooms/{id}",
    operation_id = "hostDeleteRoom",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    responses((status = 204, description = "Gone"), Malformed, NoRoom, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Refusal> {
    let deleted = state.engine.change_room(&caller, &room, RoomAction::Delete);
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}
