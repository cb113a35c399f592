//! What somebody says: the body of a request, what makes it safe to repeat, the answer.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::{Appended, Body, ClientId, Code, Error, Message};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::contracts::native::{MessageBody, body_of};
use crate::http::paths::encoded;

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct SendMessage {
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

impl SendMessage {
    /// What it says, and its name. The header `Idempotency-Key` counts when the body has none.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`], [`Code::MessageInvalid`], [`Code::ParameterInvalid`].
    pub(in crate::http) fn read(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Body, Option<ClientId>), Error> {
        let client_id = request_id(self.client_id.as_deref(), headers)?;
        let body = body_of(self.text.as_deref(), self.data.as_deref())?;
        Ok((body, client_id))
    }
}

/// The name of a request: `clientId` of its body, else the header.
///
/// # Errors
/// [`Code::BodyInvalid`], [`Code::ParameterInvalid`].
pub(in crate::http) fn request_id(
    body: Option<&str>,
    headers: &HeaderMap,
) -> Result<Option<ClientId>, Error> {
    match body {
        Some(text) => named(text, Code::BodyInvalid).map(Some),
        None => idempotency_key(headers),
    }
}

/// The name of a request without a body: `clientId` of its query, else the header.
///
/// # Errors
/// [`Code::ParameterInvalid`].
pub(in crate::http) fn client_id(
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Option<ClientId>, Error> {
    match query {
        Some(text) => named(text, Code::ParameterInvalid).map(Some),
        None => idempotency_key(headers),
    }
}

fn named(text: &str, code: Code) -> Result<ClientId, Error> {
    let named = ClientId::new(text);
    named.map_err(|reason| Error::with_detail(code, format!("clientId {reason}")))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<ClientId>, Error> {
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

/// 201 with the message and where it is, or 200 with the first when it was sent before.
pub(in crate::http) fn sent(
    appended: &Appended,
    location: impl Fn(&Message) -> String,
) -> Response {
    let message = appended.message();
    let body = Json(MessageBody::from(&**message));
    match appended {
        Appended::Repeat(_) => body.into_response(),
        Appended::New(_) => {
            let location = [(header::LOCATION, location(message))];
            (StatusCode::CREATED, location, body).into_response()
        }
    }
}

/// Where people find a message.
pub(in crate::http) fn location(message: &Message) -> String {
    let room = encoded(message.room.as_str());
    format!("/api/v1/rooms/{room}/messages/{}", message.position.seq)
}
