//! Every reader saw each entry of the log once, in order, over all connections; who was removed nothing behind that.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, Logs, Verdict};
use crate::history::{Entry, Event, What};

/// What a reader saw of a room.
#[derive(Debug, Default)]
struct View<'a> {
    behind: u64,
    seen: Vec<&'a Entry>,
    ended: bool,
}

pub(super) fn check(events: &[Event], logs: &Logs, verdict: &mut Verdict) {
    let mut views: BTreeMap<(&str, &str), View<'_>> = BTreeMap::new();
    for event in events {
        match &event.what {
            What::Began {
                reader,
                room,
                behind,
            } => views.entry((reader, room)).or_default().behind = *behind,
            What::Seen {
                reader,
                room,
                entry,
            } => views.entry((reader, room)).or_default().seen.push(entry),
            What::Ended { reader, room } => views.entry((reader, room)).or_default().ended = true,
            // Nothing is removed from these logs.
            What::Reset { reader, room } => verdict.found(Breach::Other, || {
                format!("{reader} was told without a reason that {room} cannot be resumed")
            }),
            _ => {}
        }
    }
    for ((reader, room), view) in &views {
        check_view(reader, room, view, logs.longest(room), verdict);
    }
}

fn check_view(reader: &str, room: &str, view: &View<'_>, log: &[Entry], verdict: &mut Verdict) {
    let mut last = view.behind;
    let mut missing: BTreeSet<u64> = BTreeSet::new();
    let mut had: BTreeSet<u64> = BTreeSet::new();
    let stored: BTreeMap<u64, &Entry> = log.iter().map(|entry| (entry.seq, entry)).collect();
    for entry in &view.seen {
        let seq = entry.seq;
        if !had.insert(seq) {
            verdict.found(Breach::Repeated, || format!("{reader}: {room} {seq} again"));
        } else if seq != last + 1 {
            verdict.found(Breach::OutOfOrder, || {
                format!("{reader}: {room} {seq} behind {last}")
            });
        }
        missing.extend(last + 1..seq);
        last = last.max(seq);
        let stored = stored.get(&seq);
        if stored.is_some_and(|stored| stored != entry) {
            verdict.found(Breach::OutOfOrder, || {
                format!("{reader}: {room} has {stored:?}, seen as {entry:?}")
            });
        }
    }
    let never: Vec<u64> = missing.difference(&had).copied().collect();
    for seq in never {
        verdict.found(Breach::Lost, || format!("{reader}: never saw {room} {seq}"));
    }
    // Who is no member any more misses what came while they were away.
    if view.ended {
        return;
    }
    let end = log.iter().find(|entry| entry.is_end());
    let end = end.or(log.last()).map_or(0, |entry| entry.seq);
    for seq in last + 1..=end {
        verdict.found(Breach::Lost, || format!("{reader}: never saw {room} {seq}"));
    }
}
