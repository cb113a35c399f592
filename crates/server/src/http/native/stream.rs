//! Event streams: who asks for one, from where on, and opening it.

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::Response;
use madang_domain::{Caller, Code, Error, RoomId};
use serde::Deserialize;

use crate::http::extract::{UserCaller, parameters};
use crate::http::problem::Refusal;
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

/// A person's wish for an event stream.
pub(in crate::http) struct StreamRequest {
    parts: Parts,
    caller: Caller,
    /// The id of the last event that the client has.
    pub(in crate::http) last: Option<String>,
}

impl StreamRequest {
    /// # Errors
    /// As [`UserCaller`]. [`Code::ParameterInvalid`], [`Code::PositionInvalid`].
    pub(in crate::http) async fn read(state: &Shared, request: Request) -> Result<Self, Error> {
        let (parts, _) = request.into_parts();
        let query: Query = parameters(&parts)?;
        Ok(Self {
            caller: caller(state, &parts, &query).await?,
            last: last_event_id(&parts, query)?,
            parts,
        })
    }

    /// One log, which the caller must be able to read.
    ///
    /// # Errors
    /// As [`madang_engine::Engine::room`] and [`crate::http::StreamEvents::open`].
    pub(in crate::http) async fn open_room(
        mut self,
        state: &Shared,
        room: RoomId,
    ) -> Result<Response, Refusal> {
        // Refused while it still can be told so.
        state.engine.room(&self.caller, &room).await?;
        let last = self.last.take();
        self.open(state, EventScope::One { room, last }).await
    }

    /// # Errors
    /// As [`crate::http::StreamEvents::open`].
    pub(in crate::http) async fn open(
        self,
        state: &Shared,
        scope: EventScope,
    ) -> Result<Response, Refusal> {
        let parts = &self.parts;
        let headers = state.origins.permission(&parts.headers, &parts.uri);
        let events = state.events()?;
        Ok(events.open(parts, headers, self.caller, scope).await?)
    }
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
