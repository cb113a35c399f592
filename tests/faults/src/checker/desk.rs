//! A support room has one agent at a time: by its log, and by what agents were told.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, Logs, Verdict};
use crate::history::{Entry, Event, What};

pub(super) fn check(events: &[Event], logs: &Logs, verdict: &mut Verdict) {
    for (room, entries) in logs.rooms() {
        check_log(room, entries, verdict);
    }
    check_told(events, verdict);
}

/// Nobody gets a room that somebody has.
fn check_log(room: &str, entries: &[Entry], verdict: &mut Verdict) {
    let mut has: Option<&str> = None;
    for entry in entries {
        let subject = entry.subjects.first().map(String::as_str);
        match entry.kind.as_str() {
            "assigned" => {
                if let Some(has) = has {
                    verdict.found(Breach::DoubleClaim, || {
                        format!("{room} {}: {subject:?} got what {has} had", entry.seq)
                    });
                }
                has = subject;
            }
            "handedOver" => has = subject,
            "released" | "completed" => has = None,
            _ => {}
        }
    }
}

/// From the answer to a claim until they begin to give it away the room is an agent's, and nobody else is told that
/// it is theirs. Who once gave a room away and got no answer may lose it at any time later, and is not asked.
fn check_told(events: &[Event], verdict: &mut Verdict) {
    let mut have: BTreeMap<&str, &str> = BTreeMap::new();
    let mut unsure: BTreeSet<(&str, &str)> = BTreeSet::new();
    for event in events {
        match &event.what {
            What::Claimed { agent, room } => {
                if unsure.contains(&(agent.as_str(), room.as_str())) {
                    continue;
                }
                let other = have.insert(room, agent).filter(|other| other != agent);
                if let Some(other) = other {
                    verdict.found(Breach::DoubleClaim, || {
                        format!("{room}: {agent} was told that they have it while {other} had it")
                    });
                }
            }
            What::Parting { agent, room } if have.get(room.as_str()) == Some(&agent.as_str()) => {
                have.remove(room.as_str());
            }
            What::Refused { message, .. }
                if have.get(message.room.as_str()) == Some(&message.sender.as_str()) =>
            {
                verdict.found(Breach::Other, || {
                    format!("{message:?} was refused, and its sender had the room")
                });
            }
            What::PartingUnanswered { agent, room } => {
                unsure.insert((agent, room));
            }
            _ => {}
        }
    }
}
