//! Server-sent events; what a client says goes over REST.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pipe::Read;
use super::stomp::message_of;
use super::stream::{Exchange, encode};
use super::{Arrival, Endpoint, Identity, Message, Peer, Refusal, Start};
use crate::PATIENCE;

/// More than a request's body may have.
const TOO_MUCH_BYTES: usize = 128 << 10;

/// What a stream is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of the user's rooms.
    AllRooms,
    /// The room that is followed.
    OneRoom,
}

struct SsePeer {
    endpoint: Endpoint,
    token: Option<String>,
    scope: Scope,
    stream: Option<Stream>,
}

/// Asks who the caller is; streams begin when a room is followed.
///
/// # Errors
/// The server's no.
pub fn connect(
    endpoint: &Endpoint,
    identity: Identity<'_>,
    scope: Scope,
) -> Result<Box<dyn Peer>, Refusal> {
    let mut peer = SsePeer {
        endpoint: endpoint.clone(),
        token: identity.token.map(str::to_owned),
        scope,
        stream: None,
    };
    if scope == Scope::AllRooms {
        peer.open("/api/v1/events", None)?;
    } else {
        peer.rest("GET", "/api/v1/rooms", "")?;
    }
    Ok(Box::new(peer))
}

impl SsePeer {
    fn open(&mut self, path: &str, last_event_id: Option<&str>) -> Result<(), Refusal> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Accept", "text/event-stream")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        headers.extend(last_event_id.map(|id| ("Last-Event-ID", id)));
        let request = encode("GET", path, &headers, None);
        let exchange = Exchange::start(self.endpoint.open(), &request);
        if exchange.head.status != 200 {
            return Err(exchange.refusal());
        }
        let kind = exchange.head.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/event-stream"), "{:?}", exchange.head);
        let mut stream = Stream::new(exchange);
        stream.hello();
        self.stream = Some(stream);
        Ok(())
    }

    fn rest(&self, method: &str, path: &str, body: &str) -> Result<Value, Refusal> {
        let response = self
            .endpoint
            .rest(method, path, self.token.as_deref(), body);
        if response.status >= 400 {
            return Err(Refusal::of_response(&response));
        }
        Ok(response.json())
    }

    fn post(&self, room: &str, text: &str) -> Result<(), Refusal> {
        let body = json!({ "text": text }).to_string();
        let path = format!("/api/v1/rooms/{room}/messages");
        self.rest("POST", &path, &body).map(drop)
    }
}

impl Peer for SsePeer {
    fn follow(&mut self, room: &str, start: Start<'_>) -> Result<(), Refusal> {
        let after = match start {
            Start::Now => None,
            Start::After(position) => Some(position),
        };
        match self.scope {
            Scope::OneRoom => self.open(&format!("/api/v1/rooms/{room}/events"), after),
            Scope::AllRooms => {
                if after.is_some() {
                    self.open("/api/v1/events", after)?;
                }
                // A room that is not the user's is not in the stream; REST says why.
                self.rest("GET", &format!("/api/v1/rooms/{room}"), "")
                    .map(drop)
            }
        }
    }

    fn send(&mut self, room: &str, text: &str) -> Result<(), Refusal> {
        self.post(room, text)
    }

    fn next_within(&mut self, time: Duration) -> Option<Arrival> {
        self.stream
            .as_mut()
            .expect("a stream is open")
            .next_within(time)
    }

    fn send_too_much(&mut self, room: &str) -> Refusal {
        let refused = self.post(room, &"b".repeat(TOO_MUCH_BYTES));
        refused.expect_err("a body that is too large is refused")
    }

    fn subscribe_too_often(&mut self) -> Option<Refusal> {
        None
    }
}

/// An event as the specification has it (HTML, section 9.2.6).
#[derive(Debug, Default, Clone)]
struct Event {
    kind: String,
    data: String,
    id: Option<String>,
}

struct Stream {
    exchange: Exchange,
    partial: Vec<u8>,
    building: Event,
    ready: VecDeque<Event>,
}

impl Stream {
    fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            partial: Vec::new(),
            building: Event::default(),
            ready: VecDeque::new(),
        }
    }

    fn hello(&mut self) {
        let first = self.event_within(PATIENCE).expect("an event in time");
        let first = first.expect("a stream that has just begun");
        assert_eq!(first.kind, "hello", "{first:?}");
    }

    fn next_within(&mut self, time: Duration) -> Option<Arrival> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(event) = self.event_within(left)? else {
                return Some(Arrival::Ended(None, None));
            };
            if event.kind == "message"
                && let Some(message) = message(&event)
            {
                return Some(Arrival::Message(message));
            }
        }
    }

    /// The next event; inside, `None` at the end of the stream.
    fn event_within(&mut self, time: Duration) -> Option<Option<Event>> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Some(event));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.exchange.body_within(left) {
                Read::Bytes(bytes) => self.take_in(&bytes),
                Read::Nothing => return None,
                Read::End => return Some(None),
            }
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            let line = str::from_utf8(&line[..end]).expect("events are UTF-8");
            self.line(line.trim_end_matches('\r').to_owned().as_str());
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            let event = std::mem::take(&mut self.building);
            // An event without data is none.
            if !event.data.is_empty() {
                self.ready.push_back(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.building.kind),
            "data" => self.building.data.push_str(value),
            "id" => self.building.id = Some(value.to_owned()),
            // A comment, `retry`, or what a client has to ignore.
            _ => {}
        }
    }
}

/// `None` for another entry of the log.
fn message(event: &Event) -> Option<Message> {
    let body: Value = serde_json::from_str(&event.data).expect("data is JSON");
    assert_eq!(body["type"], "message", "{body}");
    let message = message_of(&body["message"])?;
    let position = event
        .id
        .clone()
        .expect("a message has an id to resume behind");
    Some(Message {
        position,
        ..message
    })
}
