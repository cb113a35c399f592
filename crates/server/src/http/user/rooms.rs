//! Rooms as those who take part in them see them.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::ports::RoomsQuery;
use madang_domain::{Code, Error, Profile, Room, RoomAction, RoomId, RoomKind, Timestamp, UserId};
use madang_engine::RoomPlan;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::encoded;
use crate::contracts::rooms::{OwnRoom, ProfileBody, ProfileChangeBody, RoomBody, RoomKindBody};
use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, RoomPath, UserCaller};
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

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

/// A page of the caller's rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnRooms<'a> {
    rooms: Vec<OwnRoom<'a>>,
    /// Hand it back as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1764320490123456-17")]
    next: Option<String>,
}

/// Which of the caller's rooms.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    kind: Option<RoomKindBody>,
    after: Option<String>,
    limit: Option<usize>,
}

impl Page {
    fn query(&self) -> Result<RoomsQuery, Error> {
        let refuse = |detail| Err(Error::with_detail(Code::ParameterInvalid, detail));
        let after = match self.after.as_deref().map(parse_place) {
            Some(None) => return refuse("after is not what a page has given as next"),
            Some(place) => place,
            None => None,
        };
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(RoomsQuery {
                kind: self.kind.map(RoomKind::from),
                after,
                limit,
            }),
            _ => refuse("limit goes from 1 to 200"),
        }
    }
}

fn parse_place(text: &str) -> Option<(Timestamp, u64)> {
    let (micros, number) = text.rsplit_once('-')?;
    let at = Timestamp::from_micros(micros.parse().ok()?);
    Some((at, number.parse().ok()?))
}

/// The caller's rooms.
///
/// Where they are a member, their own support room, and those assigned to them: newest activity
/// first, with the last message and the number of unread ones.
#[utoipa::path(
    get,
    path = "/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    params(
        ("kind" = Option<RoomKindBody>, Query, description = "Only rooms of this kind"),
        ("after" = Option<String>, Query, description = "What the page before has given as `next`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 50 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The rooms", body = OwnRooms), Malformed, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    Parameters(page): Parameters<Page>,
) -> Result<Response, Refusal> {
    let query = page.query()?;
    let rooms = state.engine.rooms_of(&caller, &query).await?;
    let last = rooms.last().filter(|_| rooms.len() == query.limit);
    let next = last.map(|last| {
        let number = last.view.room.number;
        format!("{}-{number}", last.active_at.as_micros())
    });
    let rooms = rooms.iter().map(OwnRoom::from).collect();
    Ok(Json(OwnRooms { rooms, next }).into_response())
}

/// A room to make or open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewRoom {
    kind: RoomKindBody,
    /// Up to 512 bytes.
    #[schema(example = "산책 모임")]
    title: Option<String>,
    /// Up to 8192 bytes.
    #[schema(example = "매일 저녁 7시")]
    description: Option<String>,
    /// A link, up to 2048 bytes.
    #[schema(example = "/pictures/6b1f.png")]
    picture: Option<String>,
    /// Any JSON of up to 4096 bytes. With its pair of people it makes a direct room unique.
    #[schema(value_type = Option<Object>)]
    context: Option<serde_json::Value>,
    /// Who belongs to it beside the caller, at most 1000; of a direct room the one other person.
    #[serde(default)]
    #[schema(example = json!(["lee@example.com"]))]
    members: Vec<String>,
}

impl NewRoom {
    fn plan(self) -> Result<RoomPlan, Error> {
        let profile = ProfileBody {
            title: self.title,
            description: self.description,
            picture: self.picture,
            context: self.context,
        };
        Ok(RoomPlan {
            kind: self.kind.into(),
            profile: profile.profile(),
            members: user_ids(&self.members)?,
            owner: None,
        })
    }
}

