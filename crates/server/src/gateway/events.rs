//! Opening event streams: on the connection that HTTP lets go of, or as a body where it does not
//! (HTTP/2).

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error};
use madang_wire::http1::append_response_head;
use madang_wire::sse;

use super::Gateway;
use super::framing::Framing;
use super::session::event_stream::EventStream;
use super::session::rooms::Follows;
use super::session::{Connection, Input, Places, run};
use super::stream::{BodyStream, Stream};
use super::takeover::Takeover;
use crate::http::{EventScope, StreamEvents};
use crate::telemetry::metrics::Transport;

/// Pause between comments, so that proxies keep the connection.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How long a client waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 3_000;

/// Headers of every event stream. Proxies must not gather what is sent: `x-accel-buffering` is what
/// nginx heeds.
const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, sse::CONTENT_TYPE),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
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
            let dialect = EventStream::new(&self.chat, caller, follows(scope)?);
            let mut headers = HeaderMap::new();
            for (name, value) in HEADERS {
                headers.insert(name, HeaderValue::from_static(value));
            }
            if parts.method == Method::HEAD {
                // RFC 9110, section 9.3.2: what GET would answer, without the stream.
                return Ok(without_body(headers));
            }
            // What passes through the router's layers gets the rest from them.
            let Some(takeover) = parts.extensions.get::<Takeover>() else {
                return Ok(self.stream_body(headers, dialect));
            };
            headers.extend(permission);
            headers.extend(date(self.chat.engine.now()).map(|date| (DATE, date)));
            self.take_over(takeover, parts, &headers, dialect).await
        })
    }
}

impl Gateway {
    async fn take_over(
        &self,
        takeover: &Takeover,
        parts: &Parts,
        headers: &HeaderMap,
        dialect: EventStream,
    ) -> Result<Response, Error> {
        let framing = match parts.version {
            Version::HTTP_11 => Framing::EventStreamChunked,
            // Ends with the connection.
            _ => Framing::EventStream,
        };
        let greeting = head(headers, framing)?;
        let shared = std::sync::Arc::clone(&self.shared);
        let serve = move |stream, _| {
            let connection = connection(stream, framing, greeting);
            if let Some(session) = run(&shared, connection, dialect) {
                tokio::spawn(session);
            }
        };
        match takeover.take(serve).await {}
    }

    fn stream_body(&self, headers: HeaderMap, dialect: EventStream) -> Response {
        let (stream, body) = BodyStream::new();
        let connection = connection(Stream::Body(stream), Framing::EventStream, Vec::new());
        if let Some(session) = run(&self.shared, connection, dialect) {
            tokio::spawn(session);
        }
        let mut response = Response::new(Body::new(body));
        *response.headers_mut() = headers;
        response
    }
}

fn without_body(headers: HeaderMap) -> Response {
    // Of a length that is not known, as the stream's is: no content-length may be claimed.
    let (_, body) = BodyStream::new();
    let mut response = Response::new(Body::new(body));
    *response.headers_mut() = headers;
    response
}

/// When a response began (RFC 9110, sections 5.6.7 and 6.6.1). `None` for a clock that is far off.
fn date(now: madang_domain::Timestamp) -> Option<HeaderValue> {
    let now = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).ok()
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

/// The head of a response on a connection that HTTP has let go of.
fn head(headers: &HeaderMap, framing: Framing) -> Result<Vec<u8>, Error> {
    let texts = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str(), value))
    });
    let chunked =
        (framing == Framing::EventStreamChunked).then_some(("transfer-encoding", "chunked"));
    let own = chunked.into_iter().chain([("connection", "close")]);
    let mut head = Vec::new();
    append_response_head(StatusCode::OK.as_u16(), "OK", texts.chain(own), &mut head)
        .map_err(|_| Error::from(Code::Internal))?;
    Ok(head)
}

/// # Errors
/// [`Code::PositionInvalid`]: what is to be resumed is nothing that we gave out.
fn follows(scope: EventScope) -> Result<Follows, Error> {
    Ok(match scope {
        EventScope::All { last } => Follows::All(last.as_deref().map(Places::parse).transpose()?),
        EventScope::One { room, last } => {
            let position = last.as_deref().map(str::parse).transpose();
            let position = position.map_err(|_| Error::from(Code::PositionInvalid))?;
            Follows::One(room, position)
        }
    })
}
