//! How the bytes of a connection become a protocol's input.

use std::collections::VecDeque;

use madang_domain::{Code, Error};
use madang_wire::sockjs;
use madang_wire::websocket::{self, CloseCode, Event, Kind, Role};

use super::dialect::{Dialect, Failure, Flow};
use super::driver::{Core, Ending};

/// What stands around the client's messages.
pub(in super::super) enum Input {
    /// WebSocket messages.
    WebSocket(websocket::Decoder),
    /// Nothing: the protocol finds its own frames.
    Bare,
    /// WebSocket messages with SockJS's arrays of messages.
    SockJs(websocket::Decoder, sockjs::Limits),
    /// Whole messages, which come by themselves: no bytes do.
    Messages,
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

    pub(super) fn of_messages(messages: VecDeque<Vec<u8>>) -> Self {
        Self {
            messages,
            raw: Vec::new(),
        }
    }
}

impl Input {
    pub(in super::super) fn websocket(limits: websocket::Limits) -> Self {
        Self::WebSocket(websocket::Decoder::new(Role::Server, limits))
    }

    pub(in super::super) fn sockjs(limits: websocket::Limits, messages: sockjs::Limits) -> Self {
        Self::SockJs(websocket::Decoder::new(Role::Server, limits), messages)
    }

    /// Carries out what `bytes` hold. Answers what lies behind a command that waits.
    pub(super) fn decode<D: Dialect>(
        &mut self,
        core: &mut Core<D>,
        bytes: &mut [u8],
    ) -> Option<Box<Backlog>> {
        match self {
            Self::WebSocket(decoder) => decode_websocket(decoder, core, bytes, |payload| {
                Ok(Unwrapped::Itself(payload))
            }),
            Self::SockJs(decoder, limits) => decode_websocket(decoder, core, bytes, |payload| {
                let messages = sockjs::decode_frame(payload, *limits)?;
                Ok(Unwrapped::Messages(
                    messages.into_iter().map(String::into_bytes).collect(),
                ))
            }),
            Self::Bare => {
                let mut input = &*bytes;
                (D::receive(core, &mut input) == Flow::Suspend)
                    .then(|| Box::new(Backlog::of_raw(input.to_vec())))
            }
            Self::Messages => None,
        }
    }

    /// Goes on behind a command that waited. Answers what lies behind the next one.
    pub(super) fn take_up<D: Dialect>(
        &mut self,
        core: &mut Core<D>,
        mut backlog: Box<Backlog>,
    ) -> Option<Box<Backlog>> {
        match receive_all(core, &mut backlog.messages) {
            Flow::On => self.decode(core, &mut backlog.raw),
            Flow::Stop => None,
            Flow::Suspend => Some(backlog),
        }
    }
}

/// What a WebSocket message holds.
enum Unwrapped<'a> {
    Itself(&'a [u8]),
    Messages(VecDeque<Vec<u8>>),
}

/// Carries out whole WebSocket messages; keeps what lies behind a command that waits.
fn decode_websocket<D: Dialect>(
    decoder: &mut websocket::Decoder,
    core: &mut Core<D>,
    bytes: &mut [u8],
    unwrap: impl Fn(&[u8]) -> Result<Unwrapped<'_>, sockjs::DecodeError>,
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
        let payload = match event {
            Event::Message {
                kind: Kind::Binary, ..
            } if D::TEXT_ONLY => {
                let error = Error::with_detail(Code::BodyInvalid, "a message must be text");
                core.fail(Failure::new(error, None));
                return None;
            }
            Event::Message { payload, .. } => payload,
            Event::Ping(payload) => {
                // It is answered, so it costs as much as a command.
                core.charge_frame();
                let mut outbox = core.session.outbox();
                outbox
                    .queue
                    .append(|buffer| websocket::encode_pong(payload, buffer));
                continue;
            }
            Event::Pong(_) => continue,
            Event::Close { code, .. } => {
                core.end(Ending::Asked(code.and_then(CloseCode::new)));
                return None;
            }
        };
        let (flow, messages) = match unwrap(payload) {
            Ok(Unwrapped::Itself(mut payload)) => {
                let flow = D::receive(core, &mut payload);
                let is_left = flow == Flow::Suspend && !payload.is_empty();
                let left = is_left.then(|| payload.to_vec());
                (flow, left.into_iter().collect())
            }
            Ok(Unwrapped::Messages(mut messages)) => (receive_all(core, &mut messages), messages),
            Err(error) => {
                core.broken_framing(error);
                return None;
            }
        };
        match flow {
            Flow::On => {}
            Flow::Stop => return None,
            Flow::Suspend => {
                let raw = rest.to_vec();
                return Some(Box::new(Backlog { messages, raw }));
            }
        }
    }
}

/// Carries out messages in order. Those behind a command that waits are left.
fn receive_all<D: Dialect>(core: &mut Core<D>, messages: &mut VecDeque<Vec<u8>>) -> Flow {
    while let Some(message) = messages.pop_front() {
        let mut input = message.as_slice();
        match D::receive(core, &mut input) {
            Flow::On => {}
            Flow::Stop => return Flow::Stop,
            Flow::Suspend => {
                if !input.is_empty() {
                    messages.push_front(input.to_vec());
                }
                return Flow::Suspend;
            }
        }
    }
    Flow::On
}
