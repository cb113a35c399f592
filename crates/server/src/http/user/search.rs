//! Searching messages.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use madang_domain::search::SearchPlace;
use madang_domain::{Code, Error, RoomId};
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
    /// Newest first. May be fewer than `limit`, or none, although there are more.
    messages: Vec<MessageBody<'a>>,
    /// Hand it back as `before` for the next page; absent when everything was looked through.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1764320490123456-7-42")]
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

    fn before(&self) -> Result<Option<SearchPlace>, Error> {
        self.before.as_deref().map(str::parse).transpose()
    }
}

fn invalid(detail: String) -> Error {
    Error::with_detail(Code::ParameterInvalid, detail)
}

/// Searches messages and notices.
///
/// In one room, or in those that the caller takes part in. All words have to be found: Korean by any
/// part, words in other scripts by their beginning. Deleted messages are not found.
/// One call looks through a bounded part: while there is a `next`, go on, also after an empty page.
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
    let found = state
        .engine
        .search_messages(&caller, room.as_ref(), &query.q, before, limit);
    let found = found.await?;
    let messages = found.messages.iter();
    let messages = messages.map(|message| MessageBody::from(&**message));
    Ok(Json(FoundMessages {
        messages: messages.collect(),
        next: found.next.map(|place| place.to_string()),
    })
    .into_response())
}
