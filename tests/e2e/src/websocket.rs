//! A WebSocket client that does exactly what a test says, right or wrong.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use madang_wire::websocket::{
    self, CloseCode, Decoder, Event, Kind, Limits, Opcode, Role, handshake,
};

use crate::PATIENCE;
use crate::http::{self, Response};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What the opening handshake asks for.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The path, with its query.
    pub path: &'a str,
    /// The subprotocols offered, in order.
    pub subprotocols: &'a [&'a str],
    /// Further headers.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Default for Opening<'_> {
    fn default() -> Self {
        Self {
            path: "/ws",
            subprotocols: &[],
            headers: &[],
        }
    }
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole text message.
    Text(Vec<u8>),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame; it has been answered.
    Close(Option<u16>),
    /// The end of the stream in good order.
    Eof,
    /// The end of the stream by RST, which may have destroyed what was on its way.
    Reset,
}

/// An open connection.
#[derive(Debug)]
pub struct WebSocket {
    stream: TcpStream,
    decoder: Decoder,
    inbox: VecDeque<Received>,
    ended: bool,
    /// The response that opened it.
    pub response: Response,
}

impl WebSocket {
    /// Opens a connection.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn open(address: SocketAddr, opening: Opening<'_>) -> Self {
        Self::try_open(address, opening)
            .unwrap_or_else(|no| panic!("handshake refused with {}: {}", no.status, no.text()))
    }

    /// Opens a connection; a response other than 101 is the error.
    ///
    /// # Errors
    /// The response that refuses.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn try_open(address: SocketAddr, opening: Opening<'_>) -> Result<Self, Response> {
        Self::attempt(address, opening).expect("the server answers")
    }

    /// Opens a connection to a server that may be dying.
    ///
    /// # Errors
    /// The socket's; inside, the response that refuses.
    pub fn attempt(
        address: SocketAddr,
        opening: Opening<'_>,
    ) -> io::Result<Result<Self, Response>> {
        let mut request = Vec::new();
        let host = address.to_string();
        let Opening {
            path,
            subprotocols,
            headers,
        } = opening;
        handshake::encode_request(&host, path, KEY, subprotocols, headers, &mut request);
        let (response, mut rest, stream) = try_exchange(address, &request)?;
        if response.status != 101 {
            return Ok(Err(response));
        }
        assert_eq!(
            response.header("sec-websocket-accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        let limits = Limits {
            message_bytes_max: 64 << 20,
        };
        let mut socket = Self {
            stream,
            decoder: Decoder::new(Role::Client, limits),
            inbox: VecDeque::new(),
            ended: false,
            response,
        };
        socket.take_in(&mut rest);
        Ok(Ok(socket))
    }

    /// Sends a whole message in one frame. Answers whether it could be written.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> bool {
        let opcode = match kind {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        };
        self.send_frame(opcode, true, payload)
    }

    /// Sends one frame as it is asked for.
    pub fn send_frame(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) -> bool {
        let mut bytes = Vec::new();
        websocket::encode_masked(opcode, fin, payload, MASK, &mut bytes);
        self.send_bytes(&bytes)
    }

    /// Sends a close frame.
    pub fn send_close(&mut self, code: u16) -> bool {
        self.send_frame(Opcode::Close, true, &code.to_be_bytes())
    }

    /// Writes bytes to the socket, whatever they are, in one call.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing more will be sent, as a half-closed socket.
    pub fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// A second handle of the socket, to write from another thread.
    #[must_use]
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("sockets can be cloned")
    }

    /// What arrives next.
    ///
    /// # Panics
    /// When nothing does.
    pub fn receive(&mut self) -> Received {
        self.receive_within(PATIENCE).expect("something arrives")
    }

    /// What arrives next; `None` when nothing does in this time. After the end: the end again.
    pub fn receive_within(&mut self, time: Duration) -> Option<Received> {
        let deadline = Instant::now() + time;
        while self.inbox.is_empty() {
            if self.ended {
                return Some(Received::Eof);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.stream
                .set_read_timeout(Some(left))
                .expect("timeouts can be set");
            let mut bytes = vec![0; 64 << 10];
            match self.stream.read(&mut bytes) {
                Ok(0) => self.end(Received::Eof),
                Ok(length) => self.take_in(&mut bytes[..length]),
                Err(error) => self.failed(&error),
            }
        }
        self.inbox.pop_front()
    }

    fn failed(&mut self, error: &io::Error) {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => self.end(Received::Reset),
            _ => panic!("the socket cannot be read: {error}"),
        }
    }

    fn end(&mut self, how: Received) {
        self.ended = true;
        self.inbox.push_back(how);
    }

    fn take_in(&mut self, mut bytes: &mut [u8]) {
        let mut answer = None;
        loop {
            let event = self
                .decoder
                .decode(&mut bytes)
                .expect("the server keeps RFC 6455");
            self.inbox.push_back(match event {
                None => break,
                Some(Event::Message {
                    kind: Kind::Text,
                    payload,
                }) => Received::Text(payload.to_vec()),
                Some(Event::Message {
                    kind: Kind::Binary,
                    payload,
                }) => Received::Binary(payload.to_vec()),
                Some(Event::Ping(payload)) => Received::Ping(payload.to_vec()),
                Some(Event::Pong(payload)) => Received::Pong(payload.to_vec()),
                Some(Event::Close { code, .. }) => {
                    answer = Some(code.unwrap_or(CloseCode::NORMAL.get()));
                    Received::Close(code)
                }
            });
        }
        if let Some(code) = answer {
            self.send_close(code);
        }
    }
}

/// Sends `request` and reads a response; after a 101 the connection stays open, and what came
/// behind the head is given too.
///
/// # Panics
/// When there is no whole response.
#[must_use]
pub fn exchange(address: SocketAddr, request: &[u8]) -> (Response, Vec<u8>, TcpStream) {
    try_exchange(address, request).expect("the server answers")
}

fn try_exchange(address: SocketAddr, request: &[u8]) -> io::Result<(Response, Vec<u8>, TcpStream)> {
    let mut stream = http::connect(address)?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    loop {
        if let Some((mut response, rest)) = http::parse_head(&bytes) {
            let mut rest = rest.to_vec();
            if response.status != 101 {
                let length = response
                    .header("content-length")
                    .and_then(|text| text.parse().ok());
                while rest.len() < length.unwrap_or(0) {
                    read_more(&mut stream, &mut rest)?;
                }
                response.body.clone_from(&rest);
            }
            return Ok((response, rest, stream));
        }
        read_more(&mut stream, &mut bytes)?;
    }
}

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; 4096];
    match stream.read(&mut part)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        length => {
            bytes.extend_from_slice(&part[..length]);
            Ok(())
        }
    }
}
