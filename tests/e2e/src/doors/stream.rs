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
    pub fn attempt(mut pipe: Pipe, request: &[u8]) -> Option<Self> {
        pipe.write(request).ok()?;
        Self::await_head(pipe)
    }

    /// Waits for the head of the response to what has been written.
    #[must_use]
    pub fn await_head(mut pipe: Pipe) -> Option<Self> {
        let mut raw = Vec::new();
        loop {
            if let Some((head, rest)) = http::parse_head(&raw) {
                let framing = framing(&head);
                let rest = rest.to_vec();
                return Some(Self {
                    pipe,
                    ended: framing == Framing::Length(0),
                    head,
                    raw: rest,
                    framing,
                });
            }
            match pipe.read_within(PATIENCE) {
                Read::Bytes(bytes) => raw.extend_from_slice(&bytes),
                Read::Nothing | Read::End => return None,
            }
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
