//! Text over SockJS (sockjs-protocol 0.3.3), by each of its transports.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::line::{Line, Unit};
use super::pipe::Read;
use super::socket::Socket;
use super::stream::{Awaited, Exchange, Pending, encode};
use super::{Endpoint, Refusal};

const BASE: &str = "/ws";
const CALLBACK: &str = "_jp.a1";

/// A transport that receives by HTTP requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// POST `/xhr`, one frame a response.
    Xhr,
    /// POST `/xhr_streaming`.
    XhrStreaming,
    /// GET `/eventsource`.
    EventSource,
    /// GET `/htmlfile`.
    HtmlFile,
    /// GET `/jsonp`, one frame a response; sends by `/jsonp_send`.
    Jsonp,
}

impl Receiver {
    fn request(self, session: &str) -> Vec<u8> {
        let (method, path) = match self {
            Self::Xhr => ("POST", format!("{session}/xhr")),
            Self::XhrStreaming => ("POST", format!("{session}/xhr_streaming")),
            Self::EventSource => ("GET", format!("{session}/eventsource")),
            Self::HtmlFile => ("GET", format!("{session}/htmlfile?c={CALLBACK}")),
            Self::Jsonp => ("GET", format!("{session}/jsonp?c={CALLBACK}")),
        };
        let body = (method == "POST").then_some(&b""[..]);
        encode(method, &path, &[], body)
    }

    /// The SockJS frame in a line of the response, if it has one.
    fn frame_of(self, line: &str) -> Option<String> {
        let line = line.trim_end_matches('\r');
        match self {
            // The prelude of a stream is a line of `h`.
            Self::Xhr | Self::XhrStreaming => {
                let prelude = line.len() > 1 && line.bytes().all(|byte| byte == b'h');
                (!line.is_empty() && !prelude).then(|| line.to_owned())
            }
            Self::EventSource => line.strip_prefix("data: ").map(str::to_owned),
            Self::HtmlFile => quoted(line.strip_prefix("p(")?),
            Self::Jsonp => {
                let call = line.strip_prefix("/**/").unwrap_or(line);
                quoted(call.strip_prefix(CALLBACK)?.strip_prefix('(')?)
            }
        }
    }
}

/// The text of `"…");`.
fn quoted(argument: &str) -> Option<String> {
    serde_json::from_str(argument.strip_suffix(");")?).ok()
}

/// What SockJS's own frames carry (section "Protocol and framing").
#[derive(Debug, Default)]
pub struct Frames {
    inbox: VecDeque<Unit>,
    opened: bool,
    /// The end, once it came; its code, if it has one.
    closed: Option<Option<u16>>,
}

impl Frames {
    /// Takes a frame apart.
    ///
    /// # Panics
    /// When it is none.
    pub fn take_in(&mut self, frame: &str) {
        let json = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text)
                .unwrap_or_else(|error| panic!("{error} in the SockJS frame {frame:?}"));
            value.as_array().cloned().expect("an array")
        };
        match frame.split_at(1) {
            // Opened again: the session before it has expired.
            ("o", "") if self.opened => self.closed = Some(None),
            ("o", "") => self.opened = true,
            ("h", "") => {}
            ("a", texts) => {
                let texts = json(texts).into_iter();
                let texts = texts.map(|text| text.as_str().expect("a text").as_bytes().to_vec());
                self.inbox.extend(texts.map(Unit::Text));
            }
            ("c", why) => {
                let code = json(why)[0].as_u64().and_then(|code| code.try_into().ok());
                self.closed = Some(Some(code.expect("a close code")));
            }
            _ => panic!("no SockJS frame: {frame:?}"),
        }
    }

    /// The texts that came and have not been taken.
    #[must_use]
    pub fn texts(self) -> Vec<Vec<u8>> {
        let units = self.inbox.into_iter();
        let text = |unit| match unit {
            Unit::Text(text) => Some(text),
            Unit::End(_) => None,
        };
        units.filter_map(text).collect()
    }

    fn next(&mut self) -> Option<Unit> {
        let next = self.inbox.pop_front();
        next.or_else(|| self.closed.map(Unit::End))
    }
}

/// A path of a session that nobody else has.
#[must_use]
pub fn fresh_session() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{BASE}/{:03}/s{}x{number}",
        number % 1000,
        std::process::id()
    )
}

/// SockJS over its WebSocket.
pub struct OverSocket {
    socket: Socket,
    frames: Frames,
}

impl OverSocket {
    /// Opens a session.
    ///
    /// # Errors
    /// What the server answered instead.
    pub fn open(endpoint: &Endpoint) -> Result<Self, Refusal> {
        let path = fresh_session() + "/websocket";
        Ok(Self {
            socket: Socket::open(endpoint, &path, &[], &[])?,
            frames: Frames::default(),
        })
    }
}

impl Line for OverSocket {
    fn send(&mut self, text: &[u8]) -> io::Result<()> {
        self.socket.send(&sent(text))
    }

