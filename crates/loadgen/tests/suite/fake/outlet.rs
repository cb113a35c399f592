//! What a frame looks like behind each door.

use madang_wire::stomp::{Frame, Version};
use madang_wire::websocket::{self, CloseCode, Kind};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

/// By which door a session came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    WebSocket,
    Tcp,
    SockJsWebSocket,
    XhrStreaming,
    EventSource,
    Json,
    Sse,
}

/// The way to one session.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) door: Door,
    /// An empty piece ends the session.
    pub(crate) queue: UnboundedSender<Vec<u8>>,
}

impl Outlet {
    pub(crate) fn frame(&self, frame: &Frame) {
        let mut payload = Vec::new();
        frame.encode(Version::V1_2, &mut payload);
        self.stomp(&payload);
    }

    /// Sends an encoded STOMP frame, or what the door makes of it.
    pub(crate) fn stomp(&self, payload: &[u8]) {
        let text = String::from_utf8_lossy(payload);
        let array = || format!("a{}", json!([text])).into_bytes();
        match self.door {
            Door::WebSocket => self.text(payload),
            Door::Tcp => self.raw(payload),
            Door::SockJsWebSocket => self.text(&array()),
            Door::XhrStreaming | Door::EventSource => self.sockjs(&array()),
            Door::Json | Door::Sse => {
                let (head, body) = text.split_once("\n\n").unwrap();
                let position = head.lines().find_map(|line| line.strip_prefix("position:"));
                let position: Value = position.into();
                let body: Value = body.trim_end_matches('\0').into();
                let object = format!(
                    r#"{{"type":"message","message":{{"position":{position},"text":{body}}}}}"#
                );
                self.object("message", &object);
            }
        }
    }

    /// Sends a SockJS frame.
    pub(crate) fn sockjs(&self, frame: &[u8]) {
        match self.door {
            Door::XhrStreaming => self.raw(&[frame, b"\n"].concat()),
            Door::EventSource => self.raw(&[b"data: ", frame, b"\r\n\r\n"].concat()),
            _ => self.text(frame),
        }
    }

    /// Sends an object of the JSON door.
    pub(crate) fn object(&self, kind: &str, object: &str) {
        match self.door {
            Door::Sse => {
                self.raw(format!("event: {kind}\ndata: {object}\nid: 7\n\n").as_bytes());
            }
            _ => self.text(object.as_bytes()),
        }
    }

    /// Ends the session as its door does.
    pub(crate) fn end(&self) {
        match self.door {
            Door::WebSocket | Door::Json => self.close(),
            Door::SockJsWebSocket => {
                self.text(br#"c[3000,"Go away!"]"#);
                self.close();
            }
            Door::XhrStreaming | Door::EventSource => self.sockjs(br#"c[3000,"Go away!"]"#),
            Door::Tcp | Door::Sse => {}
        }
        self.raw(&[]);
    }

    fn close(&self) {
        let mut out = Vec::new();
        websocket::encode_close(CloseCode::NORMAL, "bye", &mut out);
        self.raw(&out);
    }

    fn text(&self, payload: &[u8]) {
        let mut out = Vec::new();
        websocket::encode_message(Kind::Text, payload, &mut out);
        self.raw(&out);
    }

    fn raw(&self, bytes: &[u8]) {
        let _ = self.queue.send(bytes.to_vec());
    }
}
