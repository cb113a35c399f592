//! Somebody who writes so much that what others wrote before is moved to where old messages are: stores keep the
//! newest apart, until there are megabytes of them.

use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;

use crate::people::Someone;

/// Above what the store keeps apart, in all.
const MESSAGES: usize = 1_150;
const BYTES: usize = 15_000;

pub(super) struct Filler {
    who: Someone,
    room: String,
}

impl Filler {
    pub(super) fn new(server: &TestServer) -> Self {
        let who = Someone::named(server, "filler", "user");
        let room = who.group(&[]);
        Self { who, room }
    }

    /// Writes it, and waits until it is stored.
    pub(super) fn fill(&self, server: &TestServer) {
        let mut peer = Stomp::with_token(server.address(), &self.who.token);
        let text = "x".repeat(BYTES);
        let head = format!("SEND\ndestination:/rooms/{}", self.room);
        for _ in 1..MESSAGES {
            peer.send(format!("{head}\n\n{{\"text\":\"{text}\"}}\0"));
        }
        peer.send(format!("{head}\nreceipt:all\n\n{{\"text\":\"all\"}}\0"));
        peer.receipt("all");
    }
}
