//! Event streams: what happens in the caller's rooms, as it happens.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::Response;
use madang_domain::{Caller, Code, Error};
use serde::Deserialize;

use crate::contracts::realtime::ServerEvent;
use crate::http::extract::{RoomPath, UserCaller, parameters};
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};
use crate::http::{EventScope, Shared};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What browsers cannot say in headers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    last_event_id: Option<String>,
    #[serde(rename = "access_token")]
    access_token: Option<String>,
}

/// All of the caller's rooms, as server-sent events.
///
/// `event` is the type and `data` one JSON object (`hello`, `message`, `room`, `reset`, `read`,
/// `typing`, `notification`, `error`). The `id` of `hello`, `message`, `reset` and of a `room` that
/// joined says where every room stands: sent back as `Last-Event-ID` it resumes each exactly. A room
/// that came meanwhile begins now and is told with `room`. A user with more rooms than
/// `session.stream_rooms_max` gets an `error` with `TOO_MANY`.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "streamEvents",
    tag = "rooms",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received"),
        ("lastEventId" = Option<String>, Query, description = "As the header, which counts before it"),
        ("access_token" = Option<String>, Query, description = "The token, where the operator lets it stand here (`http.query_token`)"),
    ),
    responses(
        (status = 200, description = "The events", body = ServerEvent, content_type = "text/event-stream"),
        Malformed,
        Common,
    )
)]
pub(super) async fn all(
    State(state): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let query: Query = parameters(&parts)?;
    let caller = caller(&state, &parts, &query).await?;
    let last = last_event_id(&parts, query)?;
    open(&state, &parts, caller, EventScope::All { last }).await
}

/// One room, as server-sent events.
///
/// As `/events`, for one room that the caller may read. The `id` of an event is its `position`.
/// The stream ends once the room is not the caller's to read any more.
#[utoipa::path(
    get,
    path = "/rooms/{id}/events",
    operation_id = "streamRoomEvents",
    tag = "rooms",
    params(
        ("id" = String, Path, description = "The room", example = "kim@example.com"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `position` of the last message that was received"),
        ("lastEventId" = Option<String>, Query, description = "As the header, which counts before it"),
        ("access_token" = Option<String>, Query, description = "The token, where the operator lets it stand here (`http.query_token`)"),
    ),
    responses(
        (status = 200, description = "The events", body = ServerEvent, content_type = "text/event-stream"),
        Malformed,
        NoRoom,
        Common,
    )
)]
pub(super) async fn one(
    State(state): State<Shared>,
    RoomPath(room): RoomPath,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let query: Query = parameters(&parts)?;
    let caller = caller(&state, &parts, &query).await?;
    // Refused while it still can be told so.
    state.engine.room(&caller, &room).await?;
    let last = last_event_id(&parts, query)?;
    open(&state, &parts, caller, EventScope::One { room, last }).await
}

async fn open(
    state: &Shared,
    parts: &Parts,
    caller: Caller,
    scope: EventScope,
) -> Result<Response, Refusal> {
    let headers = state.origins.permission(&parts.headers, &parts.uri);
    let opened = state.events.open(parts, headers, caller, scope).await;
    Ok(opened?)
}

async fn caller(state: &Shared, parts: &Parts, query: &Query) -> Result<Caller, Error> {
    let token = query.access_token.as_deref().filter(|_| state.query_token);
    let Some(token) = token.filter(|_| !parts.headers.contains_key(AUTHORIZATION)) else {
        return Ok(UserCaller::from_headers(state, &parts.headers).await?.0);
    };
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let value = value.map_err(|_| Error::from(Code::TokenInvalid))?;
    let mut headers = parts.headers.clone();
    headers.insert(AUTHORIZATION, value);
    Ok(UserCaller::from_headers(state, &headers).await?.0)
}

/// What the client received last: browsers say it in the header when they come back.
fn last_event_id(parts: &Parts, query: Query) -> Result<Option<String>, Error> {
    let Some(header) = parts.headers.get(LAST_EVENT_ID) else {
        return Ok(query.last_event_id.filter(|id| !id.is_empty()));
    };
    let text = header
        .to_str()
        .map_err(|_| Error::from(Code::PositionInvalid))?;
    Ok(Some(text.to_owned()).filter(|id| !id.is_empty()))
}
