//! Clients that come back: a sender that retries what was not accepted, a reader that resumes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use madang_e2e::PATIENCE;
use madang_e2e::stomp::{Arrival, Stomp};

use crate::rooms::room_send;

/// SENDs that a sender has under way at once.
const WINDOW: usize = 16;
/// How often a client that was cut off tries again.
const RETRY: Duration = Duration::from_millis(20);

/// The session, as soon as the server is there; `None` when it refuses or never comes.
fn reconnect(address: SocketAddr, token: &str) -> Option<Stomp> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(peer) = Stomp::try_with_token(address, token) {
            return Some(peer);
        }
        thread::sleep(RETRY);
    }
    None
}

/// The number of a text `n <number>`.
fn number(text: &str) -> u64 {
    text.strip_prefix("n ")
        .and_then(|digits| digits.parse().ok())
        .expect("a numbered text")
}

/// What one sender wrote into one room.
pub(super) struct SenderTask {
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) room: String,
    /// Told once per accepted message.
    pub(super) accepted: Sender<()>,
}

impl SenderTask {
    /// Sends `n 1`, `n 2` … until told to stop and until all are accepted; answers how many.
    pub(super) fn run(self, stop: &AtomicBool) -> u64 {
        let mut next = 1;
        let mut under_way: VecDeque<u64> = VecDeque::new();
        while let Some(mut peer) = reconnect(self.address, &self.token) {
            // In their order, so that what was stored stays a beginning of what was sent.
            for number in &under_way {
                peer.send(self.frame(*number));
            }
            loop {
                while under_way.len() < WINDOW && !stop.load(Ordering::Relaxed) {
                    peer.send(self.frame(next));
                    under_way.push_back(next);
                    next += 1;
                }
                if under_way.is_empty() {
                    return next - 1;
                }
                match peer.arrival() {
                    Arrival::Frame(frame) if frame.command == "RECEIPT" => {
                        let number: u64 = frame.need("receipt-id").parse().expect("our receipt");
                        under_way.retain(|pending| *pending != number);
                        let _ = self.accepted.send(());
                    }
                    Arrival::Frame(frame) if is_retryable(frame.need("code")) => break,
                    Arrival::Frame(frame) => panic!("sender got {frame:?}"),
                    Arrival::Beat => {}
                    Arrival::Closed(_) => break,
                }
            }
        }
        panic!("the server did not come back")
    }

    fn frame(&self, number: u64) -> String {
        let headers = format!("client-id:c{number}\nreceipt:{number}\n");
        room_send(&self.room, &headers, &format!("n {number}"))
    }
}

fn is_retryable(code: &str) -> bool {
    matches!(code, "DRAINING" | "OVERLOADED" | "UNAVAILABLE" | "INTERNAL")
}

/// One message as a reader got it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Got {
    pub(super) seq: u64,
    pub(super) number: u64,
}

/// A reader of one room.
pub(super) struct ReaderTask {
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) room: String,
    /// The position behind which it begins.
    pub(super) since: String,
}

impl ReaderTask {
    /// Reads until the text `end`, coming back after each cut; answers what it got, in order.
    pub(super) fn run(mut self) -> Vec<Got> {
        let mut got = Vec::new();
        while let Some(mut peer) = reconnect(self.address, &self.token) {
            let (room, since) = (&self.room, &self.since);
            peer.send(format!(
                "SUBSCRIBE\nid:s1\ndestination:/rooms/{room}\nsince:{since}\n\n\0"
            ));
            loop {
                match peer.arrival() {
                    Arrival::Frame(frame) if frame.command == "MESSAGE" => {
                        assert_eq!(frame.get("event"), None, "no reset: nothing was removed");
                        let text = crate::rooms::text(&frame);
                        if text == "end" {
                            return got;
                        }
                        let seq = frame.json()["seq"].as_u64().expect("a seq");
                        got.push(Got {
                            seq,
                            number: number(&text),
                        });
                        frame.need("position").clone_into(&mut self.since);
                    }
                    Arrival::Frame(frame) if is_retryable(frame.need("code")) => break,
                    Arrival::Frame(frame) => panic!("reader got {frame:?}"),
                    Arrival::Beat => {}
                    Arrival::Closed(_) => break,
                }
            }
        }
        panic!("the server did not come back")
    }
}
