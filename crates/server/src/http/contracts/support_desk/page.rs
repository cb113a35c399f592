//! History in numbered pages.

use axum::Json;
use axum::extract::Query;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use madang_domain::{Caller, Code, RoomId};
use serde::Deserialize;

use super::envelope::{PageEnvelope, PageInfo, Refusal, options};
use crate::contracts::support_desk::ChatMessage;
use crate::http::Shared;

/// Messages on a page; the clients know no other size.
const PAGE_SIZE: u8 = 20;

const PAGE_INVALID: &str = "페이지 번호는 1 이상이어야 합니다.";
const HISTORY_READ: &str = "채팅 메시지 조회 성공";

#[derive(Debug, Deserialize)]
struct Parameters {
    page: Option<u64>,
}

/// The page that the query names; the first when it names none.
pub(super) fn number(uri: &Uri) -> Result<u64, Refusal> {
    match Query::<Parameters>::try_from_uri(uri).map(|query| query.0.page.unwrap_or(1)) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Refusal::because(Code::ParameterInvalid, PAGE_INVALID)),
    }
}

/// Page `number` of the room's messages, as `caller` may read it.
pub(super) async fn history(
    state: &Shared,
    caller: &Caller,
    room: &RoomId,
    number: u64,
) -> Result<Response, Refusal> {
    let options = options(state)?;
    let page = state
        .engine
        .read_page(caller, room, number, usize::from(PAGE_SIZE))
        .await?;
    let messages = page
        .messages
        .iter()
        .map(|message| ChatMessage::new(message, options))
        .collect();
    let page_info = PageInfo::new(number, u64::from(PAGE_SIZE), page.total);
    Ok(Json(PageEnvelope::ok(messages, page_info, HISTORY_READ)).into_response())
}
