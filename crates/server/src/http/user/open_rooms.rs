//! Open rooms: those that anybody finds, reads and joins.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::rooms::RoomBody;
use crate::http::Shared;
use crate::http::extract::{Parameters, UserCaller, limit};
use crate::http::paths::RoomPath;
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

const LIMIT_DEFAULT: usize = 50;

/// A page of open rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenRooms {
    rooms: Vec<RoomBody>,
    /// Hand it back as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 17)]
    next: Option<u64>,
}

/// Which open rooms.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    after: Option<u64>,
    limit: Option<usize>,
}

/// Open rooms.
///
/// Those made last first.
#[utoipa::path(
    get,
    path = "/open-rooms",
    operation_id = "listOpenRooms",
    tag = "rooms",
    params(
        ("after" = Option<u64>, Query, description = "What the page before has given as `next`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 50 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The rooms", body = OpenRooms), Malformed, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    _: UserCaller,
    Parameters(page): Parameters<Page>,
) -> Result<Json<OpenRooms>, Refusal> {
    let limit = limit(page.limit, LIMIT_DEFAULT)?;
    let rooms = state.engine.open_rooms(page.after, limit).await?;
    let last = rooms.last().filter(|_| rooms.len() == limit);
    Ok(Json(OpenRooms {
        next: last.map(|last| last.number),
        rooms: rooms.iter().map(RoomBody::from).collect(),
    }))
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
