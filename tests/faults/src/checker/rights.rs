//! Nobody writes or reads without the right: members until they are removed, agents while they have the room. Who has
//! the right is not refused.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, Logs, Verdict};
use crate::history::{Entry, Event, What};

pub(super) fn check(events: &[Event], logs: &Logs, verdict: &mut Verdict) {
    let mut removals: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (room, entries) in logs.rooms() {
        check_writers(room, entries, verdict);
        for entry in entries.iter().filter(|entry| entry.kind == "removed") {
            let removed = entry.subjects.iter();
            removals.extend(removed.map(|user| ((room, user.as_str()), entry.seq)));
        }
    }
    let agents: BTreeSet<&str> = events.iter().filter_map(agent).collect();
    for event in events {
        match &event.what {
            What::Seen {
                reader,
                room,
                entry,
            } => {
                let removal = removals.get(&(room.as_str(), user(reader)));
                if removal.is_some_and(|removal| entry.seq > *removal) {
                    verdict.found(Breach::Other, || {
                        format!("{reader} was removed and saw {room} {}", entry.seq)
                    });
                }
            }
            What::Refused { message, code } => {
                let removed = removals.contains_key(&(message.room.as_str(), &message.sender));
                if !removed && !agents.contains(message.sender.as_str()) {
                    verdict.found(Breach::Other, || format!("{message:?} was refused: {code}"));
                }
            }
            What::Removed { user, room } if !removals.contains_key(&(room.as_str(), user)) => {
                verdict.found(Breach::Lost, || format!("{room}: the removal of {user}"));
            }
            _ => {}
        }
    }
}

/// Whose reader it is: `kim/stomp` is kim's.
fn user(reader: &str) -> &str {
    reader.split('/').next().unwrap_or(reader)
}

fn agent(event: &Event) -> Option<&str> {
    match &event.what {
        What::Claimed { agent, .. } | What::Lost { agent, .. } => Some(agent),
        _ => None,
    }
}

/// By the log alone: a message stands where its sender had the right.
fn check_writers(room: &str, entries: &[Entry], verdict: &mut Verdict) {
    let mut removed: BTreeSet<&str> = BTreeSet::new();
    let mut has: Option<&str> = None;
    // A support room has its customer's id; others have no agent.
    let is_support = entries.iter().any(|entry| entry.kind == "assigned");
    for entry in entries {
        let subjects = entry.subjects.iter().map(String::as_str);
        match entry.kind.as_str() {
            "removed" => removed.extend(subjects),
            "joined" | "added" => subjects.for_each(|user| {
                removed.remove(user);
            }),
            "assigned" | "handedOver" => has = entry.subjects.first().map(String::as_str),
            "released" | "completed" => has = None,
            "message" => {
                let sender = entry.sender.as_str();
                let as_agent = is_support && sender != room && has != Some(sender);
                if removed.contains(sender) || as_agent {
                    verdict.found(Breach::Other, || {
                        format!("{room} {}: {sender} had no right to write", entry.seq)
                    });
                }
            }
            _ => {}
        }
    }
}
