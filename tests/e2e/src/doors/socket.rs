//! Text messages over WebSocket.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use madang_wire::websocket::{self, CloseCode, Decoder, Event, Limits, Opcode, Role, handshake};

use super::line::{Line, Unit};
use super::pipe::{Pipe, Read};
use super::stream::Exchange;
use super::{Endpoint, Refusal};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A WebSocket connection.
#[derive(Debug)]
pub struct Socket {
    pipe: Pipe,
    decoder: Decoder,
    inbox: VecDeque<Unit>,
    close_code: Option<u16>,
    ended: bool,
}

impl Socket {
    /// Opens one at `path`.
    ///
    /// # Errors
    /// What the server answered instead.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn open(
        endpoint: &Endpoint,
        path: &str,
        subprotocols: &[&str],
        headers: &[(&str, &str)],
    ) -> Result<Self, Refusal> {
        let mut request = Vec::new();
        let host = endpoint.http.to_string();
        handshake::encode_request(&host, path, KEY, subprotocols, headers, &mut request);
        let exchange = Exchange::start(endpoint.open(), &request);
        if exchange.head.status != 101 {
            return Err(exchange.refusal());
        }
        let (pipe, mut rest) = exchange.into_pipe();
        let limits = Limits {
            message_bytes_max: MESSAGE_BYTES_MAX,
        };
        let mut socket = Self {
            pipe,
            decoder: Decoder::new(Role::Client, limits),
            inbox: VecDeque::new(),
            close_code: None,
            ended: false,
        };
        socket.take_in(&mut rest);
        Ok(socket)
    }

    fn take_in(&mut self, mut bytes: &mut [u8]) {
        let mut answer = Vec::new();
        loop {
            let event = self.decoder.decode(&mut bytes);
            match event.expect("the server keeps RFC 6455") {
                None => break,
                Some(Event::Message { payload, .. }) => {
                    self.inbox.push_back(Unit::Text(payload.to_vec()));
                }
                Some(Event::Ping(payload)) => {
                    websocket::encode_masked(Opcode::Pong, true, payload, MASK, &mut answer);
                }
                Some(Event::Pong(_)) => {}
                Some(Event::Close { code, .. }) => {
                    self.close_code = code;
                    let code = code.unwrap_or(CloseCode::NORMAL.get()).to_be_bytes();
                    websocket::encode_masked(Opcode::Close, true, &code, MASK, &mut answer);
                }
            }
        }
        if !answer.is_empty() {
            // A server that is gone shows at the next read.
            let _ = self.pipe.write(&answer);
        }
    }
}

impl Line for Socket {
    fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::new();
        websocket::encode_masked(Opcode::Text, true, text, MASK, &mut bytes);
        self.pipe.write(&bytes)
    }

    fn receive_within(&mut self, time: Duration) -> Option<Unit> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(unit) = self.inbox.pop_front() {
                return Some(unit);
            }
            if self.ended {
                return Some(Unit::End(self.close_code));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pipe.read_within(left) {
                Read::Bytes(mut bytes) => self.take_in(&mut bytes),
                Read::Nothing => return None,
                Read::End => self.ended = true,
            }
        }
    }
}
