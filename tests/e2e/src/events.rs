//! A client of event streams (WHATWG HTML, section 9.2) over HTTP/1.1.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::http::{self, Response};

/// What arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its data; what is no JSON is text.
    pub data: Value,
    /// Its own id, if it has one.
    pub id: Option<String>,
}

/// An open stream.
#[derive(Debug)]
pub struct Events {
    stream: TcpStream,
    /// The response that opened it.
    pub response: Response,
    is_chunked: bool,
    raw: Vec<u8>,
    text: Vec<u8>,
    events: VecDeque<Event>,
    /// The last id that an event had.
    pub last_id: Option<String>,
    /// The pause that the server asked for, in milliseconds.
    pub retry: Option<u32>,
    /// Comments so far.
    pub comments: usize,
    ended: bool,
}

impl Events {
    /// Opens a stream.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn open(address: SocketAddr, path: &str, token: &str, last_id: Option<&str>) -> Self {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(last_id.map(|id| ("Last-Event-ID", id)));
        Self::try_open(address, path, &headers)
            .unwrap_or_else(|no| panic!("refused with {}: {}", no.status, no.text()))
    }

    /// Opens a stream; a response other than 200 is the error.
    ///
    /// # Errors
    /// The response that refuses.
    ///
    /// # Panics
    /// When there is no response.
    pub fn try_open(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Response> {
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = http::connect(address).expect("the server accepts connections");
        stream
            .write_all(head.as_bytes())
            .expect("the request can be sent");
        let mut bytes = Vec::new();
        let (mut response, rest) = loop {
            if let Some((response, rest)) = http::parse_head(&bytes) {
                break (response, rest.to_vec());
            }
            assert!(read_more(&mut stream, &mut bytes), "a response");
        };
        let length = response.header("content-length");
        if response.status != 200 {
            let length = length.and_then(|text| text.parse().ok()).unwrap_or(0);
            let mut body = rest;
            while body.len() < length && read_more(&mut stream, &mut body) {}
            response.body = body;
            return Err(response);
        }
        let is_chunked = response.header("transfer-encoding") == Some("chunked");
        Ok(Self {
            stream,
            response,
            is_chunked,
            raw: rest,
            text: Vec::new(),
            events: VecDeque::new(),
            last_id: None,
            retry: None,
            comments: 0,
            ended: false,
        })
    }

    /// The next event.
    ///
    /// # Panics
    /// When the stream ends instead.
    pub fn event(&mut self) -> Event {
        self.next().expect("an event before the end")
    }

    /// The next event of this name; others are passed over.
    pub fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self.event();
            if event.name == name {
                return event;
            }
        }
    }

    /// The texts of the next `count` messages of people; other events are passed over.
    pub fn texts(&mut self, count: usize) -> Vec<String> {
        let text = |event: Event| {
            event.data["message"]["text"]
                .as_str()
                .unwrap_or("")
                .to_owned()
        };
        (0..count).map(|_| text(self.next_message())).collect()
    }

    fn next_message(&mut self) -> Event {
        loop {
            let event = self.next_of("message");
            if event.data["message"]["type"] == "message" {
                return event;
            }
        }
    }

    /// Reads until the server has commented once more.
    pub fn comment(&mut self) {
        let before = self.comments;
        while self.comments == before {
            assert!(self.take_in(), "a comment before the end");
        }
    }

    /// Reads what the server has sent, which ended in good order.
    fn take_in(&mut self) -> bool {
        let mut part = Vec::new();
        if !self.ended && !self.unchunk() && read_more(&mut self.stream, &mut part) {
            self.raw.extend_from_slice(&part);
            self.unchunk();
        } else if part.is_empty() {
            return false;
        }
        self.parse();
        true
    }

    /// Whether the last chunk was read.
    fn unchunk(&mut self) -> bool {
        if !self.is_chunked {
            self.text.append(&mut self.raw);
            return false;
        }
        while let Some(end) = self.raw.windows(2).position(|two| two == b"\r\n") {
            let length = str::from_utf8(&self.raw[..end]).expect("chunk heads are text");
            let length = usize::from_str_radix(length, 16).expect("a chunk length");
            if self.raw.len() < end + 2 + length + 2 {
                break;
            }
            self.text
                .extend_from_slice(&self.raw[end + 2..end + 2 + length]);
            self.raw.drain(..end + 2 + length + 2);
            if length == 0 {
                self.ended = true;
                return true;
            }
        }
        false
    }

    fn parse(&mut self) {
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let block = String::from_utf8(block).expect("event streams are UTF-8");
            let (mut name, mut data, mut id) = (None, String::new(), None);
            for line in block.lines().filter(|line| !line.is_empty()) {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
                match field {
                    "" => self.comments += 1,
                    "event" => name = Some(value),
                    "data" => data.push_str(&value),
                    "id" => id = Some(value),
                    "retry" => self.retry = value.parse().ok(),
                    other => panic!("field {other:?}"),
                }
            }
            if let Some(name) = name {
                let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
                self.events.push_back(Event { name, data, id });
            }
        }
    }
}

impl Iterator for Events {
    type Item = Event;

    /// `None` once the stream has ended.
    fn next(&mut self) -> Option<Event> {
        self.unchunk();
        self.parse();
        while self.events.is_empty() {
            if !self.take_in() {
                return None;
            }
        }
        let event = self.events.pop_front()?;
        if event.id.is_some() {
            self.last_id.clone_from(&event.id);
        }
        Some(event)
    }
}

/// `false` at the end of the connection, however it ended.
fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut part = [0; 16 << 10];
    match stream.read(&mut part) {
        Ok(length) => {
            bytes.extend_from_slice(&part[..length]);
            length > 0
        }
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
        Err(error) => panic!("the stream cannot be read: {error}"),
    }
}
