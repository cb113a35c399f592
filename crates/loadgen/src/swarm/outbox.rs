use std::ops::Range;

use madang_wire::websocket::{self, Opcode};

/// What is to be written, gathered so that neighbours to the same connection
/// become one write.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    writes: Vec<(usize, Range<usize>)>,
}

impl Outbox {
    /// Adds an encoded STOMP frame as one masked text message.
    pub fn send(&mut self, index: usize, frame: &[u8]) {
        self.add(index, |bytes| {
            websocket::encode_masked(Opcode::Text, true, frame, rand::random(), bytes);
        });
    }

    /// Adds bytes as they are.
    pub fn raw(&mut self, index: usize, raw: &[u8]) {
        self.add(index, |bytes| bytes.extend_from_slice(raw));
    }

    pub(super) fn pong(&mut self, index: usize, payload: &[u8]) {
        self.add(index, |bytes| {
            websocket::encode_masked(Opcode::Pong, true, payload, rand::random(), bytes);
        });
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.writes
            .iter()
            .map(|(index, range)| (*index, &self.bytes[range.clone()]))
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.writes.clear();
    }

    fn add(&mut self, index: usize, encode: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        encode(&mut self.bytes);
        match self.writes.last_mut() {
            Some((last, range)) if *last == index => range.end = self.bytes.len(),
            _ => self.writes.push((index, start..self.bytes.len())),
        }
    }
}
