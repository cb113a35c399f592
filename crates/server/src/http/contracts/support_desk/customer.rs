//! What the customer's page calls.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use madang_domain::{Caller, Code, RoomAction, RoomId};

use super::envelope::{Common, DONE, NoRoom, PageEnvelope, Refusal, customer};
use super::page;
use crate::contracts::support_desk::ChatMessage;
use crate::http::Shared;

/// The customer's own messages.
///
/// Page 1 holds the newest 20, oldest first; a page past the end is empty.
#[utoipa::path(
    get,
    path = "/user/chats/my-rooms",
    operation_id = "supportDeskMyMessages",
    tag = "support desk contract",
    params(("page" = Option<u64>, Query, description = "From 1; 1 when missing", minimum = 1)),
    responses((status = 200, description = "The page", body = PageEnvelope<ChatMessage>), NoRoom, Common)
)]
pub(super) async fn history(
    State(state): State<Shared>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let caller = customer(&state, &headers).await?;
    let number = page::number(&uri)?;
    page::history(&state, &caller, &own_room(&caller)?, number).await
}

/// The customer leaves: room and history are gone.
#[utoipa::path(
    delete,
    path = "/user/chats",
    operation_id = "supportDeskLeave",
    tag = "support desk contract",
    responses((status = 204, description = "Gone"), NoRoom, Common)
)]
pub(super) async fn leave(
    State(state): State<Shared>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let caller = customer(&state, &headers).await?;
    let room = own_room(&caller)?;
    let left = state.engine.change_room(&caller, &room, RoomAction::Leave);
    left.await?;
    Ok(DONE)
}

fn own_room(caller: &Caller) -> Result<RoomId, Refusal> {
    RoomId::new(caller.user.as_str()).map_err(|_| Code::RoomNotFound.into())
}
