//! What the sending transports bring: `xhr_send` and `jsonp_send`.

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use madang_domain::Code;
use madang_wire::sockjs::{Answer, DecodeError, Limits, decode_body, decode_form};

use super::{Service, SockJs, answer, text};
use crate::http::Refusal;

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
        let Ok(body) = self.read(body).await else {
            return Refusal::from(Code::TooLarge).into_response();
        };
        let messages = match self.decode(&body, parts, is_jsonp) {
            Ok(messages) => messages,
            Err(error) => return answer(error.into()),
        };
        if link.deliver(messages).await.is_err() {
            return answer(Answer::SESSION_NOT_FOUND);
        }
        link.settle().await;
        answer(if is_jsonp {
            Answer::JSONP_SENT
        } else {
            Answer::XHR_SENT
        })
    }

    /// # Errors
    /// The body is larger than a message may be, or the client went away.
    pub(super) async fn read(&self, body: Body) -> Result<Bytes, axum::Error> {
        // A form's escapes make up to three bytes of one.
        to_bytes(body, 3 * self.message_limits().bytes_max).await
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
