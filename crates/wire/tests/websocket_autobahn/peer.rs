//! An echo server over the codec, and the client that drives it.

use madang_wire::websocket::{self, CloseCode, Decoder, Event, Kind, Limits, Opcode, Role};

/// More than the default, as the suite's largest message has 16 MiB.
const LIMITS: Limits = Limits {
    message_bytes_max: 16 << 20,
};

pub(crate) const PROTOCOL_ERROR: Answer = Answer::Close(Some(1002), String::new());
pub(crate) const INVALID_PAYLOAD: Answer = Answer::Close(Some(1007), String::new());

/// What the server sent, in the eyes of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Event<'_>> for Answer {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message {
                kind: Kind::Text,
                payload,
            } => Self::Text(String::from_utf8(payload.to_vec()).expect("text is UTF-8")),
            Event::Message {
                kind: Kind::Binary,
                payload,
            } => Self::Binary(payload.to_vec()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

pub(crate) struct EchoServer {
    decoder: Decoder,
    sent: Vec<u8>,
    closed: bool,
}

impl EchoServer {
    pub(crate) fn new() -> Self {
        Self {
            decoder: Decoder::new(Role::Server, LIMITS),
            sent: Vec::new(),
            closed: false,
        }
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let mut input = bytes.as_mut_slice();
        loop {
            match self.decoder.decode(&mut input) {
                Ok(Some(event)) => answer(event, &mut self.sent, &mut self.closed),
                Ok(None) => break,
                Err(error) => {
                    if !self.closed {
                        websocket::encode_close(error.close_code(), "", &mut self.sent);
                        self.closed = true;
                    }
                    break;
                }
            }
        }
        assert!(input.is_empty(), "all input is consumed");
    }

    pub(crate) fn answers(&self) -> Vec<Answer> {
        let mut sent = self.sent.clone();
        let mut input = sent.as_mut_slice();
        let mut client = Decoder::new(Role::Client, LIMITS);
        let mut answers = Vec::new();
        while let Some(event) = client
            .decode(&mut input)
            .expect("the server keeps the protocol")
        {
            answers.push(event.into());
        }
        answers
    }
}

fn answer(event: Event<'_>, sent: &mut Vec<u8>, closed: &mut bool) {
    assert!(!*closed, "an event after the last one");
    match event {
        Event::Message { kind, payload } => websocket::encode_message(kind, payload, sent),
        Event::Ping(payload) => websocket::encode_pong(payload, sent),
        Event::Pong(_) => {}
        Event::Close { code, .. } => {
            *closed = true;
            match code.and_then(CloseCode::new) {
                Some(code) => websocket::encode_close(code, "", sent),
                None => websocket::encode_head(Opcode::Close, 0, sent),
            }
        }
    }
}

/// A masked frame.
pub(crate) fn part(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    websocket::encode_masked(opcode, fin, payload, [0xa1, 0x5b, 0x00, 0xff], &mut out);
    out
}

/// A masked frame with FIN.
pub(crate) fn whole(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    part(opcode, true, payload)
}

/// A masked frame with FIN and any other bits in its first byte.
pub(crate) fn odd(reserved_bits: u8, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = whole(Opcode::Binary, payload);
    frame[0] = 0x80 | reserved_bits << 4 | opcode;
    frame
}

/// A message of one fragment for each of `parts`.
pub(crate) fn fragments<T: AsRef<[u8]>>(opcode: Opcode, parts: &[T]) -> Vec<Vec<u8>> {
    let last = parts.len() - 1;
    let frames = parts.iter().enumerate().map(|(index, payload)| {
        let opcode = if index == 0 {
            opcode
        } else {
            Opcode::Continuation
        };
        part(opcode, index == last, payload.as_ref())
    });
    frames.collect()
}

pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    whole(Opcode::Close, &[&code.to_be_bytes(), reason].concat())
}

pub(crate) fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

/// The answers to `frames`, which are the same however the bytes are chopped:
/// all at once, frame by frame, byte by byte and at odd places.
pub(crate) fn run(frames: &[Vec<u8>]) -> Vec<Answer> {
    let bytes = frames.concat();
    let mut chopped: Vec<Vec<&[u8]>> =
        vec![vec![&bytes], frames.iter().map(Vec::as_slice).collect()];
    let sizes: &[usize] = if bytes.len() < 5000 {
        &[1, 2, 7]
    } else {
        &[997, 4096]
    };
    chopped.extend(sizes.iter().map(|size| bytes.chunks(*size).collect()));
    let mut answers = chopped.into_iter().map(|chunks| {
        let mut server = EchoServer::new();
        chunks.into_iter().for_each(|chunk| server.receive(chunk));
        server.answers()
    });
    let first = answers.next().expect("there are choppings");
    for other in answers {
        assert_eq!(first, other, "chopping changes the answers");
    }
    first
}
