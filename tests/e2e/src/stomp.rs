//! A STOMP client that sends octets as they are given and keeps those it gets as they came.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use madang_wire::websocket::{self, Kind, Opcode};

use crate::PATIENCE;
use crate::websocket::{Opening, Received, WebSocket};

/// A frame of the server, its headers as they stood on the wire, escapes and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its command.
    pub command: String,
    /// Its headers in order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether the WebSocket message that ended it was a text one.
    pub in_text: bool,
}

impl Frame {
    /// The first header of that name, as it stood on the wire.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header that has to be there.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn need(&self, name: &str) -> &str {
        self.get(name)
            .unwrap_or_else(|| panic!("no header {name} in {self:?}"))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A frame.
    Frame(Frame),
    /// An EOL between frames.
    Beat,
    /// The end: the close code, if a close frame came.
    Closed(Option<u16>),
}

/// A STOMP connection over WebSocket.
#[derive(Debug)]
pub struct Stomp {
    /// The connection below.
    pub socket: WebSocket,
    /// Octets that are no whole frame yet.
    partial: Vec<u8>,
    arrived: VecDeque<Arrival>,
    /// Frames that arrived while a test waited for another one.
    aside: VecDeque<Frame>,
    close_code: Option<u16>,
    /// How many heart-beats arrived.
    pub beats: usize,
}

impl Stomp {
    /// A WebSocket connection at `/ws` on which nothing has been sent.
    #[must_use]
    pub fn open(address: SocketAddr) -> Self {
        Self::over(WebSocket::open(address, Opening::default()))
    }

    /// STOMP over a connection opened otherwise.
    #[must_use]
    pub fn over(socket: WebSocket) -> Self {
        Self {
            socket,
            partial: Vec::new(),
            arrived: VecDeque::new(),
            aside: VecDeque::new(),
            close_code: None,
            beats: 0,
        }
    }

    /// A 1.2 session with a token.
    #[must_use]
    pub fn with_token(address: SocketAddr, token: &str) -> Self {
        let mut peer = Self::open(address);
        peer.send(connect_with(token));
        peer.expect("CONNECTED");
        peer
    }

    /// A 1.2 session with a token, at a server that may be dying; `None` when there is none.
    #[must_use]
    pub fn try_with_token(address: SocketAddr, token: &str) -> Option<Self> {
        let socket = WebSocket::attempt(address, Opening::default()).ok()?.ok()?;
        let mut peer = Self::over(socket);
        peer.send(connect_with(token));
        match peer.arrival() {
            Arrival::Frame(frame) if frame.command == "CONNECTED" => Some(peer),
            _ => None,
        }
    }

