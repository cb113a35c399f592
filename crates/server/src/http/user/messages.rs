//! A room's messages: reading back, sending.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::ports::{LogPage, LogQuery};
use madang_domain::{Appended, ClientId, Code, Content, Error, Seq};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::contracts::native::{MessageBody, body_of, is_older_kept};
use crate::contracts::rooms::Head;
use crate::http::Shared;
use crate::http::extract::{JsonBody, Parameters, RoomPath, UserCaller};
use crate::http::problem::{Common, Malformed, NoRoom, Problem, Refusal};

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 200;

/// Part of a room's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Messages<'a> {
    /// In rising order of `seq`, consecutive.
    messages: Vec<MessageBody<'a>>,
    /// The log's bounds at the moment of reading.
    head: Head,
    /// Whether more are kept in the direction of reading.
    has_more: bool,
}

/// Which part to read.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<usize>,
}

impl Range {
    fn query(&self) -> Result<(LogQuery, usize), Error> {
        let refuse = |detail| Err(Error::with_detail(Code::ParameterInvalid, detail));
        let query = match (self.before, self.after) {
            (Some(_), Some(_)) => return refuse("give either before or after, not both"),
            (Some(before), None) => LogQuery::Before(Seq::new(before)),
            (None, Some(after)) => LogQuery::After(Seq::new(after)),
            (None, None) => LogQuery::Before(Seq::MAX),
        };
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok((query, limit)),
            _ => refuse("limit goes from 1 to 200"),
        }
    }
}

/// A room's messages.
///
/// The newest, or those before or after a number. A page never has a hole inside; when retention
/// has removed what `after` asks for, the page begins at `head.oldestSeq`.
#[utoipa::path(
    get,
    path = "/rooms/{id}/messages",
    operation_id = "listMessages",
    tag = "rooms",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("before" = Option<u64>, Query, description = "The newest messages with a smaller `seq`; not with `after`"),
        ("after" = Option<u64>, Query, description = "The oldest messages with a greater `seq`; not with `before`"),
        ("limit" = Option<u32>, Query, description = "How many at most, 1 to 200; 20 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The messages", body = Messages), Malformed, NoRoom, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    Parameters(range): Parameters<Range>,
) -> Result<Response, Refusal> {
    let (query, limit) = range.query()?;
    let page = state.engine.read_history(&caller, &room, query, limit);
    let page = page.await?;
    let body = Messages {
        messages: page
            .messages
            .iter()
            .map(|message| MessageBody::from(&**message))
            .collect(),
        head: Head::from(&page.head),
        has_more: has_more(&page, query),
    };
    Ok(Json(body).into_response())
}

fn has_more(page: &LogPage, query: LogQuery) -> bool {
    let seq_of = |message: Option<&std::sync::Arc<madang_domain::Message>>| {
        message.map(|message| message.position.seq)
    };
    match query {
        LogQuery::After(_) => {
            seq_of(page.messages.last()).is_some_and(|last| last < page.head.last)
        }
        LogQuery::Before(_) => is_older_kept(seq_of(page.messages.first()), page.head.oldest),
    }
}

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendMessage {
    /// Up to 16384 bytes of UTF-8.
    #[schema(example = "결제가 되지 않아요")]
    text: Option<String>,
    /// Any JSON of up to 16384 bytes, with the text or instead of it.
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// The sender's own name for the message, unique among theirs in this room: sending again
    /// with it is safe.
    #[schema(example = "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1", max_length = 255)]
    // As STOMP's header spells it: passed over, it would make a retry a message of its own.
    #[serde(alias = "client-id")]
    client_id: Option<String>,
}

/// Sends a message.
///
/// Answered when the message is durable. A repeat of a `clientId` stores nothing and answers the
/// first message. The header `Idempotency-Key` counts as `clientId` when the body has none.
#[utoipa::path(
    post,
    path = "/rooms/{id}/messages",
    operation_id = "sendMessage",
    tag = "rooms",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("Idempotency-Key" = Option<String>, Header, description = "As `clientId`"),
    ),
    request_body = SendMessage,
    responses(
        (status = 200, description = "It was sent before: the first message", body = MessageBody),
        (status = 201, description = "Stored now", body = MessageBody,
         headers(("Location" = String, description = "Where the message can be read"))),
        (status = 413, description = "`TOO_LARGE`: the body is larger than 64 KiB", body = Problem,
         content_type = "application/problem+json"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn send(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    JsonBody(draft): JsonBody<SendMessage>,
) -> Result<Response, Refusal> {
    let client_id = client_id(&draft, &headers)?;
    let body = body_of(draft.text.as_deref(), draft.data.as_deref())?;
    let sent = state
        .engine
        .send_message(&caller, room, Content::Message(body), client_id)
        .await?;
    let message = sent.message();
    let body = Json(MessageBody::from(&**message));
    if matches!(sent, Appended::Repeat(_)) {
        return Ok(body.into_response());
    }
    let location = format!(
        "/api/v1/rooms/{}/messages?after={}&limit=1",
        encoded(message.room.as_str()),
        message.position.seq.previous()
    );
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

fn client_id(draft: &SendMessage, headers: &HeaderMap) -> Result<Option<ClientId>, Error> {
    if let Some(text) = &draft.client_id {
        let id = ClientId::new(text).map_err(|reason| {
            Error::with_detail(Code::BodyInvalid, format!("clientId {reason}"))
        })?;
        return Ok(Some(id));
    }
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let id = std::str::from_utf8(key.as_bytes())
        .ok()
        .and_then(|key| ClientId::new(key).ok());
    let detail = "Idempotency-Key must be 1 to 255 bytes of text";
    id.map(Some)
        .ok_or_else(|| Error::with_detail(Code::ParameterInvalid, detail))
}

/// `text` as one segment of a path (RFC 3986, section 2.1).
pub(super) fn encoded(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}
