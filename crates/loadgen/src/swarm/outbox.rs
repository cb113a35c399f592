use std::ops::Range;

use super::outbound::Kind;

/// What is to be sent, gathered so that neighbours to the same connection
/// become one write.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    items: Vec<Outgoing>,
}

#[derive(Debug)]
struct Outgoing {
    index: usize,
    kind: Kind,
    range: Range<usize>,
}

impl Outbox {
    /// Adds an encoded STOMP frame, framed as the connection's transport wants
    /// it. One that only receives sends nothing.
    pub fn send(&mut self, index: usize, frame: &[u8]) {
        self.add(index, Kind::Frame, frame);
    }

    /// Adds bytes as they are.
    pub fn raw(&mut self, index: usize, raw: &[u8]) {
        self.add(index, Kind::Raw, raw);
    }

    pub(super) fn pong(&mut self, index: usize, payload: &[u8]) {
        self.add(index, Kind::Pong, payload);
    }

    /// All of it in order: which connection, and what to it.
    pub(super) fn items(&self) -> impl Iterator<Item = (usize, Kind, &[u8])> {
        self.items
            .iter()
            .map(|item| (item.index, item.kind, &self.bytes[item.range.clone()]))
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    fn add(&mut self, index: usize, kind: Kind, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.items.push(Outgoing {
            index,
            kind,
            range: start..self.bytes.len(),
        });
    }
}
