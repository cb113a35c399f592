//! The place of a waiting support room.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Shared;
use crate::http::extract::UserCaller;
use crate::http::paths::RoomPath;
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};

/// A room's place at the desk.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueuePlace {
    /// How many rooms come before it: 0 for the next one. Null when it does not wait.
    #[schema(example = 3)]
    ahead: Option<u64>,
}

/// How many customers come before.
#[utoipa::path(
    get,
    path = "/rooms/{id}/queue",
    operation_id = "getQueuePlace",
    tag = "rooms",
    params(("id" = String, Path, description = "The support room", example = "kim@example.com")),
    responses((status = 200, description = "The place", body = QueuePlace), Malformed, NoRoom, Common)
)]
pub(super) async fn get(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
) -> Result<Json<QueuePlace>, Refusal> {
    let ahead = state.engine.queue_position(&caller, &room).await?;
    Ok(Json(QueuePlace { ahead }))
}
