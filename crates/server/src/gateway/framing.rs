//! How one message of a session's protocol becomes bytes on its connection.

use madang_wire::websocket::{self, CloseCode, Kind, Opcode};

/// What stands around a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A WebSocket message each (RFC 6455).
    WebSocket,
    /// Nothing: STOMP frames end themselves.
    Bare,
}

impl Framing {
    /// Whether texts have to be escaped before they are framed.
    pub(crate) const fn escapes(self) -> bool {
        match self {
            Self::WebSocket | Self::Bare => false,
        }
    }

    /// `text` as pieces of a message have to be.
    pub(crate) fn escaped(self, text: Vec<u8>) -> Vec<u8> {
        match self {
            Self::WebSocket | Self::Bare => text,
        }
    }

    /// Appends a message that is text.
    pub(crate) fn append_text(self, payload: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::WebSocket => websocket::encode_message(Kind::Text, payload, out),
            Self::Bare => out.extend_from_slice(payload),
        }
    }

    /// Appends a message that is put together from `pieces`, which are escaped already where
    /// [`Framing::escapes`].
    #[inline]
    pub(crate) fn append_pieces(self, is_text: bool, pieces: [&[u8]; 3], out: &mut Vec<u8>) {
        let len = pieces.iter().map(|piece| piece.len()).sum();
        out.reserve(len + websocket::HEAD_LEN_MAX);
        match self {
            Self::WebSocket => {
                let opcode = if is_text {
                    Opcode::Text
                } else {
                    Opcode::Binary
                };
                websocket::encode_head(opcode, len, out);
            }
            Self::Bare => {}
        }
        for piece in pieces {
            out.extend_from_slice(piece);
        }
    }

    /// Appends the transport's own sign of life; nothing where it has none.
    pub(crate) fn append_beat(self, out: &mut Vec<u8>) {
        match self {
            Self::WebSocket => websocket::encode_ping(b"", out),
            Self::Bare => {}
        }
    }

    /// Appends what closes the connection; nothing where only its end does. `code` is absent when
    /// the peer closed without one.
    pub(crate) fn append_close(self, code: Option<CloseCode>, reason: &str, out: &mut Vec<u8>) {
        match (self, code) {
            (Self::WebSocket, Some(code)) => websocket::encode_close(code, reason, out),
            (Self::WebSocket, None) => websocket::encode_head(Opcode::Close, 0, out),
            (Self::Bare, _) => {}
        }
    }
}
