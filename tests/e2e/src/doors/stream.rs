//! One HTTP/1.1 request and its response as it comes in.

use std::time::{Duration, Instant};

use super::Refusal;
use super::pipe::{Pipe, Read};
use crate::PATIENCE;
use crate::http::{self, Response};

/// How a response's body ends (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// A request under way, its response's head read.
#[derive(Debug)]
pub struct Exchange {
    pipe: Pipe,
    /// The head; its body stays empty.
    pub head: Response,
    /// What came and is not body yet.
    raw: Vec<u8>,
    framing: Framing,
    ended: bool,
}

/// A request that has been sent and of which no head has come yet.
#[derive(Debug)]
pub struct Pending {
    pipe: Pipe,
    raw: Vec<u8>,
}

/// What waiting for a head gave.
#[derive(Debug)]
pub enum Awaited {
    /// The head.
    Head(Exchange),
    /// Nothing in the time given.
    Nothing(Pending),
    /// The connection ended without one.
    End,
}

impl Pending {
    /// Sends `request`; `None` if the connection has ended.
    #[must_use]
    pub fn ask(mut pipe: Pipe, request: &[u8]) -> Option<Self> {
        pipe.write(request).ok()?;
        let raw = Vec::new();
        Some(Self { pipe, raw })
    }

    /// Waits for the head for at most `time`.
    #[must_use]
    pub fn head_within(mut self, time: Duration) -> Awaited {
        let deadline = Instant::now() + time;
        loop {
            if let Some((head, rest)) = http::parse_head(&self.raw) {
                let framing = framing(&head);
                let rest = rest.to_vec();
                return Awaited::Head(Exchange {
                    pipe: self.pipe,
                    ended: framing == Framing::Length(0),
                    head,
                    raw: rest,
                    framing,
                });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pipe.read_within(left) {
                Read::Bytes(bytes) => self.raw.extend_from_slice(&bytes),
                Read::Nothing => return Awaited::Nothing(self),
                Read::End => return Awaited::End,
            }
        }
    }
}

impl Exchange {
    /// Sends `request` and waits for the head.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn start(pipe: Pipe, request: &[u8]) -> Self {
        Self::attempt(pipe, request).expect("the server answers a request")
    }

    /// Sends `request` and waits for the head; `None` if the connection ends without one.
    #[must_use]
    pub fn attempt(pipe: Pipe, request: &[u8]) -> Option<Self> {
        match Pending::ask(pipe, request)?.head_within(PATIENCE) {
            Awaited::Head(exchange) => Some(exchange),
            Awaited::Nothing(_) | Awaited::End => None,
        }
    }

    /// The connection, after an upgrade, and what came behind the head.
    #[must_use]
    pub fn into_pipe(self) -> (Pipe, Vec<u8>) {
        (self.pipe, self.raw)
    }

    /// More of the body, waiting for at most `time`: bytes, nothing yet, or the end of it.
    pub fn body_within(&mut self, time: Duration) -> Read {
        let deadline = Instant::now() + time;
        loop {
            let body = self.decode();
            if !body.is_empty() {
                return Read::Bytes(body);
            }
            if self.ended {
                return Read::End;
            }
            match self
                .pipe
                .read_within(deadline.saturating_duration_since(Instant::now()))
            {
                Read::Bytes(bytes) => self.raw.extend_from_slice(&bytes),
                Read::Nothing => return Read::Nothing,
                Read::End => self.ended = true,
            }
        }
    }

    /// The whole response.
    ///
    /// # Panics
    /// When its end does not come.
    #[must_use]
    pub fn finish(mut self) -> Response {
        let mut body = Vec::new();
        loop {
            match self.body_within(PATIENCE) {
                Read::Bytes(bytes) => body.extend_from_slice(&bytes),
                Read::Nothing => panic!("the response to a request does not end: {:?}", self.head),
                Read::End => break,
            }
        }
        self.head.body = body;
        self.head
    }

    /// The response, as what refuses.
    ///
    /// # Panics
    /// When it has no registered code.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        Refusal::of_response(&self.finish())
    }

    /// Takes the part of the body that is complete out of what came.
    fn decode(&mut self) -> Vec<u8> {
        match &mut self.framing {
            Framing::UntilClose => std::mem::take(&mut self.raw),
            Framing::Length(left) => {
                let body: Vec<u8> = self.raw.drain(..self.raw.len().min(*left)).collect();
                *left -= body.len();
                self.ended |= *left == 0;
                body
            }
            Framing::Chunked => self.dechunk(),
        }
    }

    fn dechunk(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while !self.ended {
            let Some(end) = self.raw.windows(2).position(|pair| pair == b"\r\n") else {
                break;
            };
            let head = str::from_utf8(&self.raw[..end]).expect("chunk heads are text");
            let digits = head.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(digits, 16).expect("a chunk length");
            let data = end + 2;
            if self.raw.len() < data + length + 2 {
                break;
            }
            self.ended = length == 0;
            body.extend_from_slice(&self.raw[data..data + length]);
            self.raw.drain(..data + length + 2);
        }
        body
    }
}

fn framing(head: &Response) -> Framing {
    if matches!(head.status, 204 | 304) {
        return Framing::Length(0);
    }
    if head.header("transfer-encoding").is_some() {
        return Framing::Chunked;
    }
    let length = head
        .header("content-length")
        .and_then(|text| text.parse().ok());
    length.map_or(Framing::UntilClose, Framing::Length)
}

/// A request in bytes: `headers` besides `Host` and, with a body, `Content-Length`.
#[must_use]
pub fn encode(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: madang.test\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut request = head.into_bytes();
    request.extend_from_slice(body.unwrap_or_default());
    request
}
