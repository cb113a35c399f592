//! Each accepted message stands in the log once, numbers have no gap, nodes agree, and who was answered first
//! stands before whoever began to send after that.

use std::collections::BTreeMap;

use super::{Breach, Logs, Verdict};
use crate::history::{Entry, Event, Name, What};

/// What became of a message, as its sender knows.
#[derive(Debug, Default)]
struct Fate {
    first_sent: u64,
    answered: Option<u64>,
    seq: Option<u64>,
    refused: bool,
    unanswered: bool,
    /// How many times the log has it.
    stored: u64,
}

pub(super) fn check(events: &[Event], logs: &Logs, verdict: &mut Verdict) {
    let mut fates = fates(events);
    for (room, entries) in logs.rooms() {
        check_numbers(room, entries, verdict);
        check_copies(room, logs, verdict);
        for entry in entries.iter().filter(|entry| entry.is_message()) {
            check_message(room, entry, &mut fates, verdict);
        }
        check_precedence(room, entries, &fates, verdict);
    }
    for (name, fate) in &fates {
        verdict.accepted += u64::from(fate.answered.is_some());
        if fate.answered.is_some() && fate.stored == 0 {
            verdict.found(Breach::Lost, || format!("{name:?} was accepted"));
        }
        if fate.refused && !fate.unanswered && fate.stored > 0 {
            verdict.found(Breach::Other, || {
                format!("{name:?} was refused and stands in the log")
            });
        }
    }
}

fn fates(events: &[Event]) -> BTreeMap<Name, Fate> {
    let mut fates: BTreeMap<Name, Fate> = BTreeMap::new();
    for event in events {
        match &event.what {
            What::Sent { message } => {
                let first = Fate {
                    first_sent: event.at,
                    ..Fate::default()
                };
                fates.entry(message.clone()).or_insert(first);
            }
            What::Accepted { message, seq } => {
                let fate = fates.entry(message.clone()).or_default();
                fate.answered = Some(event.at);
                fate.seq = *seq;
            }
            What::Refused { message, .. } => {
                fates.entry(message.clone()).or_default().refused = true
            }
            What::Unanswered { message } => {
                fates.entry(message.clone()).or_default().unanswered = true;
            }
            _ => {}
        }
    }
    fates
}

fn check_numbers(room: &str, entries: &[Entry], verdict: &mut Verdict) {
    for (entry, expected) in entries.iter().zip(1..) {
        if entry.seq != expected {
            let seq = entry.seq;
            verdict.found(Breach::OutOfOrder, || {
                format!("{room}: {seq} stands at {expected}")
            });
            return;
        }
    }
}

/// Up to the last message all nodes have the same.
fn check_copies(room: &str, logs: &Logs, verdict: &mut Verdict) {
    let longest = logs.longest(room);
    let length = longest
        .iter()
        .position(Entry::is_end)
        .map_or(longest.len(), |at| at + 1);
    for (node, entries) in logs.copies.get(room).into_iter().flatten() {
        for (at, expected) in longest.iter().take(length).enumerate() {
            match entries.get(at) {
                Some(entry) if entry == expected => {}
                Some(entry) => verdict.found(Breach::OutOfOrder, || {
                    format!("{room}: node {node} has {entry:?}, another {expected:?}")
                }),
                None => verdict.found(Breach::Lost, || {
                    format!("{room}: node {node} does not have {}", at + 1)
                }),
            }
        }
    }
}

fn check_message(
    room: &str,
    entry: &Entry,
    fates: &mut BTreeMap<Name, Fate>,
    verdict: &mut Verdict,
) {
    let fate = entry.number().and_then(|number| {
        fates.get_mut(&Name {
            room: room.to_owned(),
            sender: entry.sender.clone(),
            number,
        })
    });
    let Some(fate) = fate else {
        verdict.found(Breach::Other, || format!("{room}: nobody sent {entry:?}"));
        return;
    };
    fate.stored += 1;
    if fate.stored > 1 {
        verdict.found(Breach::Repeated, || {
            format!("{room}: {entry:?} is stored again")
        });
    } else if fate.seq.is_some_and(|seq| seq != entry.seq) {
        let told = fate.seq;
        verdict.found(Breach::OutOfOrder, || {
            format!("{room}: {entry:?} was said to be {told:?}")
        });
    }
}

/// Whoever began to send after another was answered stands behind it. Seen from the end: nobody may have been
/// answered before this one's first attempt who stands behind it.
fn check_precedence(
    room: &str,
    entries: &[Entry],
    fates: &BTreeMap<Name, Fate>,
    verdict: &mut Verdict,
) {
    let mut earliest_behind = u64::MAX;
    for entry in entries.iter().rev().filter(|entry| entry.is_message()) {
        let Some(number) = entry.number() else {
            continue;
        };
        let name = Name {
            room: room.to_owned(),
            sender: entry.sender.clone(),
            number,
        };
        let Some(fate) = fates.get(&name) else {
            continue;
        };
        if fate.first_sent > earliest_behind {
            verdict.found(Breach::OutOfOrder, || {
                format!("{room}: {entry:?} stands before one that was answered before it was sent")
            });
        }
        earliest_behind = earliest_behind.min(fate.answered.unwrap_or(u64::MAX));
    }
}
