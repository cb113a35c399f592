//! Rooms as those who take part in them see them.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::{Code, Error, Room, RoomHead, RoomId, SupportState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::encoded;
use crate::contracts::native::rfc3339;
use crate::http::Shared;
use crate::http::extract::{JsonBody, RoomPath, UserCaller};
use crate::http::problem::{Common, Malformed, NoRoom, Person, Refusal};

/// Rooms in one answer at most: a person's own and those they serve now.
const ROOMS_MAX: usize = 200;

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomBody {
    /// A support room has its customer's user id.
    #[schema(example = "kim@example.com")]
    id: String,
    kind: RoomKind,
    state: RoomState,
    customer: Customer,
    /// The agent who has the room, while it is assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Person>,
    /// Since when the customer has been asking: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    inquired_at: String,
    /// When this life of the room began: RFC 3339, UTC.
    #[schema(example = "2026-11-20T23:05:11.000417Z", format = DateTime)]
    created_at: String,
    head: Head,
}

/// What a room is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RoomKind {
    /// A customer and the support desk.
    Support,
}

/// Where a support room stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum RoomState {
    /// Any agent may claim it.
    Waiting,
    /// One agent has it.
    Assigned,
    /// Served; the customer's next message makes it wait again.
    Completed,
}

/// Whose room it is, as last seen in their token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Customer {
    /// The user id.
    #[schema(example = "kim@example.com")]
    id: String,
    /// The name to show.
    #[schema(example = "Kim")]
    name: String,
    /// The host's own number for the customer, if their token has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1024")]
    member_id: Option<String>,
}

/// The bounds of a room's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// After the newest message, opaque: subscribe with it as `since` to get what comes next.
    #[schema(example = "9f3c1a2b4d5e-42")]
    position: String,
    /// The newest message; 0 while there is none.
    #[schema(example = 42)]
    last_seq: u64,
    /// The oldest message still kept; `lastSeq + 1` when none is.
    #[schema(example = 1)]
    oldest_seq: u64,
}

impl From<&RoomHead> for Head {
    fn from(head: &RoomHead) -> Self {
        Self {
            position: head.position().to_string(),
            last_seq: head.last.get(),
            oldest_seq: head.oldest.get(),
        }
    }
}

impl From<&Room> for RoomBody {
    fn from(room: &Room) -> Self {
        let support = &room.support;
        let customer = support.customer.as_str();
        Self {
            id: room.id.to_string(),
            kind: RoomKind::Support,
            state: match support.state {
                SupportState::Waiting => RoomState::Waiting,
                SupportState::Assigned(_) => RoomState::Assigned,
                SupportState::Completed => RoomState::Completed,
            },
            customer: Customer {
                id: customer.to_owned(),
                name: support.nickname.as_deref().unwrap_or(customer).to_owned(),
                member_id: support.member_id.as_deref().map(str::to_owned),
            },
            assignee: support.assignee().map(Person::from),
            inquired_at: rfc3339(support.inquired_at),
            created_at: rfc3339(room.created_at),
            head: Head::from(&room.head),
        }
    }
}

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