/// # Errors
/// [`Code::BodyInvalid`]: one of them is no user's id.
pub(in crate::http) fn user_ids(ids: &[String]) -> Result<Vec<UserId>, Error> {
    let user = |id: &String| {
        UserId::new(id)
            .map_err(|reason| Error::with_detail(Code::BodyInvalid, format!("a user id {reason}")))
    };
    ids.iter().map(user).collect()
}

/// Makes a room, or opens the caller's own support room.
///
/// A direct room is there once for its pair of people and its context, a support room once for
/// its customer: safe to repeat, 201 when it was made now, else 200.
#[utoipa::path(
    post,
    path = "/rooms",
    operation_id = "openRoom",
    tag = "rooms",
    request_body(content = NewRoom, example = json!({"kind": "direct", "members": ["lee@example.com"], "context": {"item": 77}})),
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
    JsonBody(request): JsonBody<NewRoom>,
) -> Result<Response, Refusal> {
    let plan = request.plan()?;
    let (room, made) = if plan.kind == RoomKind::Support {
        if plan.profile != Profile::default() || !plan.members.is_empty() {
            let detail = "a support room has no title, context or members of its own";
            return Err(Error::with_detail(Code::BodyInvalid, detail).into());
        }
        let own = RoomId::new(caller.user.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        state.engine.open_support_room(&caller, &own).await?
    } else {
        state.engine.create_room(&caller, plan).await?
    };
    Ok(made_or_found(&room, made))
}

/// 201 with where the room is, or 200.
pub(in crate::http) fn made_or_found(room: &Room, made: bool) -> Response {
    let body = Json(RoomBody::from(room));
    if !made {
        return body.into_response();
    }
    let location = format!("/api/v1/rooms/{}", encoded(room.id.as_str()));
    (StatusCode::CREATED, [(header::LOCATION, location)], body).into_response()
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

/// Edits what people see of a room: for its owner.
#[utoipa::path(
    patch,
    path = "/rooms/{id}",
    operation_id = "editRoom",
    tag = "rooms",
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    request_body = ProfileChangeBody,
    responses((status = 200, description = "The room as it is now", body = RoomBody), Malformed, NoRoom, Common)
)]
pub(super) async fn edit(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    JsonBody(change): JsonBody<ProfileChangeBody>,
) -> Result<Json<RoomBody>, Refusal> {
    let room = state
        .engine
        .edit_room(&caller, &room, change.change()?)
        .await?;
    Ok(Json(RoomBody::from(&room)))
}

/// Deletes a room and its history.
///
/// For the owner of a group or open room, for either of a direct room's two, and for a support
/// room's customer, who leaves by it.
#[utoipa::path(
    delete,
    path = "/rooms/{id}",
    operation_id = "deleteRoom",
    tag = "rooms",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    responses((status = 204, description = "Gone"), Malformed, NoRoom, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Refusal> {
    let deleted = state.engine.change_room(&caller, &room, RoomAction::Delete);
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Joins an open room.
#[utoipa::path(
    post,
    path = "/rooms/{id}/join",
    operation_id = "joinRoom",
    tag = "members",
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    responses(
        (status = 200, description = "The caller belongs to it", body = RoomBody),
        (status = 409, description = "`ROOM_FULL`", body = Problem, content_type = "application/problem+json"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn join(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomBody>, Refusal> {
    let (room, _) = state.engine.join_room(&caller, &room).await?;
    Ok(Json(RoomBody::from(&room)))
}

/// Leaves a room.
///
/// An owner hands a group or open room to its longest-standing moderator, else member. The last one
/// to leave ends the room. A support room's customer takes it and its history away.
#[utoipa::path(
    post,
    path = "/rooms/{id}/leave",
    operation_id = "leaveRoom",
    tag = "members",
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    responses((status = 204, description = "Left"), Malformed, NoRoom, Common)
)]
pub(super) async fn leave(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Refusal> {
    let left = state.engine.change_room(&caller, &room, RoomAction::Leave);
    left.await?;
    Ok(StatusCode::NO_CONTENT)
}