    /// Sends octets as one message: text if they are UTF-8, else binary.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        let octets = octets.as_ref();
        let kind = match str::from_utf8(octets) {
            Ok(_) => Kind::Text,
            Err(_) => Kind::Binary,
        };
        self.socket.send(kind, octets)
    }

    /// Sends octets cut into binary messages of `size` octets, all in one write.
    pub fn send_cut(&mut self, octets: impl AsRef<[u8]>, size: usize) -> bool {
        let mut bytes = Vec::new();
        for piece in octets.as_ref().chunks(size) {
            websocket::encode_masked(Opcode::Binary, true, piece, [1, 2, 3, 4], &mut bytes);
        }
        self.socket.send_bytes(&bytes)
    }

    /// What arrives next; `None` when nothing does in this time.
    pub fn arrival_within(&mut self, time: Duration) -> Option<Arrival> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(arrival) = self.arrived.pop_front() {
                self.beats += usize::from(arrival == Arrival::Beat);
                return Some(arrival);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.socket.receive_within(left)? {
                Received::Text(octets) => self.take_in(&octets, true),
                Received::Binary(octets) => self.take_in(&octets, false),
                Received::Ping(_) | Received::Pong(_) => {}
                Received::Close(code) => self.close_code = code,
                Received::Eof => return Some(Arrival::Closed(self.close_code)),
                Received::Reset => return Some(Arrival::Closed(None)),
            }
        }
    }

    /// What arrives next.
    ///
    /// # Panics
    /// When nothing does.
    pub fn arrival(&mut self) -> Arrival {
        self.arrival_within(PATIENCE).expect("something arrives")
    }

    /// The next frame that `wanted` takes; others are kept for later.
    ///
    /// # Panics
    /// When the connection ends first, or an ERROR comes that is not wanted.
    pub fn take(&mut self, what: &str, wanted: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.aside.iter().position(&wanted) {
            return self.aside.remove(at).expect("the position is inside");
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.arrival_within(left) {
                Some(Arrival::Frame(frame)) if wanted(&frame) => return frame,
                Some(Arrival::Frame(frame)) if frame.command == "ERROR" => {
                    panic!("while waiting for {what}: {frame:?} {:?}", frame.text())
                }
                Some(Arrival::Frame(frame)) => self.aside.push_back(frame),
                Some(Arrival::Beat) => {}
                Some(Arrival::Closed(code)) => {
                    panic!(
                        "while waiting for {what}: closed with {code:?}; {:?}",
                        self.aside
                    )
                }
                None => panic!("no {what}, but {:?}", self.aside),
            }
        }
    }

    /// The next frame with this command.
    pub fn expect(&mut self, command: &str) -> Frame {
        self.take(command, |frame| frame.command == command)
    }

    /// The next MESSAGE.
    pub fn message(&mut self) -> Frame {
        self.expect("MESSAGE")
    }

    /// Waits for the RECEIPT with this id (as it stands on the wire).
    pub fn receipt(&mut self, id: &str) -> Frame {
        self.take(&format!("RECEIPT {id}"), |frame| {
            frame.command == "RECEIPT" && frame.get("receipt-id") == Some(id)
        })
    }

    /// Everything up to the end of the connection.
    pub fn until_closed(&mut self) -> (Vec<Frame>, Option<u16>) {
        let mut frames: Vec<Frame> = self.aside.drain(..).collect();
        loop {
            match self.arrival() {
                Arrival::Frame(frame) => frames.push(frame),
                Arrival::Beat => {}
                Arrival::Closed(code) => return (frames, code),
            }
        }
    }

    /// Refused: the connection is closed, with or without an ERROR first and nothing else.
    ///
    /// # Panics
    /// When another frame comes.
    pub fn refused(&mut self) -> Option<Frame> {
        let (mut frames, _) = self.until_closed();
        assert!(
            frames.len() <= 1 && frames.iter().all(|frame| frame.command == "ERROR"),
            "nothing but one ERROR before the close, not {frames:?}"
        );
        frames.pop()
    }

    /// "ERROR, close": one well-formed ERROR, then a close frame with a code, nothing else.
    ///
    /// # Panics
    /// When it is not so.
    pub fn error_then_close(&mut self) -> Frame {
        self.error_then_code().0
    }

    /// Like [`error_then_close`](Self::error_then_close), with the close code.
    ///
    /// # Panics
    /// When it is not so.
    pub fn error_then_code(&mut self) -> (Frame, u16) {
        let (mut frames, code) = self.until_closed();
        assert_eq!(
            frames.len(),
            1,
            "one ERROR before the close, not {frames:?}"
        );
        let error = frames.remove(0);
        assert_eq!(error.command, "ERROR", "{error:?}");
        assert!(!error.need("message").is_empty(), "{error:?}");
        assert!(!error.need("code").is_empty(), "{error:?}");
        if !error.body.is_empty() {
            assert_eq!(error.need("content-length"), error.body.len().to_string());
            assert!(!error.need("content-type").is_empty());
        }
        (error, code.expect("a close frame with a code"))
    }

    fn take_in(&mut self, octets: &[u8], in_text: bool) {
        self.partial.extend_from_slice(octets);
        loop {
            match self.partial.first() {
                None => return,
                Some(b'\n') => {
                    self.partial.remove(0);
                    self.arrived.push_back(Arrival::Beat);
                }
                Some(_) => {
                    let Some((frame, length)) = parse(&self.partial, in_text) else {
                        return;
                    };
                    self.partial.drain(..length);
                    self.arrived.push_back(Arrival::Frame(frame));
                }
            }
        }
    }
}

fn connect_with(token: &str) -> String {
    format!("CONNECT\naccept-version:1.2\nhost:x\nAuthorization:Bearer {token}\n\n\0")
}

/// The frame at the front of `octets` and how long it is; `None` if it is incomplete.
///
/// # Panics
/// When the server's frame is malformed.
#[must_use]
pub fn parse(octets: &[u8], in_text: bool) -> Option<(Frame, usize)> {
    let head_end = octets.windows(2).position(|pair| pair == b"\n\n")?;
    let head = str::from_utf8(&octets[..head_end]).expect("server heads are UTF-8");
    let mut lines = head.split('\n');
    let command = lines
        .next()
        .expect("split gives one line at least")
        .to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            line.split_once(':')
                .unwrap_or_else(|| panic!("no colon in {line:?}"))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let announced = headers.iter().find(|(name, _)| name == "content-length");
    let body_start = head_end + 2;
    let body_len = match announced {
        Some((_, length)) => length.parse().expect("content-length is a number"),
        None => octets[body_start..].iter().position(|octet| *octet == 0)?,
    };
    let end = body_start + body_len;
    assert_eq!(*octets.get(end)?, 0, "NUL behind the body of {head:?}");
    let body = octets[body_start..end].to_vec();
    Some((
        Frame {
            command,
            headers,
            body,
            in_text,
        },
        end + 1,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_kept_as_it_stood_on_the_wire() {
        let octets = b"MESSAGE\na\\cb: x \ncontent-length:3\n\na\0b\0\n";
        let (frame, length) = parse(octets, true).unwrap();
        assert_eq!(frame.get("a\\cb"), Some(" x "));
        assert_eq!(frame.body, b"a\0b");
        assert_eq!(octets[length..], *b"\n");
        assert_eq!(parse(&octets[..length - 1], true), None);
    }
}
