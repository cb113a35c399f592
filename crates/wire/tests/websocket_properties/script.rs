//! Random conversations, as frames and as the events they have to give.

use madang_wire::websocket::{self, Decoder, Event, Kind, Limits, Opcode, ProtocolError, Role};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) const LIMIT: usize = 100_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message { kind, payload } => Self::Message(kind, payload.to_vec()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) opcode: Opcode,
    pub(crate) fin: bool,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    fn new(opcode: Opcode, fin: bool, payload: &[u8]) -> Self {
        Self {
            opcode,
            fin,
            payload: payload.to_vec(),
        }
    }

    /// The frame as `sender` puts it on the wire.
    pub(crate) fn encode(&self, sender: Role, out: &mut Vec<u8>) {
        match sender {
            Role::Client => {
                let mask = [0x9c, 0x00, 0x3f, 0xe1];
                websocket::encode_masked(self.opcode, self.fin, &self.payload, mask, out);
            }
            Role::Server => {
                let start = out.len();
                websocket::encode_head(self.opcode, self.payload.len(), out);
                out.extend_from_slice(&self.payload);
                if !self.fin {
                    out[start] &= 0x7f;
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) frames: Vec<Frame>,
    pub(crate) events: Vec<Seen>,
}

impl Script {
    pub(crate) fn encode(&self, sender: Role) -> Vec<u8> {
        let mut out = Vec::new();
        self.frames
            .iter()
            .for_each(|frame| frame.encode(sender, &mut out));
        out
    }
}

/// One data message: how it is cut, and the control frames before each cut.
#[derive(Clone, Debug)]
struct Message {
    kind: Kind,
    payload: Vec<u8>,
    cuts: Vec<(prop::sample::Index, Option<Control>)>,
}

/// Whether it is a ping, else a pong; and its payload.
type Control = (bool, Vec<u8>);

fn message() -> impl Strategy<Value = Message> {
    let text = prop_oneof![
        4 => "\\PC{0,100}",
        2 => "[a-zé한😀]{0,200}",
        1 => "[a-zé한😀]{60000,66000}",
    ];
    let payload = prop_oneof![
        text.prop_map(|text| (Kind::Text, text.into_bytes())),
        vec(any::<u8>(), 0..300).prop_map(|payload| (Kind::Binary, payload)),
        (65_000..66_000_usize).prop_map(|len| (Kind::Binary, vec![0x5a; len])),
    ];
    let control = (any::<bool>(), vec(any::<u8>(), 0..126));
    let cuts = vec(
        (any::<prop::sample::Index>(), prop::option::of(control)),
        0..5,
    );
    (payload, cuts).prop_map(|((kind, mut payload), cuts)| {
        if kind == Kind::Text && payload.len() > LIMIT {
            payload = "한".repeat(LIMIT / 3).into_bytes();
        }
        Message {
            kind,
            payload,
            cuts,
        }
    })
}

fn closing() -> impl Strategy<Value = Option<Option<(u16, String)>>> {
    let code = prop_oneof![1000..1004_u16, 1007..1014_u16, 3000..5000_u16];
    let reason = "[a-z한]{0,41}";
    prop::option::of(prop::option::of((code, reason)))
}

pub(crate) fn script() -> impl Strategy<Value = Script> {
    (vec(message(), 0..6), closing()).prop_map(|(messages, close)| {
        let mut script = Script {
            frames: Vec::new(),
            events: Vec::new(),
        };
        for message in messages {
            add_message(&mut script, message);
        }
        if let Some(close) = close {
            let (code, reason) = match close {
                Some((code, reason)) => (Some(code), reason),
                None => (None, String::new()),
            };
            let code_bytes = code.map(u16::to_be_bytes).unwrap_or_default();
            let len = if code.is_some() { 2 } else { 0 };
            let payload = [&code_bytes[..len], reason.as_bytes()].concat();
            script
                .frames
                .push(Frame::new(Opcode::Close, true, &payload));
            script.events.push(Seen::Close(code, reason));
        }
        script
    })
}

fn add_message(script: &mut Script, message: Message) {
    let Message {
        kind,
        payload,
        cuts,
    } = message;
    let mut cuts: Vec<_> = cuts
        .into_iter()
        .map(|(at, control)| (at.index(payload.len() + 1), control))
        .collect();
    cuts.sort_by_key(|(at, _)| *at);
    let mut opcode = match kind {
        Kind::Text => Opcode::Text,
        Kind::Binary => Opcode::Binary,
    };
    let mut start = 0;
    for (at, control) in cuts {
        script
            .frames
            .push(Frame::new(opcode, false, &payload[start..at]));
        (opcode, start) = (Opcode::Continuation, at);
        if let Some((is_ping, payload)) = control {
            let opcode = if is_ping { Opcode::Ping } else { Opcode::Pong };
            script.frames.push(Frame::new(opcode, true, &payload));
            script.events.push(if is_ping {
                Seen::Ping(payload)
            } else {
                Seen::Pong(payload)
            });
        }
    }
    script
        .frames
        .push(Frame::new(opcode, true, &payload[start..]));
    script.events.push(Seen::Message(kind, payload));
}

/// What a decoder of ours gives for `chunks`, and how it ends.
pub(crate) fn decode<'c>(
    role: Role,
    chunks: impl IntoIterator<Item = &'c [u8]>,
) -> (Vec<Seen>, Result<(), ProtocolError>) {
    let mut decoder = Decoder::new(
        role,
        Limits {
            message_bytes_max: LIMIT,
        },
    );
    let mut seen = Vec::new();
    let mut outcome = Ok(());
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = chunk.as_mut_slice();
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => seen.push(event.into()),
                Ok(None) => break,
                Err(error) => {
                    assert!(outcome.is_ok() || outcome == Err(error), "the error stays");
                    outcome = Err(error);
                    break;
                }
            }
        }
        assert!(input.is_empty(), "all input is consumed");
        assert!(decoder.heap_bytes() <= LIMIT + 125, "the limits hold");
        assert_eq!(
            decoder.is_closed(),
            outcome.is_err() || matches!(seen.last(), Some(Seen::Close(..)))
        );
    }
    (seen, outcome)
}

/// `bytes` in chunks of the lengths, over and over.
pub(crate) fn chunks<'b>(mut bytes: &'b [u8], lens: &[usize]) -> Vec<&'b [u8]> {
    let mut chunks = Vec::new();
    for len in lens.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (chunk, rest) = bytes.split_at(bytes.len().min(*len));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

pub(crate) fn chunk_lens() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(1..40_usize, 1..8), vec(1..5000_usize, 1..8)]
}

pub(crate) fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

pub(crate) fn other(role: Role) -> Role {
    match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    }
}

/// Changes of single bytes: where, and what is toggled.
pub(crate) fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    vec((any::<prop::sample::Index>(), 1..=255_u8), 1..6)
}

pub(crate) fn mutate(bytes: &mut [u8], mutations: &[(prop::sample::Index, u8)]) {
    for (at, toggled) in mutations {
        if !bytes.is_empty() {
            bytes[at.index(bytes.len())] ^= toggled;
        }
    }
}
