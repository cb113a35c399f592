//! What a subscription delivered and its client has not acknowledged (STOMP 1.2, "ACK", "NACK").

use std::collections::VecDeque;

use madang_domain::Position;

/// Deliveries that may be unacknowledged at once. A room subscription then waits, as a slow
/// reader does; a topic's session ends, since its events are not stored.
const UNACKNOWLEDGED_MAX: usize = 4_096;

/// The `ack` header of SUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum AckMode {
    Auto,
    /// An ACK counts for all before it, too.
    Client,
    /// An ACK counts for its message only.
    ClientIndividual,
}

/// Which message was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Delivered {
    Room(Position),
    Topic(Box<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    Ack,
    Nack,
}

/// How an ACK names a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum AckTarget {
    /// 1.2: the `ack` header of the MESSAGE.
    Id(Box<str>),
    /// 1.0 and 1.1: the MESSAGE's `message-id`.
    MessageId(Box<str>),
}

/// In the order delivered.
#[derive(Debug)]
pub(in super::super) struct AckLedger {
    mode: AckMode,
    /// Tells this subscription's ack ids from those of all others of the session.
    serial: u32,
    next_number: u64,
    outstanding: VecDeque<Outstanding>,
    /// The room position up to which everything was acknowledged.
    mark: Option<Position>,
    /// Something was refused: the mark stays before it until the client resumes.
    held: bool,
}

#[derive(Debug)]
struct Outstanding {
    number: u64,
    delivered: Delivered,
    verdict: Option<Verdict>,
}

impl AckLedger {
    pub(in super::super) fn new(mode: AckMode, serial: u32) -> Self {
        let outstanding = VecDeque::new();
        Self {
            mode,
            serial,
            next_number: 0,
            outstanding,
            mark: None,
            held: false,
        }
    }

    pub(in super::super) fn is_full(&self) -> bool {
        self.outstanding.len() >= UNACKNOWLEDGED_MAX
    }

    /// Notes a delivery and answers the `ack` header that goes with it.
    pub(in super::super) fn delivered(&mut self, delivered: Delivered) -> String {
        let number = self.next_number;
        self.next_number += 1;
        self.outstanding.push_back(Outstanding {
            number,
            delivered,
            verdict: None,
        });
        format!("{}.{number}", self.serial)
    }

    /// Where `target` is among what is outstanding.
    pub(in super::super) fn find(&self, target: &AckTarget) -> Option<usize> {
        let open = |entry: &Outstanding| entry.verdict.is_none();
        match target {
            AckTarget::Id(id) => {
                let (serial, number) = id.split_once('.')?;
                if serial.parse() != Ok(self.serial) {
                    return None;
                }
                let number: u64 = number.parse().ok()?;
                let first = self.outstanding.front()?.number;
                let index = usize::try_from(number.checked_sub(first)?).ok()?;
                self.outstanding
                    .get(index)
                    .filter(|entry| open(entry))
                    .map(|_| index)
            }
            AckTarget::MessageId(id) => {
                let same = |entry: &Outstanding| entry.delivered.has_message_id(id);
                self.outstanding
                    .iter()
                    .position(|entry| open(entry) && same(entry))
            }
        }
    }

    /// Applies a verdict to the delivery at `index` (and, in client mode, to all before it).
    /// Answers the room position up to which everything is acknowledged now, if that rose.
    pub(in super::super) fn apply(&mut self, index: usize, verdict: Verdict) -> Option<Position> {
        match self.mode {
            AckMode::ClientIndividual => {
                if let Some(entry) = self.outstanding.get_mut(index) {
                    entry.verdict = Some(verdict);
                }
            }
            AckMode::Auto | AckMode::Client => {
                let open = self.outstanding.iter_mut().take(index + 1);
                open.for_each(|entry| entry.verdict = entry.verdict.or(Some(verdict)));
            }
        }
        self.settle()
    }

    fn settle(&mut self) -> Option<Position> {
        let before = self.mark;
        while let Some(verdict) = self.outstanding.front().and_then(|entry| entry.verdict) {
            let Some(entry) = self.outstanding.pop_front() else {
                break;
            };
            self.held |= verdict == Verdict::Nack;
            if let Delivered::Room(position) = entry.delivered
                && !self.held
            {
                self.mark = Some(position);
            }
        }
        self.mark.filter(|_| self.mark != before)
    }
}

impl Delivered {
    fn has_message_id(&self, id: &str) -> bool {
        match self {
            Self::Room(position) => id.parse() == Ok(*position),
            Self::Topic(message_id) => **message_id == *id,
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::{Epoch, Seq};

    use super::*;

    fn at(seq: u64) -> Position {
        Position {
            epoch: Epoch::new(1),
            seq: Seq::new(seq),
        }
    }

    fn ledger(mode: AckMode) -> AckLedger {
        let mut ledger = AckLedger::new(mode, 3);
        for seq in 1..=4 {
            let id = ledger.delivered(Delivered::Room(at(seq)));
            assert_eq!(id, format!("3.{}", seq - 1));
        }
        ledger
    }

    fn by_id(ledger: &AckLedger, id: &str) -> Option<usize> {
        ledger.find(&AckTarget::Id(id.into()))
    }

    #[test]
    fn an_ack_in_client_mode_counts_for_all_before_it() {
        let mut ledger = ledger(AckMode::Client);
        let third = by_id(&ledger, "3.2").unwrap();
        assert_eq!(ledger.apply(third, Verdict::Ack), Some(at(3)));
        assert_eq!(by_id(&ledger, "3.0"), None, "already acknowledged");
        assert_eq!(by_id(&ledger, "3.3"), Some(0));
    }

    #[test]
    fn an_individual_ack_raises_the_mark_only_over_what_is_acknowledged_without_a_hole() {
        let mut ledger = ledger(AckMode::ClientIndividual);
        assert_eq!(ledger.apply(1, Verdict::Ack), None);
        assert_eq!(ledger.apply(0, Verdict::Ack), Some(at(2)));
    }

    #[test]
    fn a_nack_holds_the_mark_before_it() {
        let mut ledger = ledger(AckMode::ClientIndividual);
        assert_eq!(ledger.apply(0, Verdict::Ack), Some(at(1)));
        assert_eq!(ledger.apply(0, Verdict::Nack), None);
        assert_eq!(ledger.apply(0, Verdict::Ack), None);
        assert_eq!(by_id(&ledger, "3.3"), Some(0));
    }

    #[test]
    fn an_ack_of_another_subscription_or_of_nothing_finds_nothing() {
        let ledger = ledger(AckMode::Client);
        for id in ["2.0", "3.4", "nope", "3.", ".1", ""] {
            assert_eq!(by_id(&ledger, id), None, "{id}");
        }
        let by_message = |id: &str| ledger.find(&AckTarget::MessageId(id.into()));
        assert_eq!(by_message(&at(2).to_string()), Some(1));
        assert_eq!(by_message(&at(5).to_string()), None);
    }
}
