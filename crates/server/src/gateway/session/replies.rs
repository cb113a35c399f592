//! Answers in the order of the frames that asked for them.
//!
//! A RECEIPT says that all frames before it were received, too (STOMP 1.2, "RECEIPT"), so an
//! answer that waits for a commit holds back those behind it.

use std::collections::VecDeque;

use madang_engine::commit::GroupOutcome;
use madang_wire::stomp::Version;

use super::super::framing::Framing;
use super::dialect::{Failure, Voice};
use super::json::answers;
use super::stomp::frames;

/// Names an answer that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// Bounded by `unanswered_max`: the session reads no more commands beyond it.
#[derive(Default)]
pub(super) struct Replies {
    slots: VecDeque<Slot>,
    /// The ticket of the first slot.
    first: u64,
    dialogue: Dialogue,
    failure: Option<Failure>,
}

/// What answers look like.
#[derive(Debug, Clone, Copy)]
enum Dialogue {
    /// RECEIPTs; a failure ends the session. 1.2 until CONNECT has settled it.
    Stomp(Option<Version>),
    /// Acknowledgements; a failure is an answer like others.
    Json,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self::Stomp(None)
    }
}

enum Slot {
    /// Known, but behind one that waits.
    Ready(Vec<u8>),
    /// Waits for a commit.
    Waiting {
        receipt: Option<Box<str>>,
        voice: Voice,
    },
    /// The commit failed, behind one that waits.
    Failed(Failure),
}

impl Replies {
    pub(super) fn set_version(&mut self, version: Version) {
        self.dialogue = Dialogue::Stomp(Some(version));
    }

    /// Answers are JSON from now on, and what they are called is JSON too.
    pub(super) fn speak_json(&mut self) {
        self.dialogue = Dialogue::Json;
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether an answer was a failure: the session ends with it.
    pub(super) fn failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Takes a place for an answer that comes later. Without `receipt` only a failure is told.
    pub(super) fn wait(&mut self, receipt: Option<&str>, voice: Voice) -> Ticket {
        let ticket = Ticket(self.first + self.slots.len() as u64);
        self.slots.push_back(Slot::Waiting {
            receipt: receipt.map(Box::from),
            voice,
        });
        ticket
    }

    /// A RECEIPT that is due now, or as soon as those before it are.
    pub(super) fn receipt(&mut self, receipt: &str, framing: Framing, out: &mut Vec<u8>) {
        let version = self.version();
        if self.slots.is_empty() {
            return frames::encode_receipt(framing, version, receipt, out);
        }
        let mut bytes = Vec::new();
        frames::encode_receipt(framing, version, receipt, &mut bytes);
        self.slots.push_back(Slot::Ready(bytes));
    }

    /// The answer that waited under `ticket`. Appends it to `out`, and those behind it that were
    /// only waiting for it.
    pub(super) fn resolve(
        &mut self,
        ticket: Ticket,
        outcome: GroupOutcome,
        framing: Framing,
        out: &mut Vec<u8>,
    ) {
        let dialogue = self.dialogue;
        let index = ticket
            .0
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) else {
            return;
        };
        let Slot::Waiting { receipt, voice } = slot else {
            return;
        };
        let receipt = receipt.take();
        let mut bytes = Vec::new();
        *slot = match (dialogue, outcome) {
            (Dialogue::Stomp(version), Ok(_)) => {
                if let Some(receipt) = receipt {
                    let version = version.unwrap_or(Version::V1_2);
                    frames::encode_receipt(framing, version, &receipt, &mut bytes);
                }
                Slot::Ready(bytes)
            }
            (Dialogue::Stomp(_), Err(error)) => Slot::Failed(Failure {
                error,
                receipt,
                voice: *voice,
            }),
            (Dialogue::Json, outcome) => {
                answers::encode_outcome(framing, receipt.as_deref(), &outcome, &mut bytes);
                Slot::Ready(bytes)
            }
        };
        self.release(out);
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        while let Some(slot) = self.slots.front() {
            match slot {
                Slot::Waiting { .. } => return,
                Slot::Ready(bytes) => out.extend_from_slice(bytes),
                Slot::Failed(_) => {}
            }
            self.first += 1;
            if let Some(Slot::Failed(failure)) = self.slots.pop_front() {
                // ERROR is the last frame of a session: nothing behind it is answered.
                self.failure.get_or_insert(failure);
                self.first += self.slots.len() as u64;
                self.slots.clear();
            }
        }
        if self.slots.capacity() > 64 {
            self.slots = VecDeque::new();
        }
    }

    /// 1.2 until CONNECT has settled it.
    pub(super) fn version(&self) -> Version {
        match self.dialogue {
            Dialogue::Stomp(Some(version)) => version,
            Dialogue::Stomp(None) | Dialogue::Json => Version::V1_2,
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Code;

    use super::*;

    fn text(out: &[u8]) -> String {
        String::from_utf8_lossy(out).into_owned()
    }

    #[test]
    fn receipts_keep_the_order_of_their_frames() {
        let (mut replies, mut out) = (Replies::default(), Vec::new());
        let a = replies.wait(Some("a"), Voice::Native);
        let quiet = replies.wait(None, Voice::Native);
        replies.receipt("c", Framing::WebSocket, &mut out);
        let d = replies.wait(Some("d"), Voice::Native);
        replies.resolve(d, Ok(Vec::new()), Framing::WebSocket, &mut out);
        replies.resolve(quiet, Ok(Vec::new()), Framing::WebSocket, &mut out);
        assert!(out.is_empty(), "all wait for a");
        replies.resolve(a, Ok(Vec::new()), Framing::WebSocket, &mut out);
        let order: Vec<_> = text(&out)
            .matches("receipt-id:")
            .map(str::to_owned)
            .collect();
        assert_eq!(order.len(), 3);
        let at = |id: &str| text(&out).find(&format!("receipt-id:{id}")).unwrap();
        assert!(at("a") < at("c") && at("c") < at("d"));
        assert!(replies.is_empty());
    }

    #[test]
    fn a_failure_silences_what_is_behind_it_and_nothing_before() {
        let (mut replies, mut out) = (Replies::default(), Vec::new());
        let a = replies.wait(Some("a"), Voice::Native);
        let b = replies.wait(Some("b"), Voice::Native);
        replies.receipt("c", Framing::WebSocket, &mut out);
        replies.resolve(
            b,
            Err(Code::NotYourRoom.into()),
            Framing::WebSocket,
            &mut out,
        );
        assert!(!replies.failed(), "a is still owed");
        replies.resolve(a, Ok(Vec::new()), Framing::WebSocket, &mut out);
        assert!(text(&out).contains("receipt-id:a") && !text(&out).contains("receipt-id:c"));
        let failure = replies.take_failure().unwrap();
        assert_eq!(failure.receipt.as_deref(), Some("b"));
    }
}
