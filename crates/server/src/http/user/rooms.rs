//! Rooms as those who take part in them see them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use madang_domain::ports::RoomsQuery;
use madang_domain::{Code, Error, Profile, RoomAction, RoomId, RoomKind, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::rooms::{OwnRoom, ProfileChangeBody, RoomBody, RoomKindBody};
use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, UserCaller, limit};
use crate::http::native::rooms::{self, NewRoom};
use crate::http::paths::{RoomPath, encoded};
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

const LIMIT_DEFAULT: usize = 50;

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
        let after = match self.after.as_deref().map(parse_place) {
            Some(None) => {
                let detail = "after is not what a page has given as next";
                return Err(Error::with_detail(Code::ParameterInvalid, detail));
            }
            Some(place) => place,
            None => None,
        };
        Ok(RoomsQuery {
            kind: self.kind.map(RoomKind::from),
            after,
            limit: limit(self.limit, LIMIT_DEFAULT)?,
        })
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
        (status = 429, description = "`TOO_MANY`: more people than `rooms.added_per_user_per_day_max` in 24 hours; `Retry-After` says when there is room for these",
         body = Problem, content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
pub(super) async fn open(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    JsonBody(request): JsonBody<NewRoom>,
) -> Result<Response, Refusal> {
    let plan = request.plan(None)?;
    let (room, made) = if plan.kind == RoomKind::Support {
        if plan.profile != Profile::default() || !plan.members.is_empty() {
            let detail = "a support room has no title, context or members of its own";
            return Err(Error::with_detail(Code::BodyInvalid, detail).into());
        }
        let own = RoomId::new(caller.user.as_str()).map_err(|_| Error::from(Code::NotYourRoom))?;
        state.engine.open_support_room(&caller, &own).await?
    } else {
        rooms::make(&state, caller, plan).await?
    };
    let location = |id: &RoomId| format!("/api/v1/rooms/{}", encoded(id.as_str()));
    Ok(rooms::made_or_found(&room, made, location))
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
    let change = change.change()?;
    let before = state.engine.room(&caller, &room).await?;
    let room = rooms::edit(&state, caller, &before, change).await?;
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
