//! Open rooms: the list, making, changing and deleting them, what was said there.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use madang_domain::{
    Caller, Code, Error, Profile, ProfileChange, Room, RoomAction, RoomId, RoomKind,
};
use madang_engine::RoomPlan;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{
    Common, Malformed, Missing, Refusal, caller, done, form, made, number, options,
};
use crate::contracts::community::rooms::{History, ListedMessage, OpenRoom, OpenRooms};
use crate::contracts::community::{LISTED_MAX, Said, open};
use crate::http::Shared;

const CREATED: &str = "오픈채팅방 생성 성공";
const EDITED: &str = "오픈채팅방 수정 성공";
const DELETED: &str = "오픈채팅방 삭제 성공";
const TITLE_NEEDED: &str = "제목을 입력해 주세요.";

/// What an open room is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CommunityRoomForm)]
pub(super) struct RoomForm {
    /// Not blank, up to 512 bytes.
    #[schema(example = "한강 산책 모임")]
    title: String,
    /// Up to 8192 bytes. A change without it leaves it as it is.
    #[schema(example = "매일 저녁 7시")]
    content: Option<String>,
}

impl RoomForm {
    /// Title and description.
    fn parts(self) -> Result<(Arc<str>, Option<Arc<str>>), Refusal> {
        if self.title.trim().is_empty() {
            let error = Error::with_detail(Code::BodyInvalid, "title is blank");
            return Err(Refusal::saying(error, TITLE_NEEDED));
        }
        Ok((Arc::from(self.title), self.content.map(Arc::from)))
    }
}

/// Open rooms, the newest made first.
#[utoipa::path(
    get,
    path = "/api/openchat",
    operation_id = "communityOpenRooms",
    tag = "community contract",
    responses((status = 200, description = "The rooms", body = OpenRooms), Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller(&state, &headers).await?;
    let rooms = state.engine.open_rooms(None, LISTED_MAX).await?;
    let chat_room_list = rooms.iter().map(OpenRoom::from).collect();
    Ok(Json(OpenRooms { chat_room_list }).into_response())
}

/// Makes an open room, which is the caller's.
#[utoipa::path(
    post,
    path = "/api/openchat",
    operation_id = "communityCreateOpenRoom",
    tag = "community contract",
    request_body(content(
        (RoomForm = "multipart/form-data"),
        (RoomForm = "application/x-www-form-urlencoded"),
        (RoomForm = "application/json"),
    )),
    responses(
        (status = 201, description = "Made", body = Said,
         headers(("Location" = String, description = "Where the room is"))),
        Malformed,
        Common,
    )
)]
pub(super) async fn create(
    State(state): State<Shared>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let caller = caller(&state, &headers).await?;
    let (title, description) = form::<RoomForm>(&state, request).await?.parts()?;
    let plan = RoomPlan {
        kind: RoomKind::Open,
        profile: Profile {
            title: Some(title),
            description,
            ..Profile::default()
        },
        members: Vec::new(),
        owner: None,
    };
    let (room, _) = state.engine.create_room(&caller, plan).await?;
    Ok(made(CREATED, &format!("/api/openchat/{}", room.number)))
}

/// An open room.
#[utoipa::path(
    get,
    path = "/api/openchat/{id}",
    operation_id = "communityOpenRoom",
    tag = "community contract",
    params(("id" = String, Path, description = "The room's number", example = "17")),
    responses((status = 200, description = "The room", body = OpenRoom), Malformed, Missing, Common)
)]
pub(super) async fn get(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let (_, room) = find(&state, &headers, path).await?;
    Ok(Json(OpenRoom::from(&room)).into_response())
}

/// Changes title and content of an open room: for its owner.
#[utoipa::path(
    put,
    path = "/api/openchat/{id}",
    operation_id = "communityEditOpenRoom",
    tag = "community contract",
    params(("id" = String, Path, description = "The room's number", example = "17")),
    request_body(content(
        (RoomForm = "multipart/form-data"),
        (RoomForm = "application/x-www-form-urlencoded"),
        (RoomForm = "application/json"),
    )),
    responses((status = 200, description = "Changed", body = Said), Malformed, Missing, Common)
)]
pub(super) async fn edit(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, room) = find(&state, &headers, path).await?;
    let (title, description) = form::<RoomForm>(&state, request).await?.parts()?;
    let change = ProfileChange {
        title: Some(Some(title)),
        description: description.map(Some),
        ..ProfileChange::default()
    };
    state.engine.edit_room(&caller, &room.id, change).await?;
    Ok(done(EDITED))
}

/// Deletes an open room and its history: for its owner.
#[utoipa::path(
    delete,
    path = "/api/openchat/{id}",
    operation_id = "communityDeleteOpenRoom",
    tag = "community contract",
    params(("id" = String, Path, description = "The room's number", example = "17")),
    responses((status = 200, description = "Gone", body = Said), Malformed, Missing, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let (caller, room) = find(&state, &headers, path).await?;
    let deleted = state
        .engine
        .change_room(&caller, &room.id, RoomAction::Delete);
    deleted.await?;
    Ok(done(DELETED))
}

/// What was said in an open room: the newest 1000 messages, oldest first.
#[utoipa::path(
    get,
    path = "/api/openchat/room/{id}",
    operation_id = "communityOpenRoomMessages",
    tag = "community contract",
    params(("id" = String, Path, description = "The room's number", example = "17")),
    responses((status = 200, description = "The messages", body = History), Malformed, Missing, Common)
)]
pub(super) async fn history(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let (caller, room) = find(&state, &headers, path).await?;
    said_in(&state, &caller, &room.id, &room.number.to_string()).await
}

/// The history of a room that the caller calls `named`.
pub(super) async fn said_in(
    state: &Shared,
    caller: &Caller,
    room: &RoomId,
    named: &str,
) -> Result<Response, Refusal> {
    let zone = &options(state)?.time_zone;
    let page = state.engine.read_page(caller, room, 1, LISTED_MAX).await?;
    let messages = page.messages.iter();
    let chat_list = messages
        .map(|message| ListedMessage::new(message, named, zone))
        .collect();
    Ok(Json(History { chat_list }).into_response())
}

async fn find(
    state: &Shared,
    headers: &HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<(Caller, Room), Refusal> {
    let caller = caller(state, headers).await?;
    let view = open::find(&state.engine, &caller, number(path)?).await?;
    Ok((caller, view.room))
}
