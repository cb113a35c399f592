use std::io;

use madang_wire::stomp::{DecodeError, Frame};
use madang_wire::websocket::ProtocolError;
use madang_wire::websocket::handshake::ResponseError;

use crate::url::BadUrl;

/// What a connection can fail with. After every variant but
/// [`TimedOut`](ClientError::TimedOut) and [`Stomp`](ClientError::Stomp) the
/// connection is of no use any more; behind a `Stomp` a close usually follows
/// and can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The caller's address cannot be used.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The network failed, or the server was not there.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server answered the handshake with a status other than 101.
    #[error(
        "handshake refused with status {status}: {}",
        String::from_utf8_lossy(body)
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The headers of the answer.
        headers: Vec<(String, String)>,
        /// The body of the answer, at most 64 KiB of it.
        body: Vec<u8>,
    },
    /// The server answered the handshake with 101, but wrongly.
    #[error("handshake: {0}")]
    Handshake(ResponseError),
    /// The server sent a broken WebSocket frame.
    #[error("WebSocket: {0}")]
    WebSocket(#[from] ProtocolError),
    /// The server sent a broken STOMP frame.
    #[error("STOMP: {0}")]
    Decode(#[from] DecodeError),
    /// The server broke the protocol that carries its messages.
    #[error("{0}")]
    Protocol(&'static str),
    /// The server sent an error of the JSON door.
    #[error("error from the server: {0}")]
    Json(String),
    /// The server sent an ERROR frame.
    #[error("ERROR from the server: {}", .0.get("message").unwrap_or("without a message"))]
    Stomp(Box<Frame>),
    /// The server sent a frame that does not belong here, such as another
    /// than CONNECTED as the first.
    #[error("unexpected {} from the server", .0.command)]
    Unexpected(Box<Frame>),
    /// The server chose a version that was not offered.
    #[error("the server chose version {0:?}")]
    Version(Option<String>),
    /// The server sent a Close frame.
    #[error("closed by the server with code {code:?}: {reason}")]
    Closed {
        /// The code, if there was one.
        code: Option<u16>,
        /// Empty if there was none.
        reason: String,
    },
    /// The server closed the socket without a Close frame.
    #[error("connection ended without a Close frame")]
    Disconnected,
    /// Nothing came in time. The connection can still be used.
    #[error("nothing came in time")]
    TimedOut,
}

impl ClientError {
    /// The ERROR frame, if this is one.
    pub fn error_frame(&self) -> Option<&Frame> {
        match self {
            ClientError::Stomp(frame) => Some(frame),
            _ => None,
        }
    }

    /// The code of the server's Close frame, if this is one.
    pub fn close_code(&self) -> Option<u16> {
        match self {
            ClientError::Closed { code, .. } => *code,
            _ => None,
        }
    }
}
