use std::borrow::Cow;

use super::{CallbackError, DecodeError};
use crate::websocket::HandshakeError;

/// A response that is all said at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`, if there is to be one.
    pub content_type: Option<&'static str>,
    /// The body; empty for 204 and 405.
    pub body: Cow<'static, str>,
}

impl Answer {
    /// Of [`Endpoint::Greeting`](super::Endpoint::Greeting).
    pub const GREETING: Self = Self::text(200, "Welcome to SockJS!\n");
    /// The texts of an `xhr_send` were taken. The content type keeps Firefox
    /// from parsing nothing as XML.
    pub const XHR_SENT: Self = Self::text(204, "");
    /// The texts of a `jsonp_send` were taken. Not empty, for Konqueror.
    pub const JSONP_SENT: Self = Self::text(200, "ok");
    /// There is no such endpoint, or it is turned off.
    pub const NOT_FOUND: Self = Self::text(404, "404 Error: Page not found\n");
    /// A send to a session that is not there.
    pub const SESSION_NOT_FOUND: Self = Self::text(404, "session not found");
    /// Another method is asked for. The header `Allow` has to list
    /// [`Endpoint::methods`](super::Endpoint::methods).
    pub const METHOD_NOT_ALLOWED: Self = Self::bare(405);
    /// Of OPTIONS, with the headers that
    /// [`header::preflight`](super::header::preflight) names.
    pub const PREFLIGHT: Self = Self::bare(204);
    /// The client has the page of the iframe.
    pub const NOT_MODIFIED: Self = Self::bare(304);

    const fn text(status: u16, body: &'static str) -> Self {
        Self {
            status,
            content_type: Some("text/plain; charset=UTF-8"),
            body: Cow::Borrowed(body),
        }
    }

    const fn bare(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            body: Cow::Borrowed(""),
        }
    }

    fn error(status: u16, error: &dyn std::error::Error) -> Self {
        Self {
            body: Cow::Owned(error.to_string()),
            ..Self::text(status, "")
        }
    }
}

impl From<DecodeError> for Answer {
    /// 500 is what sockjs-protocol wants, though the client is to blame; what
    /// it does not know of has a better status.
    fn from(error: DecodeError) -> Self {
        let status = match error {
            DecodeError::Empty | DecodeError::Broken | DecodeError::NotStrings => 500,
            DecodeError::TooManyMessages | DecodeError::TooLarge => 413,
        };
        Self::error(status, &error)
    }
}

impl From<CallbackError> for Answer {
    fn from(error: CallbackError) -> Self {
        Self::error(500, &error)
    }
}

impl From<HandshakeError> for Answer {
    /// With status 426 the header `Sec-WebSocket-Version` has to list
    /// [`WEBSOCKET_VERSIONS`](super::WEBSOCKET_VERSIONS).
    fn from(error: HandshakeError) -> Self {
        match error {
            HandshakeError::Upgrade => Self::text(400, "Can \"Upgrade\" only to \"WebSocket\"."),
            HandshakeError::Connection => Self::text(400, "\"Connection\" must be \"Upgrade\"."),
            _ => Self::error(error.status(), &error),
        }
    }
}
