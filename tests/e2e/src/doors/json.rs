//! JSON over WebSocket: one connection, all of the user's rooms.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::line::{Line as _, Unit};
use super::socket::Socket;
use super::stomp::message_of;
use super::{Arrival, Endpoint, Identity, Message, Peer, Refusal, Start};
use crate::PATIENCE;

const PATH: &str = "/ws/v1";
const SUBPROTOCOL: &str = "madang.v1.json";
/// The default of `websocket.message_bytes_max`.
const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// Of no room; asked for only where the room is not the user's.
const A_POSITION: &str = "9f3c1a2b4d5e-1";

/// A session.
pub struct JsonPeer {
    socket: Socket,
    /// The rooms that the server said are the user's.
    rooms: HashSet<String>,
    messages: VecDeque<Message>,
    told: Option<String>,
    next_id: u64,
}

/// Connects with the token in the first message.
///
/// # Errors
/// The server's no.
pub fn by_message(endpoint: &Endpoint, identity: Identity<'_>) -> Result<Box<dyn Peer>, Refusal> {
    let mut peer = JsonPeer::on(Socket::open(endpoint, PATH, &[SUBPROTOCOL], &[])?);
    match identity.token {
        Some(token) => peer.write(&json!({ "type": "auth", "token": token })),
        // Anything else is no word of somebody without a name.
        None => peer.write(&json!({ "type": "ping" })),
    }
    peer.hello()?;
    Ok(Box::new(peer))
}

/// Connects with the token in the handshake.
///
/// # Errors
/// The server's no.
pub fn by_handshake(endpoint: &Endpoint, identity: Identity<'_>) -> Result<Box<dyn Peer>, Refusal> {
    let Some(token) = identity.token else {
        return by_message(endpoint, identity);
    };
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    let mut peer = JsonPeer::on(Socket::open(endpoint, PATH, &[], &headers)?);
    peer.hello()?;
    Ok(Box::new(peer))
}

impl JsonPeer {
    fn on(socket: Socket) -> Self {
        Self {
            socket,
            rooms: HashSet::new(),
            messages: VecDeque::new(),
            told: None,
            next_id: 0,
        }
    }

    fn hello(&mut self) -> Result<(), Refusal> {
        let hello = self.wait_for(|event| event["type"] == "hello")?;
        for room in hello["rooms"].as_array().expect("rooms") {
            self.enter(room);
        }
        Ok(())
    }

    fn enter(&mut self, room: &Value) {
        let id = room["id"].as_str().expect("a room's id");
        assert!(
            room["position"].is_string(),
            "where the room begins: {room}"
        );
        self.rooms.insert(id.to_owned());
    }

    fn write(&mut self, command: &Value) {
        // A connection that the server has ended tells why when it is read.
        let _ = self.socket.send(command.to_string().as_bytes());
    }

    /// Sends a command and waits for what answers it.
    fn ask(&mut self, mut command: Value) -> Result<Value, Refusal> {
        self.next_id += 1;
        let id = json!(format!("c{}", self.next_id));
        command["id"] = id.clone();
        self.write(&command);
        let answer = self.wait_for(|event| event["id"] == id && event["type"] != "notification")?;
        match answer["type"].as_str() {
            Some("ack" | "pong") => Ok(answer),
            _ => Err(self.refusal(&answer)),
        }
    }

    fn refusal(&mut self, error: &Value) -> Refusal {
        assert_eq!(error["type"], "error", "{error}");
        assert!(error["error"]["message"].is_string(), "{error}");
        assert!(error["error"]["retryable"].is_boolean(), "{error}");
        Refusal {
            code: error["error"]["code"].as_str().expect("a code").to_owned(),
            ended: false,
            close_code: None,
        }
    }

    fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value, Refusal> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.event(left).expect("an answer in time") {
                Ok(event) if wanted(&event) => return Ok(event),
                Ok(event) => self.keep(&event),
                Err(close_code) => {
                    return Err(Refusal {
                        code: self.told.clone().unwrap_or_default(),
                        ended: true,
                        close_code,
                    });
                }
            }
        }
    }

    fn keep(&mut self, event: &Value) {
        match event["type"].as_str() {
            Some("message") => self.messages.extend(message_of(&event["message"])),
            Some("room") if event["change"] != "left" => self.enter(&event["room"]),
            Some("error") => {
                let refusal = self.refusal(event);
                self.told = Some(refusal.code);
            }
            Some("room" | "read" | "typing" | "notification") => {}
            _ => panic!("an unexpected event: {event}"),
        }
    }

    /// The next event, or the close code at the end.
    fn event(&mut self, time: Duration) -> Option<Result<Value, Option<u16>>> {
        Some(match self.socket.receive_within(time)? {
            Unit::Text(text) => Ok(serde_json::from_slice(&text).expect("messages are JSON")),
            Unit::End(close_code) => Err(close_code),
        })
    }
}

impl Peer for JsonPeer {
    /// There is nothing to subscribe: the room is the user's, or it is not.
    fn follow(&mut self, room: &str, start: Start<'_>) -> Result<(), Refusal> {
        let position = match start {
            Start::After(position) => position.to_owned(),
            Start::Now => A_POSITION.to_owned(),
        };
        if matches!(start, Start::Now) && self.rooms.contains(room) {
            return Ok(());
        }
        let answer = self.ask(json!({ "type": "resume", "positions": { room: position } }))?;
        // What came of the room before the answer comes again behind it.
        self.messages.retain(|message| message.room != room);
        let unknown = answer["unknown"]
            .as_array()
            .expect("the rooms that are not the user's");
        if unknown.iter().any(|one| one == room) {
            return Err(Refusal {
                code: "NOT_YOUR_ROOM".to_owned(),
                ended: false,
                close_code: None,
            });
        }
        Ok(())
    }

    fn send(&mut self, room: &str, text: &str) -> Result<(), Refusal> {
        let ack = self.ask(json!({ "type": "send", "room": room, "text": text }))?;
        for name in ["position", "messageId", "sentAt"] {
            assert!(ack[name].is_string(), "no {name} in {ack}");
        }
        Ok(())
    }

    fn next_within(&mut self, time: Duration) -> Option<Arrival> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(Arrival::Message(message));
            }
            match self.event(deadline.saturating_duration_since(Instant::now()))? {
                Ok(event) => self.keep(&event),
                Err(code) => return Some(Arrival::Ended(self.told.clone(), code)),
            }
        }
    }

    fn send_too_much(&mut self, room: &str) -> Refusal {
        let text = "b".repeat(MESSAGE_BYTES_MAX);
        self.write(&json!({ "type": "send", "room": room, "text": text }));
        self.wait_for(|_| false)
            .expect_err("only the end is waited for")
    }

    fn subscribe_too_often(&mut self) -> Option<Refusal> {
        None
    }
}
