//! Publishing to application topics.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bytes::Bytes;
use madang_domain::{Code, Error};
use madang_engine::TopicDraft;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::contracts::native::parse_json;
use crate::contracts::topics::check_header;
use crate::http::extract::{JsonBody, Publisher};
use crate::http::problem::{Common, Malformed, Problem, Refusal};
use crate::http::{Shared, TopicOptions};

/// Most messages of one request.
const MESSAGES_MAX: usize = 100;
/// Most headers of one message.
const HEADERS_MAX: usize = 32;

/// A message for an application topic, with exactly one of `body` and `json`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PublishMessage {
    /// A topic (`/topic/…`, `/queue/…`), or one of a user's own (`/user/{id}/queue/…`; a slash
    /// in the id is `%2F`).
    #[schema(example = "/topic/prices", max_length = 1024)]
    destination: String,
    /// Headers for the subscribers: 32 at most, names to 128 bytes and values to 1024.
    #[serde(default)]
    #[schema(example = json!({"currency": "KRW"}))]
    headers: BTreeMap<String, String>,
    /// The header `content-type`. `application/json` when missing beside `json`, none beside
    /// `body`.
    #[schema(example = "text/plain")]
    content_type: Option<String>,
    /// The body as text: to `stomp.body_bytes_max` bytes of UTF-8.
    #[schema(example = "39900")]
    body: Option<String>,
    /// The body as any JSON, which goes out as it is written here.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<serde_json::Value>, example = json!({"price": 39900}))]
    json: Option<Box<RawValue>>,
}

/// `null` is JSON too, and not the same as nothing.
fn present<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(json).map(Some)
}

/// Several messages: 1 to 100, which are published in this order, all of them or none.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct PublishMessages {
    messages: Vec<PublishMessage>,
}

/// One message, or several.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes the body; which of both it is says its member `messages`"
)]
pub(super) enum PublishRequest {
    One(PublishMessage),
    Several(PublishMessages),
}

/// What tells the two kinds of body apart.
#[derive(Deserialize)]
struct Kind {
    messages: Option<IgnoredAny>,
    destination: Option<IgnoredAny>,
}

/// Messages that were handed on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// The `message-id` of each, in the order of the request.
    #[schema(example = json!(["9f3c1a2b4d5e-42"]))]
    ids: Vec<String>,
}

/// Publishes to application topics.
///
/// Answered when the messages are handed to all who are subscribed now, on every node. Nothing is
/// stored: whoever is not connected does not get them, and a node that cannot be reached at this
/// moment does not either. All messages are checked before the first is published.
#[utoipa::path(
    post,
    path = "/publish",
    operation_id = "publish",
    tag = "topics",
    security(("apiKey" = []), ("token" = [])),
    request_body = PublishRequest,
    responses(
        (status = 202, description = "Handed to those who listen now; not stored", body = Published),
        (status = 404, description = "`NOT_FOUND`: a destination is no topic", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "`TOO_LARGE`: a body is larger than `stomp.body_bytes_max`, or the request than six times that and 64 KiB",
         body = Problem, content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
pub(super) async fn publish(
    State(state): State<Shared>,
    _: Publisher,
    mut request: Request,
) -> Result<impl IntoResponse, Refusal> {
    let limit = state.topics.request_bytes_max();
    DefaultBodyLimit::max(limit).apply(&mut request);
    let JsonBody(body) = JsonBody::<Box<RawValue>>::from_request(request, &state).await?;
    let drafts = drafts(&body, &state.topics)?;
    let publish = |draft| state.engine.publish_topic(draft);
    let ids = drafts.into_iter().map(publish).collect();
    Ok((StatusCode::ACCEPTED, Json(Published { ids })))
}

fn drafts(body: &RawValue, options: &TopicOptions) -> Result<Vec<TopicDraft>, Error> {
    let refuse = |detail| Err(Error::with_detail(Code::BodyInvalid, detail));
    let body = body.get().as_bytes();
    let kind: Kind = parse_json(body)?;
    if kind.messages.is_none() {
        return Ok(vec![draft(parse_json(body)?, options)?]);
    }
    if kind.destination.is_some() {
        return refuse("give either one message or messages, not both");
    }
    let PublishMessages { messages } = parse_json(body)?;
    if !(1..=MESSAGES_MAX).contains(&messages.len()) {
        return refuse("messages holds 1 to 100");
    }
    let numbered = messages.into_iter().enumerate();
    let drafts = numbered.map(|(index, message)| {
        draft(message, options).map_err(|error| {
            Error::with_detail(
                error.code(),
                format!("messages[{index}]: {}", error.message()),
            )
        })
    });
    drafts.collect()
}

fn draft(message: PublishMessage, options: &TopicOptions) -> Result<TopicDraft, Error> {
    let target = options.prefixes.parse_publish(&message.destination)?;
    let (body, default_type) = match (message.body, message.json) {
        (Some(text), None) => (text, None),
        (None, Some(json)) => (
            Box::<str>::from(json).into_string(),
            Some("application/json"),
        ),
        _ => {
            let detail = "a message has exactly one of body and json";
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
    };
    if body.len() > options.body_bytes_max {
        let detail = format!("the body has more than {} bytes", options.body_bytes_max);
        return Err(Error::with_detail(Code::TooLarge, detail));
    }
    let content_type = message.content_type.as_deref().or(default_type);
    let headers = headers(message.headers, content_type)?;
    Ok(TopicDraft {
        target: options.prefixes.target(target),
        headers,
        body: Bytes::from(body),
    })
}

fn headers(
    given: BTreeMap<String, String>,
    content_type: Option<&str>,
) -> Result<Vec<(String, String)>, Error> {
    const CONTENT_TYPE: &str = "content-type";
    if given.len() > HEADERS_MAX {
        let detail = "a message has at most 32 headers";
        return Err(Error::with_detail(Code::ParameterInvalid, detail));
    }
    let mut headers = Vec::with_capacity(given.len() + 1);
    if let Some(content_type) = content_type {
        headers.push((CONTENT_TYPE.to_owned(), content_type.to_owned()));
    }
    if given
        .keys()
        .any(|name| name.eq_ignore_ascii_case(CONTENT_TYPE))
    {
        let detail = "give the content type as contentType, not as a header";
        return Err(Error::with_detail(Code::ParameterInvalid, detail));
    }
    headers.extend(given);
    headers
        .iter()
        .try_for_each(|(name, value)| check_header(name, value))?;
    Ok(headers)
}
