//! Who belongs to a room: reading, adding, giving roles, removing, leaving.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use madang_domain::{RoomAction, UserId};

use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, UserCaller};
use crate::http::native::members::{AddMembers, Added, GiveRole, Members, MembersRange};
use crate::http::paths::{MemberPath, RoomPath};
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

/// A room's members.
///
/// For members, also of an open room, and admins. In the order of their ids. Of a support room: its customer, and the agent who has it.
#[utoipa::path(
    get,
    path = "/rooms/{id}/members",
    operation_id = "listMembers",
    tag = "members",
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("after" = Option<String>, Query, description = "What the page before has given as `next`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 50 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The members", body = Members), Malformed, NoRoom, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    Parameters(range): Parameters<MembersRange>,
) -> Result<Json<Members>, Refusal> {
    let (after, limit) = range.query()?;
    let engine = &state.engine;
    let members = engine
        .members(&caller, &room, after.as_ref(), limit)
        .await?;
    let ids: Vec<UserId> = members.iter().map(|one| one.person.user.clone()).collect();
    // Who is online is worth less than who is there.
    let presence = engine.presence_of(&caller, &ids).await.unwrap_or_default();
    Ok(Json(Members::new(&members, &presence, limit)))
}

/// Adds people to a group or open room.
///
/// Any member may add plain members, moderators those who were removed before; only the owner adds
/// moderators. With more than 100 people, the first may have been added when the answer is an error.
#[utoipa::path(
    post,
    path = "/rooms/{id}/members",
    operation_id = "addMembers",
    tag = "members",
    params(("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")),
    request_body = AddMembers,
    responses(
        (status = 200, description = "All of them belong to it", body = Added),
        (status = 409, description = "`ROOM_FULL`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`TOO_MANY`: more people than `rooms.added_per_user_per_day_max` in 24 hours; `Retry-After` says when there is room for these",
         body = Problem, content_type = "application/problem+json"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn add(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<AddMembers>,
) -> Result<Json<Added>, Refusal> {
    let (people, role) = request.people()?;
    let added = state.engine.add_members(&caller, &room, people, role);
    let added = added.await?;
    Ok(Json(Added { added }))
}

/// Gives a member another role: for the owner.
///
/// `owner` hands the room over, and makes the owner until then a moderator. The owner's own role
/// changes in no other way.
#[utoipa::path(
    put,
    path = "/rooms/{id}/members/{user}",
    operation_id = "giveRole",
    tag = "members",
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("user" = String, Path, description = "The member", example = "lee@example.com"),
    ),
    request_body = GiveRole,
    responses((status = 204, description = "They have it"), Malformed, NoRoom, Common)
)]
pub(super) async fn give_role(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    MemberPath(room, member): MemberPath,
    JsonBody(request): JsonBody<GiveRole>,
) -> Result<StatusCode, Refusal> {
    let action = RoomAction::SetRole(member, request.role.into());
    state.engine.change_room(&caller, &room, action).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a member.
///
/// Moderators remove plain members, the owner anybody else. Who was removed cannot join again until
/// somebody adds them.
#[utoipa::path(
    delete,
    path = "/rooms/{id}/members/{user}",
    operation_id = "removeMember",
    tag = "members",
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("user" = String, Path, description = "The member", example = "lee@example.com"),
    ),
    responses((status = 204, description = "Removed"), Malformed, NoRoom, Common)
)]
pub(super) async fn remove(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    MemberPath(room, member): MemberPath,
) -> Result<StatusCode, Refusal> {
    let removed = state
        .engine
        .change_room(&caller, &room, RoomAction::Remove(member));
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
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