    fn receive_within(&mut self, time: Duration) -> Option<Unit> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(unit) = self.frames.next() {
                return Some(unit);
            }
            match self
                .socket
                .receive_within(deadline.saturating_duration_since(Instant::now()))?
            {
                Unit::Text(frame) if frame.is_empty() => {}
                Unit::Text(frame) => {
                    self.frames
                        .take_in(str::from_utf8(&frame).expect("SockJS frames are UTF-8"));
                }
                end @ Unit::End(_) => return Some(end),
            }
        }
    }
}

/// How far the request that receives is.
enum Receiving {
    /// To be sent.
    Idle,
    /// Sent; a poll may wait long for its head.
    Asked(Pending),
    /// Being answered.
    Answered(Exchange),
}

/// SockJS over requests: one that receives, and one for each piece that is sent.
pub struct OverHttp {
    endpoint: Endpoint,
    receiver: Receiver,
    session: String,
    receiving: Receiving,
    /// Of the response under way, what is no whole line yet.
    partial: Vec<u8>,
    frames: Frames,
}

impl OverHttp {
    /// Opens a session.
    ///
    /// # Errors
    /// What the server answered instead.
    pub fn open(endpoint: &Endpoint, receiver: Receiver) -> Result<Self, Refusal> {
        let mut line = Self {
            endpoint: endpoint.clone(),
            receiver,
            session: fresh_session(),
            receiving: Receiving::Idle,
            partial: Vec::new(),
            frames: Frames::default(),
        };
        // Nothing can be sent to a session that is not open.
        while !line.frames.opened {
            assert!(line.step(crate::PATIENCE)?, "a SockJS session opens");
        }
        Ok(line)
    }

    /// Goes on with the request that receives; answers whether there is one.
    fn step(&mut self, time: Duration) -> Result<bool, Refusal> {
        self.receiving = match std::mem::replace(&mut self.receiving, Receiving::Idle) {
            Receiving::Idle => {
                // A server that is gone takes no more requests: the end.
                let request = self.receiver.request(&self.session);
                let pipe = self.endpoint.try_open().ok();
                match pipe.and_then(|pipe| Pending::ask(pipe, &request)) {
                    Some(pending) => Receiving::Asked(pending),
                    None => return Ok(false),
                }
            }
            Receiving::Asked(pending) => match pending.head_within(time) {
                Awaited::Head(exchange) if exchange.head.status != 200 => {
                    return Err(exchange.refusal());
                }
                Awaited::Head(exchange) => Receiving::Answered(exchange),
                Awaited::Nothing(pending) => Receiving::Asked(pending),
                Awaited::End => return Ok(false),
            },
            Receiving::Answered(mut exchange) => match exchange.body_within(time) {
                Read::Bytes(bytes) => {
                    self.partial.extend_from_slice(&bytes);
                    self.split();
                    Receiving::Answered(exchange)
                }
                Read::Nothing => Receiving::Answered(exchange),
                Read::End => {
                    self.partial.clear();
                    Receiving::Idle
                }
            },
        };
        Ok(true)
    }

    fn split(&mut self) {
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            let line = str::from_utf8(&line[..end]).expect("SockJS responses are UTF-8");
            if let Some(frame) = self.receiver.frame_of(line) {
                self.frames.take_in(&frame);
            }
        }
    }
}

impl Line for OverHttp {
    fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let body = sent(text);
        let request = match self.receiver {
            Receiver::Jsonp => {
                let form = [b"d=".to_vec(), form_encoded(&body)].concat();
                let headers = [("Content-Type", "application/x-www-form-urlencoded")];
                encode(
                    "POST",
                    &format!("{}/jsonp_send", self.session),
                    &headers,
                    Some(&form),
                )
            }
            _ => {
                let headers = [("Content-Type", "text/plain")];
                encode(
                    "POST",
                    &format!("{}/xhr_send", self.session),
                    &headers,
                    Some(&body),
                )
            }
        };
        // What refuses it is told to the one who receives; 404 when the session is gone.
        let _ = Exchange::attempt(self.endpoint.try_open()?, &request).map(Exchange::finish);
        Ok(())
    }

    fn receive_within(&mut self, time: Duration) -> Option<Unit> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(unit) = self.frames.next() {
                return Some(unit);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            if !self.step(left).unwrap_or(false) {
                return Some(Unit::End(None));
            }
        }
    }
}

/// A text as SockJS clients send it.
fn sent(text: &[u8]) -> Vec<u8> {
    let text = str::from_utf8(text).expect("SockJS carries text only");
    serde_json::to_vec(&[text]).expect("texts are JSON")
}

fn form_encoded(bytes: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => form.push(*byte),
            _ => form.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_receiver_finds_the_frame_in_its_own_wrapping() {
        let found = [
            (Receiver::Xhr, "a[\"x\"]"),
            (Receiver::EventSource, "data: a[\"x\"]\r"),
            (Receiver::HtmlFile, "p(\"a[\\\"x\\\"]\");"),
            (Receiver::Jsonp, "/**/_jp.a1(\"a[\\\"x\\\"]\");\r"),
        ];
        for (receiver, line) in found {
            assert_eq!(receiver.frame_of(line).as_deref(), Some("a[\"x\"]"));
        }
        assert_eq!(Receiver::XhrStreaming.frame_of(&"h".repeat(2048)), None);
        assert_eq!(Receiver::XhrStreaming.frame_of("h").as_deref(), Some("h"));
    }
}
