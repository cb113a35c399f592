//! What the agents' console calls.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use jiff::tz::TimeZone;
use madang_domain::{Code, Room, RoomId};
use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{AgentsOnly, Common, DONE, Envelope, NoRoom, PageEnvelope, Refusal};
use super::envelope::{agent, options};
use super::page;
use crate::contracts::plain::{NumberOrText, local_date_time};
use crate::contracts::support_desk::{ChatMessage, UNKNOWN_NICKNAME};
use crate::http::Shared;

/// Rooms in one list at most. The contract knows no pages here.
const ROOMS_MAX: usize = 1_000;

const WAITING_READ: &str = "미할당 채팅방 목록 조회 성공";
const MINE_READ: &str = "자신이 참여한 채팅방 목록 조회 성공";

/// A room in the agents' lists.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeskRoom)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedRoom {
    /// The customer's e-mail.
    #[schema(example = "kim@example.com")]
    room_id: String,
    /// The host's number of the customer, null when it is not known. Text when it is no number.
    #[schema(value_type = Option<i64>, example = 1024)]
    member_id: Option<NumberOrText>,
    /// The customer's name as last seen.
    #[schema(example = "Kim")]
    nickname: String,
    /// Since when the customer has been asking: ISO local date-time.
    #[schema(example = "2023-10-05T01:21:30.123456")]
    inquire_date: String,
}

impl ListedRoom {
    /// `None` for what is no support room.
    fn new(room: &Room, zone: &TimeZone) -> Option<Self> {
        let support = room.support()?;
        let nickname = support.nickname.as_deref().unwrap_or(UNKNOWN_NICKNAME);
        Some(Self {
            room_id: room.id.to_string(),
            member_id: support.member_id.as_deref().map(NumberOrText::new),
            nickname: nickname.to_owned(),
            inquire_date: local_date_time(support.inquired_at, zone),
        })
    }
}

type RoomList = Json<Envelope<Vec<ListedRoom>>>;

/// Rooms that wait for an agent, longest first.
#[utoipa::path(
    get,
    path = "/admin/chats",
    operation_id = "supportDeskWaitingRooms",
    tag = "support desk contract",
    responses((status = 200, description = "The rooms", body = Envelope<Vec<ListedRoom>>), AgentsOnly, Common)
)]
pub(super) async fn waiting(
    State(state): State<Shared>,
    headers: HeaderMap,
) -> Result<RoomList, Refusal> {
    let caller = agent(&state, &headers).await?;
    let rooms = state.engine.waiting_rooms(&caller, ROOMS_MAX).await?;
    listed(&state, &rooms, WAITING_READ)
}

/// Rooms assigned to the caller.
#[utoipa::path(
    get,
    path = "/admin/chats/my-rooms",
    operation_id = "supportDeskAssignedRooms",
    tag = "support desk contract",
    responses((status = 200, description = "The rooms", body = Envelope<Vec<ListedRoom>>), AgentsOnly, Common)
)]
pub(super) async fn mine(
    State(state): State<Shared>,
    headers: HeaderMap,
) -> Result<RoomList, Refusal> {
    let caller = agent(&state, &headers).await?;
    let rooms = state.engine.assigned_rooms(&caller, ROOMS_MAX).await?;
    listed(&state, &rooms, MINE_READ)
}

fn listed(state: &Shared, rooms: &[Room], message: &'static str) -> Result<RoomList, Refusal> {
    let zone = &options(state)?.time_zone;
    let rooms = rooms.iter().filter_map(|room| ListedRoom::new(room, zone));
    Ok(Json(Envelope::ok(rooms.collect(), message)))
}

/// Messages of a room that is assigned to the caller.
#[utoipa::path(
    get,
    path = "/admin/chats/{room-id}",
    operation_id = "supportDeskMessages",
    tag = "support desk contract",
    params(
        ("room-id" = String, Path, description = "The customer's e-mail", example = "kim@example.com"),
        ("page" = Option<u64>, Query, description = "From 1; 1 when missing", minimum = 1),
    ),
    responses((status = 200, description = "The page", body = PageEnvelope<ChatMessage>), NoRoom, AgentsOnly, Common)
)]
pub(super) async fn history(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let caller = agent(&state, &headers).await?;
    let number = page::number(&uri)?;
    let room = room_id(path)?;
    // The contract is narrower than the policy, by which an admin reads every room.
    let found = state.engine.room(&caller, &room).await?;
    if !found
        .support()
        .is_some_and(|support| support.is_assigned_to(&caller.user))
    {
        return Err(Code::NotYourRoom.into());
    }
    page::history(&state, &caller, &room, number).await
}

/// Completes a room that is assigned to the caller: it leaves the list, history stays.
#[utoipa::path(
    patch,
    path = "/admin/chats/{room-id}",
    operation_id = "supportDeskComplete",
    tag = "support desk contract",
    params(("room-id" = String, Path, description = "The customer's e-mail", example = "kim@example.com")),
    responses((status = 204, description = "Completed"), NoRoom, AgentsOnly, Common)
)]
pub(super) async fn complete(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Refusal> {
    let caller = agent(&state, &headers).await?;
    state.engine.complete_room(&caller, &room_id(path)?).await?;
    Ok(DONE)
}

fn room_id(path: Result<Path<String>, PathRejection>) -> Result<RoomId, Refusal> {
    let room = path.ok().and_then(|Path(text)| RoomId::new(&text).ok());
    room.ok_or(Code::RoomNotFound.into())
}
