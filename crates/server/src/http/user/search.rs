//! Searching messages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use madang_domain::{Code, Error, Message, RoomId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::native::MessageBody;
use crate::http::Shared;
use crate::http::extract::{Parameters, UserCaller, limit};
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};

const LIMIT_DEFAULT: usize = 20;

/// Messages that were found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundMessages<'a> {
    /// Newest first.
    messages: Vec<MessageBody<'a>>,
    /// Hand it back as `before` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1764320490123456")]
    next: Option<String>,
}

/// What to look for.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    q: String,
    room: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
}

impl Query {
    fn room(&self) -> Result<Option<RoomId>, Error> {
        let room = self.room.as_deref().map(RoomId::new).transpose();
        room.map_err(|reason| invalid(format!("the room id {reason}")))
    }

    fn before(&self) -> Result<Option<Timestamp>, Error> {
        let Some(before) = &self.before else {
            return Ok(None);
        };
        let at = before.parse().map(Timestamp::from_micros);
        let detail = "before is not what a page has given as next";
        at.map(Some).map_err(|_| invalid(detail.to_owned()))
    }
}

fn invalid(detail: String) -> Error {
    Error::with_detail(Code::ParameterInvalid, detail)
}

/// Searches messages and notices.
///
/// In one room, or in those that the caller takes part in. All words have to be found: Korean by any
/// part, words in other scripts by their beginning. Deleted messages are not found.
#[utoipa::path(
    get,
    path = "/search",
    operation_id = "searchMessages",
    tag = "messages",
    params(
        ("q" = String, Query, description = "Up to 256 bytes and 8 words", example = "환불"),
        ("room" = Option<String>, Query, description = "Only in this room"),
        ("before" = Option<String>, Query, description = "What the page before has given as `next`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 20 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "What was found", body = FoundMessages), Malformed, NoRoom, Common)
)]
pub(super) async fn search(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    Parameters(query): Parameters<Query>,
) -> Result<Response, Refusal> {
    let limit = limit(query.limit, LIMIT_DEFAULT)?;
    let (room, before) = (query.room()?, query.before()?);
    // One more says whether there is another page, and whether that begins in the same moment.
    let found = state
        .engine
        .search_messages(&caller, room.as_ref(), &query.q, before, limit + 1);
    let found = found.await?;
    let (page, next) = cut(&found, limit);
    let messages = page.iter().map(|message| MessageBody::from(&**message));
    Ok(Json(FoundMessages {
        messages: messages.collect(),
        next: next.map(|at| at.as_micros().to_string()),
    })
    .into_response())
}

/// At most `limit` messages, and before when the next page is. Messages of one moment stay together,
/// unless they are more than a page by themselves.
fn cut(found: &[Arc<Message>], limit: usize) -> (&[Arc<Message>], Option<Timestamp>) {
    let Some(behind) = found.get(limit) else {
        return (found, None);
    };
    let page = &found[..limit];
    let of_moment = |message: &&Arc<Message>| message.sent_at == behind.sent_at;
    let kept = limit - page.iter().rev().take_while(of_moment).count();
    let page = if kept == 0 { page } else { &page[..kept] };
    (page, page.last().map(|last| last.sent_at))
}
