//! STOMP 1.2 on any line.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::line::{Line, Unit};
use super::socket::Socket;
use super::{Arrival, Endpoint, Identity, Message, Peer, Refusal, Start};
use crate::PATIENCE;
use crate::stomp::{Frame, parse};

/// The defaults of `stomp.body_bytes_max` and `stomp.subscriptions_max`.
const BODY_BYTES_MAX: usize = 65536;
const SUBSCRIPTIONS_MAX: usize = 256;

enum Event {
    Frame(Frame),
    End(Option<u16>),
}

/// A STOMP session.
pub struct StompPeer {
    line: Box<dyn Line>,
    partial: Vec<u8>,
    messages: VecDeque<Message>,
    /// What the last ERROR told.
    told: Option<String>,
    receipts: u64,
}

impl StompPeer {
    /// Connects with the token in the CONNECT frame.
    ///
    /// # Errors
    /// The server's no.
    ///
    /// # Panics
    /// When it says anything but CONNECTED or ERROR.
    pub fn connect(line: Box<dyn Line>, identity: Identity<'_>) -> Result<Self, Refusal> {
        let mut peer = Self {
            line,
            partial: Vec::new(),
            messages: VecDeque::new(),
            told: None,
            receipts: 0,
        };
        let header = identity
            .token
            .map(|token| format!("Authorization:Bearer {token}\n"));
        let header = header.unwrap_or_default();
        peer.write(&format!(
            "CONNECT\naccept-version:1.2\nhost:x\n{header}\n\0"
        ));
        peer.wait_for(|frame| frame.command == "CONNECTED")?;
        Ok(peer)
    }

    /// Connects over WebSocket: the door that other doors are compared with.
    ///
    /// # Errors
    /// The server's no.
    pub fn over_websocket(endpoint: &Endpoint, identity: Identity<'_>) -> Result<Self, Refusal> {
        let socket = Socket::open(endpoint, "/ws", &["v12.stomp"], &[])?;
        Self::connect(Box::new(socket), identity)
    }

    /// Sends all texts at once, then waits for every receipt.
    ///
    /// # Errors
    /// The server's no.
    pub fn send_all(&mut self, room: &str, texts: &[String]) -> Result<(), Refusal> {
        let mut last = None;
        for text in texts {
            last = Some(self.submit(room, text));
        }
        last.map_or(Ok(()), |receipt| self.receipt(&receipt))
    }

    fn submit(&mut self, room: &str, text: &str) -> String {
        let receipt = self.next_receipt();
        let body = serde_json::json!({ "text": text });
        let head = format!("SEND\ndestination:/rooms/{room}\nreceipt:{receipt}\n\n");
        self.write(&format!("{head}{body}\0"));
        receipt
    }

    fn next_receipt(&mut self) -> String {
        self.receipts += 1;
        format!("r{}", self.receipts)
    }

    /// Receipts come in the order of their frames, so the last stands for all before it.
    fn receipt(&mut self, id: &str) -> Result<(), Refusal> {
        self.wait_for(|frame| frame.command == "RECEIPT" && frame.get("receipt-id") == Some(id))
    }

    fn write(&mut self, frame: &str) {
        // A connection that the server has ended tells why when it is read.
        let _ = self.line.send(frame.as_bytes());
    }

    fn wait_for(&mut self, wanted: impl Fn(&Frame) -> bool) -> Result<(), Refusal> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.event(left).expect("an answer in time") {
                Event::Frame(frame) if wanted(&frame) => return Ok(()),
                Event::Frame(frame) => self.keep(&frame),
                Event::End(close_code) => return Err(self.refusal(close_code)),
            }
        }
    }

    fn refusal(&self, close_code: Option<u16>) -> Refusal {
        Refusal {
            code: self.told.clone().unwrap_or_default(),
            ended: true,
            close_code,
        }
    }

    fn keep(&mut self, frame: &Frame) {
        match frame.command.as_str() {
            "MESSAGE" if frame.get("event").is_none() => self.messages.extend(message(frame)),
            "ERROR" => {
                let body = frame.json();
                assert_eq!(body["error"]["code"], frame.need("code"), "{frame:?}");
                self.told = Some(frame.need("code").to_owned());
            }
            "RECEIPT" => {}
            _ => panic!("an unexpected frame: {frame:?} {:?}", frame.text()),
        }
    }

    fn event(&mut self, time: Duration) -> Option<Event> {
        let deadline = Instant::now() + time;
        loop {
            let beats = self
                .partial
                .iter()
                .take_while(|byte| **byte == b'\n')
                .count();
            self.partial.drain(..beats);
            if let Some((frame, length)) = parse(&self.partial, true) {
                self.partial.drain(..length);
                return Some(Event::Frame(frame));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.line.receive_within(left)? {
                Unit::Text(bytes) => self.partial.extend_from_slice(&bytes),
                Unit::End(close_code) => return Some(Event::End(close_code)),
            }
        }
    }
}

impl Peer for StompPeer {
    fn follow(&mut self, room: &str, start: Start<'_>) -> Result<(), Refusal> {
        let receipt = self.next_receipt();
        let since = match start {
            Start::Now => String::new(),
            Start::After(position) => format!("since:{position}\n"),
        };
        self.write(&format!(
            "SUBSCRIBE\nid:{receipt}\ndestination:/rooms/{room}\n{since}receipt:{receipt}\n\n\0"
        ));
        self.receipt(&receipt)
    }

    fn send(&mut self, room: &str, text: &str) -> Result<(), Refusal> {
        let receipt = self.submit(room, text);
        self.receipt(&receipt)
    }

    fn next_within(&mut self, time: Duration) -> Option<Arrival> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(Arrival::Message(message));
            }
            match self.event(deadline.saturating_duration_since(Instant::now()))? {
                Event::Frame(frame) => self.keep(&frame),
                Event::End(code) => return Some(Arrival::Ended(self.told.clone(), code)),
            }
        }
    }

    fn send_too_much(&mut self, room: &str) -> Refusal {
        let body = "b".repeat(BODY_BYTES_MAX + 1);
        self.write(&format!("SEND\ndestination:/rooms/{room}\n\n{body}\0"));
        self.wait_for(|_| false)
            .expect_err("only the end is waited for")
    }

    fn subscribe_too_often(&mut self) -> Option<Refusal> {
        for number in 0..=SUBSCRIPTIONS_MAX {
            self.write(&format!(
                "SUBSCRIBE\nid:x{number}\ndestination:/topic/x{number}\n\n\0"
            ));
        }
        Some(
            self.wait_for(|_| false)
                .expect_err("only the end is waited for"),
        )
    }
}

fn message(frame: &Frame) -> Option<Message> {
    let body = frame.json();
    assert_eq!(body["position"], frame.need("position"), "{frame:?}");
    message_of(&body)
}

/// The message in the native JSON object; `None` for another entry of the log.
///
/// # Panics
/// When a field is missing.
#[must_use]
pub fn message_of(body: &serde_json::Value) -> Option<Message> {
    let text = |name: &str| {
        let field = body[name].as_str();
        field
            .unwrap_or_else(|| panic!("no {name} in {body}"))
            .to_owned()
    };
    let message = Message {
        room: text("roomId"),
        text: text("text"),
        seq: body["seq"].as_u64().expect("a number"),
        position: text("position"),
    };
    (body["type"] == "message").then_some(message)
}
