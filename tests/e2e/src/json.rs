//! A client of the JSON door.

use std::net::SocketAddr;
use std::time::Duration;

use madang_wire::websocket::Kind;
use serde_json::{Value, json};

use crate::http::Response;
use crate::websocket::{Opening, Received, WebSocket};

/// The door's path.
pub const PATH: &str = "/ws/v1";

/// An open connection.
#[derive(Debug)]
pub struct Json {
    /// What it runs on.
    pub socket: WebSocket,
    next: u32,
}

impl Json {
    /// A connection that says nothing yet of who it is.
    #[must_use]
    pub fn open(address: SocketAddr) -> Self {
        let opening = Opening {
            path: PATH,
            ..Opening::default()
        };
        Self::over(WebSocket::open(address, opening))
    }

    /// A connection on a socket.
    #[must_use]
    pub const fn over(socket: WebSocket) -> Self {
        Self { socket, next: 0 }
    }

    /// Opens a connection with a token in the handshake; a response other than 101 is the error.
    ///
    /// # Errors
    /// The response that refuses.
    pub fn try_with_token(address: SocketAddr, path: &str, token: &str) -> Result<Self, Response> {
        let bearer = format!("Bearer {token}");
        let opening = Opening {
            path,
            headers: &[("Authorization", &bearer)],
            ..Opening::default()
        };
        WebSocket::try_open(address, opening).map(Self::over)
    }

    /// A connection and its `hello`.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn enter(address: SocketAddr, token: &str) -> (Self, Value) {
        let mut peer = Self::try_with_token(address, PATH, token)
            .unwrap_or_else(|no| panic!("refused with {}: {}", no.status, no.text()));
        let hello = peer.event();
        assert_eq!(hello["type"], "hello", "{hello}");
        (peer, hello)
    }

    /// Sends one object.
    pub fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    /// Sends one text.
    pub fn say_text(&mut self, text: &str) {
        self.socket.send(Kind::Text, text.as_bytes());
    }

    /// Sends a command under a name of its own, which is answered.
    pub fn command(&mut self, mut command: Value) -> String {
        self.next += 1;
        let id = format!("c{}", self.next);
        command["id"] = json!(id);
        self.say(&command);
        id
    }

    /// Sends a command and answers its answer, and what came before that.
    pub fn ask(&mut self, command: Value) -> (Value, Vec<Value>) {
        let id = self.command(command);
        let mut before = Vec::new();
        loop {
            let event = self.event();
            if event["id"] == id.as_str() {
                return (event, before);
            }
            before.push(event);
        }
    }

    /// Sends a text to a room and answers the `ack`.
    ///
    /// # Panics
    /// When it is refused.
    pub fn send(&mut self, room: &str, text: &str) -> Value {
        let (answer, _) = self.ask(json!({"type": "send", "room": room, "text": text}));
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    /// The next object.
    ///
    /// # Panics
    /// When the connection closes instead.
    pub fn event(&mut self) -> Value {
        match self.received() {
            Ok(event) => event,
            Err(code) => panic!("closed with {code:?} instead"),
        }
    }

    /// The next object of this type; others are passed over.
    pub fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let event = self.event();
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// The texts of the next `count` messages of people; other events are passed over.
    pub fn texts(&mut self, count: usize) -> Vec<String> {
        let text = |event: Value| event["message"]["text"].as_str().unwrap_or("").to_owned();
        (0..count).map(|_| text(self.next_message())).collect()
    }

    /// The next message of a person; other events are passed over.
    pub fn next_message(&mut self) -> Value {
        loop {
            let event = self.next_of("message");
            if event["message"]["type"] == "message" {
                return event;
            }
        }
    }

    /// The next object, or the code that the connection closed with.
    ///
    /// # Errors
    /// The close code.
    ///
    /// # Panics
    /// When what arrives is no JSON.
    pub fn received(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.socket.receive() {
                Received::Text(text) => {
                    return Ok(serde_json::from_slice(&text).expect("JSON"));
                }
                Received::Close(code) => return Err(code),
                Received::Eof | Received::Reset => return Err(None),
                Received::Binary(_) => panic!("bytes on a text door"),
                Received::Ping(_) | Received::Pong(_) => {}
            }
        }
    }

    /// Checks that nothing comes before the answer to a ping sent now.
    pub fn assert_quiet(&mut self) {
        let (_, before) = self.ask(json!({"type": "ping"}));
        assert!(before.is_empty(), "{before:?}");
    }

    /// What comes within this time, if anything.
    pub fn within(&mut self, time: Duration) -> Option<Received> {
        self.socket.receive_within(time)
    }
}
