//! Every row of the STOMP server checklist, as bytes on the running server's socket.
//!
//! A test's name begins with its row. Frames go as a service account to fresh topics.

mod ack;
mod connect;
mod encoding;
mod framing;
mod heart_beat;
mod limits;
mod receipt;
mod send;
mod subscribe;
mod transaction;
mod websocket;

use std::collections::BTreeSet;

use madang_e2e::stomp::Stomp;

use crate::shared::{Shared, fresh_topic, server, session};

const VERSIONS: [&str; 3] = ["1.0", "1.1", "1.2"];
const SINCE_1_1: [&str; 2] = ["1.1", "1.2"];

/// The checklist's groups of rows and how many rows each has.
const ROWS: [(&str, u32); 14] = [
    ("f", 13),
    ("e", 11),
    ("l", 6),
    ("c", 15),
    ("h", 7),
    ("s", 4),
    ("m", 7),
    ("u", 12),
    ("a", 10),
    ("t", 12),
    ("r", 2),
    ("d", 4),
    ("x", 6),
    ("w", 5),
];

const SOURCES: [&str; 11] = [
    include_str!("ack.rs"),
    include_str!("connect.rs"),
    include_str!("encoding.rs"),
    include_str!("framing.rs"),
    include_str!("heart_beat.rs"),
    include_str!("limits.rs"),
    include_str!("receipt.rs"),
    include_str!("send.rs"),
    include_str!("subscribe.rs"),
    include_str!("transaction.rs"),
    include_str!("websocket.rs"),
];

#[test]
fn every_row_of_the_checklist_has_a_test() {
    let tests: BTreeSet<&str> = SOURCES
        .iter()
        .flat_map(|source| source.split("#[test]\nfn ").skip(1))
        .filter_map(|test| test.split('_').next())
        .collect();
    let rows: BTreeSet<String> = ROWS
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number}")))
        .collect();
    let missing: Vec<_> = rows
        .iter()
        .filter(|row| !tests.contains(row.as_str()))
        .collect();
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
    let unknown: Vec<_> = tests.iter().filter(|test| !rows.contains(**test)).collect();
    assert!(unknown.is_empty(), "tests of no row: {unknown:?}");
}

/// A session on the shared server and a topic of its own.
struct Bench {
    peer: Stomp,
    topic: String,
    server: Shared,
}

impl Bench {
    fn new(version: &str) -> Self {
        let server = server();
        Self {
            peer: session(&server, version),
            topic: fresh_topic(),
            server,
        }
    }

    /// With the table's `SUB` done.
    fn subscribed(version: &str) -> Self {
        let mut bench = Self::new(version);
        crate::shared::subscribe(&mut bench.peer, &bench.topic);
        bench
    }

    /// Another session on the same server.
    fn other(&self, version: &str) -> Stomp {
        session(&self.server, version)
    }

    /// Sends `probe` with every `D` line replaced by the topic.
    fn probe(&mut self, probe: &str) {
        let probe = probe.replace("destination:D", &format!("destination:{}", self.topic));
        self.peer.send(probe);
    }
}
