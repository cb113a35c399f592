//! The support desk: who waits, what is mine, claiming, giving back, handing over, completing.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use madang_domain::{ClaimOutcome, Code};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::contracts::members::user_id;
use crate::contracts::rooms::RoomBody;
use crate::http::Shared;
use crate::http::extract::{AgentCaller, JsonBody};
use crate::http::native::rooms::Rooms;
use crate::http::paths::RoomPath;
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

/// Rooms in one answer at most. An agent who has this many in sight needs no more to choose from.
const ROOMS_MAX: usize = 200;

/// Rooms that wait for an agent.
///
/// Longest waiting first; at most 200.
#[utoipa::path(
    get,
    path = "/desk/waiting",
    operation_id = "listWaitingRooms",
    tag = "desk",
    responses((status = 200, description = "The rooms", body = Rooms), Common)
)]
pub(super) async fn waiting(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
) -> Result<Json<Rooms>, Refusal> {
    let rooms = state.engine.waiting_rooms(&caller, ROOMS_MAX).await?;
    Ok(Json(Rooms::from(&rooms[..])))
}

/// Rooms assigned to the caller.
///
/// Longest asking first; at most 200.
#[utoipa::path(
    get,
    path = "/desk/mine",
    operation_id = "listAssignedRooms",
    tag = "desk",
    responses((status = 200, description = "The rooms", body = Rooms), Common)
)]
pub(super) async fn mine(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
) -> Result<Json<Rooms>, Refusal> {
    let rooms = state.engine.assigned_rooms(&caller, ROOMS_MAX).await?;
    Ok(Json(Rooms::from(&rooms[..])))
}

/// Claims a waiting room.
///
/// Of any number of agents who claim it at once exactly one gets it; the others are told who did.
/// Safe to repeat for the one who has it.
#[utoipa::path(
    post,
    path = "/desk/rooms/{id}/claim",
    operation_id = "claimRoom",
    tag = "desk",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    responses(
        (status = 200, description = "The room is the caller's", body = RoomBody),
        (status = 409, description = "`ROOM_TAKEN`: another agent has it (`assignee`). `ROOM_NOT_WAITING`: it is completed",
         body = Problem, content_type = "application/problem+json",
         example = json!({"type": "/docs/errors#ROOM_TAKEN", "title": "the room is assigned to another agent",
            "status": 409, "detail": "the room is assigned to another agent", "code": "ROOM_TAKEN",
            "retryable": false, "assignee": {"id": "lee@example.com", "name": "Lee"}})),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn claim(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
    RoomPath(room): RoomPath,
) -> Result<Json<RoomBody>, Refusal> {
    match state.engine.claim_room(&caller, &room).await? {
        ClaimOutcome::Won | ClaimOutcome::AlreadyYours => {
            let room = state.engine.room(&caller, &room).await?;
            Ok(Json(RoomBody::from(&room)))
        }
        ClaimOutcome::TakenBy(agent) => Err(Refusal::taken_by(agent)),
        ClaimOutcome::NotWaiting => Err(Code::RoomNotWaiting.into()),
        ClaimOutcome::NoSuchRoom => Err(Code::RoomNotFound.into()),
    }
}

/// Gives a room that is assigned to the caller back to the desk.
///
/// It waits in its old place.
#[utoipa::path(
    post,
    path = "/desk/rooms/{id}/release",
    operation_id = "releaseRoom",
    tag = "desk",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    responses((status = 204, description = "It waits"), Malformed, NoRoom, Common)
)]
pub(super) async fn release(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Refusal> {
    state.engine.release_room(&caller, &room).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who gets a room.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct HandOver {
    /// The user id of an agent who has come before.
    #[schema(example = "park@example.com")]
    agent: String,
}

/// Hands a room that is assigned to the caller over to another agent.
#[utoipa::path(
    post,
    path = "/desk/rooms/{id}/hand-over",
    operation_id = "handOverRoom",
    tag = "desk",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    request_body = HandOver,
    responses((status = 204, description = "The other agent has it"), Malformed, NoRoom, Common)
)]
pub(super) async fn hand_over(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<HandOver>,
) -> Result<StatusCode, Refusal> {
    let to = user_id(&request.agent)?;
    state.engine.hand_over_room(&caller, &room, to).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Completes a room that is assigned to the caller.
///
/// It leaves the caller's list, history stays; the customer's next message makes it wait again.
#[utoipa::path(
    post,
    path = "/desk/rooms/{id}/complete",
    operation_id = "completeRoom",
    tag = "desk",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    responses((status = 204, description = "Completed"), Malformed, NoRoom, Common)
)]
pub(super) async fn complete(
    State(state): State<Shared>,
    AgentCaller(caller): AgentCaller,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Refusal> {
    state.engine.complete_room(&caller, &room).await?;
    Ok(StatusCode::NO_CONTENT)
}
