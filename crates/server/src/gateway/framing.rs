//! How one message of a session's protocol becomes bytes on its connection.

use madang_wire::http1::{LAST_CHUNK, append_chunk};
use madang_wire::sockjs::{Close, append_escaped, append_quoted, frame};
use madang_wire::sse;
use madang_wire::websocket::{self, CloseCode, Kind, Opcode};

/// The close code of a peer that gave none, for transports that have to have one.
const NO_CODE: u16 = CloseCode::NORMAL.get();

/// What stands around a message, at most.
const HEAD_LEN_MAX: usize = websocket::HEAD_LEN_MAX + 8;

/// Allowed behind a frame (STOMP 1.2, "STOMP Frames"), and a heart-beat by itself. PHP's client
/// needs it behind each frame.
const LINE_END: &[u8] = b"\n";

/// What stands around a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A WebSocket message each (RFC 6455).
    WebSocket,
    /// A line end behind each: STOMP frames end themselves, but some clients look for it.
    Bare,
    /// A WebSocket message with a SockJS frame each.
    SockJsWebSocket,
    /// A line each, of which a SockJS link makes frames: a quoted text, or a frame that is no
    /// array. Neither has line breaks of its own.
    SockJsHttp,
    /// Nothing: events of an event stream end themselves, and so does the body.
    EventStream,
    /// A chunk each (RFC 9112, section 7.1).
    EventStreamChunked,
}

impl Framing {
    /// Whether texts have to be escaped before they are framed.
    pub(crate) const fn escapes(self) -> bool {
        match self {
            Self::WebSocket | Self::Bare | Self::EventStream | Self::EventStreamChunked => false,
            Self::SockJsWebSocket | Self::SockJsHttp => true,
        }
    }

    /// `text` as pieces of a message have to be.
    pub(crate) fn escaped(self, text: Vec<u8>) -> Vec<u8> {
        match self {
            Self::WebSocket | Self::Bare | Self::EventStream | Self::EventStreamChunked => text,
            Self::SockJsWebSocket | Self::SockJsHttp => {
                let mut escaped = Vec::with_capacity(text.len() + text.len() / 8);
                append_escaped(&text, &mut escaped);
                escaped
            }
        }
    }

    /// Appends a message that is text.
    pub(crate) fn append_text(self, payload: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::WebSocket => websocket::encode_message(Kind::Text, payload, out),
            Self::Bare if payload == LINE_END => out.extend_from_slice(payload),
            Self::Bare => {
                out.extend_from_slice(payload);
                out.extend_from_slice(LINE_END);
            }
            Self::EventStream => out.extend_from_slice(payload),
            Self::EventStreamChunked => append_chunk(&[payload], out),
            Self::SockJsWebSocket => {
                let escaped = self.escaped(payload.to_vec());
                self.append_pieces(true, [&escaped, b"", b""], out);
            }
            Self::SockJsHttp => {
                append_quoted(payload, out);
                out.push(b'\n');
            }
        }
    }

    /// Appends a message that is put together from `pieces`, which are escaped already where
    /// [`Framing::escapes`].
    #[inline]
    pub(crate) fn append_pieces(self, is_text: bool, pieces: [&[u8]; 3], out: &mut Vec<u8>) {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        out.reserve(len + HEAD_LEN_MAX);
        match self {
            Self::WebSocket => {
                let opcode = if is_text {
                    Opcode::Text
                } else {
                    Opcode::Binary
                };
                websocket::encode_head(opcode, len, out);
            }
            Self::Bare | Self::EventStream => {}
            Self::EventStreamChunked => return append_chunk(&pieces, out),
            Self::SockJsWebSocket => {
                let around = frame::MESSAGES_START.len() + frame::MESSAGES_END.len();
                websocket::encode_head(Opcode::Text, around + len, out);
                out.extend_from_slice(frame::MESSAGES_START);
            }
            Self::SockJsHttp => out.push(b'"'),
        }
        for piece in pieces {
            out.extend_from_slice(piece);
        }
        match self {
            Self::WebSocket | Self::EventStream | Self::EventStreamChunked => {}
            Self::Bare => out.extend_from_slice(LINE_END),
            Self::SockJsWebSocket => out.extend_from_slice(frame::MESSAGES_END),
            Self::SockJsHttp => out.extend_from_slice(b"\"\n"),
        }
    }

    /// Appends the transport's own sign of life; nothing where it has none.
    pub(crate) fn append_beat(self, out: &mut Vec<u8>) {
        match self {
            Self::WebSocket => websocket::encode_ping(b"", out),
            Self::Bare => {}
            Self::EventStream | Self::EventStreamChunked => self.append_text(sse::HEART_BEAT, out),
            Self::SockJsWebSocket => websocket::encode_message(Kind::Text, frame::HEART_BEAT, out),
            Self::SockJsHttp => {
                out.extend_from_slice(frame::HEART_BEAT);
                out.push(b'\n');
            }
        }
    }

    /// Appends what closes the connection; nothing where only its end does. `code` is absent when
    /// the peer closed without one.
    pub(crate) fn append_close(self, code: Option<CloseCode>, reason: &str, out: &mut Vec<u8>) {
        match (self, code) {
            (Self::WebSocket, Some(code)) => websocket::encode_close(code, reason, out),
            (Self::WebSocket, None) => websocket::encode_head(Opcode::Close, 0, out),
            (Self::Bare | Self::EventStream, _) => {}
            (Self::EventStreamChunked, _) => out.extend_from_slice(LAST_CHUNK),
            (Self::SockJsWebSocket, code) => {
                let mut close = Vec::new();
                Close::new(code.map_or(NO_CODE, CloseCode::get), reason).append_frame(&mut close);
                websocket::encode_message(Kind::Text, &close, out);
                websocket::encode_close(code.unwrap_or(CloseCode::NORMAL), reason, out);
            }
            (Self::SockJsHttp, code) => {
                Close::new(code.map_or(NO_CODE, CloseCode::get), reason).append_frame(out);
                out.push(b'\n');
            }
        }
    }

    /// Appends what ends the connection of a peer that broke its protocol: no message is said on
    /// it any more, not even SockJS's own (sockjs-protocol, "test_broken_json").
    pub(crate) fn append_breach(self, code: CloseCode, reason: &str, out: &mut Vec<u8>) {
        match self {
            Self::WebSocket | Self::SockJsWebSocket => websocket::encode_close(code, reason, out),
            Self::Bare | Self::SockJsHttp | Self::EventStream | Self::EventStreamChunked => {
                self.append_close(Some(code), reason, out);
            }
        }
    }
}
