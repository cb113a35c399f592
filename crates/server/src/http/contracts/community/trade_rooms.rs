//! Trade rooms: the caller's own, opening one about an item, deleting it, what was said there.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use madang_domain::{Caller, Code, RoomAction, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{
    Ambiguous, Common, Malformed, Missing, Refusal, caller, done, form, made, name,
};
use super::open_rooms::said_in;
use crate::contracts::community::Said;
use crate::contracts::community::rooms::{History, ListedTradeRoom, TradeRooms};
use crate::contracts::community::trade::{self, TradeRoom};
use crate::http::Shared;

const CREATED: &str = "거래 채팅방 생성 성공";
const FOUND: &str = "이미 있는 거래 채팅방입니다.";
const DELETED: &str = "거래 채팅방 삭제 성공";
const SELLER_UNKNOWN: &str = "판매자를 알 수 없습니다. sellerId를 보내 주세요.";
const OWN_ITEM: &str = "판매자와 구매자가 같습니다.";
const SEVERAL: &str = "상품의 채팅방이 여러 개입니다. roomId로 지정해 주세요: ";

/// Who sells the item.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CommunityTradeForm)]
#[serde(rename_all = "camelCase")]
pub(super) struct TradeForm {
    /// The seller's user id. Not needed where the caller has the room, as when the host made it.
    #[schema(example = "lee@example.com")]
    seller_id: Option<String>,
}

/// The caller's trade rooms, as buyer and as seller, newest activity first.
#[utoipa::path(
    get,
    path = "/api/tradechat",
    operation_id = "communityTradeRooms",
    tag = "community contract",
    responses((status = 200, description = "The rooms", body = TradeRooms), Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = caller(&state, &headers).await?;
    let (rooms, _) = trade::rooms_of(&state.engine, &caller).await?;
    let trade_chat_room_list = rooms.iter().map(ListedTradeRoom::from).collect();
    Ok(Json(TradeRooms {
        trade_chat_room_list,
    })
    .into_response())
}

/// Makes the caller's room with the seller of an item, and notifies the seller.
///
/// There is one for each buyer and item: safe to repeat.
#[utoipa::path(
    post,
    path = "/api/tradechat/{id}",
    operation_id = "communityOpenTradeRoom",
    tag = "community contract",
    params(("id" = String, Path, description = "The item", example = "77")),
    request_body(content(
        (TradeForm = "application/x-www-form-urlencoded"),
        (TradeForm = "multipart/form-data"),
        (TradeForm = "application/json"),
    )),
    responses(
        (status = 200, description = "There was one", body = Said),
        (status = 201, description = "Made now", body = Said,
         headers(("Location" = String, description = "Where the room's history is"))),
        (status = 429, description = "The caller has brought too many people into rooms in 24 hours; `Retry-After` says when they may again", body = Said),
        Malformed,
        Ambiguous,
        Common,
    )
)]
pub(super) async fn open(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let caller = caller(&state, &headers).await?;
    let item = name(path)?;
    let TradeForm { seller_id } = form(&state, request).await?;
    let seller = seller_id.filter(|id| !id.is_empty());
    let seller = seller.map(|id| UserId::new(&id)).transpose();
    let seller = seller.map_err(|_| Refusal::from(Code::BodyInvalid))?;
    let is_named = seller.is_some();
    let opened = trade::open(&state.engine, &caller, &item, seller).await;
    let (opened, is_new) = opened.map_err(|error| match error.code() {
        Code::BodyInvalid if is_named => Refusal::saying(error, OWN_ITEM),
        Code::BodyInvalid => Refusal::saying(error, SELLER_UNKNOWN),
        _ => error.into(),
    })?;
    if !is_new {
        return Ok(done(FOUND));
    }
    notify_seller(&state, &caller, &opened).await;
    let room = &opened.room.id;
    Ok(made(CREATED, &format!("/api/tradechat/room/{room}")))
}

/// The room stands whether or not its seller could be told: they see it in their list.
async fn notify_seller(state: &Shared, buyer: &Caller, opened: &TradeRoom) {
    let Ok(seller) = UserId::new(&opened.trade.seller) else {
        return;
    };
    let told = state
        .engine
        .notify(&buyer.user, vec![seller], opened.notice(buyer));

    if let Err(error) = told.await {
        tracing::warn!(%error, "a seller was not notified of a trade room");
    }
}

/// Deletes a trade room and its history, for both.
#[utoipa::path(
    delete,
    path = "/api/tradechat/{id}",
    operation_id = "communityDeleteTradeRoom",
    tag = "community contract",
    params(("id" = String, Path, description = "The item, or the room's `roomId`", example = "77")),
    responses((status = 200, description = "Gone", body = Said), Missing, Ambiguous, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let caller = caller(&state, &headers).await?;
    let found = find(&state, &caller, &name(path)?).await?;
    let deleted = state
        .engine
        .change_room(&caller, &found.room.id, RoomAction::Delete);
    deleted.await?;
    Ok(done(DELETED))
}

/// What was said in a trade room: the newest 1000 messages, oldest first.
#[utoipa::path(
    get,
    path = "/api/tradechat/room/{id}",
    operation_id = "communityTradeRoomMessages",
    tag = "community contract",
    params(("id" = String, Path, description = "The item, or the room's `roomId`", example = "77")),
    responses((status = 200, description = "The messages", body = History), Missing, Ambiguous, Common)
)]
pub(super) async fn history(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let caller = caller(&state, &headers).await?;
    let named = name(path)?;
    let found = find(&state, &caller, &named).await?;
    said_in(&state, &caller, &found.room.id, &named).await
}

/// The one room that the caller means.
async fn find(state: &Shared, caller: &Caller, named: &str) -> Result<TradeRoom, Refusal> {
    let found = trade::find(&state.engine, caller, named).await?;
    let several = (found.len() > 1).then(|| trade::ids(&found));
    trade::only(found).map_err(|error| match several {
        Some(ids) => Refusal::saying(error, format!("{SEVERAL}{ids}")),
        None => error.into(),
    })
}
