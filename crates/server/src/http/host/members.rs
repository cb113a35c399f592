//! Members, as the host's back end adds and removes them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use madang_domain::RoomAction;

use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, RoomsHost};
use crate::http::native::members::{
    AddMembers, Added, GiveRole, Members, MembersRange, RemoveMembers, Removed,
};
use crate::http::paths::{MemberPath, RoomPath};
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

/// A room's members: scope `rooms`.
///
/// In the order of their ids, without who is online.
#[utoipa::path(
    get,
    path = "/rooms/{id}/members",
    operation_id = "hostListMembers",
    tag = "host",
    security(("apiKey" = [])),
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("after" = Option<String>, Query, description = "What the page before has given as `next`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 50 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The members", body = Members), Malformed, NoRoom, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    RoomPath(room): RoomPath,
    Parameters(range): Parameters<MembersRange>,
) -> Result<Json<Members>, Refusal> {
    let (after, limit) = range.query()?;
    let members = state
        .engine
        .oversee_members(&caller, &room, after.as_ref(), limit);
    Ok(Json(Members::new(&members.await?, &[], limit)))
}

/// Adds people to a group or open room: scope `rooms`.
///
/// With more than 100 people, the first may have been added when the answer is an error: safe to
/// repeat.
#[utoipa::path(
    post,
    path = "/rooms/{id}/members",
    operation_id = "hostAddMembers",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    request_body = AddMembers,
    responses(
        (status = 200, description = "All of them belong to it", body = Added),
        (status = 409, description = "`ROOM_FULL`", body = Problem, content_type = "application/problem+json"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn add(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<AddMembers>,
) -> Result<Json<Added>, Refusal> {
    let (people, role) = request.people()?;
    let added = state.engine.add_members(&caller, &room, people, role);
    let added = added.await?;
    Ok(Json(Added { added }))
}

/// Removes people from a room of members: scope `rooms`.
///
/// Who does not belong to it is passed over. Of many people the first may have been removed when the
/// answer is an error: safe to repeat.
#[utoipa::path(
    post,
    path = "/rooms/{id}/members/remove",
    operation_id = "hostRemoveMembers",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    request_body = RemoveMembers,
    responses((status = 200, description = "None of them belongs to it", body = Removed), Malformed, NoRoom, Common)
)]
pub(super) async fn remove(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<RemoveMembers>,
) -> Result<Json<Removed>, Refusal> {
    let people = request.people()?;
    let removed = state.engine.remove_members(&caller, &room, people).await?;
    Ok(Json(Removed { removed }))
}

/// Gives a member another role: scope `rooms`.
///
/// `owner` makes the owner until then a moderator. The owner's own role changes in no other way.
#[utoipa::path(
    put,
    path = "/rooms/{id}/members/{user}",
    operation_id = "hostGiveRole",
    tag = "host",
    security(("apiKey" = [])),
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("user" = String, Path, description = "The member", example = "lee@example.com"),
    ),
    request_body = GiveRole,
    responses((status = 204, description = "They have it"), Malformed, NoRoom, Common)
)]
pub(super) async fn give_role(
    State(state): State<Shared>,
    RoomsHost(caller): RoomsHost,
    MemberPath(room, member): MemberPath,
    JsonBody(request): JsonBody<GiveRole>,
) -> Result<StatusCode, Refusal> {
    let action = RoomAction::SetRole(member, request.role.into());
    state.engine.change_room(&caller, &room, action).await?;
    Ok(StatusCode::NO_CONTENT)
}
