//! Any bytes, whole and in the chunks the fuzzer asks for, give the same
//! events and the same outcome; what the decoder holds stays within its
//! limits, and nothing panics.
//!
//! Input: one byte for role and limit, one for the number of chunk lengths,
//! the chunk lengths, the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use madang_wire::websocket::{
    CONTROL_PAYLOAD_MAX, Decoder, Event, Kind, Limits, ProtocolError, Role,
};

#[derive(Debug, PartialEq)]
enum Seen {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

struct Peer {
    decoder: Decoder,
    limit: usize,
    seen: Vec<Seen>,
    error: Option<ProtocolError>,
}

impl Peer {
    fn new(role: Role, limit: usize) -> Self {
        let decoder = Decoder::new(
            role,
            Limits {
                message_bytes_max: limit,
            },
        );
        Self {
            decoder,
            limit,
            seen: Vec::new(),
            error: None,
        }
    }

    fn receive(&mut self, chunk: &[u8]) {
        let mut chunk = chunk.to_vec();
        let mut input = chunk.as_mut_slice();
        loop {
            let seen = match self.decoder.decode(&mut input) {
                Ok(Some(Event::Message { kind, payload })) => {
                    assert!(payload.len() <= self.limit);
                    assert!(kind == Kind::Binary || std::str::from_utf8(payload).is_ok());
                    Seen::Message(kind, payload.to_vec())
                }
                Ok(Some(Event::Ping(payload))) => Seen::Ping(payload.to_vec()),
                Ok(Some(Event::Pong(payload))) => Seen::Pong(payload.to_vec()),
                Ok(Some(Event::Close { code, reason })) => Seen::Close(code, reason.to_owned()),
                Ok(None) => break,
                Err(error) => {
                    assert!(self.error.is_none_or(|before| before == error));
                    self.error = Some(error);
                    break;
                }
            };
            assert!(self.error.is_none() && !matches!(self.seen.last(), Some(Seen::Close(..))));
            self.seen.push(seen);
        }
        assert!(input.is_empty());
        assert!(self.decoder.heap_bytes() <= self.limit + CONTROL_PAYLOAD_MAX);
    }
}

fuzz_target!(|data: &[u8]| {
    let [options, chunk_count, data @ ..] = data else {
        return;
    };
    let role = if options & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let limit = usize::from(options >> 1) * 16;
    let Some((chunk_lens, stream)) = data.split_at_checked(usize::from(*chunk_count)) else {
        return;
    };

    let mut whole = Peer::new(role, limit);
    whole.receive(stream);

    let mut chunked = Peer::new(role, limit);
    let mut rest = stream;
    for len in chunk_lens.iter().cycle() {
        let (chunk, after) = rest.split_at(rest.len().min(usize::from(*len).max(1)));
        chunked.receive(chunk);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    if chunk_lens.is_empty() {
        return;
    }
    assert_eq!((whole.seen, whole.error), (chunked.seen, chunked.error));
});
