use std::net::SocketAddr;

use madang_wire::websocket::{self, Opcode};

/// How a connection sends.
#[derive(Debug)]
pub(super) enum Outbound {
    /// A text message for each frame.
    WebSocket,
    /// A text message with a SockJS array for each frame.
    SockJsWebSocket,
    /// The frames as they are.
    Tcp,
    /// A request of its own for each frame.
    Post(Box<PostTarget>),
    /// It only receives.
    None,
}

/// Where frames of a session are posted.
#[derive(Debug)]
pub(super) struct PostTarget {
    pub(super) address: SocketAddr,
    /// Request line and headers, but for those of the body.
    pub(super) head: String,
}

/// A request that brings one frame.
#[derive(Debug)]
pub(super) struct Post {
    /// The connection whose session it belongs to.
    pub(super) index: usize,
    pub(super) address: SocketAddr,
    pub(super) request: Vec<u8>,
}

/// What an [`Outbox`](super::Outbox) holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An encoded STOMP frame, to be framed as the transport wants it.
    Frame,
    /// Bytes that are written as they are.
    Raw,
    /// The payload of a WebSocket pong.
    Pong,
}

impl Outbound {
    /// Appends to `wire` what is to be written for `bytes`; or answers the
    /// request that is to be made instead.
    pub(super) fn encode(
        &self,
        index: usize,
        kind: Kind,
        bytes: &[u8],
        wire: &mut Vec<u8>,
    ) -> Option<Post> {
        match (kind, self) {
            (Kind::Pong, _) => {
                websocket::encode_masked(Opcode::Pong, true, bytes, rand::random(), wire);
            }
            (Kind::Raw, _) | (Kind::Frame, Outbound::Tcp) => wire.extend_from_slice(bytes),
            (Kind::Frame, Outbound::WebSocket) => {
                websocket::encode_masked(Opcode::Text, true, bytes, rand::random(), wire);
            }
            (Kind::Frame, Outbound::SockJsWebSocket) => {
                let array = sockjs_array(bytes);
                let mask = rand::random();
                websocket::encode_masked(Opcode::Text, true, array.as_bytes(), mask, wire);
            }
            (Kind::Frame, Outbound::Post(target)) => return Some(target.post(index, bytes)),
            (Kind::Frame, Outbound::None) => {}
        }
        None
    }
}

impl PostTarget {
    fn post(&self, index: usize, frame: &[u8]) -> Post {
        let body = sockjs_array(frame);
        let head = &self.head;
        let len = body.len();
        let request =
            format!("{head}Content-Type: text/plain\r\nContent-Length: {len}\r\n\r\n{body}");
        Post {
            index,
            address: self.address,
            request: request.into_bytes(),
        }
    }
}

/// What a client sends (SockJS 0.3.3, "Protocol and framing").
fn sockjs_array(frame: &[u8]) -> String {
    serde_json::Value::from(vec![String::from_utf8_lossy(frame)]).to_string()
}
