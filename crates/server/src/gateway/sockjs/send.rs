//! What the sending transports bring: `xhr_send` and `jsonp_send`.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use madang_domain::Code;
use madang_wire::sockjs::{Answer, DecodeError, Limits, decode_body, decode_form};
use tokio::time::timeout;

use super::link::Undelivered;
use super::{Service, SockJs, answer};
use crate::gateway::headers::text;
use crate::http::Refusal;

/// How long a body may take to arrive, and how long its messages may wait for the session: a client
/// that sends a byte an hour, or a session that hangs, must not keep them.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// Messages that one request may bring.
const MESSAGES_MAX: usize = 4_096;

impl<S: Service> SockJs<S> {
    /// Answers once the session has the messages, and has carried them out if that is soon.
    pub(super) async fn send(
        &self,
        session: &str,
        parts: &Parts,
        body: Body,
        is_jsonp: bool,
    ) -> Response {
        if let Err(refused) = self.service.admit(parts, is_jsonp) {
            return *refused;
        }
        let Some(link) = self.directory.find(session) else {
            return answer(Answer::SESSION_NOT_FOUND);
        };
        let body = match self.read(body).await {
            Ok(body) => body,
            Err(code) => return Refusal::from(code).into_response(),
        };
        let messages = match self.decode(&body, parts, is_jsonp) {
            Ok(messages) => messages,
            Err(error) => return answer(error.into()),
        };
        // Their texts may wait; nothing is kept twice.
        drop(body);
        match timeout(REQUEST_DEADLINE, link.deliver(messages)).await {
            Ok(Ok(())) => {}
            Ok(Err(Undelivered::SessionOver)) => return answer(Answer::SESSION_NOT_FOUND),
            Ok(Err(Undelivered::TooMany)) => {
                return Refusal::from(Code::Overloaded).into_response();
            }
            Err(_) => return Refusal::from(Code::Unavailable).into_response(),
        }
        link.settle().await;
        answer(if is_jsonp {
            Answer::JSONP_SENT
        } else {
            Answer::XHR_SENT
        })
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`Code::TooLarge`]: it is larger than a message may be, or the client went away.
    /// [`Code::Unavailable`]: it did not come in time.
    pub(super) async fn read(&self, body: Body) -> Result<Bytes, Code> {
        // A form's escapes make up to three bytes of one.
        let reading = to_bytes(body, 3 * self.message_limits().bytes_max);
        match timeout(REQUEST_DEADLINE, reading).await {
            Ok(body) => body.map_err(|_| Code::TooLarge),
            Err(_) => Err(Code::Unavailable),
        }
    }

    fn decode(
        &self,
        body: &[u8],
        parts: &Parts,
        is_jsonp: bool,
    ) -> Result<Vec<String>, DecodeError> {
        let limits = self.message_limits();
        if is_jsonp {
            decode_form(body, text(&parts.headers, &CONTENT_TYPE), limits)
        } else {
            decode_body(body, limits)
        }
    }

    pub(super) fn message_limits(&self) -> Limits {
        Limits {
            messages_max: MESSAGES_MAX,
            bytes_max: self.shared.limits.websocket.message_bytes_max,
        }
    }
}
