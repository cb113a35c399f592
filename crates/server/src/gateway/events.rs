//! Opening event streams: on the connection that HTTP lets go of, or as a body where it does not
//! (HTTP/2).

use std::net::Shutdown;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error};
use madang_wire::sse;

use super::Gateway;
use super::framing::Framing;
use super::headers::{BodyEnd, ok_head};
use super::session::dialect::Dialect;
use super::session::event_stream::EventStream;
use super::session::notification_stream::NotificationStream;
use super::session::rooms::{Begin, Follows};
use super::session::{Connection, Input, Places, run};
use super::stream::{BodyStream, Stream};
use super::takeover::Takeover;
use crate::contracts::community::notifications::{Seen, parse_event_id};
use crate::http::{EventScope, StreamEvents};
use crate::telemetry::metrics::Transport;

/// Pause between comments, so that proxies keep the connection.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How long a client waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 3_000;

/// Headers of every event stream. Proxies must not gather what is sent: `x-accel-buffering` is what
/// nginx heeds.
const HEADERS: [(HeaderName, &str); 3] = [
    (CONTENT_TYPE, sse::CONTENT_TYPE),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

impl StreamEvents for Gateway {
    fn open<'a>(
        &'a self,
        parts: &'a Parts,
        permission: HeaderMap,
        caller: Caller,
        scope: EventScope,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move {
            if self.is_draining() {
                return Err(Code::Draining.into());
            }
            let follows = follows(scope, &caller)?;
            if parts.method == Method::HEAD {
                // RFC 9110, section 9.3.2: what GET would answer, without the stream.
                return Ok(without_body());
            }
            match follows {
                Follows::Inbox(start) => {
                    let dialect = NotificationStream::new(&self.chat, caller, start);
                    let dialect = dialect.ok_or(Code::NotFound)?;
                    self.stream(parts, permission, dialect).await
                }
                follows => {
                    let dialect = EventStream::new(&self.chat, caller, follows);
                    self.stream(parts, permission, dialect).await
                }
            }
        })
    }
}

impl Gateway {
    async fn stream(
        &self,
        parts: &Parts,
        permission: HeaderMap,
        dialect: impl Dialect,
    ) -> Result<Response, Error> {
        // What passes through the router's layers gets the rest from them.
        let Some(takeover) = parts.extensions.get::<Takeover>() else {
            return self.stream_body(dialect);
        };
        let mut headers = headers();
        headers.extend(permission);
        self.take_over(takeover, parts, &headers, dialect).await
    }

    async fn take_over(
        &self,
        takeover: &Takeover,
        parts: &Parts,
        headers: &HeaderMap,
        dialect: impl Dialect,
    ) -> Result<Response, Error> {
        let (framing, end) = match parts.version {
            Version::HTTP_11 => (Framing::EventStreamChunked, BodyEnd::LastChunk),
            _ => (Framing::EventStream, BodyEnd::Close),
        };
        let greeting = ok_head(headers, end)?;
        let shared = std::sync::Arc::clone(&self.shared);
        let serve = move |stream, _| {
            let connection = connection(stream, framing, greeting);
            if let Some(session) = run(&shared, connection, dialect) {
                tokio::spawn(session);
            }
        };
        match takeover.take(serve).await {}
    }

    /// # Errors
    /// [`Code::Draining`]: the node takes no new session.
    fn stream_body(&self, dialect: impl Dialect) -> Result<Response, Error> {
        let (stream, body) = BodyStream::new();
        let connection = connection(Stream::Body(stream), Framing::EventStream, Vec::new());
        let session = run(&self.shared, connection, dialect).ok_or(Code::Draining)?;
        tokio::spawn(session);
        let mut response = Response::new(Body::new(body));
        *response.headers_mut() = headers();
        Ok(response)
    }
}

fn headers() -> HeaderMap {
    let headers = HEADERS.into_iter();
    headers
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
}

fn without_body() -> Response {
    // Of a length that is not known, as the stream's is: no content-length may be claimed.
    let (stream, body) = BodyStream::new();
    Stream::Body(stream).shut_down(Shutdown::Write);
    let mut response = Response::new(Body::new(body));
    *response.headers_mut() = headers();
    response
}

fn connection(stream: Stream, framing: Framing, mut greeting: Vec<u8>) -> Connection {
    let mut retry = Vec::new();
    sse::append_retry(RETRY_MS, &mut retry);
    framing.append_text(&retry, &mut greeting);
    Connection {
        stream,
        transport: Transport::Sse,
        input: Input::Messages,
        framing,
        read_ahead: Vec::new(),
        greeting,
        beat_every: COMMENT_EVERY,
    }
}

/// # Errors
/// [`Code::PositionInvalid`]: what is to be resumed is nothing that we gave out.
fn follows(scope: EventScope, caller: &Caller) -> Result<Follows, Error> {
    Ok(match scope {
        EventScope::All { last } => Follows::All(last.as_deref().map(Places::parse).transpose()?),
        EventScope::One { room, last } => {
            let position = last.as_deref().map(str::parse).transpose();
            let position = position.map_err(|_| Error::from(Code::PositionInvalid))?;
            Follows::One(room, position)
        }
        EventScope::Inbox { last } => {
            // Another's id, or one of the replaced system, is passed over: an `EventSource` that is
            // refused does not come again.
            let seen = last.and_then(|id| parse_event_id(&id, &caller.user));
            Follows::Inbox(match seen {
                None => Begin::Now,
                Some(Seen::Nothing) => Begin::Beginning,
                Some(Seen::UpTo(position)) => Begin::After(position),
            })
        }
    })
}
