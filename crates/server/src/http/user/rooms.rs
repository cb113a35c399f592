//! Rooms as those who take part in them see them.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::{Code, Error, Room, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::encoded;
use crate::contracts::rooms::{RoomBody, RoomKind};
use crate::http::Shared;
use crate::http::extract::{JsonBody, RoomPath, UserCaller};
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};

/// Rooms in one answer at most: a person's own and those they serve now.
const ROOMS_MAX: usize = 200;

/// Several rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rooms {
    rooms: Vec<RoomBody>,
}

impl From<&[Room]> for Rooms {
    fn from(rooms: &[Room]) -> Self {
        Self {
            rooms: rooms.iter().map(RoomBody::from).collect(),
        }
    }
}

/// The caller's rooms.
///
/// Their own support room if there is one, then those assigned to them, longest asking first; at
/// most 200.
#[utoipa::path(
    get,
    path = "/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    responses((status = 200, description = "The rooms", body = Rooms), Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
) -> Result<Json<Rooms>, Refusal> {
    let rooms = state.engine.rooms_of(&caller, ROOMS_MAX).await?;
    Ok(Json(Rooms::from(&rooms[..])))
}

/// Which room to open.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct OpenRoom {
    kind: RoomKind,
}

/// Opens the caller's own support room.
///
/// Made, waiting, when it is missing; safe to repeat. 201 when there was no room at the moment of
/// the call, else 200.
#[utoipa::path(
    post,
    path = "/rooms",
    operation_id = "openRoom",
    tag = "rooms",
    request_body(content = OpenRoom, example = json!({"kind": "support"})),
    responses(
        (status = 200, description = "There was one: as it stands", body = RoomBody),
        (status = 201, description = "Made now", body = RoomBody,
         headers(("Location" = String, description = "Where the room is"))),
        Malformed,
        Common,
    )
)]
pub(super) async fn open(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    JsonBody(request): JsonBody<OpenRoom>,
) -> Result<Response, Refusal> {
    let OpenRoom {
        kind: RoomKind::Support,
    } = request;
    let own = RoomId::new(caller.user.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
    let existed = match state.engine.room(&caller, &own).await {
        Ok(_) => true,
        Err(error) if error.code() == Code::RoomNotFound => false,
        Err(error) => return Err(error.into()),
    };
    let room = state.engine.open_support_room(&caller, &own).await?;
    let body = Json(RoomBody::from(&room));
    if existed {
        return Ok(body.into_response());
    }
    let location = format!("/api/v1/rooms/{}", encoded(own.as_str()));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// A room as it stands.
#[utoipa::path(
    get,
    path = "/rooms/{id}",
    operation_id = "getRoom",
    tag = "rooms",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    responses((status = 200, description = "The room", body = RoomBody), Malformed, NoRoom, Common)
)]
pub(super) async fn get(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomBody>, Refusal> {
    let room = state.engine.room(&caller, &room).await?;
    Ok(Json(RoomBody::from(&room)))
}

/// The customer leaves: the room and its history are gone.
#[utoipa::path(
    delete,
    path = "/rooms/{id}",
    operation_id = "leaveRoom",
    tag = "rooms",
    params(("id" = String, Path, description = "The caller's own room", example = "kim@example.com")),
    responses((status = 204, description = "Gone"), Malformed, NoRoom, Common)
)]
pub(super) async fn leave(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Refusal> {
    state.engine.leave_room(&caller, &room).await?;
    Ok(StatusCode::NO_CONTENT)
}
