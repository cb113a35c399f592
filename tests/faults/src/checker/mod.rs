//! Whether a history keeps what was promised. It reads events and nothing else.

mod desk;
mod log;
mod rights;

#[cfg(test)]
mod tests;
mod views;

use std::collections::BTreeMap;

use crate::history::{Entry, Event, What};

/// What is told of at most; the counts are exact.
const FINDINGS_MAX: usize = 40;

/// What a history has against the promise, and how much it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Messages that were answered with success.
    pub(crate) accepted: u64,
    /// Accepted messages that the log, and entries of the log that a reader or a node, does not have.
    pub(crate) lost: u64,
    /// Messages that the log, and entries that a reader, has more than once.
    pub(crate) repeated: u64,
    /// Entries whose number, place or content is not what it has to be.
    pub(crate) out_of_order: u64,
    /// Claims that were won while another agent had the room.
    pub(crate) double_claims: u64,
    /// Whatever else is wrong: messages of who had no right, resets without a reason, refusals of who had a right.
    pub(crate) others: u64,
    /// What was found, in words.
    pub(crate) findings: Vec<String>,
}

/// What kind of fault a finding counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breach {
    Lost,
    Repeated,
    OutOfOrder,
    DoubleClaim,
    Other,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        let counts = [
            self.lost,
            self.repeated,
            self.out_of_order,
            self.double_claims,
            self.others,
        ];
        counts == [0; 5]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.double_claims += other.double_claims;
        self.others += other.others;
    }

    /// Something that no history has.
    pub(crate) fn other(&mut self, text: String) {
        self.found(Breach::Other, || text);
    }

    fn found(&mut self, breach: Breach, text: impl FnOnce() -> String) {
        *match breach {
            Breach::Lost => &mut self.lost,
            Breach::Repeated => &mut self.repeated,
            Breach::OutOfOrder => &mut self.out_of_order,
            Breach::DoubleClaim => &mut self.double_claims,
            Breach::Other => &mut self.others,
        } += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(format!("{breach:?}: {}", text()));
        }
    }
}

/// The logs of all rooms: up to the last message of each, and of each node where they differ.
#[derive(Debug, Default)]
struct Logs {
    /// By room, then by node.
    copies: BTreeMap<String, BTreeMap<usize, Vec<Entry>>>,
}

impl Logs {
    fn of(events: &[Event]) -> Self {
        let mut logs = Self::default();
        for event in events {
            if let What::Log { node, room, entry } = &event.what {
                let copies = logs.copies.entry(room.clone()).or_default();
                copies.entry(*node).or_default().push(entry.clone());
            }
        }
        logs
    }

    /// A room's log as the node has it that has most of it.
    fn longest(&self, room: &str) -> &[Entry] {
        let copies = self.copies.get(room).into_iter().flatten();
        let longest = copies.max_by_key(|(_, entries)| entries.len());
        longest.map_or(&[], |(_, entries)| entries)
    }

    fn rooms(&self) -> impl Iterator<Item = (&str, &[Entry])> {
        let rooms = self.copies.keys();
        rooms.map(|room| (room.as_str(), self.longest(room)))
    }
}

/// Checks a whole history.
pub(crate) fn check(events: &[Event]) -> Verdict {
    let mut verdict = Verdict::default();
    let logs = Logs::of(events);
    log::check(events, &logs, &mut verdict);
    views::check(events, &logs, &mut verdict);
    desk::check(events, &logs, &mut verdict);
    rights::check(events, &logs, &mut verdict);
    verdict
}
