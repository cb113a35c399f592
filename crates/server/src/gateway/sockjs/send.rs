//! What the sending transports bring: `xhr_send` and `jsonp_send`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use madang_domain::Code;
use madang_wire::sockjs::{Answer, DecodeError, Limits, decode_body, decode_form};
use tokio::time::timeout;

use super::cluster::{Cluster, Refused, SessionKey};
use super::link::{Link, Undelivered};
use super::{Service, SockJs, answer};
use crate::gateway::headers::text;
use crate::http::Refusal;

/// How long a body may take to arrive, and how long its messages may wait for the session: a client
/// that sends a byte an hour, or a session that hangs, must not keep them.
pub(super) const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// Messages that one request may bring.
const MESSAGES_MAX: usize = 4_096;

/// Who has a session.
enum Holder {
    Here(Arc<Link>),
    /// Another gateway.
    There(Arc<Cluster>, u64),
}

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
        let key = SessionKey::of(session);
        let holder = match self.holder(key).await {
            Ok(Some(holder)) => holder,
            Ok(None) => return answer(Answer::SESSION_NOT_FOUND),
            Err(code) => return Refusal::from(code).into_response(),
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
        let handed_over = match holder {
            Holder::Here(link) => hand_over(&link, messages).await,
            Holder::There(cluster, gateway) => send_there(&cluster, gateway, key, &messages).await,
        };
        match handed_over {
            Ok(()) if is_jsonp => answer(Answer::JSONP_SENT),
            Ok(()) => answer(Answer::XHR_SENT),
            Err(refused) => refusal(refused),
        }
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

    /// Who has the session, if anybody has.
    ///
    /// # Errors
    /// [`Code::Overloaded`]: too many sessions are being looked for.
    async fn holder(&self, key: SessionKey) -> Result<Option<Holder>, Code> {
        if let Some(link) = self.directory.find(&key) {
            return Ok(Some(Holder::Here(link)));
        }
        let Some(cluster) = &self.cluster else {
            return Ok(None);
        };
        let gateway = cluster.find(key).await?;
        Ok(gateway.map(|gateway| Holder::There(Arc::clone(cluster), gateway)))
    }

    pub(super) fn message_limits(&self) -> Limits {
        Limits {
            messages_max: MESSAGES_MAX,
            bytes_max: self.shared.limits.websocket.message_bytes_max,
        }
    }
}

/// Has `gateway` hand messages to its session, or whoever has it now.
async fn send_there(
    cluster: &Cluster,
    gateway: u64,
    key: SessionKey,
    messages: &[String],
) -> Result<(), Refused> {
    match cluster.send(gateway, key, messages).await {
        Err(Refused::NotFound) => {}
        sent => return sent,
    }
    // It was remembered to have the session, and has not.
    match cluster.find(key).await {
        Ok(Some(other)) => cluster.send(other, key, messages).await,
        Ok(None) => Err(Refused::NotFound),
        Err(_) => Err(Refused::Overloaded),
    }
}

/// Hands messages to a session, and waits for a moment until it has carried them out.
///
/// # Errors
/// [`Refused`]: it took none.
pub(super) async fn hand_over(link: &Link, messages: Vec<String>) -> Result<(), Refused> {
    match timeout(REQUEST_DEADLINE, link.deliver(messages)).await {
        Ok(Ok(())) => {}
        Ok(Err(Undelivered::SessionOver)) => return Err(Refused::NotFound),
        Ok(Err(Undelivered::TooMany)) => return Err(Refused::Overloaded),
        Err(_) => return Err(Refused::Unavailable),
    }
    link.settle().await;
    Ok(())
}

/// What a client is told whose request was not carried out.
pub(super) fn refusal(refused: Refused) -> Response {
    match refused {
        Refused::NotFound => answer(Answer::SESSION_NOT_FOUND),
        Refused::Overloaded => Refusal::from(Code::Overloaded).into_response(),
        Refused::Unavailable => Refusal::from(Code::Unavailable).into_response(),
    }
}
