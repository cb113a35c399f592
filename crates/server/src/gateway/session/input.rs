//! How the bytes of a connection become a protocol's input.

use std::collections::VecDeque;

use madang_wire::websocket::{self, CloseCode, Event, Role};

use super::dialect::{Dialect, Flow};
use super::driver::{Core, Ending};

/// What stands around the client's messages.
pub(in super::super) enum Input {
    /// WebSocket messages.
    WebSocket(websocket::Decoder),
    /// Nothing: the protocol finds its own frames.
    Bare,
    /// The peer has nothing to say; what it sends is thrown away.
    #[expect(dead_code, reason = "event streams come next")]
    Ignored,
}

/// What arrived behind a command that waits.
#[derive(Default)]
pub(super) struct Backlog {
    /// Decoded input: the rest of a message, then whole ones.
    messages: VecDeque<Vec<u8>>,
    /// What came behind them, as it came.
    raw: Vec<u8>,
}

impl Backlog {
    pub(super) fn of_raw(raw: Vec<u8>) -> Self {
        Self {
            messages: VecDeque::new(),
            raw,
        }
    }
}

impl Input {
    pub(in super::super) fn websocket(limits: websocket::Limits) -> Self {
        Self::WebSocket(websocket::Decoder::new(Role::Server, limits))
    }

    /// Carries out what `bytes` hold. Answers what lies behind a command that waits.
    pub(super) fn decode<D: Dialect>(
        &mut self,
        core: &mut Core<D>,
        bytes: &mut [u8],
    ) -> Option<Box<Backlog>> {
        match self {
            Self::WebSocket(decoder) => decode_websocket(decoder, core, bytes),
            Self::Bare => {
                let mut input = &*bytes;
                (D::receive(core, &mut input) == Flow::Suspend)
                    .then(|| Box::new(Backlog::of_raw(input.to_vec())))
            }
            Self::Ignored => None,
        }
    }

    /// Goes on behind a command that waited. Answers what lies behind the next one.
    pub(super) fn take_up<D: Dialect>(
        &mut self,
        core: &mut Core<D>,
        mut backlog: Box<Backlog>,
    ) -> Option<Box<Backlog>> {
        while let Some(message) = backlog.messages.pop_front() {
            let mut input = message.as_slice();
            match D::receive(core, &mut input) {
                Flow::On => {}
                Flow::Stop => return None,
                Flow::Suspend => {
                    backlog.messages.push_front(input.to_vec());
                    return Some(backlog);
                }
            }
        }
        self.decode(core, &mut backlog.raw)
    }
}

/// Carries out whole WebSocket messages; keeps what lies behind a command that waits.
fn decode_websocket<D: Dialect>(
    decoder: &mut websocket::Decoder,
    core: &mut Core<D>,
    bytes: &mut [u8],
) -> Option<Box<Backlog>> {
    let mut rest = bytes;
    loop {
        let event = match decoder.decode(&mut rest) {
            Ok(Some(event)) => event,
            Ok(None) => return None,
            Err(error) => {
                core.broken(error);
                return None;
            }
        };
        match event {
            Event::Message { mut payload, .. } => match D::receive(core, &mut payload) {
                Flow::On => {}
                Flow::Stop => return None,
                Flow::Suspend => {
                    return Some(Box::new(Backlog {
                        messages: VecDeque::from([payload.to_vec()]),
                        raw: rest.to_vec(),
                    }));
                }
            },
            Event::Ping(payload) => {
                let mut outbox = core.session.outbox();
                outbox
                    .queue
                    .append(|buffer| websocket::encode_pong(payload, buffer));
            }
            Event::Pong(_) => {}
            Event::Close { code, .. } => {
                core.end(Ending::Asked(code.and_then(CloseCode::new)));
                return None;
            }
        }
    }
}
